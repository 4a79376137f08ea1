"""Signs as Jira does, and as those who would like to be Jira do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from app.doors.connect.qsh import query_string_hash

BASE_URL = "https://chat.example.com"
SECRET = "the-shared-secret-of-acme-0123456789abcdef"
OTHER_SECRET = "the-shared-secret-of-umbrella-0123456789ab"


@dataclass(frozen=True)
class KeyPair:
    kid: str
    private: rsa.RSAPrivateKey
    public_pem: bytes


@cache
def key_pair(kid: str = "7f1c0a4e-key") -> KeyPair:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(kid, private, pem)


def claims_of(
    issuer: str, issued_at: int, method: str, path: str, query: str = "", **changes: Any
) -> dict[str, Any]:
    """What Jira claims for such a request; a change to None leaves the claim out."""
    claims = {
        "iss": issuer,
        "iat": issued_at,
        "exp": issued_at + 180,
        "qsh": query_string_hash(method, path, query),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def rs256(claims: Mapping[str, Any], pair: KeyPair | None = None, **header: Any) -> str:
    pair = pair or key_pair()
    headers = {"kid": pair.kid, **header}
    return jwt.encode(dict(claims), pair.private, algorithm="RS256", headers=headers)


def hs256(claims: Mapping[str, Any], secret: str = SECRET) -> str:
    return by_hand(claims, secret.encode(), alg="HS256")


def unsigned(claims: Mapping[str, Any], alg: str = "none", **header: Any) -> str:
    return f"{_segment({'typ': 'JWT', 'alg': alg, **header})}.{_segment(claims)}."


def by_hand(claims: Mapping[str, Any], secret: bytes, alg: str = "HS256", **header: Any) -> str:
    """HMAC-SHA256 with any bytes as its key: PyJWT would refuse to use a PEM as one."""
    signed = f"{_segment({'typ': 'JWT', 'alg': alg, **header})}.{_segment(claims)}"
    return f"{signed}.{base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def with_payload(token: str, claims: Mapping[str, Any]) -> str:
    """The token with other claims under its old signature."""
    header, _, signature = token.split(".")
    return f"{header}.{_segment(claims)}.{signature}"


def _segment(value: Mapping[str, Any]) -> str:
    return base64url(json.dumps(value).encode())


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
