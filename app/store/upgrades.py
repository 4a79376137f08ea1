"""Notices that the schema is another by now: this process has to make room for a newer one.

From then on nothing that it writes is committed (``schema.py``), so there is no point in serving:
whoever runs the process ends it, with the line that says why. Its streams' clients come back to a
newer process with their last ids; Jira, answered 503, tries again; its threads were taken from it
by the migration.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.store import schema, threads
from app.store.database import Database
from app.store.signals import Wakes, set_or_timeout
from app.store.writer import announce

log = structlog.get_logger(__name__)

SIGNAL = "schema"
LOOK = 2.0
"""Seconds between looks, for whoever heard nothing."""


@asynccontextmanager
async def watched(database: Database, wakes: Wakes) -> AsyncIterator[asyncio.Task[str]]:
    """A task that ends when this program can write no more; its result is the line to say so."""
    task = asyncio.create_task(_until_changed(database, wakes), name="schema")
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _until_changed(database: Database, wakes: Wakes) -> str:
    with wakes.listening(SIGNAL) as told:
        while True:
            told.clear()
            fault = await _fault(database)
            if fault is not None:
                log.warning("schema_changed")
                return fault
            await set_or_timeout(told, LOOK)


async def _fault(database: Database) -> str | None:
    try:
        return schema.fault(await database.read(schema.found))
    except SQLAlchemyError:  # it is away for a while; it may be the same when it comes back
        return None


def hand_on(db: Session, now: datetime) -> int:
    """After a migration: tell every process, and free the threads that older ones work on.

    Returns how many were freed; whoever held them can write no more.
    """
    announce(db, SIGNAL)
    return threads.release_all(db, now)
