"""Tenants: found, and carried through Connect's lifecycle.

``lifecycle_iat`` and ``lifecycle_digest`` name the newest accepted install or uninstall. What
is older is refused; what is as old is the same delivery again, or it is refused as well: the
token binds no body, and whoever replays one must not bring another secret along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, or_, select

from app.errors import AuthError
from app.store import claims, user_tokens
from app.store.ids import new_id
from app.store.secrets import Vault
from app.store.statements import insert_new
from app.store.tables import Tenant
from app.store.writer import announce

STANDING = "tenants"
"""The signal that some tenant was enabled, disabled or uninstalled: its streams may be over."""

SHARED_SECRET = "shared_secret"  # noqa: S105  (the field's name)

OnFirstInstall = Callable[[Session, str, datetime], None]
"""Called as ``(db, tenant_id, now)`` in the transaction that makes a tenant known."""


OnUninstall = Callable[[Session, str, datetime], None]
"""Called likewise in the transaction in which a tenant leaves."""


@dataclass(frozen=True, slots=True)
class LifecycleStamp:
    """When a lifecycle call was signed (seconds of Unix time), and a digest of its body."""

    issued_at: int
    digest: str


@dataclass(frozen=True, slots=True)
class Installation:
    """What a verified ``installed`` says of its tenant."""

    client_key: str
    shared_secret: str = field(repr=False)
    base_url: str
    display_url: str | None
    installation_id: str | None


def by_id(db: Session, tenant_id: str) -> Tenant | None:
    return db.get(Tenant, tenant_id)


def hold(db: Session, tenant_id: str) -> Tenant:
    """The tenant, so that two who set something of it at once come in turn."""
    own = select(Tenant).where(Tenant.id == tenant_id)
    return db.exec(own.with_for_update(key_share=True)).one()


def by_client_key(db: Session, client_key: str) -> Tenant | None:
    return db.exec(select(Tenant).where(Tenant.client_key == client_key)).first()


def by_client_keys(db: Session, client_keys: Sequence[str]) -> list[Tenant | None]:
    """The tenant of each of them, in their order."""
    found = db.exec(select(Tenant).where(col(Tenant.client_key).in_(set(client_keys))))
    tenants = {tenant.client_key: tenant for tenant in found}
    return [tenants.get(client_key) for client_key in client_keys]


def by_installation_id(db: Session, installation_id: str) -> Tenant | None:
    return db.exec(select(Tenant).where(Tenant.installation_id == installation_id)).first()


def by_reference(db: Session, reference: str) -> Tenant | None:
    """The tenant that a person means: by clientKey, installationId or the site's host.

    Several tenants may have had one host (a data import changes the clientKey): the one that is
    installed comes first, then the newest.
    """
    exact = by_client_key(db, reference) or by_installation_id(db, reference)
    if exact is not None:
        return exact
    host = reference.lower().partition("://")[2] or reference.lower()
    urls = [f"{scheme}://{host.rstrip('/')}" for scheme in ("https", "http")]
    found = db.exec(
        select(Tenant).where(or_(col(Tenant.base_url).in_(urls), col(Tenant.display_url).in_(urls)))
    ).all()
    return max(
        found, key=lambda tenant: (tenant.uninstalled_at is None, tenant.installed_at), default=None
    )


def shared_secret(tenant: Tenant, vault: Vault) -> str:
    """The secret that signs the tenant's request tokens.

    Raises:
        AuthError: it has none, as after an uninstall.
        SealBroken: its key is gone.
    """
    if tenant.shared_secret is None:
        raise AuthError("NO_SHARED_SECRET")
    return vault.open(tenant.shared_secret, tenant=tenant.id, field=SHARED_SECRET)


def rotate(db: Session, vault: Vault) -> int:
    """Seal anew, under the newest key, whatever another one sealed; return how many."""
    sealed = (SHARED_SECRET, "openai_key", "system_token")
    count = user_tokens.rotate(db, vault)
    for tenant in db.exec(select(Tenant)):
        for name in sealed:
            value: str | None = getattr(tenant, name)
            if value is not None and vault.needs_rotation(value):
                plain = vault.open(value, tenant=tenant.id, field=name)
                setattr(tenant, name, vault.seal(plain, tenant=tenant.id, field=name))
                count += 1
    return count


def install(
    db: Session,
    client_key: str,
    installation: Installation,
    stamp: LifecycleStamp,
    vault: Vault,
    on_first_install: OnFirstInstall,
    now: datetime,
) -> str:
    """Make the tenant known, or known again, with its new secret; return its id.

    The same delivery again changes nothing, even where the app was disabled since.

    Raises:
        AuthError: an older delivery than the newest accepted, or an equally old other one.
    """
    tenant = _locked(db, client_key)
    if tenant is None:
        tenant = claims.adopted(db, installation.installation_id, installation.base_url)
    if tenant is None:
        tenant = _created(db, installation, on_first_install, now)
    if _is_repeated(tenant, stamp):
        return tenant.id
    tenant.client_key = client_key
    tenant.shared_secret = vault.seal(
        installation.shared_secret, tenant=tenant.id, field=SHARED_SECRET
    )
    tenant.door, tenant.base_url = "connect", installation.base_url
    tenant.display_url = installation.display_url
    if claims.claim(db, tenant, installation.installation_id, now):
        announce(db, STANDING)
    if tenant.state == "uninstalled":
        tenant.installed_at = now
    tenant.state, tenant.uninstalled_at = "installed", None
    tenant.forge_silent_at = None
    tenant.app_account_id = None  # asked for again: it may be another one
    tenant.lifecycle_iat, tenant.lifecycle_digest = stamp.issued_at, stamp.digest
    db.add(tenant)
    return tenant.id


def uninstall(
    db: Session,
    client_key: str,
    stamp: LifecycleStamp,
    on_uninstall: OnUninstall,
    now: datetime,
) -> str | None:
    """End what the tenant has running and forget its secret; return its id, None if unknown.

    The rest of its data stays until it is purged.

    Raises:
        AuthError: an older delivery than the newest accepted.
    """
    tenant = _locked(db, client_key)
    if tenant is None:
        return None
    if tenant.lifecycle_iat is not None and stamp.issued_at < tenant.lifecycle_iat:
        raise AuthError("STALE_LIFECYCLE")
    tenant.lifecycle_iat, tenant.lifecycle_digest = stamp.issued_at, stamp.digest
    if tenant.state != "uninstalled":
        leave(db, tenant, on_uninstall, now)
    db.add(tenant)
    return tenant.id


def leave(db: Session, tenant: Tenant, on_uninstall: OnUninstall, now: datetime) -> None:
    """End what a tenant has running, its sessions too, and forget how to call its Jira."""
    tenant.state, tenant.uninstalled_at = "uninstalled", now
    tenant.session_generation += 1
    on_uninstall(db, tenant.id, now)
    tenant.shared_secret = None
    tenant.system_token = tenant.system_token_expires_at = None
    user_tokens.forget_all_of(db, tenant.id)
    announce(db, STANDING)


def purge(db: Session, before: datetime) -> int:
    """Delete whoever left before then, with everything that was theirs; return how many."""
    left = db.exec(select(Tenant).where(col(Tenant.uninstalled_at) < before)).all()
    for tenant in left:
        db.delete(tenant)
    db.flush()
    return len(left)


def enable(db: Session, client_key: str, issued_at: int) -> None:
    """Let an installed tenant in again.

    Raises:
        AuthError: it is not installed, or was installed after the call was signed.
    """
    _switch(db, client_key, issued_at, "installed")


def disable(db: Session, client_key: str, issued_at: int) -> None:
    """Keep an installed tenant out. Raises as :func:`enable` does."""
    _switch(db, client_key, issued_at, "disabled")


def _switch(db: Session, client_key: str, issued_at: int, state: str) -> None:
    tenant = _locked(db, client_key)
    if tenant is None or tenant.state == "uninstalled":
        raise AuthError("NOT_INSTALLED")
    if tenant.lifecycle_iat is not None and issued_at < tenant.lifecycle_iat:
        raise AuthError("STALE_LIFECYCLE")
    tenant.state = state
    announce(db, STANDING)
    db.add(tenant)


def _locked(db: Session, client_key: str) -> Tenant | None:
    """The tenant, ours alone to change until this transaction ends."""
    return db.exec(
        select(Tenant).where(Tenant.client_key == client_key).with_for_update(key_share=True)
    ).first()


def _created(
    db: Session, installation: Installation, on_first_install: OnFirstInstall, now: datetime
) -> Tenant:
    """A new row, or the one that another process made in the same moment."""
    tenant_id = new_id("tenant")
    insert_new(
        db,
        Tenant,
        {
            "id": tenant_id,
            "door": "connect",
            "client_key": installation.client_key,
            "base_url": installation.base_url,
            "state": "installed",
            "session_generation": 1,
            "settings": {},
            "installed_at": now,
        },
    )
    tenant = _locked(db, installation.client_key)
    assert tenant is not None
    if tenant.id == tenant_id:
        on_first_install(db, tenant_id, now)
    return tenant


def _is_repeated(tenant: Tenant, stamp: LifecycleStamp) -> bool:
    newest = tenant.lifecycle_iat
    if newest is None or stamp.issued_at > newest:
        return False
    if stamp.issued_at == newest and stamp.digest == tenant.lifecycle_digest:
        return True
    raise AuthError("STALE_LIFECYCLE")
