"""What other processes commit is heard here; what was missed is looked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlmodel import Session

from app.clock import SystemClock
from app.settings import Settings
from app.store import listening
from app.store.database import Database
from app.store.listening import hearing
from app.store.signals import Wakes
from app.store.writer import announce
from tests.support.rows import add_thread, opened

PATIENCE = 20.0


def tell(db: Session, issue_id: str, signal: str) -> None:
    """Write something, and announce it."""
    add_thread(db, "acme", issue_id)
    announce(db, signal)


@asynccontextmanager
async def heard(database: Database, url: str) -> AsyncIterator[Wakes]:
    """Somebody who hears what others commit, from now on."""
    wakes = Wakes(database)
    with wakes.listening("begun") as begun:
        async with hearing(Settings(database_url=url), database, wakes, SystemClock()):
            await woken(begun)  # whoever waits looks as soon as it hears
            yield wakes


async def woken(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()
    event.clear()


async def test_a_commit_of_another_process_wakes_who_waits_for_it(
    database: Database, database_url: str
) -> None:
    with opened(database_url) as other:
        async with heard(database, database_url) as wakes:
            with wakes.listening("thread:1") as event:
                for number in range(3):
                    await other.write(tell, str(number), "thread:1")
                    await woken(event)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_only_the_commits_of_others_count(database: Database, database_url: str) -> None:
    with opened(database_url) as other:
        before = await database.write(listening.commits_of_others)
        await database.write(tell, "1", "thread:1")
        await other.read(listening.commits_of_others)
        assert await database.write(listening.commits_of_others) == before
        await other.write(tell, "2", "thread:2")
        assert await database.write(listening.commits_of_others) != before


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_a_listening_connection_that_is_lost_is_made_again_and_everybody_looks(
    database: Database, database_url: str
) -> None:
    with opened(database_url) as other:
        async with heard(database, database_url) as wakes:
            with wakes.listening("thread:1") as one, wakes.listening("thread:2") as two:
                assert await end_listeners(database_url) == 1
                await woken(one)
                await woken(two)
                await other.write(tell, "1", "thread:1")
                await woken(one)
                assert not two.is_set()
    assert await end_listeners(database_url) == 0


LISTENING = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"


async def end_listeners(url: str) -> int:
    """How many connections listened; they do no more."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute(f"SELECT pg_terminate_backend(pid) {LISTENING}")
        return len(await found.fetchall())
