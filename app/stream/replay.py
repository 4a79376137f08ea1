"""What follows an event's id: the next events, or, where they cannot be told, the thread anew.

Each function is one look at the database, in one consistent view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import and_, bindparam, select
from sqlmodel import Session, col

from app.store.tables import Event, Issue, Tenant, Thread
from app.stream import sse
from app.stream.encoding import one_line
from app.stream.sse import EventId

PAGE = 200
"""Events of one look: all that is held for a reader at a time, however far behind it is."""
RESYNC = "stream.resync"
MOST_NAMES = 500
"""Ids in one statement."""

_THREADS, _ISSUES, _EVENTS = (cast("Any", one).__table__.c for one in (Thread, Issue, Event))
_NEWEST = (
    select(_THREADS.epoch, _THREADS.last_n)
    .outerjoin(
        Issue,
        and_(_ISSUES.tenant_id == _THREADS.tenant_id, _ISSUES.issue_id == _THREADS.issue_id),
    )
    .where(
        _THREADS.tenant_id == bindparam("tenant_id"),
        _THREADS.id == bindparam("thread_id"),
        _ISSUES.deleted_at.is_(None),
    )
)
_AFTER = (
    select(_EVENTS.n, _EVENTS.type, _EVENTS.data)
    .where(
        _EVENTS.tenant_id == bindparam("tenant_id"),
        _EVENTS.thread_id == bindparam("thread_id"),
        _EVENTS.n > bindparam("n"),
    )
    .order_by(_EVENTS.n)
    .limit(PAGE)
)

Snapshot = Callable[[Session, str, str], Mapping[str, Any]]
"""A thread as who opens it sees it, of ``(db, tenant_id, thread_id)``."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it goes out; ``data`` is one line of JSON."""

    id: EventId
    type: str
    data: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that follow what a reader has, in order.

    Attributes:
        events: none where nothing followed, or this is a heartbeat.
        last: where whoever has taken the batch stands.
        whole: nothing more followed when it was read.
        frames: the same as bytes; those who take the batch share them.
    """

    events: tuple[Told, ...]
    last: EventId
    whole: bool
    frames: bytes


def heartbeat(at: EventId) -> Batch:
    """For a reader who stands there, and whom nothing new was told for a while."""
    return Batch((), at, whole=True, frames=sse.COMMENT)


def what_follows(
    db: Session, tenant_id: str, thread_id: str, place: EventId | None, snapshot: Snapshot
) -> Batch | None:
    """What comes after ``place``; None where the thread is gone, or its issue is.

    Where the log does not tell that (no place, one of another history, one ahead of the log, or
    one whose followers are deleted), it is one event, ``stream.resync``: a snapshot of the
    thread, under the newest id in it.
    """
    newest = _newest(db, tenant_id, thread_id)
    if newest is None:
        return None
    if place is not None and place.epoch == newest.epoch:
        events = _after(db, tenant_id, thread_id, place)
        if events[-1].id == newest if events else place == newest:
            return _batch(events, newest, whole=True)
        if len(events) == PAGE:
            return _batch(events, events[-1].id, whole=False)
    data = one_line({"type": RESYNC, "thread": snapshot(db, tenant_id, thread_id)})
    return _batch((Told(newest, RESYNC, data),), newest, whole=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader stands in a thread."""

    tenant_id: str
    thread_id: str
    at: EventId


class Reader:
    """Looks up what follows several places at once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def one(self, db: Session, tenant_id: str, thread_id: str) -> Batch | None:
        """For who stands nowhere yet."""
        return what_follows(db, tenant_id, thread_id, None, self._snapshot)

    def several(self, db: Session, places: Sequence[Place]) -> list[Batch | None]:
        """Of each place, in their order; see :func:`what_follows`."""
        return [
            what_follows(db, place.tenant_id, place.thread_id, place.at, self._snapshot)
            for place in places
        ]


def newest_of(db: Session, thread_ids: Sequence[str]) -> dict[str, EventId]:
    """Where each of these threads stands; none where it is gone."""
    found: dict[str, EventId] = {}
    for at in range(0, len(thread_ids), MOST_NAMES):
        names = thread_ids[at : at + MOST_NAMES]
        rows = db.execute(
            select(col(Thread.id), col(Thread.epoch), col(Thread.last_n)).where(
                col(Thread.id).in_(names)
            )
        )
        found.update({row.id: EventId(row.epoch, row.last_n) for row in rows})
    return found


def generations_of(db: Session, tenant_ids: Sequence[str]) -> dict[str, int]:
    """The generation whose sessions hold, of each of these tenants that is installed."""
    found: dict[str, int] = {}
    for at in range(0, len(tenant_ids), MOST_NAMES):
        names = tenant_ids[at : at + MOST_NAMES]
        rows = db.execute(
            select(col(Tenant.id), col(Tenant.session_generation)).where(
                col(Tenant.id).in_(names), col(Tenant.state) == "installed"
            )
        )
        found.update({row.id: row.session_generation for row in rows})
    return found


def _newest(db: Session, tenant_id: str, thread_id: str) -> EventId | None:
    named = {"tenant_id": tenant_id, "thread_id": thread_id}
    row = db.connection().execute(_NEWEST, named).one_or_none()
    return EventId(row.epoch, row.last_n) if row is not None else None


def _after(db: Session, tenant_id: str, thread_id: str, place: EventId) -> tuple[Told, ...]:
    """The next events of that history, as far as no number between them is missing."""
    named = {"tenant_id": tenant_id, "thread_id": thread_id, "n": place.n}
    rows = db.connection().execute(_AFTER, named).all()
    return tuple(
        Told(EventId(place.epoch, row.n), row.type, row.data)
        for number, row in enumerate(rows, place.n + 1)
        if row.n == number
    )


def _batch(events: tuple[Told, ...], last: EventId, *, whole: bool) -> Batch:
    frames = b"".join(sse.frame(event.id, event.type, event.data) for event in events)
    return Batch(events, last, whole, frames)
