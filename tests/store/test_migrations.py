"""The schema: made from nothing, the same as the tables say, and never half."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session

from app.errors import SettingsError
from app.store.database import Database
from app.store.tables import AppState, Event, Item, Thread, Turn, Unseen, metadata
from tests.support.clock import START
from tests.support.rows import add_tenant, add_thread, item_of, opened


def test_an_empty_database_is_brought_to_the_newest_schema(empty_database_url: str) -> None:
    with opened(empty_database_url) as database:
        assert database.revision() is None
        database.migrate()
        names = set(inspect(database._read_engine).get_table_names())
        assert names == {*metadata.tables, "alembic_version"}
        database.require_schema()


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    with opened(database_url) as database, database._read_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_to_migrate_again_does_nothing(database_url: str) -> None:
    with opened(database_url) as database:
        before = database.revision()
        database.migrate()
        assert database.revision() == before


MIGRATE = """
import sys
from app.settings import Settings
from app.store.database import Database

database = Database.open(Settings(database_url=sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
database.migrate()
database.close()
"""


def test_several_processes_may_migrate_at_once(empty_database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty_database_url],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], ended
    with opened(empty_database_url) as database:
        database.require_schema()


def test_an_empty_schema_is_refused_and_the_cure_is_named(empty_database_url: str) -> None:
    with (
        opened(empty_database_url) as database,
        pytest.raises(SettingsError, match=r"schema is empty.*run `jira-chatkit migrate`"),
    ):
        database.require_schema()


def test_another_schema_is_refused_and_the_cure_is_named(database_url: str) -> None:
    with opened(database_url) as database:
        with database._write_engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        with pytest.raises(SettingsError, match=r"schema is 0000.*run `jira-chatkit migrate`"):
            database.require_schema()


# --- what the tables keep -------------------------------------------------------------------


def keep(db: Session, instant: datetime) -> datetime:
    db.merge(AppState(key="instant", value="", since=instant))
    db.flush()
    db.expire_all()
    return db.get_one(AppState, "instant").since


async def test_an_instant_is_the_same_instant_again_whatever_its_zone(database: Database) -> None:
    for zone in (UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-9, minutes=-30))):
        instant = datetime(2026, 3, 29, 1, 30, 0, 123456, zone)
        kept = await database.write(keep, instant)
        assert kept == instant
        assert kept.tzinfo == UTC


async def test_an_instant_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="without a time zone"):
        await database.write(keep, START.replace(tzinfo=None))


PLAIN = START.replace(tzinfo=None)
instants = st.datetimes(
    PLAIN - timedelta(days=50 * 365), PLAIN + timedelta(days=150 * 365), timezones=st.timezones()
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(instant=instants)
def test_every_instant_survives(database_url: str, instant: datetime) -> None:
    with opened(database_url) as database, Session(database._write_engine) as db:
        assert keep(db, instant) == instant.astimezone(UTC)


def test_every_foreign_key_carries_the_tenant() -> None:
    for table in metadata.tables.values():
        for key in table.foreign_key_constraints:
            pairs = {(one.parent.name, one.column.name) for one in key.elements}
            own = ("tenant_id", "id" if key.referred_table.name == "tenant" else "tenant_id")
            assert own in pairs, f"{table.name}: {key.name}"


def test_every_row_belongs_to_a_tenant() -> None:
    without = {table.name for table in metadata.tables.values() if "tenant_id" not in table.columns}
    assert without == {"tenant", "app_state", "jira_points"}
    for name, table in metadata.tables.items():
        if name not in without:
            assert table.foreign_key_constraints, name


def pointing(kind: str, tenant_id: str, thread_id: str, own_id: str) -> object:
    """A row of ``tenant_id`` that points at a thread."""
    thread = Thread(
        id=thread_id, tenant_id=tenant_id, audience="public", epoch="", created_at=START
    )
    if kind == "item":
        return item_of(thread)
    if kind == "event":
        return Event(
            tenant_id=tenant_id, thread_id=thread_id, n=1, type="", data="", created_at=START
        )
    if kind == "unseen":
        return Unseen(
            tenant_id=tenant_id, thread_id=thread_id, event="", occurred_at=START, received_at=START
        )
    return Turn(
        id="turn",
        tenant_id=tenant_id,
        thread_id=own_id if kind == "turn's reply" else thread_id,
        reply_thread_id=own_id if kind == "turn" else thread_id,
        reply_as="public",
        state="waiting",
        created_at=START,
    )


@pytest.mark.parametrize("kind", ["item", "event", "unseen", "turn", "turn's reply"])
async def test_a_row_cannot_point_into_another_tenants_thread(
    database: Database, kind: str
) -> None:
    await database.write(add_tenant, "umbrella")
    ours = await database.write(add_thread, "acme")
    theirs = await database.write(add_thread, "umbrella")

    def add(db: Session, thread_id: str) -> None:
        db.add(pointing(kind, "acme", thread_id, ours))

    with pytest.raises(IntegrityError):
        await database.write(add, theirs)
    await database.write(add, ours)


async def test_a_thread_cannot_stand_on_another_tenants_issue(database: Database) -> None:
    await database.write(add_tenant, "umbrella")
    await database.write(add_thread, "umbrella", "777")

    def add(db: Session) -> None:
        db.add(
            Thread(id="t", tenant_id="acme", issue_id="777", audience="public", epoch="e",
                   created_at=START)
        )  # fmt: skip

    with pytest.raises(IntegrityError):
        await database.write(add)


async def test_a_thread_has_one_live_turn_and_two_items_never_one_place(database: Database) -> None:
    thread_id = await database.write(add_thread)

    def add_turn(db: Session, turn_id: str, state: str) -> None:
        db.add(
            Turn(id=turn_id, tenant_id="acme", thread_id=thread_id, reply_thread_id=thread_id,
                 reply_as="public", state=state, created_at=START)
        )  # fmt: skip

    def add_item(db: Session, tie: int) -> str:
        item = item_of(db.get_one(Thread, thread_id), tie=tie)
        db.add(item)
        db.flush()
        return item.id

    await database.write(add_turn, "one", "completed")
    await database.write(add_turn, "two", "posting")
    with pytest.raises(IntegrityError):
        await database.write(add_turn, "three", "waiting")
    first = await database.write(add_item, 1)
    with pytest.raises(IntegrityError):
        await database.write(add_item, 1)

    def items(db: Session) -> list[str]:
        return [db.get_one(Item, first).id]

    assert await database.read(items) == [first]
