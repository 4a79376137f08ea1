"""Connect's lifecycle: ``installed``, ``uninstalled``, ``enabled``, ``disabled``.

Each takes the claims of a token that was verified for this very request and the raw body,
and compares the two: the token binds no body, so the body may only speak of the issuer.
Source: "Connect app descriptor: lifecycle" in Atlassian's documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from app.clock import Clock
from app.doors.connect import descriptor
from app.doors.connect.base_urls import allowed_base_url
from app.doors.connect.tokens import ConnectClaims
from app.errors import AuthError, BadRequest
from app.store import tenants
from app.store.database import Database
from app.store.secrets import Vault
from app.store.tenants import Installation, LifecycleStamp, OnFirstInstall, OnUninstall

log = structlog.get_logger(__name__)

MAX_SECRET = 1024

Name = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")]
Url = Annotated[str, StringConstraints(max_length=512)]

_WEB_LINK = re.compile(r"https?://[\x21-\x7e]+")


class LifecycleBody(BaseModel):
    """What we read of a lifecycle body; Jira sends more, and may send yet more one day."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, alias_generator=to_camel
    )

    key: Name
    client_key: Name
    event_type: Name | None = None
    shared_secret: SecretStr | None = None
    base_url: Url | None = None
    display_url: Url | None = None
    installation_id: Name | None = None


async def installed(
    raw: bytes,
    claims: ConnectClaims,
    *,
    database: Database,
    vault: Vault,
    tenant_hosts: Sequence[str],
    on_first_install: OnFirstInstall,
    clock: Clock,
) -> str:
    """Store the tenant and its secret, which replaces an older one at once; return its id.

    Args:
        raw: the body.
        claims: of the install token.
        database: where to.
        vault: seals the secret.
        tenant_hosts: ``TENANT_HOSTS``, what the base URL may name.
        on_first_install: see :data:`app.store.tenants.OnFirstInstall`.
        clock: the time.

    Raises:
        AuthError: the body is not the issuer's, or the delivery is a stale one.
        BadRequest: the body cannot be read, or its base URL is not allowed.
    """
    body = read(raw, claims, "installed")
    secret = body.shared_secret.get_secret_value() if body.shared_secret else ""
    if not 0 < len(secret) <= MAX_SECRET:
        raise BadRequest("sharedSecret is missing or too long")
    installation = Installation(
        client_key=body.client_key,
        shared_secret=secret,
        base_url=allowed_base_url(body.base_url or "", tenant_hosts),
        display_url=_web_link(body.display_url),
        installation_id=body.installation_id,
    )
    tenant_id = await database.write(
        tenants.install,
        body.client_key,
        installation,
        _stamp(raw, claims),
        vault,
        on_first_install,
        clock.now(),
    )
    log.info("tenant_installed", tenant_id=tenant_id)
    return tenant_id


async def uninstalled(
    raw: bytes,
    claims: ConnectClaims,
    *,
    database: Database,
    on_uninstall: OnUninstall,
    clock: Clock,
) -> None:
    """End the tenant's sessions at once; its data stays. An unknown tenant is no error."""
    body = read(raw, claims, "uninstalled")
    tenant_id = await database.write(
        tenants.uninstall, body.client_key, _stamp(raw, claims), on_uninstall, clock.now()
    )
    log.info("tenant_uninstalled", tenant_id=tenant_id)


async def enabled(raw: bytes, claims: ConnectClaims, *, database: Database) -> None:
    """Let the tenant's requests in again. ``claims`` are those of a request token."""
    body = read(raw, claims, "enabled")
    await database.write(tenants.enable, body.client_key, claims.issued_at)
    log.info("tenant_enabled", client_key=body.client_key)


async def disabled(raw: bytes, claims: ConnectClaims, *, database: Database) -> None:
    """Refuse the tenant's requests until it is enabled. ``claims`` are a request token's."""
    body = read(raw, claims, "disabled")
    await database.write(tenants.disable, body.client_key, claims.issued_at)
    log.info("tenant_disabled", client_key=body.client_key)


def read(raw: bytes, claims: ConnectClaims, event: str) -> LifecycleBody:
    """The body, if it is the issuer's own, about this app and this event.

    Raises:
        BadRequest: names the part that cannot be read.
        AuthError: it speaks of another tenant or another app.
    """
    try:
        body = LifecycleBody.model_validate_json(raw)
    except ValidationError as error:
        place = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in place["loc"]) or "body"
        raise BadRequest(f"{name} is missing or cannot be read") from None
    if body.client_key != claims.client_key:
        raise AuthError("ISSUER_MISMATCH")
    if body.key != descriptor.app_key():
        raise AuthError("WRONG_APP")
    if body.event_type not in {None, event}:
        raise BadRequest("eventType is another event's")
    return body


def _stamp(raw: bytes, claims: ConnectClaims) -> LifecycleStamp:
    return LifecycleStamp(claims.issued_at, sha256(raw).hexdigest())


def _web_link(url: str | None) -> str | None:
    """``displayUrl`` is for links only; what cannot be one is left out."""
    return url.rstrip("/") if url is not None and _WEB_LINK.fullmatch(url) else None
