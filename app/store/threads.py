"""Threads and their items: reading, filling, leasing. All functions run inside a session."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, update
from sqlmodel import Session, col, delete, select

from app.errors import LeaseLost
from app.store.ids import new_epoch, new_id
from app.store.statements import insert_new
from app.store.tables import Issue, Item, Tenant, Thread, Unseen
from app.store.writer import announce

DUE = "due"
"""The signal that some thread wants a worker; ``due:<id>`` is meant for the one that has it."""


HIDDEN = "hidden"
"""State of an item that was public once: its place is known, its words are gone."""


@dataclass(frozen=True)
class Lease:
    """A worker's right to a thread. Whoever holds an older ``fence`` can write no more."""

    tenant_id: str
    thread_id: str
    owner: str
    fence: int


# --- issues and threads ---------------------------------------------------------------------


def ensure_issue(db: Session, tenant_id: str, issue_id: str) -> Issue:
    """The row of an issue, made where it is missing."""
    insert_new(db, Issue, {"tenant_id": tenant_id, "issue_id": issue_id})
    return db.get_one(Issue, (tenant_id, issue_id))


def ensure_thread(
    db: Session, tenant_id: str, issue_id: str, audience: str, now: datetime
) -> Thread:
    """An issue's thread of that audience, made where it is missing."""
    found = of_issue(db, tenant_id, issue_id, audience)
    if found is not None:
        return found
    ensure_issue(db, tenant_id, issue_id)
    insert_new(
        db,
        Thread,
        {
            "id": new_id("thr"),
            "tenant_id": tenant_id,
            "issue_id": issue_id,
            "audience": audience,
            "epoch": new_epoch(),
            "last_n": 0,
            "fence": 0,
            "failures": 0,
            "created_at": now,
        },
    )
    made = of_issue(db, tenant_id, issue_id, audience)
    assert made is not None
    return made


def of_issue(db: Session, tenant_id: str, issue_id: str, audience: str) -> Thread | None:
    return db.exec(
        select(Thread).where(
            Thread.tenant_id == tenant_id,
            Thread.issue_id == issue_id,
            Thread.audience == audience,
        )
    ).one_or_none()


def by_id(db: Session, tenant_id: str, thread_id: str) -> Thread | None:
    return db.exec(
        select(Thread).where(Thread.tenant_id == tenant_id, Thread.id == thread_id)
    ).one_or_none()


def make_due(db: Session, thread_id: str, at: datetime) -> None:
    """Have a worker look at the thread at that instant, or earlier where it is due earlier."""
    due = col(Thread.due_at)
    db.execute(
        update(Thread)
        .where(col(Thread.id) == thread_id, or_(due.is_(None), due > at))
        .values(due_at=at)
    )
    announce(db, DUE)
    announce(db, f"{DUE}:{thread_id}")


# --- leases ---------------------------------------------------------------------------------


