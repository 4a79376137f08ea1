"""Connect's three kinds of token, each verified by a function of its own (pure).

* An *install token* (RS256) comes with ``installed`` and ``uninstalled``; Atlassian signs it.
* A *request token* (HS256) comes with the other calls and frames; the tenant's shared secret
  signs it, and ``qsh`` binds it to one method, path and query.
* A *context token* (HS256) is what ``AP.context.getToken`` hands to our page; its ``qsh`` is
  the word ``context-qsh``, so that it fits any request and is taken on browser routes alone.

A token is taken apart once, by :func:`read`; until it is verified, nothing it says is believed. The
algorithm is pinned by the function, never read from the token. ``exp`` and ``iat`` are
required; expiry has no leeway, as in atlassian-connect-express (a token lives 3 minutes or
more), and a clock ahead of ours is forgiven ``LEEWAY``. Every refusal is an ``AuthError``.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
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
_EXTENDING = frozenset({"crit", "b64"})
"""Header fields that change what the other fields mean (RFC 7515, RFC 7797): Jira sends none."""
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
class Token:
    """A token taken apart: nothing of it is proved.

    Attributes:
        signed: the two segments that the signature is of.
        signature: as it stands in the token.
    """

    raw: str
    header: dict[str, Any]
    claims: dict[str, Any]
    signed: str
    signature: str


@dataclass(frozen=True, slots=True)
class ConnectClaims:
    """What a verified token says. ``issued_at`` is in seconds of Unix time."""

    client_key: str
    account_id: str | None
    issued_at: int


def read(raw: str) -> Token:
    """Take a token apart: three segments, of which the first two are objects in JSON."""
    if len(raw) > MAX_LENGTH or not _COMPACT.fullmatch(raw):
        raise AuthError("MALFORMED_TOKEN")
    signed, _, signature = raw.rpartition(".")
    header, _, claims = signed.partition(".")
    return Token(raw, _object(header), _object(claims), signed, signature)


def verify_install_token(
    token: Token, *, public_key_pem: bytes, audience: str, qsh: str, now: datetime
) -> ConnectClaims:
    """RS256, addressed to ``audience`` (our base URL) and bound to the request by ``qsh``.

    That the body's ``clientKey`` is the issuer is for the caller to see to.
    """
    _require_rs256(token, public_key_pem)
    _require_time(token.claims, now.timestamp())
    if not _addressed_to(token.claims.get("aud"), audience):
        raise AuthError("INVALID_AUDIENCE")
    _require_qsh(token.claims, qsh)
    return _read(token.claims)


def verify_request_token(
    token: Token, *, secret: str, client_key: str, qsh: str, now: datetime
) -> ConnectClaims:
    """HS256 by the tenant ``client_key``, bound to the request by ``qsh``."""
    _require_hs256(token, secret)
    _require_time(token.claims, now.timestamp())
    _require_issuer(token.claims, client_key)
    _require_qsh(token.claims, qsh)
    return _read(token.claims)


def verify_context_token(
    token: Token, *, secret: str, client_key: str, now: datetime
) -> ConnectClaims:
    """HS256 by the tenant ``client_key``, with the ``qsh`` of no request."""
    _require_hs256(token, secret)
    _require_time(token.claims, now.timestamp())
    _require_issuer(token.claims, client_key)
    _require_qsh(token.claims, CONTEXT_QSH)
    return _read(token.claims)


def unverified_issuer(token: Token) -> str:
    """What the token claims as ``iss``: good for finding the secret, and for nothing else."""
    issuer = token.claims.get("iss")
    if not isinstance(issuer, str) or not _NAME.fullmatch(issuer):
        raise AuthError("INVALID_ISSUER")
    return issuer


def header_kid(token: Token) -> str:
    """The id of the key that an install token claims, safe to stand in a URL's path."""
    if token.header.get("alg") != "RS256":
        raise AuthError("INVALID_ALGORITHM")
    kid = token.header.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise AuthError("INVALID_KID")
    return kid


def _object(segment: str) -> dict[str, Any]:
    """Only one spelling of a segment counts: base64 leaves bits unused at its end."""
    try:
        plain = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        value = json.loads(plain)
    except (ValueError, RecursionError):
        raise AuthError("MALFORMED_TOKEN") from None
    if not isinstance(value, dict) or _base64url(plain) != segment:
        raise AuthError("MALFORMED_TOKEN")
    return value


def _base64url(plain: bytes) -> str:
    return urlsafe_b64encode(plain).rstrip(b"=").decode()


def _require_hs256(token: Token, secret: str) -> None:
    """Signed with the tenant's secret. What passes here passes PyJWT: a test compares them.

    PyJWT takes eight times as long: it looks anew each time whether the key might be of another
    kind. Ours is a text that came from Jira as this tenant's secret.
    """
    header = token.header
    if header.get("alg") != "HS256":
        raise AuthError("INVALID_ALGORITHM")
    if not (secret and _EXTENDING.isdisjoint(header) and isinstance(header.get("kid", ""), str)):
        raise AuthError("MALFORMED_TOKEN")
    ours = _base64url(hmac.digest(secret.encode(), token.signed.encode(), "sha256"))
    if not hmac.compare_digest(ours, token.signature):
        raise AuthError("INVALID_SIGNATURE")


def _require_rs256(token: Token, public_key_pem: bytes) -> None:
    try:
        jwt.decode(token.raw, public_key_pem, algorithms=["RS256"], options=_SIGNATURE_ONLY)
    except jwt.InvalidAlgorithmError:
        raise AuthError("INVALID_ALGORITHM") from None
    except jwt.InvalidSignatureError:
        raise AuthError("INVALID_SIGNATURE") from None
    except jwt.PyJWTError:
        raise AuthError("MALFORMED_TOKEN") from None


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
