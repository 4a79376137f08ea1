"""What other processes commit: heard here, and handed to whoever waits.

On PostgreSQL a connection of its own listens. One that is lost is made again, and then everybody
looks: what was announced meanwhile is lost with it. It may have been lost because the database was
restored, so that is looked at, too. On SQLite, where the only other process is the
command line's, the writer's connection tells whether anybody else has committed.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.clock import Clock
from app.settings import Settings
from app.store import histories
from app.store.database import Database
from app.store.signals import Wakes
from app.store.writer import CHANNEL

log = structlog.get_logger(__name__)

PROBE = 5.0
"""Seconds of silence after which the listening connection is asked whether it is there."""
PATIENCE = 5.0
"""Seconds that it has to say so, and to be made."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
"""Seconds until a lost connection is made again; it doubles, and is drawn from the upper half."""
LOOK = 0.5
"""Seconds between looks at a SQLite file."""


@asynccontextmanager
async def hearing(
    settings: Settings, database: Database, wakes: Wakes, clock: Clock
) -> AsyncIterator[None]:
    """Wake who waits here for what other processes commit, as long as the block runs."""
    if settings.is_sqlite:
        heard = _look(database, wakes)
    else:
        heard = _listen(settings.database_url, database, wakes, clock)
    task = asyncio.create_task(heard, name="listening")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()):
            log.error("listening_broke", exc_info=error)


async def _listen(url: str, database: Database, wakes: Wakes, clock: Clock) -> None:
    wait = FIRST_WAIT
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
            async with connection:
                await _ask(connection, sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                await database.write(histories.keep_to_server, clock.now())
                log.info("listening")
                wait = FIRST_WAIT
                wakes.wake_everybody()
                await _hear(connection, wakes)
        except (psycopg.Error, SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("listening_lost", error=type(error).__name__)
        await asyncio.sleep(random.uniform(wait / 2, wait))  # noqa: S311  (not a secret)
        wait = min(2 * wait, LONGEST_WAIT)


async def _hear(connection: psycopg.AsyncConnection, wakes: Wakes) -> None:
    """Until the connection is lost, which shows in an error."""
    while True:
        async for told in connection.notifies(timeout=PROBE):
            wakes.wake(told.payload.split("\n"))
        await _ask(connection, sql.SQL("SELECT 1"))


async def _ask(connection: psycopg.AsyncConnection, query: sql.SQL | sql.Composed) -> None:
    """Have it answered in time, or lose the connection.

    A network may swallow everything without a word. To cancel would ask the server for its
    consent, through the same network; so the connection is cut at our end.
    """
    cutting = asyncio.get_running_loop().call_later(PATIENCE, _cut, connection)
    try:
        await connection.execute(query)
    finally:
        cutting.cancel()


def _cut(connection: psycopg.AsyncConnection) -> None:
    with socket.socket(fileno=os.dup(connection.fileno())) as end, suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


async def _look(database: Database, wakes: Wakes) -> None:
    seen: int | None = None
    while True:
        try:
            now = await database.write(commits_of_others)
        except SQLAlchemyError as error:  # a file that is busy for long
            log.warning("looking_failed", error=type(error).__name__)
        else:
            if now != seen:
                wakes.wake_everybody()
            seen = now
        await asyncio.sleep(LOOK)


def commits_of_others(db: Session) -> int:
    """A number that changes with each commit of another connection; readers make none.

    Source: https://www.sqlite.org/pragma.html#pragma_data_version
    """
    number: int = db.execute(text("PRAGMA data_version")).scalar_one()
    return number
