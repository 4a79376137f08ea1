"""Which threads a worker takes next: shared out among tenants, and cheap however many there are.

What it costs grows with the tenants that have something due and with what is leased, not with the
threads there are, nor with how many of one tenant's wait. See the indexes of ``tables.Thread``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, literal, or_, union_all
from sqlalchemy import select as core_select
from sqlalchemy.sql.elements import SQLCoreOperations
from sqlmodel import Session, col, select

from app.store import database_clock, threads
from app.store.tables import Tenant, Thread, UtcDateTime
from app.store.threads import Lease


@dataclass(frozen=True)
class _Waiting:
    """A thread that wants a worker, since when."""

    thread_id: str
    tenant_id: str
    since: datetime


def claim(
    db: Session, owner: str, now: datetime, seconds: float, most: int, per_tenant: int
) -> list[Lease]:
    """Take up to ``most`` threads that want a worker, no tenant above its share.

    Next in turn is always the tenant with the fewest under way, in whichever process; of its
    threads, the one that has waited longest. So whoever has one thread comes before the seventeenth
    of a tenant with a thousand. Two processes that claim at the same instant do not see each
    other's: by so much a tenant may be above its share for once.

    Args:
        db: in a transaction.
        owner: the worker.
        now: by this process's clock. It is what ``due_at`` was written by, perhaps on another host:
            a wrong one has a thread looked at too early or too late, and takes it from nobody.
        seconds: how long the leases hold, by the database's clock.
        most: leases to take at once.
        per_tenant: leases that a tenant may have in all processes.
    """
    dialect = db.get_bind().dialect.name
    if not db.execute(_somebody_waits(dialect), {"now": now}).scalar_one():
        return []
    # What lapses between these two is seen by neither, and found the next time.
    waiting = _lapsed(db, now)
    held = _held(db, now)
    waiting += _due(db, now, held, most, per_tenant)
    chosen = _in_turn(waiting, held, most, per_tenant)
    return threads.take(db, chosen, owner, now, seconds, _wants_a_worker(db, now))


def _in_turn(
    waiting: Iterable[_Waiting], held: Mapping[str, int], most: int, per_tenant: int
) -> list[str]:
    """Ids of the threads to take, in order (pure)."""
    under_way = Counter(held)
    ranked: list[tuple[int, datetime, str]] = []
    for one in sorted(waiting, key=lambda one: (one.since, one.thread_id)):
        ranked.append((under_way[one.tenant_id], one.since, one.thread_id))
        under_way[one.tenant_id] += 1
    return [thread_id for place, _, thread_id in sorted(ranked) if place < per_tenant][:most]


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Due, and held by nobody."""
    return and_(col(Thread.lease_until).is_(None), col(Thread.due_at) <= now)


def _wants_a_worker(db: Session, now: datetime) -> ColumnElement[bool]:
    lapsed = col(Thread.lease_until) <= database_clock.instant(db, now)
    return or_(_is_due(now), lapsed)


@cache
def _somebody_waits(dialect: str) -> Select[Any]:
    """Told from the first entry of either index: so it costs little to look when all is quiet."""
    due, until = col(Thread.due_at), col(Thread.lease_until)
    first_due = select(due).where(until.is_(None), due.is_not(None)).order_by(due).limit(1)
    first_lapsed = select(until).where(until.is_not(None)).order_by(until).limit(1)
    return core_select(
        or_(
            first_due.scalar_subquery() <= bindparam("now", type_=UtcDateTime()),
            first_lapsed.scalar_subquery() <= database_clock.now_on(dialect),
        )
    )


@cache
def _has_lapsed(dialect: str) -> Select[str, str, datetime | None]:
    """Held by somebody who let the lease lapse: a dead worker."""
    until = col(Thread.lease_until)
    found = core_select(col(Thread.id), col(Thread.tenant_id), until)
    return found.where(until <= database_clock.now_on(dialect))


@cache
def _under_way(dialect: str) -> Select[Any]:
    """The tenant of each thread that somebody works on."""
    until = col(Thread.lease_until)
    return core_select(col(Thread.tenant_id)).where(until > database_clock.now_on(dialect))


@cache
def _first_due() -> Select[Any]:
    """Of each tenant that has something due, and since when."""
    first = _in_order(col(Tenant.id)).limit(1).scalar_subquery()
    asking = (
        core_select(col(Tenant.id), first.label("first"))
        .where(col(Tenant.state) == "installed")
        .subquery()
    )
    return asking.select().where(asking.c.first <= bindparam("now", type_=UtcDateTime()))


def _lapsed(db: Session, now: datetime) -> list[_Waiting]:
    rows = db.execute(_has_lapsed(db.get_bind().dialect.name), {"now": now})
    lapsed = [_Waiting(id_, tenant_id, until) for id_, tenant_id, until in rows if until]
    if not lapsed:
        return []
    theirs = col(Tenant.id).in_({one.tenant_id for one in lapsed})
    installed = set(db.exec(select(Tenant.id).where(theirs, Tenant.state == "installed")))
    return [one for one in lapsed if one.tenant_id in installed]


def _held(db: Session, now: datetime) -> Counter[str]:
    """How many threads of each tenant are under way."""
    rows = db.execute(_under_way(db.get_bind().dialect.name), {"now": now})
    # Counted here: grouped by the database, SQLite reads every thread in the order of tenants.
    return Counter(rows.scalars())


def _due(
    db: Session, now: datetime, held: Mapping[str, int], most: int, per_tenant: int
) -> list[_Waiting]:
    """Of each tenant that has room, the longest-waiting threads: no more than its room."""
    found = db.execute(_first_due(), {"now": now})
    rooms = sorted(
        (held.get(tenant_id, 0), since, tenant_id)
        for tenant_id, since in found
        if held.get(tenant_id, 0) < per_tenant
    )[:most]
    if not rooms:
        return []
    of_each = [
        _in_order(literal(tenant_id))
        .add_columns(col(Thread.id), col(Thread.tenant_id))
        .limit(per_tenant - under_way)
        .subquery()
        for under_way, _, tenant_id in rooms
    ]
    rows = db.execute(union_all(*(one.select().where(one.c.due_at <= now) for one in of_each)))
    return [_Waiting(thread_id, tenant_id, since) for since, thread_id, tenant_id in rows]


def _in_order(tenant_id: SQLCoreOperations[str]) -> Select[Any]:
    """When a tenant's free threads are due, the longest-waiting first.

    Which of them are due by now is for the caller to ask, of the few that it takes: asked in here,
    PostgreSQL may well walk through what is due of *all* tenants.
    """
    return (
        select(col(Thread.due_at))
        .where(
            col(Thread.tenant_id) == tenant_id,
            col(Thread.lease_until).is_(None),
            col(Thread.due_at).is_not(None),
        )
        .order_by(col(Thread.due_at), col(Thread.id))
    )
