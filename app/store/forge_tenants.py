"""Tenants as the Forge door knows them: by their installation, through its lifecycle.

A verified invocation token is Atlassian's word that an installation stands on a site; what it
says of the site (``cloud_id``) is kept, and is set on no tenant that has not been proven so. What
a Connect ``installed`` names is a claim: see ``claims``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from app.errors import AuthError
from app.store import claims
from app.store.ids import new_id
from app.store.secrets import Vault
from app.store.statements import insert_new
from app.store.tables import Tenant
from app.store.tenants import STANDING, OnFirstInstall, OnUninstall, leave
from app.store.writer import announce

SYSTEM_TOKEN = "system_token"  # noqa: S105  (the field's name)
STRAGGLERS = timedelta(minutes=10)
"""What was under way when the app left is told again for minutes; it brings nobody back."""
SEEN_WITHIN = timedelta(minutes=10)
"""``forge_seen_at`` is as exact as that, so that not every call writes."""
RENEWED_BY = timedelta(minutes=10)
"""A system token replaces one that ends at least so much sooner."""
SILENT_AFTER = timedelta(days=3)
"""The schedule calls every hour: so many missed calls are no outage."""
GONE_AFTER = timedelta(days=30)
"""Of silence: whoever comes no more by then has left, though nobody told."""


@dataclass(frozen=True, slots=True)
class ForgeSite:
    """What a verified invocation token says of its tenant, and the token that came with it."""

    installation_id: str
    cloud_id: str
    api_base_url: str
    site_url: str | None
    issued_at: int
    system_token: str | None = field(default=None, repr=False)
    system_token_expires_at: datetime | None = None


def needs_nothing(tenant: Tenant, site: ForgeSite, now: datetime) -> bool:
    """Whether a call tells nothing new of its tenant, so that nothing is to be written."""
    return (
        tenant.cloud_id == site.cloud_id
        and tenant.state == "installed"
        and tenant.api_base_url == site.api_base_url
        and site.site_url in {None, tenant.display_url}
        and tenant.forge_seen_at is not None
        and now - tenant.forge_seen_at < SEEN_WITHIN
        and not _renews(tenant, site)
    )


def recognise(
    db: Session,
    site: ForgeSite,
    vault: Vault,
    on_first_install: OnFirstInstall,
    now: datetime,
    installed: bool = False,  # noqa: FBT001, FBT002  (write functions are called by position)
) -> Tenant:
    """The tenant of a verified call, made known where it was not; return it.

    Args:
        db: in a transaction.
        site: what the call's token says.
        vault: seals the system token that came along.
        on_first_install: called where the tenant is new.
        now: the time.
        installed: the call tells that the app was installed just now.

    Raises:
        AuthError: the app was disabled there or has left, or the installation is another site's.
    """
    tenant = claims.held_by(db, site.installation_id)
    if tenant is not None and tenant.cloud_id is None:
        tenant = claims.settled(db, tenant, site.site_url)
    if tenant is None:
        tenant = _created(db, site, on_first_install, now)
    if tenant.cloud_id not in {None, site.cloud_id}:
        raise AuthError("INSTALLATION_OF_ANOTHER_SITE")
    _let_in(db, tenant, site, now, installed=installed)
    _note(tenant, site, vault, now)
    db.add(tenant)
    db.flush()
    return tenant


def depart(db: Session, site: ForgeSite, on_uninstall: OnUninstall, now: datetime) -> str | None:
    """End what the tenant has running; return its id, None where it is not known.

    Raises:
        AuthError: it was installed anew after this was signed, or is another site's.
    """
    tenant = claims.held_by(db, site.installation_id)
    if tenant is None or tenant.cloud_id is None:
        return None
    if tenant.cloud_id != site.cloud_id:
        raise AuthError("INSTALLATION_OF_ANOTHER_SITE")
    if tenant.lifecycle_iat is not None and site.issued_at < tenant.lifecycle_iat:
        raise AuthError("STALE_LIFECYCLE")
    tenant.lifecycle_iat, tenant.lifecycle_digest = site.issued_at, None
    if tenant.state != "uninstalled":
        leave(db, tenant, on_uninstall, now)
    db.add(tenant)
    return tenant.id


def look_for_silent(
    db: Session, on_uninstall: OnUninstall, now: datetime
) -> tuple[list[str], list[str]]:
    """Keep out whoever has not called for days, until a call comes; end who stays away.

    Only where Forge is the way to Jira: see ``Tenant.door``.

    Returns:
        Ids of those who fell silent, and of those who have left by that.
    """
    of_forge = select(Tenant).where(Tenant.door == "forge")
    silent = db.exec(
        of_forge.where(
            Tenant.state == "installed", col(Tenant.forge_seen_at) < now - SILENT_AFTER
        ).order_by(col(Tenant.id))
    ).all()
    gone = db.exec(
        of_forge.where(
            Tenant.state == "disabled", col(Tenant.forge_silent_at) < now - GONE_AFTER
        ).order_by(col(Tenant.id))
    ).all()
    for tenant in silent:
        tenant.state, tenant.forge_silent_at = "disabled", now
    for tenant in gone:
        tenant.forge_silent_at = None
        leave(db, tenant, on_uninstall, now)
    if silent:
        announce(db, STANDING)
    return [tenant.id for tenant in silent], [tenant.id for tenant in gone]


def system_token(tenant: Tenant, vault: Vault) -> str | None:
    """The newest token that calls Jira as the app, if one ever came; it may have ended.

    Raises:
        SealBroken: its key is gone.
    """
    if tenant.system_token is None:
        return None
    return vault.open(tenant.system_token, tenant=tenant.id, field=SYSTEM_TOKEN)


def _created(
    db: Session, site: ForgeSite, on_first_install: OnFirstInstall, now: datetime
) -> Tenant:
    """A new row, or the one that another process made in the same moment."""
    tenant_id = new_id("tenant")
    insert_new(
        db,
        Tenant,
        {
            "id": tenant_id,
            "door": "forge",
            "installation_id": site.installation_id,
            "cloud_id": site.cloud_id,
            "base_url": site.site_url or site.api_base_url,
            "state": "installed",
            "session_generation": 1,
            "settings": {},
            "installed_at": now,
        },
    )
    tenant = claims.held_by(db, site.installation_id)
    assert tenant is not None
    if tenant.id == tenant_id:
        on_first_install(db, tenant_id, now)
    return tenant


def _let_in(
    db: Session, tenant: Tenant, site: ForgeSite, now: datetime, *, installed: bool
) -> None:
    left_at = tenant.lifecycle_iat or 0
    if tenant.state == "uninstalled":
        late = 0 if installed else STRAGGLERS.total_seconds()
        if site.issued_at < left_at + late:
            raise AuthError("TENANT_NOT_ENABLED")
        tenant.door, tenant.installed_at = "forge", now
        tenant.uninstalled_at = None
        tenant.app_account_id = None  # asked for again: it may be another one
    elif tenant.state == "disabled" and tenant.forge_silent_at is None:
        raise AuthError("TENANT_NOT_ENABLED")
    if tenant.state != "installed":
        tenant.state = "installed"
        announce(db, STANDING)
    tenant.forge_silent_at = None
    if installed:
        tenant.lifecycle_iat = max(left_at, site.issued_at)


def _note(tenant: Tenant, site: ForgeSite, vault: Vault, now: datetime) -> None:
    tenant.cloud_id, tenant.api_base_url = site.cloud_id, site.api_base_url
    tenant.forge_seen_at = now
    if tenant.door == "forge":
        tenant.base_url = site.site_url or tenant.display_url or site.api_base_url
        tenant.display_url = site.site_url or tenant.display_url
    if _renews(tenant, site) and site.system_token is not None:
        sealed = vault.seal(site.system_token, tenant=tenant.id, field=SYSTEM_TOKEN)
        tenant.system_token, tenant.system_token_expires_at = sealed, site.system_token_expires_at


def _renews(tenant: Tenant, site: ForgeSite) -> bool:
    ends, ended = site.system_token_expires_at, tenant.system_token_expires_at
    if site.system_token is None or ends is None:
        return False
    return tenant.system_token is None or ended is None or ended + RENEWED_BY <= ends
