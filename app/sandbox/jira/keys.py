"""The RSA key with which the site signs install tokens, served as Atlassian's key host does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True)
class InstallKey:
    """``kid`` is its name; ``public_pem`` is what the key host answers."""

    kid: str
    private: rsa.RSAPrivateKey
    public_pem: str


def generate() -> InstallKey:
    private = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return InstallKey(str(uuid4()), private, public.decode())


@cache
def install_key() -> InstallKey:
    """One for the whole process: making one takes a while, and a key host has few."""
    return generate()
