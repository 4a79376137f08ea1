"""What follows an id: the next events, or, where the log cannot tell, the thread anew."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import insert
from sqlmodel import Session, col, delete

from app.store import threads
from app.store.database import Database
from app.store.ids import new_epoch
from app.store.tables import Event, Issue, Tenant, Thread
from app.stream import replay
from app.stream.replay import PAGE, Batch, what_follows
from app.stream.sse import EventId
from app.turns import items
from tests.support.clock import START
from tests.support.rows import add_tenant, item_of
from tests.support.watching import CountingDatabase, snapshot, tell


async def follows(
    database: Database, thread_id: str, place: EventId | None, tenant_id: str = "acme"
) -> Batch | None:
    return await database.read(what_follows, tenant_id, thread_id, place, snapshot)


async def newest(database: Database, thread_id: str) -> EventId:
    return (await database.read(replay.newest_of, [thread_id]))[thread_id]


async def told_anew(database: Database, thread_id: str, place: EventId | None) -> bool:
    """Whether it is one resync under the newest id; the test fails where it is another."""
    batch = await follows(database, thread_id, place)
    assert batch is not None
    if [event.type for event in batch.events] != ["stream.resync"]:
        return False
    last = await newest(database, thread_id)
    assert batch.events[0].id == batch.last == last
    assert batch.whole
    body = json.loads(batch.events[0].data)
    assert body == {"type": "stream.resync", "thread": {"id": thread_id, "told": last.n}}
    return True


async def test_the_next_events_follow_and_nothing_follows_the_newest(
    database: CountingDatabase, thread_id: str
) -> None:
    await database.write(tell, thread_id, "a", "b", "c")
    epoch, _ = await newest(database, thread_id)
    batch = await follows(database, thread_id, EventId(epoch, 1))
    assert batch is not None
    assert [event.id.n for event in batch.events] == [2, 3]
    assert [json.loads(event.data)["message"] for event in batch.events] == ["b", "c"]
    assert (batch.last, batch.whole) == (EventId(epoch, 3), True)
    assert batch.frames.count(b"\n\n") == 2
    assert await follows(database, thread_id, batch.last) == Batch((), batch.last, True, b"")


async def test_a_thread_that_told_nothing_begins_with_number_0(
    database: CountingDatabase, thread_id: str
) -> None:
    assert await told_anew(database, thread_id, None)
    place = await newest(database, thread_id)
    assert place.n == 0
    await database.write(tell, thread_id, "a")
    batch = await follows(database, thread_id, place)
    assert batch is not None
    assert [event.id.n for event in batch.events] == [1]


async def test_who_is_far_behind_reads_page_by_page(
    database: CountingDatabase, thread_id: str
) -> None:
    await database.write(tell, thread_id, *["a"] * (2 * PAGE + 1))
    epoch, _ = await newest(database, thread_id)
    place, seen, whole = EventId(epoch, 0), list[int](), list[bool]()
    for _ in range(3):
        batch = await follows(database, thread_id, place)
        assert batch is not None
        seen += [event.id.n for event in batch.events]
        whole.append(batch.whole)
        place = batch.last
    assert seen == list(range(1, 2 * PAGE + 2))
    assert whole == [False, False, True]


@pytest.mark.parametrize("n", [0, 2, PAGE + 2, PAGE + 9])
async def test_an_id_of_another_history_is_told_anew(
    database: CountingDatabase, thread_id: str, n: int
) -> None:
    await database.write(tell, thread_id, *["a"] * (PAGE + 2))
    assert await told_anew(database, thread_id, EventId(new_epoch(), n))


async def test_an_id_ahead_of_the_log_is_told_anew(
    database: CountingDatabase, thread_id: str
) -> None:
    await database.write(tell, thread_id, "a", "b")
    epoch, _ = await newest(database, thread_id)
    assert await told_anew(database, thread_id, EventId(epoch, 3))
    assert not await told_anew(database, thread_id, EventId(epoch, 2))


def trim(db: Session, thread_id: str, *numbers: int) -> None:
    db.exec(delete(Event).where(col(Event.thread_id) == thread_id, col(Event.n).in_(numbers)))


@pytest.mark.parametrize(
    ("gone", "anew"),
    [
        ((1, 2), (0, 1)),
        ((1, 2, 3, 4), (0, 1, 2, 3)),
        ((2,), (0, 1)),
        ((4,), (0, 1, 2, 3)),
    ],
)
async def test_where_the_log_no_longer_reaches_back_it_is_told_anew(
    database: CountingDatabase, thread_id: str, gone: tuple[int, ...], anew: tuple[int, ...]
) -> None:
    await database.write(tell, thread_id, "a", "b", "c", "d")
    await database.write(trim, thread_id, *gone)
    epoch, _ = await newest(database, thread_id)
    found = [n for n in range(5) if await told_anew(database, thread_id, EventId(epoch, n))]
    assert found == list(anew)


async def test_a_gap_within_a_full_page_is_told_anew(
    database: CountingDatabase, thread_id: str
) -> None:
    await database.write(tell, thread_id, *["a"] * (PAGE + 20))
    await database.write(trim, thread_id, 7)
    epoch, _ = await newest(database, thread_id)
    assert await told_anew(database, thread_id, EventId(epoch, 0))


async def test_a_thread_that_was_emptied_is_told_anew(
    database: CountingDatabase, thread_id: str
) -> None:
    def fill(db: Session) -> None:
        thread = db.get_one(Thread, thread_id)
        threads.add_item(db, item_of(thread))
        tell(db, thread_id, "a", "b")

    def empty(db: Session) -> None:
        items.empty(db, db.get_one(Thread, thread_id), START)

    await database.write(fill)
    before = await newest(database, thread_id)
    await database.write(empty)
    for n in range(3):
        assert await told_anew(database, thread_id, EventId(before.epoch, n))


async def test_what_is_gone_has_no_followers(database: CountingDatabase, thread_id: str) -> None:
    def delete_issue(db: Session) -> None:
        db.get_one(Issue, ("acme", "10001")).deleted_at = START

    await database.write(add_tenant, "umbrella")
    assert await follows(database, "thr_unknown", None) is None
    assert await follows(database, thread_id, None, "umbrella") is None
    assert await follows(database, thread_id, None) is not None
    await database.write(delete_issue)
    assert await follows(database, thread_id, None) is None


async def test_a_snapshot_and_its_id_are_of_one_moment(
    database: CountingDatabase, thread_id: str
) -> None:
    async def write() -> None:
        for _ in range(60):
            await database.write(tell, thread_id, "a", "b")

    writing = asyncio.create_task(write())
    while not writing.done():
        assert (batch := await follows(database, thread_id, None)) is not None
        assert json.loads(batch.events[0].data)["thread"]["told"] == batch.last.n
    await writing


async def test_many_threads_and_tenants_are_looked_up_at_once(database: CountingDatabase) -> None:
    def add_many(db: Session) -> tuple[list[str], list[str]]:
        names = [f"tenant-{number}" for number in range(501)]
        of_tenant = {"door": "connect", "base_url": "https://a.example", "settings": {}}
        of_thread = {"audience": "public", "epoch": new_epoch(), "last_n": 0, "fence": 0}
        standing = {"session_generation": 1, "state": "installed", "installed_at": START}
        db.execute(insert(Tenant), [{"id": name, **of_tenant, **standing} for name in names])
        db.execute(
            insert(Thread),
            [
                {"id": f"thr-{name}", "tenant_id": name, "failures": 0, "created_at": START}
                | of_thread
                for name in names
            ],
        )
        db.get_one(Tenant, "tenant-7").state = "disabled"
        db.get_one(Tenant, "tenant-8").session_generation = 5
        return [f"thr-{name}" for name in names], names

    thread_ids, names = await database.write(add_many)
    found = await database.read(replay.newest_of, [*thread_ids, "thr_unknown"])
    assert sorted(found) == sorted(thread_ids)
    generations = await database.read(replay.generations_of, [*names, "unknown"])
    assert sorted(set(names) - set(generations)) == ["tenant-7"]
    assert {name for name, generation in generations.items() if generation != 1} == {"tenant-8"}
    assert await database.read(replay.newest_of, []) == {}
