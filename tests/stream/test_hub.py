"""Watching: each event once and in order, at once, whoever else watches and however slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session

from app.store import tenants
from app.store.tables import Issue, Tenant, Thread
from app.store.tenants import LifecycleStamp
from app.store.writer import SIGNALS
from app.stream.follower import Follower
from app.stream.replay import PAGE, Batch
from tests.support.clock import START, FakeClock
from tests.support.rows import add_thread
from tests.support.watching import Hold, Watched, ended, tell, told

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])
"""What differs between the databases is in ``replay`` and in ``listening``."""


def numbers(ids: list[str]) -> list[int]:
    return [int(event_id.partition("-")[2]) for event_id in ids]


async def opened(follower: Follower) -> Batch:
    """The first batch: it comes at once, also where it is empty."""
    async with asyncio.timeout(20):
        return await anext(follower)


async def test_who_comes_without_an_id_is_told_the_thread_and_then_what_follows(
    here: Watched,
) -> None:
    await here.tell("a", "b")
    with here.follow() as follower:
        first = await opened(follower)
        assert [event.type for event in first.events] == ["stream.resync"]
        assert first.last == await here.newest()
        await here.tell("c")
        assert numbers(await told(follower, 1)) == [3]


async def test_who_comes_back_is_told_what_it_missed_and_then_what_follows(here: Watched) -> None:
    await here.tell("a", "b", "c")
    epoch, _ = await here.newest()
    with here.follow(f"{epoch}-1") as follower:
        assert numbers(await told(follower, 2)) == [2, 3]
        await here.tell("d")
        assert numbers(await told(follower, 1)) == [4]


async def test_who_missed_nothing_learns_at_once_that_it_is_up_to_date(here: Watched) -> None:
    await here.tell("a")
    with here.follow(str(await here.newest())) as follower:
        assert await opened(follower) == Batch((), await here.newest(), True, b"")


@pytest.mark.parametrize("last_id", ["", "nonsense", "aaaaaaaa-1", "-1"])
async def test_an_id_that_means_nothing_here_is_told_the_thread_anew(
    here: Watched, last_id: str
) -> None:
    await here.tell("a")
    with here.follow(last_id) as follower:
        assert [event.type for event in (await opened(follower)).events] == ["stream.resync"]


async def test_an_event_is_read_once_for_all_who_stand_at_the_head(here: Watched) -> None:
    with ExitStack() as stack:
        place = str(await here.newest())
        followers = [stack.enter_context(here.follow(place)) for _ in range(200)]
        await asyncio.gather(*(opened(follower) for follower in followers))
        assert here.database.reads == 1

        for n in range(1, 4):
            waiting = [asyncio.create_task(anext(follower)) for follower in followers]
            await asyncio.sleep(0)
            await here.tell(f"{n}")
            batches = await asyncio.wait_for(asyncio.gather(*waiting), 20)
            assert {numbers([str(event.id) for event in b.events])[0] for b in batches} == {n}
            assert len({id(batch.frames) for batch in batches}) == 1
        assert here.database.reads == 4


async def test_a_read_that_began_before_a_commit_is_shared_with_nobody_after_it(
    here: Watched,
) -> None:
    place = str(await here.newest())
    with here.follow(place) as early, here.follow(place) as late:
        await opened(early)
        hold = here.database.hold = Hold()
        here.wakes.wake_everybody()  # for nothing
        waiting = asyncio.create_task(told(early, 1))
        await asyncio.wait_for(hold.looked.wait(), 20)
        await here.tell("a")
        opening = asyncio.create_task(told(late, 1))
        await asyncio.sleep(0)
        hold.release.set()
        assert numbers(await opening) == numbers(await waiting) == [1]


async def test_a_slow_reader_holds_up_nobody_and_loses_nothing(here: Watched) -> None:
    count = 2 * PAGE + 5
    with here.follow() as slow, here.follow() as quick:
        await opened(slow)
        await opened(quick)
        for n in range(0, count, 5):
            await here.tell(*(str(m) for m in range(n, n + 5)))
            await told(quick, 5)
        assert numbers(await told(slow, count)) == list(range(1, count + 1))


async def test_a_thread_is_none_of_anothers_business(here: Watched) -> None:
    other = await here.database.write(add_thread, "acme", "10002")
    with here.follow() as follower:
        await opened(follower)
        await here.database.write(tell, other, "theirs")
        await here.tell("ours")
        batch = await opened(follower)
        assert [event.id.n for event in batch.events] == [1]
        assert "ours" in batch.events[0].data


async def test_who_watches_while_the_history_begins_anew_is_told_the_thread(here: Watched) -> None:
    def renew(db: Session) -> None:
        db.get_one(Thread, here.thread_id).epoch = "anewanew"
        tell(db, here.thread_id, "b")

    await here.tell("a")
    with here.follow() as follower:
        await opened(follower)
        await here.database.write(renew)
        assert await told(follower, 1) == ["anewanew-2"]


# --- by the clock ---------------------------------------------------------------------------


async def test_a_quiet_stream_beats_within_15_seconds(here: Watched, clock: FakeClock) -> None:
    with here.follow() as follower:
        await opened(follower)
        for _ in range(3):
            for _ in range(15):
                await clock.asleep()
                clock.advance(1)
            assert await opened(follower) == Batch((), await here.newest(), True, b":\n\n")


async def test_a_stream_ends_with_its_session_and_tells_nothing_later(
    here: Watched, clock: FakeClock
) -> None:
    with here.follow(life=timedelta(seconds=7)) as follower:
        await opened(follower)
        await clock.asleep()
        clock.advance(7)
        await ended(follower)
    with here.follow(life=timedelta(seconds=7)) as follower:
        await opened(follower)
        clock._now += timedelta(seconds=7)  # and no tick has come yet
        await here.tell("too late")
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(follower), 20)


async def test_what_nobody_was_woken_for_is_found_all_the_same(
    here: Watched, clock: FakeClock
) -> None:
    def tell_nobody(db: Session) -> None:
        tell(db, here.thread_id, "a")
        db.info.pop(SIGNALS)

    with here.follow() as follower:
        await opened(follower)
        waiting = asyncio.create_task(told(follower, 1))
        await here.database.write(tell_nobody)
        await clock.asleep()
        clock.advance(15)
        assert numbers(await waiting) == [1]


# --- ends -----------------------------------------------------------------------------------


def disable(db: Session) -> None:
    tenants.disable(db, "key of acme", 10)


def uninstall(db: Session) -> None:
    tenants.uninstall(db, "key of acme", LifecycleStamp(10, "x"), lambda *_: None, START)


@pytest.mark.parametrize("leave", [disable, uninstall])
async def test_streams_end_at_once_when_their_tenant_leaves(
    here: Watched, leave: Callable[[Session], None]
) -> None:
    with here.follow() as follower:
        await opened(follower)
        await here.database.write(leave)
        await ended(follower)


async def test_a_session_of_before_an_uninstall_stays_dead_after_a_reinstall(
    here: Watched, clock: FakeClock
) -> None:
    def raise_generation(db: Session) -> None:
        db.get_one(Tenant, "acme").session_generation += 1

    with here.follow() as follower:
        await opened(follower)
        await here.database.write(raise_generation)
        await clock.asleep()
        clock.advance(15)
        await ended(follower)


def delete_thread(db: Session, thread_id: str) -> None:
    db.delete(db.get_one(Thread, thread_id))


def delete_issue(db: Session, thread_id: str) -> None:
    db.get_one(Issue, ("acme", "10001")).deleted_at = START
    tell(db, thread_id, "emptied")


@pytest.mark.parametrize("delete", [delete_thread, delete_issue])
async def test_streams_end_with_their_thread(
    here: Watched, clock: FakeClock, delete: Callable[[Session, str], None]
) -> None:
    await here.tell("a")
    with here.follow() as follower:
        await opened(follower)
        await here.database.write(delete, here.thread_id)
        await clock.asleep()
        clock.advance(15)
        await ended(follower)


async def test_a_hub_that_closes_ends_all_and_takes_nobody_more(here: Watched) -> None:
    with here.follow() as one, here.follow() as two:
        await opened(one)
        await opened(two)
        here.hub.close()
        await ended(one)
        await ended(two)
    with here.follow() as late:
        await ended(late)


async def test_a_hub_that_breaks_ends_all(here: Watched) -> None:
    with here.follow() as follower:
        await opened(follower)
        here.running.cancel()
        await ended(follower)


async def test_where_the_database_does_not_answer_no_stream_looks_up_to_date(
    here: Watched, clock: FakeClock
) -> None:
    def break_it(db: Session) -> None:
        db.execute(text("ALTER TABLE thread RENAME TO hidden"))

    with here.follow() as follower:
        await opened(follower)
        await here.database.write(break_it)
        await clock.asleep()
        clock.advance(15)
        await ended(follower)


async def test_nobody_is_kept_who_has_left(here: Watched) -> None:
    for _ in range(3):
        with here.follow() as follower:
            await opened(follower)
    assert here.hub._channels == {}
    assert here.wakes._waiting.keys() == {tenants.STANDING}
