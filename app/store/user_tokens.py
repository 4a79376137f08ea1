"""Tokens that call Jira as one person: sealed, and gone when they end or the app leaves."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, delete, select

from app.store.secrets import Vault
from app.store.statements import insert_new
from app.store.tables import UserToken


def of(db: Session, tenant_id: str, account_id: str) -> UserToken | None:
    return db.get(UserToken, (tenant_id, account_id))


def keep(db: Session, tenant_id: str, account_id: str, sealed: str, expires_at: datetime) -> None:
    """Keep a token that :func:`sealed_token` made, in the place of one that ends sooner."""
    values = {
        "tenant_id": tenant_id,
        "account_id": account_id,
        "token": sealed,
        "expires_at": expires_at,
    }
    if insert_new(db, UserToken, values):
        return
    kept = db.exec(
        select(UserToken)
        .where(UserToken.tenant_id == tenant_id, UserToken.account_id == account_id)
        .with_for_update()
    ).one()
    if kept.expires_at <= expires_at:
        kept.token, kept.expires_at = sealed, expires_at
        db.add(kept)


def sealed_token(token: str, tenant_id: str, account_id: str, vault: Vault) -> str:
    """Opens for this person of this tenant alone."""
    return vault.seal(token, tenant=tenant_id, field=_field(account_id))


def opened(kept: UserToken, vault: Vault) -> str:
    """The token.

    Raises:
        SealBroken: it was changed or moved, or its key is gone.
    """
    return vault.open(kept.token, tenant=kept.tenant_id, field=_field(kept.account_id))


def forget(db: Session, before: datetime) -> None:
    """Delete those that had ended by then."""
    db.exec(delete(UserToken).where(col(UserToken.expires_at) <= before))


def forget_all_of(db: Session, tenant_id: str) -> None:
    db.exec(delete(UserToken).where(col(UserToken.tenant_id) == tenant_id))


def rotate(db: Session, vault: Vault) -> int:
    """Seal anew, under the newest key, whatever another one sealed; return how many."""
    old = [kept for kept in db.exec(select(UserToken)) if vault.needs_rotation(kept.token)]
    for kept in old:
        plain = opened(kept, vault)
        kept.token = sealed_token(plain, kept.tenant_id, kept.account_id, vault)
        db.add(kept)
    return len(old)


def _field(account_id: str) -> str:
    return f"user_token:{account_id}"
