"""The database itself: its promises of durability, its readers, its one process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, func, select, text

from app.store.database import Database
from app.store.signals import Wakes, set_or_timeout
from app.store.tables import AppState
from app.store.writer import announce
from tests.support.clock import START
from tests.support.rows import opened

ROOT = Path(__file__).parents[2]


def note(db: Session, key: str) -> None:
    db.add(AppState(key=key, value="", since=START))


def counted(db: Session) -> int:
    return db.exec(select(func.count()).select_from(AppState)).one()


def pragmas(db: Session) -> dict[str, object]:
    names = ("journal_mode", "synchronous", "foreign_keys", "query_only")
    return {name: db.connection().execute(text(f"PRAGMA {name}")).scalar_one() for name in names}


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_sqlite_writes_durably_and_minds_foreign_keys(database: Database) -> None:
    in_force = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert await database.write(pragmas) == {**in_force, "query_only": 0}
    assert await database.read(pragmas) == {**in_force, "query_only": 1}


async def test_readers_cannot_write(database: Database) -> None:
    def write_secretly(db: Session) -> None:
        note(db, "secret")
        db.commit()

    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        await database.read(write_secretly)
    assert await database.read(counted) == 0
    await database.write(note, "open")
    assert await database.read(counted) == 1


async def test_a_reader_sees_one_moment(database: Database, database_url: str) -> None:
    await database.write(note, "before")
    begun, written = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def count_twice(db: Session) -> tuple[int, int]:
        first = counted(db)
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(written.wait(), loop).result(20)
        return first, counted(db)

    reading = asyncio.create_task(database.read(count_twice))
    await begun.wait()
    await database.write(note, "meanwhile")
    written.set()
    assert await reading == (1, 1)
    assert await database.read(counted) == 2


async def test_rows_may_be_used_after_the_session(database: Database) -> None:
    await database.write(note, "one")

    def first(db: Session) -> AppState:
        return db.get_one(AppState, "one")

    assert (await database.read(first)).since == START
    assert (await database.write(first)).since == START


async def test_who_waits_for_a_signal_is_woken_by_its_commit(database: Database) -> None:
    wakes = Wakes(database)

    def tell(db: Session, signal: str) -> None:
        announce(db, signal)

    with wakes.listening("thread:1") as one, wakes.listening("thread:2") as two:
        await database.write(tell, "thread:1")
        await set_or_timeout(one, 20)
        assert (one.is_set(), two.is_set()) == (True, False)
    await database.write(tell, "thread:1")


async def test_who_waits_too_long_comes_back(database: Database) -> None:
    event = asyncio.Event()
    await set_or_timeout(event, 0.001)
    assert not event.is_set()


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_other_processes_hear_what_was_committed_and_nothing_else(
    database: Database, database_url: str
) -> None:
    def tell_of_many(db: Session) -> None:
        for number in range(250):
            announce(db, f"thread:thr_{number:032}")

    def tell_and_break(db: Session) -> None:
        announce(db, "never")
        raise LookupError

    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("LISTEN jira_chatkit")
        with pytest.raises(LookupError):
            await database.write(tell_and_break)
        await database.write(tell_of_many)
        payloads = [told.payload for told in listener.notifies(timeout=20, stop_after=3)]
    assert all(len(payload.encode()) < 8_000 for payload in payloads)
    assert "\n".join(payloads).split("\n") == [f"thread:thr_{n:032}" for n in range(250)]


# --- one process on SQLite ------------------------------------------------------------------

ANOTHER = """
import asyncio, sys
from sqlmodel import Session
from app.settings import Settings
from app.store.database import Database
from tests.store.test_database import note

async def main(url):
    database = Database.open(Settings(database_url=url))
    print(database.hold_process_lock(), flush=True)
    for number in range(60):
        await database.write(note, f"theirs {number}")
    database.close()

asyncio.run(main(sys.argv[1]))
"""


async def test_another_process_may_write_meanwhile(database: Database, database_url: str) -> None:
    """As the command line does beside a running server."""
    other = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-c", ANOTHER, database_url], cwd=ROOT,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    await asyncio.to_thread(other.stdout.readline)
    for number in range(60):
        await database.write(note, f"ours {number}")
    assert await asyncio.to_thread(other.wait) == 0
    other.stdout.close()
    assert await database.read(counted) == 120


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_one_process_serves_a_sqlite_file(database: Database, database_url: str) -> None:
    assert database.hold_process_lock()
    assert database.hold_process_lock(), "it is ours already"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", ANOTHER, database_url], cwd=ROOT,
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    assert done.stdout == b"False\n"
    with opened(database_url) as other:
        assert not other.hold_process_lock()
        database.close()
        assert other.hold_process_lock()


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_any_number_of_processes_serve_postgresql(database_url: str) -> None:
    with opened(database_url) as one, opened(database_url) as other:
        assert one.hold_process_lock()
        assert other.hold_process_lock()
