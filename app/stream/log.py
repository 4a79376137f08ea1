"""A thread's event log: the one truth that every stream reads.

``n`` is counted on the thread's row, in the transaction that stores the events: it rises by
one within a thread, without a gap, whichever process writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import bindparam, insert, tuple_, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key
from sqlmodel import Session, col, delete, select

from app.store.tables import Event, Thread
from app.store.writer import announce
from app.stream.encoding import one_line, without_words

KEPT = 10_000
"""Events of a thread that stay, whatever their age; trimming lets it grow by half of that."""

Line = tuple[str, Mapping[str, Any]]
"""An event's type and what it says beside it."""

_threads = cast("Any", Thread).__table__
_COUNT = (
    update(_threads)
    .where(_threads.c.tenant_id == bindparam("of_tenant"), _threads.c.id == bindparam("thread_id"))
    .values(last_n=_threads.c.last_n + bindparam("more"))
    .returning(_threads.c.last_n)
)
_COUNT_ALL = (
    update(_threads)
    .where(_threads.c.id.in_(bindparam("threads", expanding=True)))
    .values(last_n=_threads.c.last_n + bindparam("more"))
    .returning(_threads.c.id, _threads.c.last_n)
)
_STORE = insert(cast("Any", Event).__table__)


def append(
    db: Session, tenant_id: str, thread_id: str, lines: Iterable[Line], now: datetime
) -> int:
    """Write events behind the newest; return the newest ``n``. Watchers are woken."""
    events = list(lines)
    counted = {"of_tenant": tenant_id, "thread_id": thread_id, "more": len(events)}
    last: int = db.execute(_COUNT, counted).scalar_one()
    thread = db.identity_map.get(identity_key(Thread, thread_id))
    if thread is not None:
        set_committed_value(thread, "last_n", last)
    if events:
        first = last - len(events) + 1
        db.connection().execute(_STORE, _rows(tenant_id, thread_id, first, events, now))
        announce(db, f"thread:{thread_id}")
        _trim(db, thread_id, last, len(events))
    return last


def append_to_each(
    db: Session, of_each: Mapping[tuple[str, str], Sequence[Line]], now: datetime
) -> None:
    """Write events behind the newest of several threads.

    Args:
        db: in a transaction that holds these threads.
        of_each: lines, by tenant and thread.
        now: by our clock.
    """
    rows: list[dict[str, Any]] = []
    for more in sorted({len(lines) for lines in of_each.values()}):
        these = {thread_id for (_, thread_id), lines in of_each.items() if len(lines) == more}
        counted = db.connection().execute(_COUNT_ALL, {"threads": sorted(these), "more": more})
        newest = {row.id: row.last_n for row in counted}
        for (tenant_id, thread_id), lines in of_each.items():
            if thread_id in these:
                rows += _rows(tenant_id, thread_id, newest[thread_id] - more + 1, lines, now)
                announce(db, f"thread:{thread_id}")
                _trim(db, thread_id, newest[thread_id], more)
    if rows:
        db.connection().execute(_STORE, rows)


def _rows(
    tenant_id: str, thread_id: str, first: int, lines: Iterable[Line], now: datetime
) -> list[dict[str, Any]]:
    return [
        {
            "tenant_id": tenant_id,
            "thread_id": thread_id,
            "n": n,
            "type": kind,
            "data": one_line({"type": kind, **data}),
            "created_at": now,
        }
        for n, (kind, data) in enumerate(lines, first)
    ]


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
