"""Jira's limits are one for all processes: counted once, and a pause is everybody's.

Two ``Database`` objects on one database are two processes, as far as limits are concerned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from app.errors import JiraRateLimited
from app.jira.ledger import DatabaseLedger
from app.jira.limits import Limits
from app.jira.points import Points, Urgency, urgency
from app.store import quotas
from app.store.database import Database
from app.store.tables import JiraPause, JiraPoints, JiraWrites
from app.turns.housekeeping import tidy
from tests.support.clock import START, FakeClock
from tests.support.rows import add_tenant, opened

HOUR = quotas.hour_of(START)
GLOBAL = "jira-quota-global-based"


@pytest.fixture
def both(database_url: str) -> Iterator[tuple[Database, Database]]:
    """Two processes' databases: one database, with two tenants."""
    with opened(database_url) as one, opened(database_url) as other:
        asyncio.run(_two_tenants(one))
        yield one, other


async def _two_tenants(database: Database) -> None:
    await database.write(add_tenant, "acme")
    await database.write(add_tenant, "umbrella")


# --- writes to one issue --------------------------------------------------------------------


async def test_sixty_at_once_from_two_processes_and_no_window_holds_too_many(
    both: tuple[Database, Database],
) -> None:
    one, other = both
    # On PostgreSQL the server's clock counts: one process may be an hour ahead.
    theirs = START if one.is_sqlite else START + timedelta(hours=1)
    await one.write(quotas.admit_write, "acme", "10001", START)
    asks = [
        database.write(quotas.admit_write, "acme", "10001", now)
        for _ in range(30)
        for database, now in ((one, START), (other, theirs))
    ]
    waits = await asyncio.gather(*asks)
    written = (await one.read(_writes, "acme", "10001")).written_at
    assert 1 + waits.count(0.0) == len(written) >= 20
    assert all(wait <= 31 for wait in waits)
    for first, beyond in zip(written, written[20:], strict=False):
        assert beyond - first >= 2_000_000
    if one.is_sqlite:
        assert len(written) == 20


async def test_issues_have_windows_of_their_own(both: tuple[Database, Database]) -> None:
    one, other = both
    places = [("acme", "10001"), ("acme", "10002"), ("umbrella", "10001")]
    waits = await asyncio.gather(
        *(
            database.write(quotas.admit_write, tenant, issue, START)
            for database in (one, other)
            for tenant, issue in places
            for _ in range(10)
        )
    )
    assert waits == [0.0] * 60


def _writes(db: Session, tenant: str, issue: str) -> JiraWrites:
    return db.get_one(JiraWrites, (tenant, issue))


# --- the app's points -----------------------------------------------------------------------


async def test_two_processes_spend_the_hour_to_its_end_and_not_a_point_more(
    both: tuple[Database, Database],
) -> None:
    spent = await asyncio.gather(*(_storm(database, 1_200) for database in both))
    assert sum(spent) == 1_000
    assert await both[0].read(_taken) == 1_000


async def test_a_process_that_died_took_its_block_along_and_no_more(
    both: tuple[Database, Database],
) -> None:
    one, other = both
    assert await _storm(one, 120) == 120
    taken = await one.read(_taken)
    rest = await _storm(other, 2_000)
    assert taken - 120 <= 2 * 50
    assert rest == 1_000 - taken
    assert await one.read(_taken) == 1_000


async def _storm(database: Database, calls: int) -> int:
    """Calls of a point or two, many at once, of one process; return the points spent."""
    process = Points(FakeClock(), DatabaseLedger(database), hourly=1_000, block=50)

    async def call() -> int:
        try:
            held = await process.hold("read", 2)
        except JiraRateLimited:
            held = await process.hold("read", 1)
        process.settle(held, 1)
        return 1

    with urgency(Urgency.ANSWER):
        done = await asyncio.gather(*(call() for _ in range(calls)), return_exceptions=True)
    wrong = [each for each in done if not isinstance(each, int | JiraRateLimited)]
    assert wrong == []
    while process._taking is not None and not process._taking.done():
        await process._taking
    return sum(each for each in done if isinstance(each, int))


