"""Invocation tokens as Forge makes them, and as those do who would like to be Forge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from jwt.algorithms import RSAAlgorithm

from app.doors.forge.tokens import Invocation, verify_invocation
from tests.doors import signing
from tests.doors.signing import KeyPair
from tests.support.clock import FakeClock

APP_ID = "ari:cloud:ecosystem::app/11111111-2222-3333-4444-555555555555"
INSTALLATION = "ari:cloud:ecosystem::installation/acme"
CLOUD_ID = "c10ad1d0-acme"
API_BASE = f"https://api.atlassian.com/ex/jira/{CLOUD_ID}"
SITE = "https://acme.atlassian.net"
AGNES = "712020:b8e4d7f6-agnes"
HOSTS = ("*.atlassian.net", "api.atlassian.com")
JSON = dict[str, Any]


def key_pair() -> KeyPair:
    return signing.key_pair("forge-key-1")


@cache
def other_pair() -> KeyPair:
    """Another's key, under the name of the platform's."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return KeyPair(key_pair().kid, private, b"")


def jwk(pair: KeyPair | None = None, **changes: Any) -> JSON:
    pair = pair or key_pair()
    public: JSON = RSAAlgorithm.to_jwk(pair.private.public_key(), as_dict=True)
    return {**public, "kid": pair.kid, "use": "sig", "alg": "RS256", **changes}


def claims(now: datetime, **changes: Any) -> JSON:
    """What Forge claims of an event's call; a change to None leaves the claim out."""
    issued = int(now.timestamp())
    told = {
        "iss": "forge/invocation-token",
        "aud": APP_ID,
        "iat": issued,
        "nbf": issued,
        "exp": issued + 25,
        "jti": "one-of-its-kind",
        "app": app(),
        "context": context(),
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def app(**changes: Any) -> JSON:
    told = {
        "id": APP_ID,
        "appVersion": "2.1.0",
        "installationId": INSTALLATION,
        "installation": {"id": INSTALLATION, "contexts": [{"name": "ari:cloud:jira::site/x"}]},
        "apiBaseUrl": API_BASE,
        "environment": {"type": "PRODUCTION", "id": "ari:cloud:ecosystem::environment/1"},
        "module": {"type": "core:trigger", "key": "events"},
        "license": {"isActive": True},
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def context(**changes: Any) -> JSON:
    told = {"cloudId": CLOUD_ID, "siteUrl": SITE, "somethingNew": [1], **changes}
    return {name: value for name, value in told.items() if value is not None}


def sign(told: Mapping[str, Any], pair: KeyPair | None = None) -> str:
    """RS256 by hand, whatever the claims are: PyJWT judges some when it writes them."""
    pair = pair or key_pair()
    header = signing.base64url(json.dumps({"alg": "RS256", "kid": pair.kid}).encode())
    signed = f"{header}.{signing.base64url(json.dumps(dict(told)).encode())}"
    made = pair.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{signing.base64url(made)}"


def oauth(now: datetime, seconds: int = 3600, **told: Any) -> str:
    """A token that calls Jira; Jira alone could verify it."""
    said = {"exp": int(now.timestamp()) + seconds, **told}
    return jwt.encode(said, "a-secret-of-atlassians-own-0123456789", algorithm="HS256")


def verify(raw: str, clock: FakeClock, **changes: Any) -> Invocation:
    """As the app does, with its usual settings."""
    how: JSON = {
        "key": key_pair().private.public_key(),
        "app_id": APP_ID,
        "environments": (),
        "tenant_hosts": HOSTS,
        "now": clock.now(),
        **changes,
    }
    return verify_invocation(raw, **how)
