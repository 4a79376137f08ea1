"""A newer version migrates while older processes run: they write nothing more, and go."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest
from sqlalchemy import inspect
from sqlmodel import Session

from app.clock import SystemClock
from app.store import schema, upgrades
from app.store.database import Database
from app.store.schema import SchemaChanged
from app.store.tables import AppState
from tests.cli.program import Programs
from tests.hosts.conftest import Hosts, waiting_for
from tests.support.clock import START
from tests.support.events import EventSource
from tests.support.rows import opened
from tests.support.talks import Chat
from tests.support.world import until, world

KEY = "a-key-for-tests-that-is-long-enough-0"
NEWER = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("thread", sa.Column("newer", sa.String(), nullable=True))
"""

pytestmark = pytest.mark.postgresql


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    with opened(url) as database:
        yield database


class Newer:
    """The next version of the program, as far as it knows one more migration."""

    def __init__(self, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._url, self._monkeypatch = folder, url, monkeypatch

    def migrate(self) -> None:
        """As its ``jira-chatkit migrate`` does."""
        with self._knowing(), opened(self._url) as database:
            assert database.migrate()
            asyncio.run(self._hand_on(database))

    def go_back(self) -> None:
        """From here on the older version stands for the newer one, which is not written yet."""
        with psycopg.connect(self._url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [schema.expected()])

    async def _hand_on(self, database: Database) -> None:
        await database.write(upgrades.hand_on, SystemClock().now())

    @contextmanager
    def _knowing(self) -> Iterator[None]:
        with self._monkeypatch.context() as patch:
            patch.setattr(schema, "MIGRATIONS", self._folder)
            patch.setattr(schema, "expected", lambda: "9999")
            yield


@pytest.fixture
def newer(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Newer:
    folder = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_newer.py").write_text(NEWER.format(head=schema.expected()))
    return Newer(folder, url, monkeypatch)


def note(db: Session, key: str) -> None:
    db.add(AppState(key=key, value="", since=START))


def noted(db: Session, key: str) -> bool:
    return db.get(AppState, key) is not None


# --- nothing is written ---------------------------------------------------------------------


async def test_nothing_is_committed_to_a_newer_schema(
    database: Database, url: str, newer: Newer
) -> None:
    for number in range(10):  # often enough for the driver to want to prepare the statement
        await database.write(note, f"before {number}")
    await asyncio.to_thread(newer.migrate)

    together = [database.write(note, "one"), database.write(note, "two")]
    for failed in await asyncio.gather(*together, return_exceptions=True):
        assert isinstance(failed, SchemaChanged)
    assert not await database.read(noted, "one")
    assert await database.read(noted, "before 9")  # what it knew before, it may read
    newer.go_back()
    await database.write(note, "one")


async def test_what_waited_for_the_migration_is_refused_after_it(
    database: Database, url: str
) -> None:
    with psycopg.connect(url) as migrating:
        migrating.execute("SELECT pg_advisory_xact_lock(%s)", [schema.MIGRATING])
        written = asyncio.ensure_future(database.write(note, "one"))
        await asyncio.to_thread(until, lambda: waiting_for(url, "advisory"), "the write to wait")
        migrating.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaChanged):
        await written
    assert not await database.read(noted, "one")


async def test_a_migration_waits_for_what_is_being_written_and_another_for_it(
    database: Database, url: str
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(db: Session, key: str) -> None:
        note(db, key)
        begun.set()
        assert go_on.wait(20)

    written = asyncio.ensure_future(database.write(slowly, "one"))
    await asyncio.to_thread(begun.wait)
    with opened(url) as one, opened(url) as two:
        migrations = [asyncio.to_thread(each.migrate) for each in (one, two)]
        migrated = asyncio.ensure_future(asyncio.gather(*migrations))
        waiting = lambda: waiting_for(url, "advisory") == 2  # noqa: E731
        await asyncio.to_thread(until, waiting, "both to wait")
        go_on.set()
        await written
        assert await migrated == [False, False]


def test_the_newer_migration_is_additive_and_run_once(url: str, newer: Newer) -> None:
    newer.migrate()
    with opened(url) as database:
        columns = {
            column["name"] for column in inspect(database._read_engine).get_columns("thread")
        }
        assert "newer" in columns
        assert database.revision() == "9999"


# --- and everybody goes ---------------------------------------------------------------------


ANSWER = "It swaps, since it was given half of the memory that it needs. " * 3


def test_old_processes_end_and_say_why_and_newer_ones_go_on(hosts: Hosts, newer: Newer) -> None:
    web, worker, here = hosts.web(), hosts.worker(), hosts.here
    here.install()
    here.openai.answers(ANSWER)
    here.openai.hold(after=10)
    chat = Chat(here, "OPS-1", "agnes", "public")
    seen = EventSource(f"{chat.url}/events", chat.token, chat.thread()["last_event_id"])
    here.jira.comment("OPS-1", "Why is it slow?", by="rita")
    stream = seen.chunks()
    while not seen.texts():
        next(stream)
    assert hosts.pid_at_work() == worker.pid

    newer.migrate()
    for _ in stream:  # to its end, which is a proper one
        pass
    for ended in (web.program.end(), worker.end()):
        assert ended.code == 2, ended.said
        assert "Traceback" not in ended.said
        assert "the schema is 9999, made by a newer version" in ended.lines[-1]
    assert hosts.pid_at_work() == 0
    assert here.answers("OPS-1") == []

    newer.go_back()
    hosts.web(), hosts.worker()
    here.openai.release()
    while "turn.completed" not in seen.types():
        seen.read(lambda source: "turn.completed" in source.types())
    here.run_until_idle()
    [answer] = here.answers("OPS-1")
    assert ANSWER.strip() in answer
    assert seen.numbers() == list(range(1, len(seen.events) + 1))


def test_until_it_has_gone_a_web_process_is_not_ready_and_jira_tries_again(
    url: str, newer: Newer
) -> None:
    with world(url) as here:  # served by what does not ask whether it has to end
        newer.migrate()
        ready = httpx2.get(f"{here.url}/readyz", trust_env=False)
        assert (ready.status_code, ready.text) == (503, "the database has another schema\n")
        assert httpx2.get(f"{here.url}/healthz", trust_env=False).status_code == 200
        here.jira.comment("OPS-1", "Why is it slow?", by="rita")
        brought = here.jira.webhooks.deliveries[-1]
        until(lambda: brought.statuses, "Jira to try")
        newer.go_back()
        until(lambda: here.answers("OPS-1"), "the answer to what Jira brought again")
        assert brought.statuses[0] == 503


@pytest.mark.parametrize("arguments", [("serve", "--no-worker"), ("worker",), ("migrate",)])
def test_an_old_program_does_not_start_on_a_newer_schema(
    url: str, tmp_path: Path, newer: Newer, arguments: tuple[str, ...]
) -> None:
    newer.migrate()
    ended = Programs(tmp_path).run(*arguments, DATABASE_URL=url, SECRET_KEYS=KEY)
    assert ended.code == 2
    [line] = ended.lines
    assert "the schema is 9999, made by a newer version" in line
    assert "migrate" not in line
