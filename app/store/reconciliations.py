"""Whose turn it is to be reconciled with Jira, and how far that got. See turns/reconcile.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, update
from sqlmodel import Session, col, select

from app.store.statements import insert_new
from app.store.tables import Reconciliation, Tenant


@dataclass(frozen=True)
class Standing:
    """How many tenants are installed, who of them is new here, and who is due; each by id."""

    installed: int
    new: tuple[str, ...]
    due: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """A tenant's look, ours until ``until``: then another may take it, and ours counts no more."""

    tenant_id: str
    until: datetime
    through: datetime
    compared: Mapping[str, str]
    failures: int


@dataclass(frozen=True)
class Outcome:
    """What a look came to: the row's next content."""

    due_at: datetime
    through: datetime
    compared: Mapping[str, str]
    failures: int


def standing(db: Session, now: datetime, most: int) -> Standing:
    """See the class; at most so many of either kind."""
    own = col(Reconciliation.tenant_id)
    count = select(func.count()).select_from(Tenant).where(_installed())
    new = (
        select(col(Tenant.id))
        .outerjoin(Reconciliation, own == col(Tenant.id))
        .where(_installed(), own.is_(None))
        .limit(most)
    )
    due = (
        select(own)
        .join(Tenant, own == col(Tenant.id))
        .where(_installed(), col(Reconciliation.due_at) <= now)
        .order_by(col(Reconciliation.due_at))
        .limit(most)
    )
    return Standing(db.exec(count).one(), tuple(db.exec(new).all()), tuple(db.exec(due).all()))


def enrol(db: Session, tenant_id: str, earliest: datetime, due_at: datetime) -> None:
    """Make a tenant known, as reconciled until ``earliest``, or until its installation if later."""
    tenant = db.get(Tenant, tenant_id)
    if tenant is None:
        return
    through = max(earliest, tenant.installed_at)
    insert_new(
        db,
        Reconciliation,
        {
            "tenant_id": tenant_id,
            "due_at": due_at,
            "through": through,
            "compared": {},
            "failures": 0,
        },
    )


def claim(db: Session, tenant_id: str, now: datetime, held: timedelta) -> Claim | None:
    """Take a due tenant's look; of all who try at once, one gets it."""
    row = col(Reconciliation.tenant_id) == tenant_id
    installed = select(Tenant.id).where(col(Tenant.id) == tenant_id, _installed()).exists()
    until = now + held
    taken = db.execute(
        update(Reconciliation)
        .where(and_(row, col(Reconciliation.due_at) <= now, installed))
        .values(due_at=until)
        .returning(
            col(Reconciliation.through),
            col(Reconciliation.compared),
            col(Reconciliation.failures),
        )
    ).first()
    if taken is None:
        return None
    return Claim(tenant_id, until, *taken)


def settle(db: Session, claim: Claim, outcome: Outcome) -> bool:
    """Note what a look came to. False, and nothing noted, where another has taken it since."""
    settled = db.execute(
        update(Reconciliation)
        .where(
            col(Reconciliation.tenant_id) == claim.tenant_id,
            col(Reconciliation.due_at) == claim.until,
        )
        .values(
            due_at=outcome.due_at,
            through=outcome.through,
            compared=dict(outcome.compared),
            failures=outcome.failures,
        )
        .returning(col(Reconciliation.tenant_id))
    )
    return settled.first() is not None


def _installed() -> ColumnElement[bool]:
    return col(Tenant.state) == "installed"
