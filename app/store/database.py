"""The database: SQLite in one process, PostgreSQL across many, the same statements on both."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Concatenate, ParamSpec, Self, TypeVar

import psycopg
import structlog
from alembic import command
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from app.errors import SettingsError
from app.settings import Settings
from app.store import schema
from app.store.rounds import Rounds
from app.store.writer import Signals, Writer

log = structlog.get_logger(__name__)

READERS = 4

CUT_OFF = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""What libpq is told, unless DATABASE_URL says otherwise: a network that swallows everything is
noticed within about ten seconds, before a lease ends, not after the system's quarter of an hour."""
SERVER_CUT_OFF = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    " SET idle_in_transaction_session_timeout = 60000"
)
"""The same from the server's side: else the rows that a lost process has locked stay locked."""

UNREACHABLE = (
    "DATABASE_URL: the database cannot be opened. See that its server runs and can be reached from"
    " here, and that name, user and password are right; with SQLite, that the file is one."
)

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class Database:
    """Reads on a few threads, writes on one (see ``writer.py``); neither blocks the loop."""

    def __init__(self, write_engine: Engine, read_engine: Engine) -> None:
        self._write_engine = write_engine
        self._read_engine = read_engine
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._listeners: list[Callable[[Signals], None]] = []
        self._process_lock: IO[bytes] | None = None
        self._writer: Writer | None = None
        self._rounds: dict[tuple[object, ...], Rounds[Any, Any]] = {}

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Connect. Brings no schema: see :meth:`migrate` and :meth:`require_schema`."""
        if settings.is_sqlite:
            return cls(_sqlite(settings.sqlite_path, write=True), _sqlite(settings.sqlite_path))
        engine = _postgresql(settings.database_url)
        one_view = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return cls(engine, engine.execution_options(**one_view))

    @property
    def is_sqlite(self) -> bool:
        return self._write_engine.dialect.name == "sqlite"

    async def write(
        self,
        fn: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run ``fn(db, *args)`` in the writer; return what it returned, once it is committed.

        ``fn`` must be repeatable: it may be run more than once before it is committed. What it
        is given as text, or bears a ``thread_id``, stands for the rows that it locks: on
        PostgreSQL a group is sorted by it.
        """
        if kwargs:
            raise TypeError("operations take their arguments by position")
        locks = (str(getattr(a, "thread_id", a)) for a in args if _names_rows(a))
        return await self._submit(fn, args, locks)

    async def _submit(
        self,
        fn: Callable[..., T],
        args: tuple[Any, ...],
        locks: Iterable[str] = (),
        *,
        alone: bool = False,
    ) -> T:
        if self._writer is None:
            admit = None if self.is_sqlite else schema.admit
            self._writer = Writer(self._write_engine, self._committed, admit)
        result: T = await self._writer.submit(fn, args, locks, alone=alone)
        return result

    async def read(
        self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``fn(db, *args)`` on a reader's thread, in one consistent view."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: self._read(fn, *args, **kwargs))

    def _read(
        self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with Session(self._read_engine, expire_on_commit=False) as db:
            result = fn(db, *args, **kwargs)
            db.expunge_all()
            return result

    async def read_together(self, fn: Callable[[Session, Sequence[K]], Sequence[V]], one: K) -> V:
        """What ``fn(db, several)`` finds for ``one``: those who ask at once share one look.

        It begins after the question, so it sees what was committed before; see ``rounds.py``.
        """
        return await self._round(self.read, fn).ask(one)

    async def write_together(self, fn: Callable[[Session, Sequence[K]], Sequence[V]], one: K) -> V:
        """What ``fn(db, several)`` made of ``one``, once it is committed; as :meth:`write`."""
        return await self._round(self._write_alone, fn).ask(one)

    async def _write_alone(
        self, fn: Callable[[Session, Sequence[K]], T], several: Sequence[K]
    ) -> T:
        return await self._submit(fn, (several,), alone=True)

    def _round(
        self,
        run: Callable[..., Awaitable[Sequence[V]]],
        fn: Callable[[Session, Sequence[K]], Sequence[V]],
    ) -> Rounds[K, V]:
        key = (asyncio.get_running_loop(), run, fn)
        rounds: Rounds[K, V] | None = self._rounds.get(key)
        if rounds is None:
            rounds = self._rounds[key] = Rounds(lambda several: run(fn, several))
        return rounds

    def on_commit(self, listener: Callable[[Signals], None]) -> None:
        """``listener(signals)`` is called, in the writer's thread, after each commit here."""
        self._listeners.append(listener)

    def _committed(self, signals: Signals) -> None:
        for listener in self._listeners:
            listener(signals)

    # --- schema -------------------------------------------------------------------------

    def reach(self) -> None:
        """Open a connection.

        Raises:
            SettingsError: there is no database where DATABASE_URL says, or we are not let in.
        """
        try:
            self._read_engine.connect().close()
        except DBAPIError:  # its words hold what DATABASE_URL held
            raise SettingsError(UNREACHABLE) from None

    def migrate(self) -> bool:
        """Bring the schema to the newest revision; whether it was another before.

        Run again, or twice at once, it does nothing. On PostgreSQL it waits for the groups of
        writes that are under way anywhere, and those that come meanwhile wait for it.

        Raises:
            SettingsError: the database cannot be opened, or a newer program has migrated it.
        """
        self.reach()
        config = schema.alembic()
        with self._write_engine.begin() as connection:
            if not self.is_sqlite:  # where the transaction itself keeps others out
                connection.execute(select(func.pg_advisory_xact_lock(schema.MIGRATING)))
            before = schema.found(connection)
            if before is not None and before > schema.expected():
                raise SettingsError(schema.fault(before))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return before != schema.expected()

    def revision(self) -> str | None:
        """The schema's revision, or None where there is no schema."""
        with self._read_engine.connect() as connection:
            return schema.found(connection)

    def require_schema(self) -> None:
        """Refuse to go on with a schema other than the one this program was written for.

        Raises:
            SettingsError: it is another one, or the database cannot be opened.
        """
        self.reach()
        fault = schema.fault(self.revision())
        if fault is not None:
            raise SettingsError(fault)

    def hold_process_lock(self) -> bool:
        """On SQLite: become the one process that serves this file. False if another is."""
        if not self.is_sqlite or self._process_lock is not None:
            return True
        path = f"{self._write_engine.url.database}.lock"
        file = open(path, "ab")  # noqa: PTH123, SIM115  (held until close)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._process_lock = file
        return True

    def close(self) -> None:
        """Write what is queued, then let go of everything."""
        if self._writer is not None:
            self._writer.close()
        self._readers.shutdown()
        self._read_engine.dispose()
        self._write_engine.dispose()
        if self._process_lock is not None:
            self._process_lock.close()
            self._process_lock = None


def _names_rows(argument: object) -> bool:
    return isinstance(argument, str) or hasattr(argument, "thread_id")


def _sqlite(path: Path, *, write: bool = False) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise SettingsError(f"DATABASE_URL: the folder {path.parent} cannot be made") from None
    engine = create_engine(
        f"sqlite:///{path}",
        hide_parameters=True,
        connect_args={"timeout": 10, "check_same_thread": False},
        pool_size=READERS,
        max_overflow=2,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; see _begin
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if not write:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _postgresql(url: str) -> Engine:
    _, _, rest = url.partition("://")
    full = make_url(f"postgresql+psycopg://{rest}")
    engine = create_engine(
        full,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=READERS + 1,
        max_overflow=4,
        connect_args={name: value for name, value in CUT_OFF.items() if name not in full.query},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: psycopg.Connection, _: ConnectionPoolEntry) -> None:
        connection.execute(SERVER_CUT_OFF)
        connection.commit()

    return engine
