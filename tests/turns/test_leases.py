"""Leases by the database's clock; and who lost one, or stood still, posts nothing any more."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from app.jira.client import WHOLE_CALL
from app.main import assemble
from app.store import claiming, database_clock, threads
from app.store.database import Database
from app.store.tables import Tenant, Thread
from app.store.threads import Lease
from app.turns import delivering
from app.turns.collaborators import GRACE, LEASE, SENDING
from app.turns.delivering import Mark, Place, Tried, Words
from app.turns.outcomes import TooSoon
from tests.support.clock import START, ShiftedClock
from tests.support.rows import add_tenant, add_thread, opened
from tests.support.workers import line, web_alone, worker
from tests.support.world import World, until, world

ON_POSTGRESQL = pytest.mark.parametrize(
    "database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
HOURS = [timedelta(hours=-1), timedelta(hours=1)]
COMMENT = "/comment"


def test_whoever_looks_comes_after_all_that_can_still_be_sent() -> None:
    given_up = SENDING + timedelta(seconds=WHOLE_CALL)
    assert given_up < GRACE
    assert SENDING < LEASE


# --- by whose clock ----------------------------------------------------------------------------


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    with opened(database_url) as database:
        await database.write(add_tenant)
        yield database


async def claim(database: Database, owner: str, now: datetime, seconds: float = 60) -> list[Lease]:
    return await database.write(claiming.claim, owner, now, seconds, 64, 16)


def due(db: Session) -> str:
    return add_thread(db, due_at=START)


def time_left(db: Session, thread_id: str) -> timedelta:
    until = db.get_one(Thread, thread_id).lease_until
    assert until is not None
    return until - database_clock.present(db, datetime.now(UTC))


@ON_POSTGRESQL
@pytest.mark.parametrize("apart", HOURS)
async def test_a_host_whose_clock_is_wrong_neither_takes_a_lease_nor_keeps_one(
    database: Database, database_url: str, apart: timedelta
) -> None:
    right = datetime.now(UTC)
    wrong = right + apart
    thread_id = await database.write(due)
    with opened(database_url) as other:
        [first] = await claim(database, "right", right)
        assert await claim(other, "wrong", wrong) == []
        assert await other.write(threads.claim_one, thread_id, "wrong", wrong, 60.0) is None

        await database.write(threads.release, first, START, right)
        [second] = await claim(other, "wrong", wrong)
        assert timedelta() < await database.read(time_left, thread_id) <= timedelta(seconds=60)
        await other.write(threads.renew, second, wrong)
        assert timedelta() < await database.read(time_left, thread_id) <= timedelta(seconds=60)
        assert await claim(database, "right", right) == []


@ON_POSTGRESQL
@pytest.mark.parametrize("apart", HOURS)
async def test_what_a_host_with_a_wrong_clock_holds_lapses_in_time(
    database: Database, database_url: str, apart: timedelta
) -> None:
    right = datetime.now(UTC)
    await database.write(due)
    with opened(database_url) as other:
        [first] = await claim(other, "wrong", right + apart, seconds=0)
        [second] = await claim(database, "right", right)
    assert second.fence > first.fence


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_in_the_one_process_of_sqlite_its_own_clock_will_do(database: Database) -> None:
    await database.write(due)
    assert await claim(database, "one", START)
    assert await claim(database, "one", START + timedelta(seconds=59)) == []
    assert await claim(database, "one", START + timedelta(seconds=60))


@ON_POSTGRESQL
@pytest.mark.parametrize("apart", HOURS)
def test_how_long_ago_jira_was_asked_is_told_by_the_databases_clock_too(
    database_url: str, apart: timedelta
) -> None:
    wrong = ShiftedClock()
    wrong.ahead = apart

    async def look(here: World, since: datetime) -> timedelta:
        async with assemble(here.settings, grace=timedelta(minutes=1)) as parts:
            c = replace(parts.collaborators, clock=wrong)
            tenant = here.read(_tenant)
            place = Place(tenant, here.jira.issue("OPS-1").id, c.jira(tenant))
            tried_at = await c.database.read(database_clock.present, since)
            tried = Tried(
                Mark("turn", "thread", "item", "assistant"), internal=False, since=since,
                posts=1, tried_at=tried_at, comment_id=None,
            )  # fmt: skip

            async def last_look() -> Words:
                raise AssertionError("it may still be under way")

            with pytest.raises(TooSoon) as told:
                await delivering.once(place, tried, last_look, c)
            return told.value.until - wrong.now()

    with web_alone(database_url) as here:
        left = asyncio.run(look(here, datetime.now(UTC)))
    assert timedelta(seconds=30) < left <= timedelta(minutes=1)


def _tenant(db: Session) -> Tenant:
    return db.exec(select(Tenant)).one()


# --- cut off, or standing still ------------------------------------------------------------------


class Gate:
    """Holds a turn at a step, once; knows when the turn was taken away meanwhile."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.reached = False
        self.opened = False
        self.left = False

    async def __call__(self, step: str) -> None:
        if step == self.step and not self.reached:
            self.reached = True
            try:
                while not self.opened:  # noqa: ASYNC110  (set from another thread)
                    await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                self.left = True
                raise


