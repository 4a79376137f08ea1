"""Workers shared out: nobody waits behind a tenant with a thousand threads, nor pays for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, event
from sqlmodel import Session, col, insert, update

from app.store import claiming, threads
from app.store.database import Database
from app.store.statements import UNIX_EPOCH
from app.store.tables import Tenant, Thread
from app.store.threads import Lease
from tests.support.clock import START
from tests.support.rows import add_tenant, opened
from tests.support.world import World, until

PER_TENANT = 16


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    with opened(database_url) as database:
        for tenant in ("big", "small"):
            await database.write(add_tenant, tenant)
        yield database


def wait_many(db: Session, tenant: str, count: int, since: datetime) -> list[str]:
    """Threads that wait, each a second longer than the next; the longest-waiting first."""
    thread = {"tenant_id": tenant, "audience": "public", "epoch": "e", "last_n": 0, "fence": 0,
              "failures": 0, "created_at": START}  # fmt: skip
    made = [f"{tenant} {number:05d}" for number in range(count)]
    rows = [
        {"id": id_, "due_at": since + timedelta(seconds=number), **thread}
        for number, id_ in enumerate(made)
    ]
    db.execute(insert(Thread), rows)
    return made


HOUR_AGO = START - timedelta(hours=1)


async def wait(
    database: Database, tenant: str, count: int = 1, at: datetime = HOUR_AGO
) -> list[str]:
    return await database.write(wait_many, tenant, count, at)


async def claim(database: Database, most: int = 64, owner: str = "worker") -> list[Lease]:
    return await database.write(claiming.claim, owner, START, 60.0, most, PER_TENANT)


def ids(leases: list[Lease]) -> list[str]:
    return [lease.thread_id for lease in leases]


async def test_one_thread_is_taken_next_although_a_thousand_of_another_tenant_wait(
    database: Database,
) -> None:
    big = await wait(database, "big", 1000)
    taken = ids(await claim(database))
    assert taken == big[:PER_TENANT], "one tenant alone has its whole share, in order"

    [only] = await wait(database, "small", at=START)
    assert ids(await claim(database)) == [only]


async def test_where_there_is_room_for_few_each_tenant_has_its_turn(database: Database) -> None:
    big = await wait(database, "big", 1000)
    small = await wait(database, "small", 2, at=START - timedelta(seconds=9))
    assert ids(await claim(database, most=4)) == [big[0], small[0], big[1], small[1]]
    assert ids(await claim(database, most=1)) == [big[2]]


async def test_who_has_least_under_way_comes_next_however_long_others_wait(
    database: Database,
) -> None:
    big = await wait(database, "big", 100)
    taken = await claim(database, most=8)
    await database.write(threads.release, taken[0], None, START)
    [only] = await wait(database, "small", at=START)
    assert ids(await claim(database, most=2)) == [only, big[8]]


async def test_a_share_is_counted_over_all_processes(database: Database, database_url: str) -> None:
    big = await wait(database, "big", 40)
    with opened(database_url) as other:
        first = ids(await claim(database, most=10))
        second = ids(await claim(other, owner="another"))
        assert await claim(database) == []
    assert first + second == big[:PER_TENANT]


async def test_a_dead_workers_threads_are_taken_within_the_same_share(database: Database) -> None:
    big = await wait(database, "big", 40)
    await claim(database, owner="dead")
    await wait(database, "small", 40)

    def lapse(db: Session) -> None:
        db.execute(update(Thread).where(col(Thread.tenant_id) == "big",
                                        col(Thread.lease_owner) == "dead")
                   .values(lease_until=UNIX_EPOCH))  # fmt: skip

    await database.write(lapse)
    taken = ids(await claim(database, owner="alive"))
    assert [one for one in taken if one.startswith("big")] == big[:PER_TENANT]
    assert len(taken) == 2 * PER_TENANT


async def test_threads_of_a_tenant_that_left_hold_up_nobody(database: Database) -> None:
    await wait(database, "big", 1000)
    [only] = await wait(database, "small", at=START)

    def leave(db: Session) -> None:
        db.get_one(Tenant, "big").state = "disabled"

    await database.write(leave)
    assert ids(await claim(database)) == [only]


# --- what it costs -----------------------------------------------------------------------------


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, tuple[object, ...]]]]:
    """What is asked of the database meanwhile."""
    seen: list[tuple[str, tuple[object, ...]]] = []

    def note(
        _: Connection, __: object, statement: str, values: tuple[object, ...], *___: object
    ) -> None:
        seen.append((statement, values))

    event.listen(database._write_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database._write_engine, "before_cursor_execute", note)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_no_claim_walks_through_the_threads(database: Database) -> None:
    await wait(database, "big", 100)
    await wait(database, "small", 100)
    with statements(database) as asked:
        assert len(await claim(database)) == 2 * PER_TENANT
        assert len(await claim(database)) == 0

    def plan(db: Session, statement: str, values: tuple[object, ...]) -> list[str]:
        explained = db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return [str(row[3]) for row in explained]

    plans = [await database.write(plan, *each) for each in asked if "thread" in each[0]]
    assert len(plans) > 4
    assert [line for lines in plans for line in lines if line.startswith("SCAN thread")] == []


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_of_a_backlog_no_more_is_read_than_is_taken(database: Database) -> None:
    await wait(database, "big", 12_000)  # fewer than that, it may well read them all

    def analyze(db: Session) -> None:  # as autovacuum does
        db.connection().exec_driver_sql("ANALYZE thread")

    await database.write(analyze)

    def look(db: Session) -> int:
        rows = db.connection().exec_driver_sql(
            "SELECT idx_tup_fetch + coalesce(seq_tup_read, 0)"
            " FROM pg_stat_xact_user_tables WHERE relname = 'thread'"
        )
        read: int = rows.scalar_one()
        return read

    def claim_and_count(db: Session) -> tuple[int, int]:
        before = look(db)
        taken = claiming.claim(db, "worker", START, 60.0, 64, PER_TENANT)
        return len(taken), look(db) - before

    taken, read = await database.write(claim_and_count)
    assert taken == PER_TENANT
    assert read < 20 * PER_TENANT


# --- in order ----------------------------------------------------------------------------------


def test_what_is_asked_while_the_model_is_slow_is_answered_in_order_after_what_came_before(
    here: World,
) -> None:
    here.openai.answers(lambda request: f"After {request.text.count('And ')} questions.")
    here.openai.hold()
    for number, question in enumerate(("And one?", "And two?", "And three?")):
        here.jira.comment("OPS-1", question, by="rita")
        # The second begins the answer again; the third comes too late for that.
        until(lambda: len(here.openai.requests) > min(number, 1), "the model to be asked")  # noqa: B023
        until(lambda: len(here.items()) > number, "the question")  # noqa: B023
    here.openai.release()
    here.run_until_idle()

    first, second = here.turns()
    asked = [item for item in here.items() if item.asks]
    assert [item.answered_by for item in asked] == [first.id, first.id, second.id]
    assert [turn.state for turn in (first, second)] == ["completed", "completed"]
    told = ["After 2 questions.", "After 3 questions."]
    assert [answer.splitlines()[0] for answer in here.answers("OPS-1")] == told
    assert told[0] in here.openai.requests[-1].text
