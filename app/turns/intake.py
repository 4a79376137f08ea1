"""An arrival becomes something unseen: once, durable before the 2xx, and nothing slow.

One transaction holds the delivery (so that a repeated one has no second effect), the unseen
row, and the thread being due; those that come at once share it. What was told is believed by
nobody yet: see catching_up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.clock import Clock
from app.doors.arrivals import Arrival
from app.store import threads
from app.store.database import Database
from app.store.statements import insert_all_new, insert_rows
from app.store.tables import Delivery, Unseen


@dataclass(frozen=True)
class _Told:
    """An arrival, of whom, and when it came in."""

    tenant_id: str
    arrival: Arrival
    at: datetime

    @property
    def key(self) -> tuple[str, str]:
        return self.tenant_id, self.arrival.identifier

    @property
    def issue(self) -> tuple[str, str]:
        return self.tenant_id, self.arrival.issue_id


async def receive(arrival: Arrival, tenant_id: str, *, database: Database, clock: Clock) -> bool:
    """Take a delivery in; come back once it is durable. False if it was here before."""
    return await database.write_together(_take_in, _Told(tenant_id, arrival, clock.now()))


def _take_in(db: Session, told: Sequence[_Told]) -> list[bool]:
    fresh = _fresh(db, told)
    known = threads.public_of(db, {one.issue for one in fresh})
    for one in fresh:
        # Nothing is done where nothing is known of the issue, and nothing asked.
        if one.issue not in known and _begins_a_thread(db, one.tenant_id, one.arrival):
            known[one.issue] = threads.ensure_thread(db, *one.issue, "public", one.at).id
    kept = [one for one in fresh if one.issue in known]
    if kept:
        insert_rows(db, Unseen, [_unseen(one, known[one.issue]) for one in kept])
        threads.make_all_due(db, {known[one.issue] for one in kept}, min(one.at for one in kept))
    news = {id(one) for one in fresh}
    return [id(one) in news for one in told]


def _fresh(db: Session, told: Sequence[_Told]) -> list[_Told]:
    """Those that were not here before; of the same delivery twice, the first."""
    first = {one.key: one for one in reversed(told)}
    rows = [
        {"tenant_id": one.tenant_id, "identifier": one.arrival.identifier, "received_at": one.at}
        for _, one in sorted(first.items())  # in one order, whichever process takes them in
    ]
    new = insert_all_new(db, Delivery, rows, "tenant_id", "identifier")
    return [one for one in told if one.key in new and one is first[one.key]]


def _unseen(one: _Told, thread_id: str) -> dict[str, object]:
    return {
        "tenant_id": one.tenant_id,
        "thread_id": thread_id,
        "event": one.arrival.event,
        "comment_id": one.arrival.comment_id,
        "actor_id": one.arrival.actor_id,
        "author_id": one.arrival.author_id,
        "changed": list(one.arrival.changed),
        "occurred_at": one.arrival.occurred_at,
        "received_at": one.at,
    }


def _begins_a_thread(db: Session, tenant_id: str, arrival: Arrival) -> bool:
    """A comment or an issue does; so does a deletion, of what only the team talked about."""
    if arrival.event == "issue_deleted":
        return threads.of_issue(db, tenant_id, arrival.issue_id, "internal") is not None
    return arrival.event in {"comment_created", "comment_updated", "issue_created"}
