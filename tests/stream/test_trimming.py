"""The log is trimmed by size as it is written, and by age; what stays is never broken."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import Session, col, func, select, update

from app.store.database import Database
from app.store.tables import Event
from app.stream import log, replay
from app.stream.log import KEPT
from app.stream.replay import what_follows
from app.stream.sse import EventId
from tests.support.clock import START
from tests.support.rows import add_thread, opened
from tests.support.watching import CountingDatabase, snapshot, tell


def numbers(db: Session, thread_id: str) -> tuple[int, int, int]:
    """The oldest, the newest, and how many there are."""
    first, last, many = db.exec(
        select(func.min(Event.n), func.max(Event.n), func.count()).where(
            Event.thread_id == thread_id
        )
    ).one()
    return first, last, many


def grow_old(db: Session, thread_id: str, through: int) -> None:
    old = START - timedelta(days=8)
    which = (col(Event.thread_id) == thread_id, col(Event.n) <= through)
    db.execute(update(Event).where(*which).values(created_at=old))


async def test_a_long_thread_keeps_its_newest_events(
    database: CountingDatabase, thread_id: str
) -> None:
    step = 999  # no divisor of where it trims
    for at in range(0, 2 * KEPT, step):
        await database.write(tell, thread_id, *["a"] * step)
        first, last, many = await database.read(numbers, thread_id)
        assert last == at + step
        assert many == last - first + 1  # without a gap
        assert min(last, KEPT) <= many <= KEPT * 3 // 2 + step
    assert first > 1

    epoch = (await database.read(replay.newest_of, [thread_id]))[thread_id].epoch
    kept = await database.read(what_follows, "acme", thread_id, EventId(epoch, first - 1), snapshot)
    assert kept is not None
    assert kept.events[0].id.n == first
    lost = await database.read(what_follows, "acme", thread_id, EventId(epoch, first - 2), snapshot)
    assert lost is not None
    assert [event.type for event in lost.events] == ["stream.resync"]


async def test_trimming_one_thread_leaves_the_others_alone(
    database: CountingDatabase, thread_id: str
) -> None:
    other = await database.write(add_thread, "acme", "internal")
    await database.write(tell, other, "a", "b")
    for _ in range(3):
        await database.write(tell, thread_id, *["a"] * (KEPT // 2))
    assert (await database.read(numbers, thread_id))[0] > 1
    assert await database.read(numbers, other) == (1, 2, 2)


async def test_what_is_old_is_forgotten_some_at_a_time(
    database: CountingDatabase, thread_id: str
) -> None:
    await database.write(tell, thread_id, *["a"] * 12)
    await database.write(grow_old, thread_id, 7)
    before = START - timedelta(days=7)
    counts = [await database.write(log.forget, before, 3) for _ in range(4)]
    assert counts == [3, 3, 1, 0]
    assert await database.read(numbers, thread_id) == (8, 12, 5)


@pytest.mark.parametrize("most", [1, 5])
async def test_two_that_forget_at_once_forget_each_event_once(
    database: CountingDatabase, database_url: str, thread_id: str, most: int
) -> None:
    await database.write(tell, thread_id, *["a"] * 40)
    await database.write(grow_old, thread_id, 30)
    before = START - timedelta(days=7)

    async def forget(through: Database) -> int:
        forgotten = 0
        for _ in range(40):
            forgotten += await through.write(log.forget, before, most)
        return forgotten

    with opened(database_url) as another:
        both = await asyncio.gather(forget(database), forget(another))
    assert sum(both) == 30
    assert await database.read(numbers, thread_id) == (31, 40, 10)
