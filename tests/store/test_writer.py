"""The writer: groups that commit together, and callers that do not feel each other's failures."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from app.store.database import Database
from app.store.tables import AppState, Tenant, Thread
from app.store.writer import WriterClosed, announce
from tests.support.clock import START
from tests.support.rows import add_tenant, add_thread, opened


def note(db: Session, key: str, value: str = "") -> str:
    db.add(AppState(key=key, value=value, since=START))
    db.flush()
    return key


def noted(db: Session) -> list[str]:
    return list(db.exec(select(AppState.key).order_by(AppState.key)).all())


def value_of(db: Session, key: str) -> str | None:
    state = db.get(AppState, key)
    return state.value if state else None


def add_letter(db: Session, key: str, letter: str) -> str:
    state = db.get(AppState, key) or AppState(key=key, value="", since=START)
    state.value += letter
    db.add(state)
    return state.value


def break_down(db: Session, key: str) -> None:
    note(db, key)
    announce(db, f"broken {key}")
    raise LookupError(key)


class Commits:
    """Counts the commits of a database's writer."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        event.listen(database._write_engine, "commit", self._committed)

    def _committed(self, _: Connection) -> None:
        self.count += 1


async def test_many_writes_are_committed_in_few_groups(database: Database) -> None:
    await database.write(note, "before")
    commits = Commits(database)
    keys = [f"key {n:03}" for n in range(200)]
    assert await asyncio.gather(*(database.write(note, key) for key in keys)) == keys
    assert await database.read(noted) == ["before", *keys]
    assert commits.count <= 20


async def test_an_answer_comes_after_its_commit(database: Database) -> None:
    async def written(key: str) -> str | None:
        await database.write(note, key, "here")
        return await database.read(value_of, key)

    assert await asyncio.gather(*(written(f"{n}") for n in range(50))) == ["here"] * 50


async def test_one_callers_writes_keep_their_order(database: Database) -> None:
    async def spell(key: str, word: str) -> str:
        pending = [asyncio.ensure_future(database.write(add_letter, key, one)) for one in word]
        return (await asyncio.gather(*pending))[-1]

    words = {f"key {n}": "abcdefgh" for n in range(20)}
    assert await asyncio.gather(*(spell(*one) for one in words.items())) == ["abcdefgh"] * 20


async def test_a_failure_is_its_callers_alone_and_leaves_no_trace(database: Database) -> None:
    heard: set[str] = set()
    database.on_commit(heard.update)
    operations = [
        database.write(break_down if n % 10 == 5 else note, f"key {n:03}") for n in range(60)
    ]
    results = await asyncio.gather(*operations, return_exceptions=True)
    broken = [n for n, result in enumerate(results) if isinstance(result, LookupError)]
    assert broken == [5, 15, 25, 35, 45, 55]
    kept = [f"key {n:03}" for n in range(60) if n not in broken]
    assert [result for result in results if isinstance(result, str)] == kept
    assert await database.read(noted) == kept
    assert heard == set()


async def test_a_row_that_the_database_refuses_is_its_callers_alone(database: Database) -> None:
    results = await asyncio.gather(
        database.write(note, "one"),
        database.write(note, "one"),
        database.write(note, "two"),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [str, IntegrityError, str]
    assert await database.read(noted) == ["one", "two"]


async def test_whatever_an_operation_raises_its_caller_is_told(database: Database) -> None:
    def stop(db: Session) -> None:
        raise StopIteration

    async with asyncio.timeout(10):
        with pytest.raises(RuntimeError):
            await database.write(stop)
        assert await database.write(note, "after") == "after"


async def test_operations_of_a_group_see_what_those_before_them_wrote(database: Database) -> None:
    def counted(db: Session, key: str) -> int:
        note(db, key)
        return db.exec(select(func.count()).select_from(AppState)).one()

    counts = await asyncio.gather(*(database.write(counted, f"{n:02}") for n in range(30)))
    assert counts == list(range(1, 31))


async def test_a_caller_that_is_cancelled_harms_nobody(database: Database) -> None:
    waiting = [asyncio.create_task(database.write(note, f"{n}")) for n in range(5)]
    await asyncio.sleep(0)
    waiting[2].cancel()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(done[2], asyncio.CancelledError)
    assert await database.write(note, "after") == "after"
    assert await database.read(noted) == ["0", "1", "2", "3", "4", "after"]


async def test_who_waits_is_woken_after_the_commit(database: Database, database_url: str) -> None:
    seen: list[tuple[frozenset[str], list[str]]] = []
    with opened(database_url) as beside:
        database.on_commit(lambda signals: seen.append((signals, beside._read(noted))))

        def noted_and_told(db: Session, key: str) -> None:
            note(db, key)
            announce(db, f"thread:{key}")

        await database.write(noted_and_told, "one")
        await database.write(note, "silent")
    assert seen == [(frozenset({"thread:one"}), ["one"])]


async def test_a_listener_that_breaks_does_not_undo_or_repeat_what_is_written(
    database: Database,
) -> None:
    def listen(signals: frozenset[str]) -> None:
        raise RuntimeError(str(signals))

    def lengthen(db: Session) -> str:
        announce(db, "due")
        return add_letter(db, "word", "a")

    database.on_commit(listen)
    assert await database.write(lengthen) == "a"
    assert await database.write(lengthen) == "aa"
    assert await database.read(value_of, "word") == "aa"


async def test_close_writes_what_is_queued(database: Database, database_url: str) -> None:
    waiting = [asyncio.create_task(database.write(note, f"{n:03}")) for n in range(100)]
    await asyncio.sleep(0)
    database.close()
    assert await asyncio.gather(*waiting) == [f"{n:03}" for n in range(100)]
    with opened(database_url) as again:
        assert len(await again.read(noted)) == 100


async def test_after_close_nothing_is_taken(database: Database) -> None:
    await database.write(note, "before")
    database.close()
    with pytest.raises(WriterClosed):
        await database.write(note, "after")


async def test_arguments_by_name_are_refused(database: Database) -> None:
    with pytest.raises(TypeError, match="by position"):
        await database.write(note, key="one")


KILLED = """
import asyncio, os, signal, sys
from sqlmodel import Session
from app.settings import Settings
from app.store.database import Database
from tests.store.test_writer import note

async def main(url):
    database = Database.open(Settings(database_url=url))
    keys = [f"key {n:02}" for n in range(40)]
    await asyncio.gather(*(database.write(note, key) for key in keys))
    print("answered", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(sys.argv[1]))
"""


async def test_what_was_answered_is_there_after_a_kill(
    database: Database, database_url: str
) -> None:
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, database_url],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=False,
    )
    assert killed.stdout == b"answered\n"
    assert killed.returncode == -9
    assert await database.read(noted) == [f"key {n:02}" for n in range(40)]