def posted(here: World) -> int:
    """How often Jira was asked to take a comment."""
    return sum(r.method == "POST" and r.path.endswith(COMMENT) for r in here.jira.requests)


class Late:
    """Lets time pass at a step, once, as if the process had stood still."""

    def __init__(self, step: str, clock: ShiftedClock) -> None:
        self.step = step
        self.clock = clock
        self.passed = False

    async def __call__(self, step: str) -> None:
        if step == self.step and not self.passed:
            self.passed = True
            self.clock.ahead += SENDING + timedelta(seconds=1)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_what_was_recorded_too_long_ago_is_not_sent_but_looked_for_and_tried_anew(
    database_url: str,
) -> None:
    clock = ShiftedClock()
    with world(database_url, at_step=Late("trying", clock), clock=clock) as here:
        here.jira.comment("OPS-1", "Why?")
        until(lambda: here.turns() and here.turns()[0].failures, "the first try")
        assert posted(here) == 0
        until(lambda: here.turns()[0].state == "completed", "the second")

        assert [turn.posts for turn in here.turns()] == [2]
        assert posted(here) == len(here.answers("OPS-1")) == 1


@ON_POSTGRESQL
@pytest.mark.parametrize("step", ["trying", "sending"])
def test_a_worker_that_stood_still_before_posting_posts_nothing_when_it_wakes(
    database_url: str, tmp_path: Path, step: str
) -> None:
    said = tmp_path / "said"
    with web_alone(database_url) as here, said.open("wb") as output:
        sleeper = subprocess.Popen(
            [sys.executable, "-m", "tests.support.standing_still", step],
            env={"PATH": os.environ["PATH"], **here.extra},  # noqa: TID251
            stdout=output,
            stderr=output,
        )
        try:
            here.jira.comment("OPS-1", "Why?")
            until(lambda: _stands_still(sleeper), "the worker to stand still", 60)
            assert posted(here) == 0
            with worker(here.settings):
                until(lambda: here.turns()[0].state == "completed", "the other's answer", 30)
                sleeper.send_signal(signal.SIGCONT)
                until(lambda: b"lease_lost" in said.read_bytes(), "the sleeper to leave it")
                here.run_until_idle()
        finally:
            sleeper.kill()
            sleeper.wait()
        assert posted(here) == len(here.answers("OPS-1")) == 1
        assert step != "sending" or b"posting_kept_back" in said.read_bytes()


def _stands_still(process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "it ended"
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@ON_POSTGRESQL
@pytest.mark.parametrize("step", ["posting", "trying"])
def test_a_worker_that_is_cut_off_from_the_database_leaves_its_work_in_time(
    database_url: str, step: str
) -> None:
    gate = Gate(step)
    with web_alone(database_url) as here, line(here.settings) as network:
        with worker(network.through(here.settings), at_step=gate):
            here.jira.comment("OPS-1", "Why?")
            until(lambda: gate.reached, "the answer to be written")
            network.cut()
            until(lambda: gate.left, "the work to be taken away")
            assert posted(here) == 0
            with worker(here.settings):
                until(lambda: here.turns()[0].state == "completed", "the other's answer", 30)
                network.mend()  # and what it had still wanted to write is refused
                here.run_until_idle()
        assert posted(here) == len(here.answers("OPS-1")) == 1


@ON_POSTGRESQL
def test_a_worker_whose_connection_is_broken_goes_on_with_its_lease(database_url: str) -> None:
    gate = Gate("posting")

    def break_all(db: Session) -> int:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        mine = " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return len(db.connection().exec_driver_sql(others + mine).all())

    with web_alone(database_url) as here, worker(here.settings, at_step=gate):
        here.jira.comment("OPS-1", "Why?")
        until(lambda: gate.reached, "the answer to be written")
        assert here.read(break_all) > 1
        gate.opened = True
        until(lambda: here.turns()[0].state == "completed", "the answer", 30)
        here.run_until_idle()
        assert posted(here) == len(here.answers("OPS-1")) == 1
