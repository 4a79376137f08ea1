"""Threads and their items: reading, filling, leasing. All functions run inside a session."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Integer, Row, bindparam, or_, update
from sqlmodel import Session, col, delete, select

from app.errors import LeaseLost
from app.store import database_clock
from app.store.ids import new_epoch, new_id
from app.store.statements import insert_new
from app.store.tables import Issue, Item, Thread, Unseen
from app.store.writer import KEPT, announce

DUE = "due"
"""The signal that some thread wants a worker; ``due:<id>`` is meant for the one that has it."""


HIDDEN = "hidden"
"""State of an item that was public once: its place is known, its words are gone."""


@dataclass(frozen=True)
class Lease:
    """A worker's right to a thread. Whoever holds an older ``fence`` can write no more.

    It lapses ``seconds`` after it was taken or last renewed, by the database's clock.
    """

    tenant_id: str
    thread_id: str
    owner: str
    fence: int
    seconds: float


# --- issues and threads ---------------------------------------------------------------------


def ensure_issue(db: Session, tenant_id: str, issue_id: str) -> Issue:
    """The row of an issue, made where it is missing."""
    found = db.get(Issue, (tenant_id, issue_id))
    if found is not None:
        return found
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


_OF_ISSUE = select(Thread).where(
    Thread.tenant_id == bindparam("tenant_id"),
    Thread.issue_id == bindparam("issue_id"),
    Thread.audience == bindparam("audience"),
)


def of_issue(db: Session, tenant_id: str, issue_id: str, audience: str) -> Thread | None:
    named = {"tenant_id": tenant_id, "issue_id": issue_id, "audience": audience}
    return db.exec(_OF_ISSUE, params=named).one_or_none()


def by_id(db: Session, tenant_id: str, thread_id: str) -> Thread | None:
    if not thread_id.isprintable():  # such as NUL, which PostgreSQL refuses to look for
        return None
    thread = db.get(Thread, thread_id)
    return thread if thread is not None and thread.tenant_id == tenant_id else None


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

_HELD = (
    select(Thread)
    .where(
        Thread.tenant_id == bindparam("tenant_id"),
        Thread.id == bindparam("thread_id"),
        Thread.fence == bindparam("fence"),
        Thread.lease_owner == bindparam("owner"),
    )
    .with_for_update()
)


_THREADS = cast("Any", Thread).__table__
_ALL_LOCKED = (
    select(_THREADS.c.id, _THREADS.c.tenant_id, _THREADS.c.fence, _THREADS.c.lease_owner)
    .where(_THREADS.c.id.in_(bindparam("threads", expanding=True)))
    .order_by(_THREADS.c.id)
    .with_for_update()
)


def claim_one(
    db: Session, thread_id: str, owner: str, now: datetime, seconds: float
) -> Lease | None:
    """Take this thread, if nobody holds it. See ``claiming.py`` for the many."""
    until = col(Thread.lease_until)
    free = or_(until.is_(None), until <= database_clock.instant(db, now))
    return next(iter(take(db, [thread_id], owner, now, seconds, free)), None)


def take(
    db: Session,
    thread_ids: Sequence[str],
    owner: str,
    now: datetime,
    seconds: float,
    still: ColumnElement[bool],
) -> list[Lease]:
    """Lease those of these threads that are ``still`` to be had, in the order given."""
    if not thread_ids:
        return []
    free = select(Thread.id).where(col(Thread.id).in_(thread_ids), still)
    taken = db.execute(
        update(Thread)
        .where(col(Thread.id).in_(free.with_for_update(skip_locked=True)))
        .values(
            lease_owner=owner,
            lease_until=database_clock.instant(db, now, seconds),
            fence=Thread.fence + 1,
            due_at=None,
        )
        .returning(col(Thread.tenant_id), col(Thread.id), col(Thread.fence))
        .execution_options(synchronize_session=False)
    )
    leases = [Lease(tenant, thread, owner, fence, seconds) for tenant, thread, fence in taken]
    places = {thread_id: place for place, thread_id in enumerate(thread_ids)}
    return sorted(leases, key=lambda lease: places[lease.thread_id])


def hold(db: Session, lease: Lease) -> Thread:
    """The leased thread, locked for this transaction.

    By the fence alone: a lease that has lapsed and was taken by nobody does no harm.

    Raises:
        LeaseLost: another worker has it, or it is gone.
    """
    kept: dict[object, Thread] = db.info.setdefault(KEPT, {})
    thread = kept.get(lease)
    if thread is not None and (thread.fence, thread.lease_owner) == (lease.fence, lease.owner):
        return thread
    named = {
        "tenant_id": lease.tenant_id,
        "thread_id": lease.thread_id,
        "fence": lease.fence,
        "owner": lease.owner,
    }
    thread = db.exec(_HELD, params=named).one_or_none()
    if thread is None:
        raise LeaseLost
    kept[lease] = thread
    return thread


def held(db: Session, leases: Iterable[Lease]) -> set[Lease]:
    """Those of these leases that hold, their threads locked in the order of their ids."""
    rows = _locked(db, {lease.thread_id for lease in leases})
    standing = {row.id: (row.tenant_id, row.fence, row.lease_owner) for row in rows}
    return {
        lease
        for lease in leases
        if standing.get(lease.thread_id) == (lease.tenant_id, lease.fence, lease.owner)
    }


def lock_all(db: Session, thread_ids: Collection[str]) -> None:
    """Hold these rows until this transaction ends, locked in the order of their ids."""
    if thread_ids:
        _locked(db, thread_ids)


def _locked(db: Session, thread_ids: Collection[str]) -> Sequence[Row[*tuple[Any, ...]]]:
    return db.connection().execute(_ALL_LOCKED, {"threads": sorted(thread_ids)}).all()


def renew(db: Session, lease: Lease, now: datetime) -> None:
    """Hold it for the lease's whole length from now on, by the database's clock.

    Raises:
        LeaseLost: another worker has it, or it is gone.
    """
    renewed = db.execute(
        update(Thread)
        .where(
            col(Thread.tenant_id) == lease.tenant_id,
            col(Thread.id) == lease.thread_id,
            col(Thread.fence) == lease.fence,
            col(Thread.lease_owner) == lease.owner,
        )
        .values(lease_until=database_clock.instant(db, now, lease.seconds))
        .returning(col(Thread.id))
        .execution_options(synchronize_session=False)
    )
    if renewed.first() is None:
        raise LeaseLost


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

_UNSEEN = (
    select(Unseen)
    .where(Unseen.thread_id == bindparam("thread_id"))
    .order_by(col(Unseen.id))
    .limit(bindparam("most", type_=Integer))
)
_ANY_UNSEEN = select(Unseen.id).where(Unseen.thread_id == bindparam("thread_id")).limit(1)


def unseen_of(db: Session, thread_id: str, most: int = 500) -> list[Unseen]:
    """What nobody has looked at, oldest first."""
    return list(db.exec(_UNSEEN, params={"thread_id": thread_id, "most": most}).all())


def has_unseen(db: Session, thread_id: str, event: str | None = None) -> bool:
    """Whether something unseen came in; with ``event``, something of that kind."""
    query = _ANY_UNSEEN if event is None else _ANY_UNSEEN.where(Unseen.event == event)
    return db.exec(query, params={"thread_id": thread_id}).first() is not None


def drop_unseen(db: Session, thread_id: str, ids: Collection[int]) -> None:
    """What was looked at, and nothing else: rows do not become visible in the order of ids."""
    if not ids:
        return
    db.exec(delete(Unseen).where(col(Unseen.thread_id) == thread_id, col(Unseen.id).in_(ids)))


# --- items ----------------------------------------------------------------------------------

_BY_COMMENT = select(Item).where(
    Item.thread_id == bindparam("thread_id"), Item.comment_id == bindparam("comment_id")
)
_AT = select(Item.id).where(
    Item.thread_id == bindparam("thread_id"), Item.sort_key == bindparam("sort_key")
)
_ITEMS = cast("Any", Item).__table__
_REWRITE = update(_ITEMS).where(_ITEMS.c.id == bindparam("item_id")).values(text=bindparam("now"))
_ASKING = (
    select(Item)
    .where(
        Item.thread_id == bindparam("thread_id"),
        col(Item.asks),
        col(Item.answered_by).is_(None),
        Item.state != HIDDEN,
    )
    .order_by(col(Item.sort_key))
)


def add_item(db: Session, item: Item) -> Item:
    """Store an item; where its place is taken by another of the same instant, behind it."""
    while db.exec(_AT, params={"thread_id": item.thread_id, "sort_key": item.sort_key}).first():
        behind = int(item.sort_key[20:]) + 1 + secrets.randbelow(10**9)
        item.sort_key = item.sort_key[:20] + f"{behind:020d}"
    db.add(item)
    db.flush()
    return item


def rewrite(db: Session, texts: Sequence[tuple[str, str]]) -> None:
    """Give items, by their ids, the whole text that they have by now."""
    if texts:
        rows = [{"item_id": item_id, "now": text} for item_id, text in texts]
        db.connection().execute(_REWRITE, rows)


def item_by_id(db: Session, tenant_id: str, thread_id: str, item_id: str) -> Item | None:
    if not item_id.isprintable():  # such as NUL, which PostgreSQL refuses to look for
        return None
    item = db.get(Item, item_id)
    if item is None or (item.tenant_id, item.thread_id) != (tenant_id, thread_id):
        return None
    return item


def item_by_comment(db: Session, thread_id: str, comment_id: str) -> Item | None:
    named = {"thread_id": thread_id, "comment_id": comment_id}
    return db.exec(_BY_COMMENT, params=named).one_or_none()


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
    return list(db.exec(_ASKING, params={"thread_id": thread_id}).all())
