"""Taking in: a delivery once, a message of the team once, and what a stop leaves asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from app.doors.arrivals import Arrival, Happening
from app.errors import LeaseLost
from app.settings import Settings
from app.store import claiming, threads, turns
from app.store.database import Database
from app.store.tables import Item, Thread, Turn, Unseen
from app.store.threads import Lease
from app.turns import ending, intake
from app.turns.deciding import Idle, Run, decide
from app.turns.openings import make_turn
from app.turns.talking import Asked, ask_privately
from tests.support.clock import START, FakeClock
from tests.support.rows import add_tenant, opened


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    with opened(database_url) as database:
        await database.write(add_tenant)
        yield database


def arrival(number: int = 1, event: Happening = "comment_created") -> Arrival:
    return Arrival(f"delivery {number}", event, "10001", START, str(number), "rita", "rita", ())


async def take_in(database: Database, one: Arrival, clock: FakeClock) -> bool:
    return await intake.receive(one, "acme", database=database, clock=clock)


def unseen(db: Session) -> set[str | None]:
    return {row.comment_id for row in db.exec(select(Unseen))}


def the_thread(db: Session) -> Thread:
    return db.exec(select(Thread)).one()


def two_more(db: Session) -> None:
    add_tenant(db, "umbrella", shared_secret="sealed")
    add_tenant(db, "away", shared_secret="sealed too", state="disabled")


# --- deliveries -----------------------------------------------------------------------------


async def test_a_repeated_delivery_has_no_second_effect(
    database: Database, clock: FakeClock
) -> None:
    assert await take_in(database, arrival(1), clock)
    assert not await take_in(database, arrival(1), clock)
    assert await take_in(database, arrival(2), clock)
    assert await database.read(unseen) == {"1", "2"}
    thread = await database.read(the_thread)
    assert (thread.due_at, thread.last_n, thread.filled_at) == (START, 0, None)


async def test_deliveries_that_come_at_once_are_each_taken_in_once(
    database: Database, clock: FakeClock
) -> None:
    numbers = [1, 2, 2, 3, 1, 4]
    fresh = await asyncio.gather(*(take_in(database, arrival(n), clock) for n in numbers))
    assert sum(fresh) == 4
    assert await database.read(unseen) == {"1", "2", "3", "4"}
    assert not any(await asyncio.gather(*(take_in(database, arrival(n), clock) for n in numbers)))
    assert len(await database.read(unseen)) == 4


async def test_what_comes_at_once_with_one_of_no_tenant_is_taken_in(
    database: Database, clock: FakeClock
) -> None:
    stray = intake.receive(arrival(9), "nobody", database=database, clock=clock)
    told = await asyncio.gather(
        take_in(database, arrival(1), clock),
        stray,
        take_in(database, arrival(2), clock),
        return_exceptions=True,
    )
    assert (told[0], told[2]) == (True, True)
    assert isinstance(told[1], IntegrityError)
    assert await database.read(unseen) == {"1", "2"}


async def test_another_tenants_delivery_of_that_name_is_another(
    database: Database, clock: FakeClock
) -> None:
    await database.write(add_tenant, "umbrella")
    assert await take_in(database, arrival(1), clock)
    assert await intake.receive(arrival(1), "umbrella", database=database, clock=clock)


async def test_what_was_signed_with_a_secret_of_before_is_not_taken_in(
    database: Database, clock: FakeClock
) -> None:
    await database.write(two_more)

    async def signed(number: int, tenant_id: str, secret: str) -> bool | None:
        one = arrival(number)
        return await intake.receive_signed(one, tenant_id, secret, database=database, clock=clock)

    told = await asyncio.gather(
        take_in(database, arrival(1), clock),
        signed(2, "umbrella", "sealed"),
        signed(3, "umbrella", "of before"),
        signed(4, "away", "sealed too"),
        signed(5, "acme", "never"),
    )
    assert list(told) == [True, True, None, None, None]
    assert await database.read(unseen) == {"1", "2"}
    assert await signed(2, "umbrella", "of before") is None
    assert await signed(3, "umbrella", "sealed") is True
    assert await signed(3, "umbrella", "sealed") is False


@pytest.mark.parametrize("event", ["comment_deleted", "issue_updated", "issue_deleted"])
async def test_of_an_issue_that_nobody_knows_only_questions_count(
    database: Database, clock: FakeClock, event: Happening
) -> None:
    assert await take_in(database, arrival(1, event), clock)
    assert await database.read(unseen) == set()
    assert await take_in(database, arrival(2, "issue_created"), clock)
    assert await take_in(database, arrival(3, event), clock)
    assert await database.read(unseen) == {"2", "3"}


def of_the_app(number: int, event: Happening = "comment_created", author: str = "app") -> Arrival:
    """Of comment 7, which our own account wrote."""
    return Arrival(f"delivery {number}", event, "10001", START, "7", author, author, ())


def answered(db: Session, *, filled: bool = True) -> None:
    """The thread has an answer, which stands in Jira as comment 7."""
    add_tenant(db, app_account_id="app")
    thread = threads.ensure_thread(db, "acme", "10001", "public", START)
    thread.filled_at = START if filled else None
    turn = make_turn(db, thread, "public", START)
    turn.state, turn.comment_id, turn.finished_at = "completed", "7", START


async def test_the_news_of_a_comment_that_we_recorded_as_ours_wakes_nobody(
    database_url: str, clock: FakeClock
) -> None:
    with opened(database_url) as database:
        await database.write(answered)

        assert await take_in(database, of_the_app(1), clock)

        assert not await database.read(unseen)
        assert (await database.read(the_thread)).due_at is None
        assert not await take_in(database, of_the_app(1), clock)


@pytest.mark.parametrize(
    "told",
    [
        of_the_app(1, event="comment_updated"),
        of_the_app(1, event="comment_deleted"),
        replace(of_the_app(1), comment_id="8"),
    ],
    ids=["an edit", "a deletion", "a comment that nobody recorded"],
)
async def test_other_news_of_our_account_is_looked_at(
    told: Arrival, database_url: str, clock: FakeClock
) -> None:
    with opened(database_url) as database:
        await database.write(answered)

        await take_in(database, told, clock)

        assert await database.read(unseen) == {told.comment_id}


async def test_a_thread_out_of_sight_is_looked_at_for_news_of_ours_too(
    database_url: str, clock: FakeClock
) -> None:
    with opened(database_url) as database:
        await database.write(partial(answered, filled=False))

        await take_in(database, of_the_app(1), clock)

        assert await database.read(unseen) == {"7"}


# --- the team's own talk --------------------------------------------------------------------


async def ask(database: Database, client_id: str = "c1") -> Asked:
    return await database.write(ask_privately, "acme", "10001", client_id, "Why?", START)


async def lease_of(database: Database) -> Lease:
    [lease] = await database.write(claiming.claim, "worker", START, 60.0, 1, 1)
    return lease


async def all_turns(database: Database) -> list[Turn]:
    return await database.read(turns.recent, "acme")


async def test_the_same_message_again_is_the_same_message(database: Database) -> None:
    first = await ask(database)
    assert await ask(database) == first
    other = await ask(database, "c2")
    assert other.item_id != first.item_id
    assert other.turn_id == first.turn_id, "asked together, answered together"
    assert len(await all_turns(database)) == 1


async def test_a_message_that_was_answered_opens_no_turn_when_it_comes_again(
    database: Database,
) -> None:
    first = await ask(database)
    lease = await lease_of(database)
    assert isinstance(await database.write(decide, lease, Settings(), START), Run)

    def answered(db: Session) -> None:
        turn = db.get_one(Turn, first.turn_id)
        turn.state, turn.finished_at = "completed", START

    await database.write(answered)
    await database.write(threads.release, lease, None, START)
    assert await ask(database) == first
    assert len(await all_turns(database)) == 1
    assert await database.write(claiming.claim, "worker", START, 60.0, 1, 1) == []


# --- stopped --------------------------------------------------------------------------------


async def stopped(database: Database, cause: str) -> tuple[Lease, object]:
    """Ask, begin, stop for that cause, and decide anew."""
    asked = await ask(database)
    lease = await lease_of(database)
    await database.write(decide, lease, Settings(), START)

    def stop(db: Session) -> None:
        ending.stop(db, db.get_one(Turn, asked.turn_id), cause, START)

    await database.write(stop)
    return lease, await database.write(decide, lease, Settings(), START)


async def test_an_answer_that_a_person_stopped_is_not_begun_again(database: Database) -> None:
    lease, step = await stopped(database, "stopped")
    assert step == Idle(None)
    assert [turn.state for turn in await all_turns(database)] == ["stopped"]

    await database.write(ask_privately, "acme", "10001", "c2", "And this?", START)
    assert isinstance(await database.write(decide, lease, Settings(), START), Run)
    [item] = [item for item in await database.read(items) if item.client_id == "/c1"]
    assert item.answered_by is not None


def items(db: Session) -> list[Item]:
    return list(db.exec(select(Item)).all())


async def test_what_a_takeover_stopped_is_still_asked(database: Database) -> None:
    _, step = await stopped(database, "takeover")
    assert isinstance(step, Run)


def _taken_over(db: Session, lease: Lease) -> None:
    thread = db.get_one(Thread, lease.thread_id)
    thread.lease_owner, thread.fence = "another", thread.fence + 1


async def test_a_worker_that_lost_its_lease_decides_nothing(database: Database) -> None:
    await ask(database)
    lease = await lease_of(database)
    later = START + timedelta(minutes=5)
    await database.write(_taken_over, lease)
    with pytest.raises(LeaseLost):
        await database.write(decide, lease, Settings(), later)
    assert [turn.state for turn in await all_turns(database)] == ["waiting"]


async def test_a_turn_that_begins_again_and_again_ends_at_some_time(database: Database) -> None:
    await ask(database)
    lease = await lease_of(database)

    def begun(db: Session) -> None:
        turn = db.exec(select(Turn)).one()
        turn.state, turn.attempt = "waiting", 40

    await database.write(decide, lease, Settings(), START)
    await database.write(begun)
    assert await database.write(decide, lease, Settings(), START) == Idle(None)
    [turn] = await all_turns(database)
    assert (turn.state, turn.cause) == ("failed", "crashed")
