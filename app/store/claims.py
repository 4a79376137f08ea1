"""Which tenant an installation is: what the Connect door claims and the Forge door proves.

The token of a Connect ``installed`` signs who speaks and no word of what is said, so the
installation that its body names is a claim. An invocation token is signed whole. So:

* a claim is taken only of an installation that is nobody's, or of one that stands on the very
  site that claims it and has no clientKey yet; no other is ever taken away by it;
* it holds once an invocation token says that the installation is on that tenant's own site
  (``cloud_id`` is set then), and goes as soon as one names another site.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from app.errors import AuthError
from app.store import user_tokens
from app.store.tables import Tenant


def held_by(db: Session, installation_id: str) -> Tenant | None:
    """The tenant of that installation, ours alone to change until this transaction ends."""
    own = select(Tenant).where(Tenant.installation_id == installation_id)
    return db.exec(own.with_for_update(key_share=True)).first()


def settled(db: Session, tenant: Tenant, site_url: str | None) -> Tenant | None:
    """``tenant``, if what it claims is on its own site; else the claim ends, and it is None.

    Args:
        db: in a transaction.
        tenant: has claimed an installation that is not proven yet.
        site_url: where an invocation token says that installation is.

    Raises:
        AuthError: the token does not say where.
    """
    if site_url is None:
        raise AuthError("SITE_UNTOLD")
    if tenant.base_url == site_url:
        return tenant
    _forgo(db, tenant)
    return None


def adopted(db: Session, installation_id: str | None, base_url: str) -> Tenant | None:
    """The tenant that came through the Forge door before, from the same site."""
    if installation_id is None:
        return None
    return db.exec(
        select(Tenant)
        .where(
            Tenant.installation_id == installation_id,
            col(Tenant.client_key).is_(None),
            Tenant.base_url == base_url,
        )
        .with_for_update(key_share=True)
    ).first()


def claim(db: Session, tenant: Tenant, installation_id: str | None, now: datetime) -> bool:
    """Let a Connect tenant name an installation as its own, if it may.

    True if another tenant of the same site has ended by that.
    """
    if installation_id is None or installation_id == tenant.installation_id:
        return False
    other = held_by(db, installation_id)
    if other is None:
        _forgo(db, tenant)
        tenant.installation_id = installation_id
    elif other.client_key is None and other.base_url == tenant.base_url:
        _hand_over(db, other, tenant, now)
        return True
    return False


def _hand_over(db: Session, other: Tenant, tenant: Tenant, now: datetime) -> None:
    """What Forge proved of the site goes to the tenant that has its history; the other ends."""
    proven = (other.installation_id, other.cloud_id, other.api_base_url, other.forge_seen_at)
    _forgo(db, other)
    user_tokens.forget_all_of(db, other.id)
    if other.state != "uninstalled":
        other.state, other.uninstalled_at = "uninstalled", now
        other.session_generation += 1
    db.add(other)
    db.flush()
    _forgo(db, tenant)
    tenant.installation_id, tenant.cloud_id = proven[0], proven[1]
    tenant.api_base_url, tenant.forge_seen_at = proven[2], proven[3]


def _forgo(db: Session, tenant: Tenant) -> None:
    """An installation that is not the tenant's any more, with all that was known by it."""
    tenant.installation_id = tenant.cloud_id = tenant.api_base_url = None
    tenant.system_token = tenant.system_token_expires_at = tenant.forge_seen_at = None
    db.add(tenant)
    db.flush()
