"""What is kept too long is deleted by any worker, from its start on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select, update

from app.store.tables import Event
from app.turns.housekeeping import EVENTS_AT_ONCE, KEEP_EVENTS
from tests.support.rows import add_tenant, add_thread, opened
from tests.support.watching import tell
from tests.support.world import until, world

OLD = EVENTS_AT_ONCE + 3  # more than are deleted at once


def told_long_ago(db: Session) -> None:
    add_tenant(db)
    thread_id = add_thread(db)
    tell(db, thread_id, *["a"] * (OLD + 2))
    then = datetime.now(UTC) - KEEP_EVENTS
    age = {True: then - timedelta(minutes=1), False: then + timedelta(hours=1)}
    for old, at in age.items():
        which = col(Event.n) <= OLD if old else col(Event.n) > OLD
        db.execute(update(Event).where(which).values(created_at=at))


def numbers(db: Session) -> list[int]:
    return list(db.exec(select(Event.n).order_by(col(Event.n))))


async def test_events_of_more_than_a_week_ago_are_forgotten(database_url: str) -> None:
    with opened(database_url) as before:
        await before.write(told_long_ago)
        assert len(await before.read(numbers)) == OLD + 2
    with world(database_url, install=False) as here:
        kept = [OLD + 1, OLD + 2]
        until(lambda: here.read(numbers) == kept, "the old events to be gone")
