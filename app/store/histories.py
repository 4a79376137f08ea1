"""Notices that the database was restored from a copy, and begins a new history of every thread.

After a restore, numbers that clients have seen are given to other events. So every thread's epoch
is renewed: who comes back with an id of before is given the thread anew.

On PostgreSQL the mark of a history is what the server says of itself: which cluster, which timeline
(recoveries and failovers begin new ones), which database, which table. A copy of the server's own
disk, put back whole, is not noticed. On SQLite the mark stands in the database and in a file beside
it, and is changed at start, at the end, and every few seconds in which something was told; a copy
that is put back bears an older one than the file.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session

from app.clock import Clock
from app.store.database import Database
from app.store.ids import new_epoch
from app.store.statements import insert_new
from app.store.tables import AppState, Thread
from app.store.writer import Signals

log = structlog.get_logger(__name__)

MARK = "history"
EVERY = 5.0
"""Seconds between marks on SQLite: a younger copy cannot be told from the original."""

_DATABASE = text(
    "SELECT (SELECT oid FROM pg_database WHERE datname = current_database()),"
    " 'thread'::regclass::oid"
)
_SERVER = text(
    "SELECT (SELECT system_identifier FROM pg_control_system()),"
    " substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
)


def keep_to_server(db: Session, now: datetime) -> bool:
    """PostgreSQL: note the server's mark. True where it was another, and all epochs are new."""
    names = list(db.execute(_DATABASE).one())
    try:
        with db.begin_nested():
            names += db.execute(_SERVER).one()
    except DBAPIError:
        log.info("server_not_named")  # it does not let us ask
    return _note(db, "/".join(str(name) for name in names), None, now)


@asynccontextmanager
async def marked(path: Path, database: Database, clock: Clock) -> AsyncIterator[None]:
    """SQLite: keep the marks of the file at ``path`` and of its database, while it is served."""
    told = asyncio.Event()
    told.set()
    loop = asyncio.get_running_loop()

    def tell(_: Signals) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(told.set)

    database.on_commit(tell)
    beside = path.with_name(path.name + ".history")
    await _mark(beside, database, clock)
    task = asyncio.create_task(_keep_marking(told, beside, database, clock), name="marking")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        await _mark(beside, database, clock)


async def _keep_marking(
    told: asyncio.Event, beside: Path, database: Database, clock: Clock
) -> None:
    while True:
        await asyncio.sleep(EVERY)
        await told.wait()
        told.clear()
        try:
            await _mark(beside, database, clock)
        except (OSError, SQLAlchemyError) as error:
            log.error("marking_failed", error=type(error).__name__)  # noqa: TRY400  (no trace)


async def _mark(beside: Path, database: Database, clock: Clock) -> None:
    """Both marks, whenever this is interrupted, agree or are seen to be one step apart."""
    known = _read(beside)
    new = secrets.token_hex(8)
    _write(beside, [*known[-1:], new])
    await database.write(_note, new, tuple(known), clock.now())
    _write(beside, [new])


def _read(beside: Path) -> list[str]:
    return beside.read_text(encoding="ascii").split() if beside.exists() else []


def _write(beside: Path, marks: list[str]) -> None:
    part = beside.with_name(f"{beside.name}.part")
    part.write_text("\n".join(marks), encoding="ascii")
    part.replace(beside)


def _note(db: Session, mark: str, expected: Collection[str] | None, now: datetime) -> bool:
    """Keep the mark; where the one before is none of those expected, every epoch is renewed.

    None for ``expected``: the mark itself. A database that never bore one is no copy.
    """
    if insert_new(db, AppState, {"key": MARK, "value": mark, "since": now}):
        return False
    state = db.get_one(AppState, MARK, with_for_update=True)
    restored = state.value not in (expected if expected is not None else (mark,))
    if restored:
        db.execute(update(Thread).values(epoch=new_epoch()))
        log.warning("database_restored", last_seen=state.since.isoformat())
    state.value, state.since = mark, now
    return restored
