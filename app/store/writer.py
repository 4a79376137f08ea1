"""One thread that writes: it commits in groups, and an answer waits for its commit.

Callers hand in *operations*: functions of a session that can be repeated. All that wait are
run in one transaction and committed together, so that a durable write costs a share of one
``fsync`` instead of one of its own. Where an operation raises, the group is rolled back and
each of its operations is run by itself: one caller's failure is never another's.

On PostgreSQL several processes write; there a group's operations are sorted by the rows that
they lock, so that two processes cannot wait for each other in a circle. What still fails
because of another transaction is repeated.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

log = structlog.get_logger(__name__)

MAX_GROUP = 256
MAX_TRIES = 8
SIGNALS = "signals"
KEPT = "kept"
"""In ``Session.info``: what an operation has read and asks for again. It ends with it."""
CHANNEL = "jira_chatkit"

Signals = frozenset[str]


@dataclass(frozen=True)
class _Operation:
    fn: Callable[..., Any]
    args: tuple[Any, ...]
    locks: tuple[str, ...]
    alone: bool  # it locks the rows of many
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class WriterClosed(RuntimeError):
    """The process is shutting down: nothing more is written."""


def announce(db: Session, signal: str) -> None:
    """Once this operation is committed, wake whoever waits for ``signal``, in every process.

    ``signal`` is ids only: ``due`` or ``thread:<id>``.
    """
    db.info.setdefault(SIGNALS, set()).add(signal)


class Writer:
    """See the module.

    Args:
        on_commit: called in the writer's thread after each commit.
        admit: called first in each transaction; what it raises fails the whole group.
    """

    def __init__(
        self,
        engine: Engine,
        on_commit: Callable[[Signals], None],
        admit: Callable[[Connection], None] | None = None,
    ) -> None:
        self._engine = engine
        self._on_commit = on_commit
        self._admit = admit
        self._queue: queue.SimpleQueue[_Operation | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        locks: Iterable[str],
        *,
        alone: bool = False,
    ) -> asyncio.Future[Any]:
        """Queue ``fn(db, *args)``; the future ends after the commit, or with what ``fn`` raised.

        ``alone``: it locks the rows of many, in order, and on PostgreSQL has a transaction of its
        own: no other's are locked before.
        """
        if self._closed:
            raise WriterClosed
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.put(_Operation(fn, args, tuple(sorted(locks)), alone, loop, future))
        return future

    def close(self) -> None:
        """Write what is queued, then end."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        connection: Connection | None = None
        last = False
        while not last:
            group, last = self._next_group()
            if not group:
                continue
            try:
                connection = connection or self._engine.connect()
            except DBAPIError as error:  # this thread lives on: the database may come back
                _settle((operation, None, error) for operation in group)
            else:
                self._write(connection, group)
        if connection is not None:
            connection.close()

    def _next_group(self) -> tuple[list[_Operation], bool]:
        first = self._queue.get()
        if first is None:
            return [], True
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
        return group, False

    def _write(self, connection: Connection, group: list[_Operation]) -> None:
        if connection.dialect.name != "sqlite" and len(group) > 1:
            for operation in [one for one in group if one.alone]:
                self._write(connection, [operation])
            group = sorted((one for one in group if not one.alone), key=lambda one: one.locks)
        if not group:
            return
        try:
            results = self._commit(connection, group)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is one caller's)
            if len(group) == 1:
                self._repeat(connection, group[0], error)
            else:
                for operation in group:
                    self._write(connection, [operation])
            return
        _settle((operation, result, None) for operation, result in zip(group, results, strict=True))

    def _repeat(self, connection: Connection, operation: _Operation, error: Exception) -> None:
        for attempt in range(MAX_TRIES):
            if not _passing(error):
                break
            time.sleep(0.01 * 2**attempt)
            try:
                if connection.invalidated:
                    connection.rollback()
                [result] = self._commit(connection, [operation])
            except Exception as again:  # noqa: BLE001
                error = again
            else:
                _settle([(operation, result, None)])
                return
        _settle([(operation, None, error)])

    def _commit(self, connection: Connection, group: list[_Operation]) -> list[Any]:
        results = []
        with (
            Session(connection, expire_on_commit=False, autoflush=True) as db,
            connection.begin(),
        ):
            if self._admit is not None:
                self._admit(connection)
            for operation in group:
                results.append(operation.fn(db, *operation.args))
                db.flush()
                db.expunge_all()  # the next one reads what is stored, not what this one held
                db.info.pop(KEPT, None)
            signals = frozenset(db.info.get(SIGNALS, ()))
            if signals and connection.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_notify(:channel, :payload)"),
                    [{"channel": CHANNEL, "payload": part} for part in _payloads(signals)],
                )
        if signals:
            self._tell(signals)
        return results

    def _tell(self, signals: Signals) -> None:
        try:
            self._on_commit(signals)
        except Exception as error:  # it is committed: a listener's failure must not repeat it
            log.exception("commit_listener_failed", exc_info=error)


def _payloads(signals: Signals) -> list[str]:
    """Signals by lines, each payload under PostgreSQL's 8,000 bytes."""
    ordered = sorted(signals)
    return ["\n".join(ordered[at : at + 100]) for at in range(0, len(ordered), 100)]


def _passing(error: Exception) -> bool:
    """Whether another try may do: a deadlock, a busy file, a lost connection."""
    if isinstance(error, OperationalError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _settle(outcomes: Iterable[tuple[_Operation, Any, Exception | None]]) -> None:
    by_loop: dict[
        asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, Exception | None]]
    ] = {}
    for operation, result, error in outcomes:
        by_loop.setdefault(operation.loop, []).append((operation.future, result, error))
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, futures)
        except RuntimeError:  # that loop is closed: nobody waits there any more
            log.debug("writer_caller_gone", operations=len(futures))


def _resolve(futures: list[tuple[asyncio.Future[Any], Any, Exception | None]]) -> None:
    for future, result, error in futures:
        if future.done():  # its caller was cancelled; the write stands all the same
            continue
        if isinstance(error, StopIteration):  # which no future takes
            future.set_exception(RuntimeError("an operation raised StopIteration"))
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
