"""The tokens of the platform: those that prove a call, and those that call Jira.

Claims given as ``None`` are left out, so that a test can forge what Forge would never send.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import jwt
from jwt.algorithms import RSAAlgorithm

from app.sandbox.jira.keys import InstallKey, generate

ISSUER = "forge/invocation-token"
LIFETIME = 25
OAUTH_LIFETIME = 55 * 60
JSON = dict[str, Any]


class BadToken(Exception):
    """A token that Jira does not take. The text says why, for the site's own log."""


@cache
def platform_key() -> InstallKey:
    """The key of all invocation tokens; one for the whole process, as making one takes a while."""
    return generate()


def key_set(*keys: InstallKey) -> JSON:
    """What the address of the keys answers."""
    return {"keys": [_jwk(key) for key in keys]}


def _jwk(key: InstallKey) -> JSON:
    public: JSON = RSAAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    return {**public, "kid": key.kid, "use": "sig", "alg": "RS256"}


def sign_invocation(claims: Mapping[str, Any], key: InstallKey, kid: str | None = None) -> str:
    return jwt.encode(
        _given(claims), key.private, algorithm="RS256", headers={"kid": kid or key.kid}
    )


def lifetime(now: datetime, seconds: int = LIFETIME) -> dict[str, int]:
    issued = int(now.timestamp())
    return {"iat": issued, "nbf": issued, "exp": issued + seconds}


@dataclass
class OAuth:
    """Makes the tokens that call Jira, and takes them back.

    Attributes:
        refuses: take none, as where a token was revoked before its end.
    """

    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    refuses: bool = False

    def token(self, account_id: str, cloud_id: str, now: datetime, seconds: int) -> str:
        """As the account, on one site; ``seconds`` may be behind us already."""
        claims = {
            "sub": account_id,
            "aud": cloud_id,
            "jti": secrets.token_hex(8),
            "iat": int(now.timestamp()),
            "exp": int(now.timestamp()) + seconds,
        }
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def account_of(self, token: str, cloud_id: str, now: datetime) -> str:
        """Who calls.

        Raises:
            BadToken: nobody whom Jira lets in.
        """
        try:
            claims = jwt.decode(
                token,
                self.secret,
                algorithms=["HS256"],
                audience=cloud_id,
                options={"verify_exp": False, "verify_iat": False},  # by this site's clock
            )
        except jwt.PyJWTError as error:
            raise BadToken(type(error).__name__) from error
        if self.refuses or claims["exp"] <= now.timestamp():
            raise BadToken("expired")
        return str(claims["sub"])


def _given(claims: Mapping[str, Any]) -> JSON:
    return {name: value for name, value in claims.items() if value is not None}
