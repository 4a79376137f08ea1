"""A thread's event log: the one truth that every stream reads.

``n`` is counted on the thread's row, in the transaction that stores the events: it rises by
one within a thread, without a gap, whichever process writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, tuple_, update
from sqlmodel import Session, col, delete, select

from app.store.tables import Event, Thread
from app.store.writer import announce
from app.stream.encoding import one_line, without_words

KEPT = 10_000
"""Events of a thread that stay, whatever their age; trimming lets it grow by half of that."""

Line = tuple[str, Mapping[str, Any]]
"""An event's type and what it says beside it."""


def append(
    db: Session, tenant_id: str, thread_id: str, lines: Iterable[Line], now: datetime
) -> int:
    """Write events behind the newest; return the newest ``n``. Watchers are woken."""
    events = list(lines)
    last: int = db.execute(
        update(Thread)
        .where(col(Thread.tenant_id) == tenant_id, col(Thread.id) == thread_id)
        .values(last_n=col(Thread.last_n) + len(events))
        .returning(col(Thread.last_n))
        .execution_options(synchronize_session="fetch")
    ).scalar_one()
    if events:
        first = last - len(events) + 1
        db.execute(
            insert(Event),
            [
                {
                    "tenant_id": tenant_id,
                    "thread_id": thread_id,
                    "n": first + at,
                    "type": kind,
                    "data": one_line({"type": kind, **data}),
                    "created_at": now,
                }
                for at, (kind, data) in enumerate(events)
            ],
        )
        announce(db, f"thread:{thread_id}")
        _trim(db, thread_id, last, len(events))
    return last


def _trim(db: Session, thread_id: str, last: int, written: int) -> None:
    """Now and then as it is written, so that nobody ever has to look for threads grown long."""
    if last % (KEPT // 2) < written:
        gone = col(Event.n) <= last - KEPT
        db.execute(delete(Event).where(col(Event.thread_id) == thread_id, gone))


def forget(db: Session, before: datetime, most: int) -> int:
    """Delete events told before then, ``most`` at a time; return how many were.

    Any number of processes may do so at once: each takes rows that no other has.
    """
    oldest = (
        select(Event.thread_id, Event.n)
        .where(Event.created_at < before)
        .order_by(col(Event.created_at))
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    names = [tuple(row) for row in db.exec(oldest)]
    key = tuple_(col(Event.thread_id), col(Event.n))
    db.execute(delete(Event).where(key.in_(names)))
    return len(names)


def redact(db: Session, tenant_id: str, thread_id: str, item_id: str) -> None:
    """Take an item's words out of the events that are told already.

    The events stay, with their numbers: who replays them sees the item come, empty, and then
    be replaced or removed.
    """
    told = db.exec(
        select(Event).where(
            Event.tenant_id == tenant_id,
            Event.thread_id == thread_id,
            col(Event.type).startswith("thread.item."),
            col(Event.data).contains(item_id, autoescape=True),
        )
    ).all()
    for event in told:
        data = json.loads(event.data)
        if data.get("item_id") == item_id or data.get("item", {}).get("id") == item_id:
            event.data = one_line(without_words(data))


def read_after(
    db: Session, tenant_id: str, thread_id: str, n: int, limit: int = 500
) -> list[Event]:
    """The events behind ``n``, oldest first."""
    return list(
        db.exec(
            select(Event)
            .where(Event.tenant_id == tenant_id, Event.thread_id == thread_id, Event.n > n)
            .order_by(col(Event.n))
            .limit(limit)
        ).all()
    )
