"""However writing, cuts and coming back fall together: each event once, in order, none missing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, delete

from app.settings import Settings
from app.store.ids import new_epoch
from app.store.tables import Event, Thread
from app.stream.sse import EventId
from tests.support.clock import FakeClock
from tests.support.events import Parser, Told
from tests.support.rows import add_tenant, add_thread
from tests.support.watching import PATIENCE, CountingDatabase, Watched, watched

PIECES = st.lists(st.integers(0, 300), max_size=12)
"""How many bytes of each connection come through; after these, one that is not cut."""
EXAMPLES = count(1)


def trim(db: Session, thread_id: str) -> None:
    """The log forgets all but the newest event."""
    newest = db.get_one(Thread, thread_id).last_n
    db.exec(delete(Event).where(col(Event.thread_id) == thread_id, col(Event.n) < newest))


def renew(db: Session, thread_id: str) -> None:
    db.get_one(Thread, thread_id).epoch = new_epoch()


@dataclass
class Reader:
    """Somebody whose connections are cut after so many bytes, and who always comes back."""

    here: Watched
    moved: asyncio.Event
    cuts: list[int]
    last_id: str | None = None
    told: list[Told] = field(default_factory=list)

    async def read(self) -> None:
        while True:
            await self._connect(self.cuts.pop(0) if self.cuts else None)

    async def _connect(self, most: int | None) -> None:
        parser, left = Parser(), most
        with self.here.follow(self.last_id) as follower:
            async for batch in follower:
                self.told += parser.feed(batch.frames[:left])
                self.last_id = parser.last_id or self.last_id
                self.moved.set()
                if left is not None:
                    left -= len(batch.frames)
                    if left <= 0:
                        return

    @property
    def in_order(self) -> bool:
        """Whether each event is the next of its history, or tells the thread anew."""
        return all(
            told.type == "stream.resync" or following(before.id) == told.id
            for before, told in pairwise(self.told)
        )


def following(text: str) -> str:
    event_id = EventId.parse(text)
    assert event_id is not None
    return str(EventId(event_id.epoch, event_id.n + 1))


async def write(here: Watched, what: str) -> None:
    if what != "tell":
        await here.database.write(trim if what == "trim" else renew, here.thread_id)
    await here.tell("é", "and more")


async def interleave(database: CountingDatabase, writes: list[str], cuts: list[list[int]]) -> None:
    thread_id = await database.write(add_thread, "acme", str(next(EXAMPLES)))
    async with watched(database, thread_id, FakeClock()) as here:
        begin = await here.newest()
        moved = asyncio.Event()
        readers = [Reader(here, moved, list(pieces), str(begin)) for pieces in cuts]
        newcomers = [Reader(here, moved, list(pieces)) for pieces in cuts]
        reading = [asyncio.create_task(reader.read()) for reader in (*readers, *newcomers)]
        for what in writes:
            await write(here, what)
        newest = str(await here.newest())
        async with asyncio.timeout(PATIENCE):
            while any(reader.last_id != newest for reader in (*readers, *newcomers)):
                moved.clear()
                await moved.wait()
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)
    assert all(reader.in_order for reader in (*readers, *newcomers))
    assert all(newcomer.told[0].type == "stream.resync" for newcomer in newcomers)
    if set(writes) <= {"tell"}:
        every = [str(EventId(begin.epoch, n)) for n in range(1, 2 * len(writes) + 1)]
        assert all([told.id for told in reader.told] == every for reader in readers)


def test_each_event_comes_once_and_in_order(database_url: str) -> None:
    database = CountingDatabase.open(Settings(database_url=database_url))

    @settings(max_examples=20)
    @given(
        writes=st.lists(st.sampled_from(["tell"] * 6 + ["trim", "renew"]), max_size=12),
        cuts=st.lists(PIECES, min_size=1, max_size=3),
    )
    def example(writes: list[str], cuts: list[list[int]]) -> None:
        asyncio.run(interleave(database, writes, cuts))

    try:
        asyncio.run(database.write(add_tenant))
        example()
    finally:
        database.close()