# --- several processes ----------------------------------------------------------------------


def count_up(db: Session, thread_id: str, other_id: str) -> None:
    """Change two threads in the order they are given in, so that two such may cross."""
    for one in (thread_id, other_id):
        thread = db.exec(select(Thread).where(Thread.id == one).with_for_update()).one()
        thread.failures += 1
        db.flush()


def counted_up(db: Session) -> list[int]:
    return list(db.exec(select(Thread.failures).order_by(Thread.id)).all())


async def test_two_writers_that_want_the_same_rows_lose_no_operation(
    database: Database, database_url: str
) -> None:
    ids = sorted([await database.write(add_thread, "acme", f"{n}") for n in range(4)])
    with opened(database_url) as other:
        async with asyncio.timeout(60):
            await asyncio.gather(
                *(database.write(count_up, ids[n % 4], ids[(n + 1) % 4]) for n in range(100)),
                *(other.write(count_up, ids[(n + 1) % 4], ids[n % 4]) for n in range(100)),
            )
    assert await database.read(counted_up) == [100, 100, 100, 100]


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.postgresql
async def test_a_deadlock_is_repeated_until_it_is_done(
    database: Database, database_url: str
) -> None:
    ids = sorted([await database.write(add_thread, "acme", f"{n}") for n in range(2)])
    meeting: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]
    loop = asyncio.get_running_loop()
    tries: list[str] = []

    def crossed(db: Session, own: str, foreign: str, side: int) -> None:
        """Hold one row until the other side holds the other, then reach for it."""
        tries.append(own)
        count_one(db, own)
        if len(tries) <= 2:
            loop.call_soon_threadsafe(meeting[side].set)
            asyncio.run_coroutine_threadsafe(meeting[1 - side].wait(), loop).result(20)
        count_one(db, foreign)

    def count_one(db: Session, one: str) -> None:
        thread = db.exec(select(Thread).where(Thread.id == one).with_for_update()).one()
        thread.failures += 1
        db.flush()

    with opened(database_url) as other:
        await asyncio.gather(
            database.write(crossed, ids[0], ids[1], 0), other.write(crossed, ids[1], ids[0], 1)
        )
    assert len(tries) > 2
    assert await database.read(counted_up) == [2, 2]


def cut_off(db: Session) -> None:
    db.connection().execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.postgresql
async def test_a_lost_connection_is_made_anew(database: Database, database_url: str) -> None:
    await database.write(note, "before")
    with opened(database_url) as other:
        await other.write(cut_off)
        assert await database.write(note, "one") == "one"
        await other.write(cut_off)
        keys = ["three", "two", "four"]
        assert await asyncio.gather(*(database.write(note, key) for key in keys)) == keys
    assert await database.read(noted) == ["before", "four", "one", "three", "two"]


async def test_a_database_that_was_away_is_written_to_once_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "away" / "test.db"
    with opened(f"sqlite:///{path}") as database:
        path.parent.rmdir()
        async with asyncio.timeout(30):
            with pytest.raises(Exception, match="unable to open database file"):
                await database.write(note, "lost")
            path.parent.mkdir()
            database.migrate()
            assert await database.write(note, "kept") == "kept"


async def test_a_tenants_rows_go_with_it(database: Database) -> None:
    await database.write(add_tenant, "umbrella")
    await database.write(add_thread, "umbrella")

    def remove(db: Session, tenant_id: str) -> None:
        db.delete(db.get_one(Tenant, tenant_id))

    def left(db: Session) -> list[str]:
        return list(db.exec(select(col(Thread.tenant_id))).all())

    await database.write(add_thread, "acme")
    await database.write(remove, "umbrella")
    assert await database.read(left) == ["acme"]
