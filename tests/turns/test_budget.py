"""Tokens held and spent: never beyond the cap, whoever asks at once, however often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, func, select, text

from app.settings import Settings
from app.store.database import Database
from app.store.tables import Reservation, Tenant, Usage
from app.turns import budget
from tests.support.clock import START
from tests.support.rows import add_tenant, opened

TODAY, TOMORROW = "2026-11-02", "2026-11-03"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    with opened(database_url) as database:
        await database.write(add_tenant)
        await database.write(add_tenant, "umbrella")
        yield database


async def reserve(database: Database, turn_id: str, tokens: int = 10, cap: int | None = 100, *,
                  attempt: int = 1, tenant: str = "acme", days: int = 0) -> bool:  # fmt: skip
    now = START + timedelta(days=days)
    return await database.write(budget.reserve, turn_id, attempt, tenant, tokens, cap, now)


async def standing(database: Database, tenant: str = "acme", day: str = TODAY) -> tuple[int, int]:
    """Tokens held and spent."""

    def look(db: Session) -> tuple[int, int]:
        usage = db.get(Usage, (tenant, day))
        return (usage.reserved, usage.spent) if usage else (0, 0)

    return await database.read(look)


def held(db: Session) -> int:
    return db.exec(select(func.coalesce(func.sum(Reservation.tokens), 0))).one()


async def test_what_is_held_is_let_go_for_what_was_taken(database: Database) -> None:
    assert await reserve(database, "one", 60)
    assert await standing(database) == (60, 0)
    assert await database.write(budget.settle, "one", 1, 25)
    assert await standing(database) == (0, 25)
    assert await database.read(held) == 0


async def test_where_nobody_knows_what_a_call_took_it_counts_in_full(database: Database) -> None:
    await reserve(database, "one", 60)
    await database.write(budget.settle, "one", 1, None)
    assert await standing(database) == (0, 60)


@pytest.mark.parametrize(("tokens", "fits"), [(100, True), (101, False)])
async def test_the_cap_itself_fits(database: Database, tokens: int, *, fits: bool) -> None:
    assert await reserve(database, "one", tokens) is fits
    assert await standing(database) == ((tokens, 0) if fits else (0, 0))


async def test_held_and_spent_count_together(database: Database) -> None:
    await reserve(database, "one", 50)
    await database.write(budget.settle, "one", 1, 30)
    assert await reserve(database, "two", 40)
    assert not await reserve(database, "three", 31)
    assert await reserve(database, "four", 30)


async def test_without_a_cap_everything_fits_and_is_counted(database: Database) -> None:
    assert await reserve(database, "one", 10**12, None)
    assert await standing(database) == (10**12, 0)


async def test_a_cap_of_nothing_lets_nothing_through(database: Database) -> None:
    assert not await reserve(database, "one", 1, 0)


async def test_the_same_call_is_held_for_once(database: Database) -> None:
    assert await asyncio.gather(*(reserve(database, "one", 60) for _ in range(5))) == [True] * 5
    assert await standing(database) == (60, 0)
    assert not await reserve(database, "one", 60, attempt=2), "another attempt is another call"


async def test_a_call_is_settled_once(database: Database, database_url: str) -> None:
    await reserve(database, "one", 60)
    await reserve(database, "two", 20)
    with opened(database_url) as other:
        settled = await asyncio.gather(
            *(one.write(budget.settle, "one", 1, 25) for _ in range(4) for one in (database, other))
        )
    assert sorted(settled) == [False] * 7 + [True]
    assert await standing(database) == (20, 25)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_whoever_waits_for_another_that_settles_finds_it_settled(
    database: Database, database_url: str
) -> None:
    await reserve(database, "one", 60)
    with opened(database_url) as other, Session(other._write_engine) as first:
        assert budget.settle(first, "one", 1, 25)
        first.flush()
        second = asyncio.create_task(database.write(budget.settle, "one", 1, 25))
        while not await database.read(somebody_waits):
            assert not second.done()
        first.commit()
        assert not await second
    assert await standing(database) == (0, 25)


def somebody_waits(db: Session) -> bool:
    asked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    waiting: int = db.connection().execute(asked).scalar_one()
    return waiting > 0


async def test_to_settle_what_was_never_held_changes_nothing(database: Database) -> None:
    assert not await database.write(budget.settle, "never", 1, 25)
    assert await standing(database) == (0, 0)


async def test_each_day_and_each_tenant_has_its_own(database: Database) -> None:
    assert await reserve(database, "one", 100)
    assert not await reserve(database, "two", 1)
    assert await reserve(database, "three", 100, tenant="umbrella")
    assert await reserve(database, "four", 100, days=1)
    await database.write(budget.settle, "one", 1, 5)
    assert await standing(database) == (0, 5)
    assert await standing(database, "umbrella") == (100, 0)
    assert await standing(database, day=TOMORROW) == (100, 0)


async def test_two_hundred_at_once_never_overshoot(database: Database, database_url: str) -> None:
    with opened(database_url) as other:
        admitted = await asyncio.gather(
            *(
                reserve(database if number % 2 else other, f"turn {number}", 7, 500)
                for number in range(200)
            )
        )
        assert sum(admitted) == 500 // 7
        assert await standing(database) == (500 // 7 * 7, 0)
        assert await database.read(held) == 500 // 7 * 7
        await asyncio.gather(
            *(
                (database if number % 3 else other).write(budget.settle, f"turn {number}", 1, 7)
                for number in range(200)
            )
        )
    assert await standing(database) == (0, 500 // 7 * 7)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(0, 4), st.integers(0, 60)),
        st.tuples(st.just("settle"), st.integers(0, 4), st.none() | st.integers(0, 60)),
        st.tuples(st.just("heal"), st.just(0), st.integers(0, 120)),
    ),
    max_size=20,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_happens_the_sum_holds_and_the_cap_too(
    database_url: str, taken: list[tuple[str, int, int | None]]
) -> None:
    with opened(database_url) as database, Session(database._write_engine) as db:
        add_tenant(db)
        now = START
        for kind, number, tokens in taken:
            if kind == "reserve":
                budget.reserve(db, f"turn {number}", 1, "acme", tokens or 0, 100, now)
            elif kind == "settle":
                known = db.get(Reservation, (f"turn {number}", 1))
                most = known.tokens if known else 0
                budget.settle(
                    db, f"turn {number}", 1, None if tokens is None else min(tokens, most)
                )
            else:
                now += timedelta(minutes=tokens or 0)
                budget.heal(db, now)
            db.flush()
            usage = db.get(Usage, ("acme", TODAY))
            if usage is not None:
                assert usage.reserved == held(db)
                assert 0 <= usage.reserved + usage.spent <= 100
                assert usage.spent >= 0
        db.rollback()


async def test_what_a_dead_worker_held_is_counted_in_full_after_an_hour(
    database: Database,
) -> None:
    await reserve(database, "dead", 40)
    hour = timedelta(hours=1)
    assert await database.write(budget.heal, START + hour) == 0
    assert await standing(database) == (40, 0)
    assert await database.write(budget.heal, START + hour + timedelta(seconds=1)) == 1
    assert await standing(database) == (0, 40)
    assert await database.write(budget.heal, START + 2 * hour) == 0


async def test_two_that_heal_at_once_count_once(database: Database, database_url: str) -> None:
    for number in range(5):
        await reserve(database, f"dead {number}", 10)
    later = START + timedelta(hours=2)
    with opened(database_url) as other:
        await asyncio.gather(
            *(one.write(budget.heal, later) for _ in range(3) for one in (database, other))
        )
    assert await standing(database) == (0, 50)


# --- caps ------------------------------------------------------------------------------------


def test_a_tenants_own_cap_lies_over_the_default() -> None:
    def cap(**own: int | None) -> int | None:
        tenant = Tenant(id="t", door="connect", base_url="", state="installed",
                        installed_at=START, settings=own)  # fmt: skip
        return budget.cap_of(tenant, Settings(default_daily_tokens=7))

    assert cap() == 7
    assert cap(daily_tokens=0) == 0
    assert cap(daily_tokens=9) == 9
    assert cap(daily_tokens=None) is None
