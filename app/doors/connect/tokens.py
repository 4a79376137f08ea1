"""Connect's three kinds of token, each verified by a function of its own (pure).

* An *install token* (RS256) comes with ``installed`` and ``uninstalled``; Atlassian signs it.
* A *request token* (HS256) comes with the other calls and frames; the tenant's shared secret
  signs it, and ``qsh`` binds it to one method, path and query.
* A *context token* (HS256) is what ``AP.context.getToken`` hands to our page; its ``qsh`` is
  the word ``context-qsh``, so that it fits any request and is taken on browser routes alone.

The algorithm is pinned by the function, never read from the token. ``exp`` and ``iat`` are
required; expiry has no leeway, as in atlassian-connect-express (a token lives 3 minutes or
more), and a clock ahead of ours is forgiven ``LEEWAY``. Every refusal is an ``AuthError``.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from jwt.types import Options

from app.errors import AuthError

MAX_LENGTH = 8 * 1024
LEEWAY = 10
"""Seconds that the issuer's clock may be ahead of ours."""
MAX_LIFETIME = 24 * 60 * 60
"""Seconds; Jira's tokens live minutes. Caps what a leaked one is worth."""
CONTEXT_QSH = "context-qsh"

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_KID = re.compile(r"(?!.*\.\.)[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
_NAME = re.compile(r"[\x21-\x7e]{1,255}")
_LATEST = 2**53
_SIGNATURE_ONLY: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


@dataclass(frozen=True, slots=True)
class ConnectClaims:
    """What a verified token says. ``issued_at`` is in seconds of Unix time."""

    client_key: str
    account_id: str | None
    issued_at: int


def verify_install_token(
    raw: str, *, public_key_pem: bytes, audience: str, qsh: str, now: datetime
) -> ConnectClaims:
    """RS256, addressed to ``audience`` (our base URL) and bound to the request by ``qsh``.

    That the body's ``clientKey`` is the issuer is for the caller to see to.
    """
    claims = _verify(raw, public_key_pem, "RS256", now)
    if not _addressed_to(claims.get("aud"), audience):
        raise AuthError("INVALID_AUDIENCE")
    _require_qsh(claims, qsh)
    return _read(claims)


def verify_request_token(
    raw: str, *, secret: str, client_key: str, qsh: str, now: datetime
) -> ConnectClaims:
    """HS256 by the tenant ``client_key``, bound to the request by ``qsh``."""
    claims = _verify(raw, secret, "HS256", now)
    _require_issuer(claims, client_key)
    _require_qsh(claims, qsh)
    return _read(claims)


def verify_context_token(raw: str, *, secret: str, client_key: str, now: datetime) -> ConnectClaims:
    """HS256 by the tenant ``client_key``, with the ``qsh`` of no request."""
    claims = _verify(raw, secret, "HS256", now)
    _require_issuer(claims, client_key)
    _require_qsh(claims, CONTEXT_QSH)
    return _read(claims)


def unverified_issuer(raw: str) -> str:
    """What the token claims as ``iss``: good for finding the secret, and for nothing else."""
    issuer = _segment(raw, 1).get("iss")
    if not isinstance(issuer, str) or not _NAME.fullmatch(issuer):
        raise AuthError("INVALID_ISSUER")
    return issuer


def header_kid(raw: str) -> str:
    """The id of the key that an install token claims, safe to stand in a URL's path."""
    header = _segment(raw, 0)
    if header.get("alg") != "RS256":
        raise AuthError("INVALID_ALGORITHM")
    kid = header.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise AuthError("INVALID_KID")
    return kid


def _segment(raw: str, index: int) -> dict[str, Any]:
    if len(raw) > MAX_LENGTH or not _COMPACT.fullmatch(raw):
        raise AuthError("MALFORMED_TOKEN")
    part = raw.split(".")[index]
    try:
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise AuthError("MALFORMED_TOKEN") from None
    if not isinstance(value, dict):
        raise AuthError("MALFORMED_TOKEN")
    return value


def _verify(raw: str, key: str | bytes, algorithm: str, now: datetime) -> dict[str, Any]:
    if len(raw) > MAX_LENGTH or not _COMPACT.fullmatch(raw):
        raise AuthError("MALFORMED_TOKEN")
    try:
        claims: dict[str, Any] = jwt.decode(
            raw, key, algorithms=[algorithm], options=_SIGNATURE_ONLY
        )
    except jwt.InvalidAlgorithmError:
        raise AuthError("INVALID_ALGORITHM") from None
    except jwt.InvalidSignatureError:
        raise AuthError("INVALID_SIGNATURE") from None
    except jwt.PyJWTError:
        raise AuthError("MALFORMED_TOKEN") from None
    _require_time(claims, now.timestamp())
    return claims


def _require_time(claims: dict[str, Any], now: float) -> None:
    expires, issued = _instant(claims, "exp"), _instant(claims, "iat")
    not_before = _instant(claims, "nbf") if "nbf" in claims else issued
    if expires <= now:
        raise AuthError("EXPIRED")
    if max(issued, not_before) > now + LEEWAY:
        raise AuthError("NOT_YET_VALID")
    if expires - issued > MAX_LIFETIME:
        raise AuthError("INVALID_LIFETIME")


def _instant(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LATEST:
        raise AuthError(f"INVALID_{name.upper()}")
    return value


def _addressed_to(audience: object, ours: str) -> bool:
    """Atlassian puts the app's base URL first; one string stands for a list of one."""
    first = audience[0] if isinstance(audience, list) and audience else audience
    return isinstance(first, str) and first.removesuffix("/") == ours.removesuffix("/")


def _require_issuer(claims: dict[str, Any], client_key: str) -> None:
    if claims.get("iss") != client_key:
        raise AuthError("INVALID_ISSUER")


def _require_qsh(claims: dict[str, Any], expected: str) -> None:
    found = claims.get("qsh")
    if not isinstance(found, str) or not hmac.compare_digest(
        found.encode("utf-8", "replace"), expected.encode()
    ):
        raise AuthError("INVALID_QSH")


def _read(claims: dict[str, Any]) -> ConnectClaims:
    issuer, subject = claims.get("iss"), claims.get("sub") or None
    if not isinstance(issuer, str) or not _NAME.fullmatch(issuer):
        raise AuthError("INVALID_ISSUER")
    if subject is not None and not (isinstance(subject, str) and _NAME.fullmatch(subject)):
        raise AuthError("INVALID_SUBJECT")
    return ConnectClaims(issuer, subject, int(_instant(claims, "iat")))
