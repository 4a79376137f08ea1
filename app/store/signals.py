"""Waking whoever waits, in this process, after a commit."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from app.store.database import Database
from app.store.writer import Signals


class Wakes:
    """Hands the signals of commits to the tasks that wait for them.

    A signal means *look again*: it may come early, late with another, or for nothing. Whoever
    waits also looks by the clock, for what other processes wrote.
    """

    def __init__(self, database: Database) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        database.on_commit(self._committed)

    @contextmanager
    def listening(self, signal: str) -> Iterator[asyncio.Event]:
        """An event, set by each commit that announced ``signal``. Clear it before looking."""
        event = asyncio.Event()
        self._waiting[signal].add(event)
        try:
            yield event
        finally:
            self._waiting[signal].discard(event)
            if not self._waiting[signal]:
                del self._waiting[signal]

    def _committed(self, signals: Signals) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, signals)

    def _wake(self, signals: Signals) -> None:
        for signal in signals:
            for event in self._waiting.get(signal, ()):
                event.set()


async def set_or_timeout(event: asyncio.Event, seconds: float) -> None:
    """Come back when it is set, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