def claim(
    db: Session, owner: str, now: datetime, seconds: float, most: int, per_tenant: int
) -> list[Lease]:
    """Take up to ``most`` due threads that nobody holds, no tenant above its share.

    A tenant's share counts what it has under way; among those that wait, each tenant's
    longest-waiting threads come first.
    """
    held = (
        select(col(Thread.tenant_id), func.count().label("held"))
        .where(col(Thread.lease_until) > now)
        .group_by(col(Thread.tenant_id))
        .subquery()
    )
    wants = _wants_a_worker(now)
    since = func.coalesce(col(Thread.due_at), col(Thread.lease_until))
    place = (
        func.row_number()
        .over(partition_by=col(Thread.tenant_id), order_by=(since, col(Thread.id)))
        .label("place")
    )
    waiting = (
        select(col(Thread.id).label("id"), place, func.coalesce(held.c.held, 0).label("held"))
        .join(Tenant, col(Tenant.id) == col(Thread.tenant_id))
        .outerjoin(held, held.c.tenant_id == col(Thread.tenant_id))
        .where(wants, col(Tenant.state) == "installed")
        .subquery()
    )
    chosen = select(waiting.c.id).where(waiting.c.place + waiting.c.held <= per_tenant)
    threads = db.exec(
        select(Thread)
        .where(col(Thread.id).in_(chosen), wants)
        .order_by(since, col(Thread.id))
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    return [_taken(thread, owner, now, seconds) for thread in threads]


def _wants_a_worker(now: datetime) -> ColumnElement[bool]:
    """Due and held by nobody, or held by somebody who let the lease lapse: a dead worker."""
    free_and_due = and_(col(Thread.lease_until).is_(None), col(Thread.due_at) <= now)
    return or_(free_and_due, col(Thread.lease_until) <= now)


def claim_one(
    db: Session, thread_id: str, owner: str, now: datetime, seconds: float
) -> Lease | None:
    """Take this thread, if nobody holds it."""
    thread = db.exec(
        select(Thread)
        .where(
            Thread.id == thread_id,
            or_(col(Thread.lease_until).is_(None), col(Thread.lease_until) <= now),
        )
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if thread is None:
        return None
    return _taken(thread, owner, now, seconds)


def _taken(thread: Thread, owner: str, now: datetime, seconds: float) -> Lease:
    thread.lease_owner = owner
    thread.lease_until = now + timedelta(seconds=seconds)
    thread.fence += 1
    thread.due_at = None
    return Lease(thread.tenant_id, thread.id, owner, thread.fence)


def hold(db: Session, lease: Lease) -> Thread:
    """The leased thread, locked for this transaction.

    Raises:
        LeaseLost: another worker has it, or it is gone.
    """
    thread = db.exec(
        select(Thread)
        .where(
            Thread.tenant_id == lease.tenant_id,
            Thread.id == lease.thread_id,
            Thread.fence == lease.fence,
            Thread.lease_owner == lease.owner,
        )
        .with_for_update()
    ).one_or_none()
    if thread is None:
        raise LeaseLost
    return thread


def renew(db: Session, lease: Lease, until: datetime) -> None:
    """Hold it longer."""
    hold(db, lease).lease_until = until


def release(db: Session, lease: Lease, due_at: datetime | None, now: datetime) -> None:
    """Let go. Due again at ``due_at``; at once where something unseen came in meanwhile."""
    thread = hold(db, lease)
    thread.lease_owner = None
    thread.lease_until = None
    if has_unseen(db, lease.thread_id) and thread.failures == 0:
        due_at = now
    if due_at is not None and (thread.due_at is None or due_at < thread.due_at):
        thread.due_at = due_at
    if thread.due_at is not None:
        announce(db, DUE)


def release_all(db: Session, now: datetime) -> int:
    """After a restart of the one process that SQLite allows: nobody else holds a lease."""
    return _free(db, db.exec(select(Thread).where(col(Thread.lease_owner).is_not(None))), now)


def release_owned(db: Session, owner: str, now: datetime) -> int:
    """A worker leaves: whatever it still holds is due for another at once."""
    return _free(db, db.exec(select(Thread).where(Thread.lease_owner == owner)), now)


def _free(db: Session, threads: Iterable[Thread], now: datetime) -> int:
    freed = 0
    for thread in threads:
        thread.lease_owner = None
        thread.lease_until = None
        thread.fence += 1
        thread.due_at = now
        freed += 1
    if freed:
        announce(db, DUE)
    return freed


# --- unseen ---------------------------------------------------------------------------------


def unseen_of(db: Session, thread_id: str, most: int = 500) -> list[Unseen]:
    """What nobody has looked at, oldest first."""
    return list(
        db.exec(
            select(Unseen).where(Unseen.thread_id == thread_id).order_by(col(Unseen.id)).limit(most)
        ).all()
    )


def has_unseen(db: Session, thread_id: str, event: str | None = None) -> bool:
    """Whether something unseen came in; with ``event``, something of that kind."""
    query = select(Unseen.id).where(Unseen.thread_id == thread_id).limit(1)
    if event is not None:
        query = query.where(Unseen.event == event)
    return db.exec(query).first() is not None


def drop_unseen(db: Session, thread_id: str, ids: Collection[int]) -> None:
    """What was looked at, and nothing else: rows do not become visible in the order of ids."""
    db.exec(delete(Unseen).where(col(Unseen.thread_id) == thread_id, col(Unseen.id).in_(ids)))


# --- items ----------------------------------------------------------------------------------


def add_item(db: Session, item: Item) -> Item:
    """Store an item; where its place is taken by another of the same instant, behind it."""
    while db.exec(
        select(Item.id).where(Item.thread_id == item.thread_id, Item.sort_key == item.sort_key)
    ).first():
        behind = int(item.sort_key[20:]) + 1 + secrets.randbelow(10**9)
        item.sort_key = item.sort_key[:20] + f"{behind:020d}"
    db.add(item)
    db.flush()
    return item


def item_by_id(db: Session, tenant_id: str, thread_id: str, item_id: str) -> Item | None:
    if not item_id.isprintable():  # such as NUL, which PostgreSQL refuses to look for
        return None
    return db.exec(
        select(Item).where(
            Item.tenant_id == tenant_id, Item.thread_id == thread_id, Item.id == item_id
        )
    ).one_or_none()


def item_by_comment(db: Session, thread_id: str, comment_id: str) -> Item | None:
    return db.exec(
        select(Item).where(Item.thread_id == thread_id, Item.comment_id == comment_id)
    ).one_or_none()


def item_by_client(db: Session, thread_id: str, client_id: str) -> Item | None:
    return db.exec(
        select(Item).where(Item.thread_id == thread_id, Item.client_id == client_id)
    ).one_or_none()


def items_page(
    db: Session,
    tenant_id: str,
    thread_id: str,
    *,
    after: str | None = None,
    limit: int = 20,
    order: str = "asc",
    through: str | None = None,
) -> tuple[list[Item], bool]:
    """A page of items and whether more follow.

    Args:
        after: a sort key; the page begins behind it in the order asked for.
        through: a sort key; nothing beyond it is shown.
    """
    key = col(Item.sort_key)
    query = select(Item).where(
        Item.tenant_id == tenant_id, Item.thread_id == thread_id, Item.state != HIDDEN
    )
    if through is not None:
        query = query.where(key <= through)
    if after is not None:
        query = query.where(key > after if order == "asc" else key < after)
    rows = db.exec(
        query.order_by(key.asc() if order == "asc" else key.desc()).limit(limit + 1)
    ).all()
    return list(rows[:limit]), len(rows) > limit


def with_comments(db: Session, thread_id: str) -> list[Item]:
    """The items that stand for comments of Jira's and are shown."""
    return list(
        db.exec(
            select(Item).where(
                Item.thread_id == thread_id,
                col(Item.comment_id).is_not(None),
                Item.state != HIDDEN,
            )
        ).all()
    )


def lock(db: Session, thread_id: str) -> None:
    """Hold the row until this transaction ends, so that two who write to it come in turn."""
    db.exec(select(Thread.id).where(Thread.id == thread_id).with_for_update()).one()


def asking(db: Session, thread_id: str) -> list[Item]:
    """What waits for an answer, oldest first."""
    return list(
        db.exec(
            select(Item)
            .where(
                Item.thread_id == thread_id,
                col(Item.asks),
                col(Item.answered_by).is_(None),
                Item.state != HIDDEN,
            )
            .order_by(col(Item.sort_key))
        ).all()
    )
