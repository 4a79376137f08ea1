"""Forge's invocation token, by which the platform proves each of its calls (pure).

RS256 is pinned and never read from the token, and so is the audience: our app's whole ARI, from
``FORGE_APP_ID``. A token lives about 25 s; clocks may differ by ``LEEWAY``. The shape of every
claim that is read is judged. Every refusal is an ``AuthError``.

Source: "Forge Remote essentials" in Atlassian's documents.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

from app.doors.forge.api_bases import allowed_origin, read_api_base
from app.errors import AuthError

ISSUER = "forge/invocation-token"
MAX_LENGTH = 16 * 1024
LEEWAY = 10
"""Seconds by which the platform's clock and ours may differ."""
MAX_LIFETIME = 60 * 60
"""Seconds; the platform's live 25. Caps what a leaked one is worth."""

AT_LEAST = timedelta(minutes=55)
"""For how long a token of a header is good where it does not say."""
AT_MOST = timedelta(hours=4)

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,16384}")
_KID = re.compile(r"[\x21-\x7e]{1,255}")
_NAME = re.compile(r"[\x21-\x7e]{1,255}")
_CLOUD_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_USER = "ari:cloud:identity::user/"
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
class Invocation:
    """What a verified invocation token says.

    Attributes:
        installation_id: whose call it is: the tenant's key.
        cloud_id: the site's.
        api_base_url: where its Jira is called; scheme and host are allowed ones.
        site_url: the site as its people know it; None where the token does not tell.
        account_id: of the person who looks at our page; None of the platform's own calls.
        module_key: of the manifest; None where the token does not tell.
        issued_at: in seconds of Unix time.
    """

    installation_id: str
    cloud_id: str
    api_base_url: str
    site_url: str | None
    account_id: str | None
    module_key: str | None
    issued_at: int


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that came in a header and calls Jira, and when it ends."""

    token: str = field(repr=False)
    expires_at: datetime


def header_kid(raw: str) -> str:
    """The id of the key that the token claims; nothing is proved yet."""
    header = _segment(raw, 0)
    if header.get("alg") != "RS256" or "crit" in header:
        raise AuthError("INVALID_ALGORITHM")
    kid = header.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise AuthError("INVALID_KID")
    return kid


def verify_invocation(
    raw: str,
    *,
    key: RSAPublicKey,
    app_id: str,
    environments: Iterable[str],
    tenant_hosts: Iterable[str],
    now: datetime,
) -> Invocation:
    """What the token says, if it is the platform's, for us, and for now.

    Args:
        raw: as it came.
        key: that ``header_kid`` names.
        app_id: ``FORGE_APP_ID``.
        environments: ``FORGE_ENVIRONMENTS``; empty lets all in.
        tenant_hosts: ``TENANT_HOSTS``.
        now: the time.
    """
    claims = _signed(raw, key)
    if claims.get("iss") != ISSUER:
        raise AuthError("INVALID_ISSUER")
    if claims.get("aud") not in (app_id, [app_id]):
        raise AuthError("INVALID_AUDIENCE")
    issued_at = _require_time(claims, now.timestamp())
    app = _object(claims, "app", required=True)
    if app.get("id") != app_id:
        raise AuthError("INVALID_APP")
    _require_environment(app, frozenset(environments))
    context = _object(claims, "context")
    hosts = tuple(tenant_hosts)
    api_base_url, cloud_id = read_api_base(app.get("apiBaseUrl"), hosts)
    if _text(context, "cloudId", _CLOUD_ID) not in {None, cloud_id}:
        raise AuthError("INVALID_CLOUD_ID")
    return Invocation(
        installation_id=_installation_id(app),
        cloud_id=cloud_id,
        api_base_url=api_base_url,
        site_url=allowed_origin(_text(context, "siteUrl", _NAME), hosts),
        account_id=_account_id(claims),
        module_key=_module_key(app, context),
        issued_at=issued_at,
    )


def read_bearer(raw: str, now: datetime) -> Bearer:
    """A token of ``x-forge-oauth-system`` or ``-user``. Jira alone can verify it.

    Its end is what its ``exp`` says, within four hours; where it says nothing, the least that
    Atlassian promises.
    """
    if not _PRINTABLE.fullmatch(raw):
        raise AuthError("MALFORMED_OAUTH_TOKEN")
    try:
        ends = _instant(_segment(raw, 1), "exp")
    except AuthError:
        return Bearer(raw, now + AT_LEAST)
    latest = now + AT_MOST
    return Bearer(raw, latest if ends > latest.timestamp() else datetime.fromtimestamp(ends, UTC))


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


def _signed(raw: str, key: RSAPublicKey) -> dict[str, Any]:
    if len(raw) > MAX_LENGTH or not _COMPACT.fullmatch(raw):
        raise AuthError("MALFORMED_TOKEN")
    try:
        claims: dict[str, Any] = jwt.decode(raw, key, algorithms=["RS256"], options=_SIGNATURE_ONLY)
    except jwt.InvalidAlgorithmError:
        raise AuthError("INVALID_ALGORITHM") from None
    except jwt.InvalidSignatureError:
        raise AuthError("INVALID_SIGNATURE") from None
    except (jwt.PyJWTError, RecursionError):
        raise AuthError("MALFORMED_TOKEN") from None
    return claims


def _require_time(claims: Mapping[str, Any], now: float) -> int:
    """When it was issued."""
    expires, issued = _instant(claims, "exp"), _instant(claims, "iat")
    not_before = _instant(claims, "nbf") if "nbf" in claims else issued
    if expires + LEEWAY <= now:
        raise AuthError("EXPIRED")
    if max(issued, not_before) > now + LEEWAY:
        raise AuthError("NOT_YET_VALID")
    if not 0 < expires - issued <= MAX_LIFETIME:
        raise AuthError("INVALID_LIFETIME")
    return int(issued)


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LATEST:
        raise AuthError(f"INVALID_{name.upper()}")
    return value


def _object(claims: Mapping[str, Any], name: str, *, required: bool = False) -> dict[str, Any]:
    value = claims.get(name)
    if value is None and not required:
        return {}
    if not isinstance(value, dict):
        raise AuthError(f"INVALID_{name.upper()}")
    return value


def _text(claims: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not form.fullmatch(value):
        raise AuthError(f"INVALID_{name.upper()}")
    return value


def _installation_id(app: Mapping[str, Any]) -> str:
    found = _text(app, "installationId", _NAME)
    if found is None:
        raise AuthError("INVALID_INSTALLATIONID")
    contexts = _object(app, "installation").get("contexts", [])
    if not isinstance(contexts, list):
        raise AuthError("INVALID_INSTALLATION")
    return found


def _require_environment(app: Mapping[str, Any], let_in: frozenset[str]) -> None:
    """A type that is not named is let in only where all are."""
    kind = _text(_object(app, "environment"), "type", _NAME)
    if let_in and (kind or "").upper() not in let_in:
        raise AuthError("WRONG_ENVIRONMENT")


def _account_id(claims: Mapping[str, Any]) -> str | None:
    """The account id alone: the claim may be it, or an ARI that ends in it."""
    if claims.get("principal") == "":
        return None
    principal = _text(claims, "principal", _NAME)
    return None if principal is None else principal.removeprefix(_USER) or None


def _module_key(app: Mapping[str, Any], context: Mapping[str, Any]) -> str | None:
    module = _object(app, "module")
    _text(module, "type", _NAME)
    return _text(module, "key", _NAME) or _text(context, "moduleKey", _NAME)
