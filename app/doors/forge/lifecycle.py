"""A Forge installation's life: known by any verified call, installed, gone.

Sources: Atlassian, "Life cycle events" and "Forge Remote essentials". Documents disagree on whether
an uninstall is told: ``uninstalled`` and ``preUninstall`` both end the tenant, and one that has
fallen silent is found by housekeeping.
"""

from __future__ import annotations

import structlog

from app.clock import Clock
from app.doors.forge.events import AppEvent
from app.doors.forge.tokens import Bearer, Invocation
from app.errors import AuthError
from app.store import forge_tenants, tenants
from app.store.database import Database
from app.store.forge_tenants import ForgeSite
from app.store.secrets import Vault
from app.store.tables import Tenant
from app.store.tenants import OnFirstInstall, OnUninstall

log = structlog.get_logger(__name__)


async def recognised(
    invocation: Invocation,
    system_token: Bearer | None,
    *,
    database: Database,
    vault: Vault,
    on_first_install: OnFirstInstall,
    clock: Clock,
    told: AppEvent | None = None,
) -> Tenant:
    """The tenant of a verified call, made known where it was not.

    Args:
        invocation: what the call's token says.
        system_token: that came along.
        database: where to.
        vault: seals the token.
        on_first_install: see :data:`app.store.tenants.OnFirstInstall`.
        clock: the time.
        told: what the call tells of the app itself.

    Raises:
        AuthError: the body speaks of another installation; the app was disabled there or has left;
            or the installation is not that site's.
    """
    _require_own(invocation, told)
    site = _site(invocation, system_token)
    now = clock.now()
    known = await database.read(tenants.by_installation_id, invocation.installation_id)
    installed = told is not None and told.kind == "installed" and not told.retried
    if known is not None and not installed and forge_tenants.needs_nothing(known, site, now):
        return known
    tenant = await database.write(
        forge_tenants.recognise, site, vault, on_first_install, now, installed
    )
    if known is None or known.state != tenant.state:
        log.info("tenant_installed", tenant_id=tenant.id, door="forge")
    return tenant


async def left(
    invocation: Invocation,
    *,
    database: Database,
    on_uninstall: OnUninstall,
    clock: Clock,
    told: AppEvent | None = None,
) -> None:
    """End the tenant's sessions and turns at once; its data stays. An unknown one is no error.

    Raises:
        AuthError: the body speaks of another installation, or the call is older than the newest
            installation.
    """
    _require_own(invocation, told)
    tenant_id = await database.write(
        forge_tenants.depart, _site(invocation, None), on_uninstall, clock.now()
    )
    log.info("tenant_uninstalled", tenant_id=tenant_id, door="forge")


def _require_own(invocation: Invocation, told: AppEvent | None) -> None:
    if told is not None and told.installation_id not in {None, invocation.installation_id}:
        raise AuthError("INSTALLATION_MISMATCH")


def _site(invocation: Invocation, system_token: Bearer | None) -> ForgeSite:
    return ForgeSite(
        installation_id=invocation.installation_id,
        cloud_id=invocation.cloud_id,
        api_base_url=invocation.api_base_url,
        site_url=invocation.site_url,
        issued_at=invocation.issued_at,
        system_token=system_token.token if system_token else None,
        system_token_expires_at=system_token.expires_at if system_token else None,
    )
