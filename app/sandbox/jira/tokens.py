"""The tokens that Jira signs and the ones that it takes, as Atlassian's documents describe them.

Claims given as ``None`` are left out, so that a test can forge what Jira would never send.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt

from app.sandbox.jira.keys import InstallKey
from app.sandbox.jira.qsh import query_string_hash

LIFETIME = 180
LONGEST_LIFETIME = 3600
CONTEXT_QSH = "context-qsh"


class BadToken(Exception):
    """A request token that Jira does not take. The text says why, for the site's own log."""


def encode(claims: Mapping[str, Any], secret: str) -> str:
    return jwt.encode(_given(claims), secret, algorithm="HS256")


def encode_install(claims: Mapping[str, Any], key: InstallKey, kid: str | None = None) -> str:
    return jwt.encode(
        _given(claims), key.private, algorithm="RS256", headers={"kid": kid or key.kid}
    )


def lifetime(now: datetime, seconds: int = LIFETIME) -> dict[str, int]:
    issued = int(now.timestamp())
    return {"iat": issued, "exp": issued + seconds}


def verify(token: str, secret: str, *, issuer: str, method: str, url: str, now: datetime) -> None:
    """Take a token that the app made for one request.

    Raises:
        BadToken: the signature, the issuer, the life time or the qsh is wrong.
    """
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            options={
                "require": ["iss", "iat", "exp", "qsh"],
                "verify_exp": False,  # against this site's clock, below
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            },
        )
    except jwt.PyJWTError as error:
        raise BadToken(type(error).__name__) from error
    if claims["iss"] != issuer:
        raise BadToken("iss is not the key of the app")
    issued, expires = claims["iat"], claims["exp"]
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise BadToken("iat and exp must be whole seconds")
    if expires <= now.timestamp():
        raise BadToken("expired")
    if expires - issued > LONGEST_LIFETIME:
        raise BadToken("lives longer than an hour")
    if claims["qsh"] != query_string_hash(method, url):
        raise BadToken("qsh does not match the request")


def _given(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value is not None}
