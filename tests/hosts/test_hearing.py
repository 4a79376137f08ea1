"""What processes tell each other: ids only, in few words; and what a lost connection costs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlmodel import Session

from app.clock import SystemClock
from app.settings import Settings
from app.store import listening
from app.store.database import Database
from app.store.listening import hearing
from app.store.signals import Wakes
from app.store.writer import CHANNEL, announce
from tests.hosts.networks import network
from tests.support.rows import add_tenant, opened
from tests.support.talks import Chat
from tests.support.world import world

PATIENCE = 20.0

pytestmark = pytest.mark.postgresql


def tell(db: Session, signal: str) -> None:
    announce(db, signal)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    with opened(url) as database:
        await database.write(add_tenant)
        yield database


@asynccontextmanager
async def overheard(url: str) -> AsyncIterator[list[str]]:
    """The payloads of all that is told until the block ends."""
    told: list[str] = []
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        yield told
        told += [one.payload async for one in connection.notifies(timeout=0.5)]


# --- a network that swallows everything -----------------------------------------------------


async def test_a_network_that_falls_silent_is_noticed_and_what_was_missed_is_looked_for(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "PROBE", 0.2)
    monkeypatch.setattr(listening, "PATIENCE", 0.5)
    wakes = Wakes(database)
    async with network(url) as between:
        settings = Settings(database_url=between.url)
        with opened(url) as other, wakes.listening("thread:1") as one:
            async with hearing(settings, database, wakes, SystemClock()):
                await woken(one)  # whoever waits looks as soon as it hears
                between.swallow()
                await other.write(tell, "thread:1")  # which nobody here is told
                between.connected.clear()
                await woken(between.connected)  # anew: the old one is given up
                assert not one.is_set()
                between.pass_on()
                await woken(one)
                await other.write(tell, "thread:1")
                await woken(one)


async def woken(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()
    event.clear()


def settings_of_the_session(db: Session) -> list[str]:
    names = ("tcp_keepalives_idle", "idle_in_transaction_session_timeout")
    return [str(db.execute(text(f"SHOW {name}")).scalar_one()) for name in names]


async def test_both_sides_give_up_on_a_connection_that_is_silent(url: str) -> None:
    with opened(f"{url}?tcp_user_timeout=7000") as database:
        assert await database.read(settings_of_the_session) == ["10", "1min"]
        with database._read_engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            given = driver.info.get_parameters()
    assert given["keepalives_idle"] == "5"
    assert given["tcp_user_timeout"] == "7000"  # whoever says otherwise is heard


# --- what is told ---------------------------------------------------------------------------


SIGNAL = re.compile(
    r"due(:thr_[0-9a-f]{32})?|thread:thr_[0-9a-f]{32}|[a-z]+(:tenant_[0-9a-f]{32})?"
)


async def test_a_conversation_tells_ids_and_no_word_of_anybody(url: str) -> None:
    async with overheard(url) as told:
        await asyncio.to_thread(converse, url)
    signals = [signal for payload in told for signal in payload.split("\n")]
    assert any(signal.startswith("thread:") for signal in signals)
    assert [signal for signal in signals if not SIGNAL.fullmatch(signal)] == []


def converse(url: str) -> None:
    with world(url) as here:
        here.openai.answers("The canary sings.")
        chat = Chat(here, "OPS-1", "agnes", "internal")
        chat.say("Why does the canary sing?")
        here.jira.comment("OPS-1", "A canary?", by="rita")
        here.run_until_idle()


async def test_what_is_written_together_is_told_together(database: Database, url: str) -> None:
    async with overheard(url) as told:
        signals = [f"thread:thr_{number:032x}" for number in range(250)]
        held = asyncio.Event()
        blocking = database.write(wait_for, asyncio.get_running_loop(), held)
        writes = [database.write(tell, signal) for signal in signals * 2]
        held.set()
        await asyncio.gather(blocking, *writes)
    heard = [signal for payload in told for signal in payload.split("\n")]
    assert set(heard) == set(signals)
    assert len(told) <= 8  # of 500 announcements
    assert all(len(payload.encode()) < 8000 for payload in told)


def wait_for(_: Session, loop: asyncio.AbstractEventLoop, held: asyncio.Event) -> None:
    asyncio.run_coroutine_threadsafe(held.wait(), loop).result(PATIENCE)
