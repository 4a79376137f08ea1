"""An arrival becomes something unseen: once, durable before the 2xx, and nothing slow.

One transaction holds the delivery (so that a repeated one has no second effect), the unseen
row, and the thread being due. What was told is believed by nobody yet: see catching_up.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.clock import Clock
from app.doors.arrivals import Arrival
from app.store import threads
from app.store.database import Database
from app.store.statements import insert_new
from app.store.tables import Delivery, Unseen


async def receive(arrival: Arrival, tenant_id: str, *, database: Database, clock: Clock) -> bool:
    """Take a delivery in; come back once it is durable. False if it was here before."""
    return await database.write(_take_in, tenant_id, arrival.issue_id, arrival, clock.now())


def _take_in(db: Session, tenant_id: str, issue_id: str, arrival: Arrival, now: datetime) -> bool:
    fresh = insert_new(
        db,
        Delivery,
        {"tenant_id": tenant_id, "identifier": arrival.identifier, "received_at": now},
    )
    if not fresh:
        return False
    thread = threads.of_issue(db, tenant_id, issue_id, "public")
    if thread is None:
        if not _begins_a_thread(db, tenant_id, arrival):
            return True  # nothing is known of that issue, and nothing asked
        thread = threads.ensure_thread(db, tenant_id, issue_id, "public", now)
    db.add(
        Unseen(
            tenant_id=tenant_id,
            thread_id=thread.id,
            event=arrival.event,
            comment_id=arrival.comment_id,
            actor_id=arrival.actor_id,
            author_id=arrival.author_id,
            changed=list(arrival.changed),
            occurred_at=arrival.occurred_at,
            received_at=now,
        )
    )
    threads.make_due(db, thread.id, now)
    return True


def _begins_a_thread(db: Session, tenant_id: str, arrival: Arrival) -> bool:
    """A comment or an issue does; so does a deletion, of what only the team talked about."""
    if arrival.event == "issue_deleted":
        return threads.of_issue(db, tenant_id, arrival.issue_id, "internal") is not None
    return arrival.event in {"comment_created", "comment_updated", "issue_created"}
