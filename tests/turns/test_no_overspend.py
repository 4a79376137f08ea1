"""The day's cap holds: whoever asks at once, whoever dies with tokens held, whatever day it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlmodel import Session, select, text

from app.clock import SystemClock
from app.store.database import Database
from app.store.tables import Reservation, Usage
from app.turns import budget
from app.turns.texts import hand_off
from tests.support.clock import START
from tests.support.rows import add_tenant, opened
from tests.support.world import QUICK, World, until, world_of_processes

TODAY = f"{START:%Y-%m-%d}"
ANSWER = "Because the queue is full."


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    with opened(database_url) as database:
        await database.write(add_tenant)
        yield database


def totals(db: Session, day: str = TODAY) -> tuple[int, int]:
    """Tokens held and spent."""
    usage = db.get(Usage, ("acme", day))
    return (usage.reserved, usage.spent) if usage else (0, 0)


def usages(db: Session) -> list[Usage]:
    return list(db.exec(select(Usage)).all())


def held(db: Session) -> list[Reservation]:
    return list(db.exec(select(Reservation)).all())


# --- at once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [40, 1, None])
async def test_of_two_hundred_at_once_as_many_are_let_in_as_fit_and_never_more(
    database: Database, database_url: str, taken: int | None
) -> None:
    """Each is settled as soon as it was let in: so others may fit that would not have fitted."""
    cap, each = 1000, 40
    most = 0
    done = asyncio.Event()

    async def call(one: Database, number: int) -> bool:
        turn = f"turn {number}"
        fits = await one.write(budget.reserve, turn, 1, "acme", each, cap, START)
        if fits and taken != each:
            await one.write(budget.settle, turn, 1, taken)
        return fits

    async def watch(third: Database) -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, sum(await third.read(totals)))

    with opened(database_url) as other, opened(database_url) as third:
        await call(database, -1)  # the day has begun: nobody waits for its first row
        await database.write(budget.settle, "turn -1", 1, 0)
        watching = asyncio.create_task(watch(third))
        let_in = await asyncio.gather(
            *(call(database if number % 2 else other, number) for number in range(200))
        )
        done.set()
        await watching
        reserved, spent = await third.read(totals)

    assert most <= cap
    first = {40: 0, None: each, 1: 1}[taken]
    if taken == 1:
        assert sum(let_in) >= cap // each - 1
        assert (reserved, spent) == (0, first + sum(let_in))
    else:
        assert sum(let_in) == (cap - first) // each
        assert reserved + spent == cap


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_whoever_asks_while_another_is_let_in_waits_and_counts_it(
    database: Database, database_url: str
) -> None:
    await database.write(budget.reserve, "before", 1, "acme", 10, 100, START)
    with opened(database_url) as other, Session(other._write_engine) as first:
        assert budget.reserve(first, "one", 1, "acme", 60, 100, START)  # and is not written yet
        second = asyncio.create_task(
            database.write(budget.reserve, "two", 1, "acme", 60, 100, START)
        )
        while not await database.read(somebody_waits):
            assert not second.done()
        first.commit()
        assert not await second
    assert await database.read(totals) == (70, 0)


def somebody_waits(db: Session) -> bool:
    asked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    waiting: int = db.connection().execute(asked).scalar_one()
    return waiting > 0


async def test_a_model_that_took_more_than_was_held_is_counted_in_full(
    database: Database,
) -> None:
    assert await database.write(budget.reserve, "one", 1, "acme", 60, 100, START)
    assert await database.write(budget.settle, "one", 1, 130)
    assert await database.read(totals) == (0, 130)
    assert not await database.write(budget.reserve, "two", 1, "acme", 1, 100, START)


async def test_what_was_held_before_midnight_is_spent_on_that_day(database: Database) -> None:
    midnight = START.replace(hour=0) + timedelta(days=1)
    before, tomorrow = midnight - timedelta(microseconds=1), f"{midnight:%Y-%m-%d}"
    assert await database.write(budget.reserve, "late", 1, "acme", 60, 100, before)
    assert await database.write(budget.reserve, "next", 1, "acme", 100, 100, midnight)
    assert await database.write(budget.settle, "late", 1, 25)
    assert await database.read(totals) == (0, 25)
    assert await database.read(totals, tomorrow) == (100, 0)


async def test_what_a_dead_worker_held_before_midnight_heals_on_that_day(
    database: Database,
) -> None:
    midnight = START.replace(hour=0) + timedelta(days=1)
    before = midnight - timedelta(minutes=1)
    await database.write(budget.reserve, "dead", 1, "acme", 60, 100, before)
    assert await database.write(budget.heal, midnight + budget.HELD_AT_MOST) == 1
    assert await database.read(totals) == (0, 60)
    assert await database.read(totals, f"{midnight:%Y-%m-%d}") == (0, 0)


# --- from end to end -----------------------------------------------------------------------------


def test_of_thirty_questions_at_once_three_reach_the_model_where_three_fit(here: World) -> None:
    here.openai.answers(ANSWER)
    worst = _held_for_one(here)
    [usage] = here.read(usages)
    here.set(daily_tokens=usage.spent + 3 * worst + worst // 2)
    here.openai.hold()
    before = len(here.openai.requests)

    keys = [here.jira.create_issue("OPS", "Why?").key for _ in range(30)]
    until(lambda: sum(here.answers(key) != [] for key in keys) == 27, "the others", 60)

    assert len(here.openai.requests) - before == 3
    here.openai.release()
    here.run_until_idle()
    assert len(here.openai.requests) - before == 3, "nobody was let in later who had been told no"
    said = [here.answers(key) for key in keys]
    assert all(len(answers) == 1 for answers in said)
    assert sum(ANSWER in answer for [answer] in said) == 3
    assert sum(hand_off("en") in answer for [answer] in said) == 27
    assert {turn.state for turn in here.turns()} == {"completed"}


def _held_for_one(here: World) -> int:
    """What a call like those of the thirty holds."""
    here.openai.hold()
    here.jira.create_issue("OPS", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")
    [one] = here.read(held)
    here.openai.release()
    here.run_until_idle()
    return one.tokens


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_what_is_held_is_never_less_than_what_the_model_counts(here: World) -> None:
    """The simulated OpenAI counts words, of which none is shorter than a byte."""
    short, strange = "a " * 2000, "\u200b".join("ab" * 50) + "🙂 " * 300 + "<b>&amp;</b> \\ '"
    for words in ("…", short, strange):
        here.openai.hold()
        here.jira.comment("OPS-1", words, by="rita")
        until(lambda: here.openai.active_streams, "the model to begin")
        [one] = here.read(held)
        here.openai.release()
        here.run_until_idle()
        turn = here.turns()[-1]
        assert turn.input_tokens > 0
        assert turn.input_tokens + turn.output_tokens <= one.tokens
        assert here.read(held) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_crash_during_a_call_costs_what_was_held_and_heals(database_url: str) -> None:
    with world_of_processes(database_url) as (here, app):
        app.start()
        here.install(**QUICK)
        here.openai.answers(ANSWER)
        here.openai.hold(after=2)
        here.jira.comment("OPS-1", "Why?")
        until(lambda: here.openai.active_streams, "the model to begin")
        [dead] = here.read(held)

        app.kill()
        here.openai.release()
        app.start()
        until(lambda: here.answers("OPS-1"), "the answer", 40)
        here.run_until_idle()

        [turn] = here.turns()
        took = turn.input_tokens + turn.output_tokens
        [usage] = here.read(usages)
        assert (usage.reserved, usage.spent) == (dead.tokens, took)

        later = SystemClock().now() + budget.HELD_AT_MOST + timedelta(seconds=1)
        assert here.write(budget.heal, later) == 1
        [usage] = here.read(usages)
        assert (usage.reserved, usage.spent) == (0, dead.tokens + took)
