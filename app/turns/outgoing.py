"""What we bring to Jira and that is no turn's own answer: queued with its thread, delivered once.

A row waits until it is posted, has failed, or is withdrawn. ``bringing.py`` delivers it under the
lease of the issue's public thread; each of these functions is part of somebody's transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from app.store import database_clock, threads, turns
from app.store.ids import new_id
from app.store.tables import Item, Outgoing, Turn
from app.store.threads import Lease
from app.turns.outcomes import Interrupted

UNFOUND = "not_internal"
"""Why a row has failed of which no comment stands that says anything."""


def put(  # noqa: PLR0913  (each said by its name)
    db: Session,
    *,
    tenant_id: str,
    thread_id: str,
    item: Item,
    role: Literal["user", "assistant"],
    by_id: str | None,
    internal: bool | None,
    turn_id: str | None,
    now: datetime,
) -> Outgoing:
    """Queue an item for Jira; its public thread's worker delivers it.

    An item is queued once. One that could not be delivered is tried again, and whether Jira has
    it all the same is looked at first.

    Args:
        db: in a transaction that holds the item's thread.
        tenant_id: the item's.
        thread_id: the issue's public thread.
        item: a message, or a draft.
        role: user or assistant.
        by_id: account id of who wrote the message, or approved the draft.
        internal: True brings a note in any case; else it is decided when it is brought.
        turn_id: the turn that wrote the draft.
        now: by our clock.
    """
    row = by_item(db, tenant_id, item.id)
    if row is None:
        row = Outgoing(
            id=new_id("out"),
            tenant_id=tenant_id,
            thread_id=thread_id,
            item_id=item.id,
            item_thread_id=item.thread_id,
            role=role,
            turn_id=turn_id,
            internal=internal,
            by_id=by_id,
            created_at=now,
        )
        db.add(row)
        db.flush()
    elif row.state == "failed":
        row.state, row.by_id, row.created_at = "waiting", by_id, now
        row.internal = row.internal or internal
        row.failures, row.not_before, row.cause, row.finished_at = 0, None, None, None
    threads.make_due(db, thread_id, now)
    return row


_WAITING = (
    select(Outgoing)
    .where(Outgoing.thread_id == bindparam("thread_id"), Outgoing.state == "waiting")
    .order_by(col(Outgoing.created_at), col(Outgoing.id))
)
_ANY_WAITING = (
    select(Outgoing.id)
    .where(Outgoing.thread_id == bindparam("thread_id"), Outgoing.state == "waiting")
    .limit(1)
)


def waiting(db: Session, thread_id: str) -> list[Outgoing]:
    """What is still to be delivered, in the order in which it was queued."""
    return list(db.exec(_WAITING, params={"thread_id": thread_id}).all())


def any_waits(db: Session, thread_id: str) -> bool:
    """Whether something is still to be delivered."""
    return db.exec(_ANY_WAITING, params={"thread_id": thread_id}).first() is not None


def first(db: Session, thread_id: str) -> Outgoing | None:
    """What is to be delivered next."""
    return next(iter(waiting(db, thread_id)), None)


def by_item(db: Session, tenant_id: str, item_id: str) -> Outgoing | None:
    return db.exec(
        select(Outgoing).where(Outgoing.tenant_id == tenant_id, Outgoing.item_id == item_id)
    ).one_or_none()


def by_turn(db: Session, thread_id: str, turn_id: str) -> Outgoing | None:
    """The approved draft that the turn wrote."""
    return db.exec(
        select(Outgoing)
        .where(Outgoing.thread_id == thread_id, Outgoing.turn_id == turn_id)
        .limit(1)
    ).first()


def tried(db: Session, thread_id: str) -> Outgoing | None:
    """What Jira was asked to take last and has not answered for."""
    asked = [row for row in waiting(db, thread_id) if row.tried_at and row.comment_id is None]
    return max(asked, key=lambda row: row.tried_at or row.created_at, default=None)


def before_answer(db: Session, turn: Turn, now: datetime) -> datetime | None:
    """When to look again whether Jira has what the turn answers; None where it has all of it.

    An answer never stands above its question.
    """
    asked = [
        row
        for row in waiting(db, turn.thread_id)
        if row.role == "user"
        and (item := threads.item_by_id(db, row.tenant_id, row.item_thread_id, row.item_id))
        and item.answered_by == turn.id
    ]
    return max((row.not_before or now for row in asked), default=None)


def is_note(db: Session, item: Item) -> bool:
    """Whether the item was brought to Jira as an internal note, on purpose."""
    row = by_item(db, item.tenant_id, item.id)
    return row is not None and row.internal is True


def held(db: Session, lease: Lease, row_id: str) -> Outgoing:
    """The row, if it still waits.

    Raises:
        Interrupted: it does not.
        LeaseLost: another worker has its thread.
    """
    threads.hold(db, lease)
    row = db.get(Outgoing, row_id)
    if row is None or row.state != "waiting":
        raise Interrupted
    return row


def is_untried(row: Outgoing) -> bool:
    """Whether Jira has certainly not got it."""
    return row.tried_at is None and row.comment_id is None


def note_try(db: Session, lease: Lease, row: Outgoing, now: datetime, *, internal: bool) -> None:
    """That Jira is about to be asked to take it, and how: known also after a crash.

    The lease holds from here on for its whole length: see ``recording.note_try``.
    """
    row.internal = internal
    row.posts += 1
    row.tried_at = database_clock.present(db, now)
    threads.renew(db, lease, now)


def note_told(db: Session, row: Outgoing, comment_id: str, now: datetime) -> None:
    """A webhook tells which comment it is: it is not posted again, nor given up."""
    if not row.posts or row.comment_id is not None or row.cause == UNFOUND:
        return
    if turns.posted_as(db, row.thread_id, comment_id):
        return
    row.comment_id = comment_id
    if row.state == "failed":
        row.state, row.finished_at = "waiting", None
    row.not_before = None
    threads.make_due(db, row.thread_id, now)


def close(
    row: Outgoing, state: Literal["posted", "failed", "withdrawn"], cause: str | None, now: datetime
) -> None:
    """It waits no longer."""
    row.state, row.cause, row.not_before, row.finished_at = state, cause, None, now
