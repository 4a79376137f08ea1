"""A database restored from a copy begins a new history of every thread; nothing else does."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from sqlmodel import Session

from app.clock import SystemClock
from app.store.histories import keep_to_server, marked
from app.store.tables import Thread
from tests.support.clock import START
from tests.support.postgresql import PostgreSQL
from tests.support.rows import add_tenant, add_thread, opened


def add_acme(db: Session) -> str:
    add_tenant(db)
    return add_thread(db)


def epoch_of(db: Session, thread_id: str) -> str:
    return db.get_one(Thread, thread_id).epoch


# --- SQLite ---------------------------------------------------------------------------------


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(sqlite_template, tmp_path / "app.db"))


@pytest.fixture
async def thread_id(path: Path) -> str:
    with opened(f"sqlite:///{path}") as database:
        return await database.write(add_acme)


async def served(path: Path, thread_id: str, *, killed: bool = False) -> str:
    """Serve the file for a moment; the thread's epoch then."""
    with opened(f"sqlite:///{path}") as database:
        serving = marked(path, database, SystemClock())
        await serving.__aenter__()
        epoch = await database.read(epoch_of, thread_id)
        if not killed:
            await serving.__aexit__(None, None, None)
    return epoch


def copied(path: Path) -> Path:
    return Path(shutil.copyfile(path, path.with_name("copy.db")))


@pytest.mark.parametrize("killed", [False, True])
async def test_a_restart_changes_no_epoch(path: Path, thread_id: str, *, killed: bool) -> None:
    epochs = {await served(path, thread_id, killed=killed) for _ in range(4)}
    assert len(epochs) == 1


@pytest.mark.parametrize("killed", [False, True])
async def test_a_copy_that_is_put_back_renews_every_epoch_once(
    path: Path, thread_id: str, *, killed: bool
) -> None:
    before = await served(path, thread_id, killed=killed)
    copy = copied(path)
    assert await served(path, thread_id, killed=killed) == before
    shutil.copyfile(copy, path)
    after = await served(path, thread_id, killed=killed)
    assert after != before
    assert await served(path, thread_id, killed=killed) == after


async def test_a_copy_that_is_taken_while_it_is_served_is_known_as_one(
    path: Path, thread_id: str
) -> None:
    with opened(f"sqlite:///{path}") as database:
        async with marked(path, database, SystemClock()):
            before = await database.read(epoch_of, thread_id)
            source, copy = sqlite3.connect(path), sqlite3.connect(path.with_name("copy.db"))
            source.backup(copy)
            source.close()
            copy.close()
    shutil.copyfile(path.with_name("copy.db"), path)
    assert await served(path, thread_id) != before


async def test_a_database_moved_without_what_stands_beside_it_counts_as_a_copy(
    path: Path, thread_id: str
) -> None:
    before = await served(path, thread_id)
    moved = path.with_name("moved.db")
    shutil.move(path, moved)
    assert await served(moved, thread_id) != before


async def test_dying_between_the_two_marks_changes_no_epoch(path: Path, thread_id: str) -> None:
    before = await served(path, thread_id)
    beside = path.with_name("app.db.history")
    [mark] = beside.read_text().split()
    beside.write_text(f"{mark}\nwritten-before-the-database-was")
    assert await served(path, thread_id) == before


# --- PostgreSQL -----------------------------------------------------------------------------


async def noted(url: str, thread_id: str) -> tuple[bool, str]:
    """Whether it counted as restored, and the thread's epoch then."""
    with opened(url) as database:
        restored = await database.write(keep_to_server, START)
        return restored, await database.read(epoch_of, thread_id)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_a_database_made_after_a_copy_renews_every_epoch_once(
    database_url: str, postgresql_server: PostgreSQL
) -> None:
    with opened(database_url) as database:
        thread_id = await database.write(add_acme)
    first, before = await noted(database_url, thread_id)
    assert not first
    assert await noted(database_url, thread_id) == (False, before)
    with postgresql_server.database(urlsplit(database_url).path[1:]) as copy:
        restored, after = await noted(copy, thread_id)
        assert restored
        assert after != before
        assert await noted(copy, thread_id) == (False, after)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_a_server_that_does_not_tell_its_name_is_no_trouble(database_url: str) -> None:
    with opened(database_url) as database:
        thread_id = await database.write(add_acme)
    parts = urlsplit(database_url)
    name = f"plain_{parts.path[1:]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        role = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        connection.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}").format(role))
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    url = parts._replace(netloc=parts.netloc.replace("postgres@", f"{name}@")).geturl()
    first, before = await noted(url, thread_id)
    assert not first
    assert await noted(url, thread_id) == (False, before)