def _taken(db: Session) -> int:
    return db.get_one(JiraPoints, HOUR).taken


# --- pauses ---------------------------------------------------------------------------------

PAUSED = {
    GLOBAL: {"the issue", "another issue", "a read", "another tenant"},
    "jira-quota-tenant-based": {"the issue", "another issue", "a read"},
    "jira-burst-based": {"the issue", "another issue", "a read"},
    "jira-per-issue-on-write": {"the issue"},
}


@pytest.mark.parametrize("reason", sorted(PAUSED))
async def test_what_one_process_was_told_another_knows_within_a_second(
    both: tuple[Database, Database], reason: str
) -> None:
    clock = FakeClock()
    one, other = (Limits(clock, DatabaseLedger(database)) for database in both)
    assert await _held_up(other) == set()

    await one.told("acme", "10001", JiraRateLimited("write", 30, reason))
    assert await _held_up(one) == PAUSED[reason]
    clock.advance(1)
    assert await _held_up(other) == PAUSED[reason]
    clock.advance(28.5)
    assert await _held_up(other) == PAUSED[reason]
    clock.advance(0.5)
    assert await _held_up(one) == await _held_up(other) == set()


async def test_a_process_that_begins_within_a_pause_keeps_to_it(
    both: tuple[Database, Database],
) -> None:
    clock = FakeClock()
    one, other = (Limits(clock, DatabaseLedger(database)) for database in both)
    await one.told("acme", None, JiraRateLimited("read", 30, GLOBAL))
    with pytest.raises(JiraRateLimited) as caught:
        await other.before_call("read", "GET", "umbrella", None, 2)
    assert (caught.value.retry_after, caught.value.reason) == (30.0, GLOBAL)


async def test_a_shorter_pause_shortens_no_longer_one(both: tuple[Database, Database]) -> None:
    clock = FakeClock()
    one, other = (Limits(clock, DatabaseLedger(database)) for database in both)
    await one.told("acme", None, JiraRateLimited("read", 30, GLOBAL))
    await other.told("acme", None, JiraRateLimited("read", 5, GLOBAL))
    clock.advance(10)
    assert await _held_up(other) == await _held_up(one) == PAUSED[GLOBAL]


async def _held_up(limits: Limits) -> set[str]:
    calls: dict[str, tuple[str, str, str | None]] = {
        "the issue": ("POST", "acme", "10001"),
        "another issue": ("POST", "acme", "10002"),
        "a read": ("GET", "acme", None),
        "another tenant": ("POST", "umbrella", "10001"),
    }
    found = set()
    for name, (method, tenant, issue) in calls.items():
        try:
            await limits.before_call("try", method, tenant, issue, 1)
        except JiraRateLimited:
            found.add(name)
    return found


# --- what is over ---------------------------------------------------------------------------


async def test_what_counts_no_more_is_deleted(both: tuple[Database, Database]) -> None:
    one, _ = both
    now = await one.write(_fill, START)
    await one.write(tidy, now + timedelta(minutes=1))
    assert await one.read(_rows) == (1, 1, 1)
    await one.write(tidy, now + timedelta(days=8))
    assert await one.read(_rows) == (0, 0, 0)


def _fill(db: Session, now: datetime) -> datetime:
    """On PostgreSQL a write stands at the server's time: so all of it is of then."""
    quotas.admit_write(db, "acme", "10001", now)
    now = db.get_one(JiraWrites, ("acme", "10001")).last_at
    quotas.take_points(db, quotas.hour_of(now), 5, 10)
    quotas.pause(db, quotas.APP, None, now + timedelta(minutes=2), GLOBAL)
    quotas.pause(db, quotas.scope_of("acme"), "acme", now + timedelta(seconds=2), "x")
    return now


def _rows(db: Session) -> tuple[int, ...]:
    tables = (JiraWrites, JiraPoints, JiraPause)
    return tuple(len(db.exec(select(table)).all()) for table in tables)
