"""Waking whoever waits, in this process, after a commit here or in another one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from app.store.database import Database


class Wakes:
    """Hands the signals of commits to the tasks that wait for them.

    A signal means *look again*: it may come early, late with another, or for nothing. Commits
    of other processes are told by ``listening.py``; whoever waits for long also looks by the
    clock.
    """

    def __init__(self, database: Database) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: defaultdict[str, set[Callable[[], None]]] = defaultdict(set)
        database.on_commit(self._committed)

    @contextmanager
    def listening(self, signal: str) -> Iterator[asyncio.Event]:
        """An event, set by each commit that announced ``signal``. Clear it before looking."""
        event = asyncio.Event()
        with self.calling(signal, event.set):
            yield event

    @contextmanager
    def calling(self, signal: str, wake: Callable[[], None]) -> Iterator[None]:
        """``wake()`` is called, on the loop, after each commit that announced ``signal``."""
        self._waiting[signal].add(wake)
        try:
            yield
        finally:
            self._waiting[signal].discard(wake)
            if not self._waiting[signal]:
                del self._waiting[signal]

    def wake(self, signals: Iterable[str]) -> None:
        """Wake whoever waits for one of these. On the loop's thread alone."""
        for signal in signals:
            for wake in tuple(self._waiting.get(signal, ())):
                wake()

    def wake_everybody(self) -> None:
        """Nobody knows what was announced meanwhile. On the loop's thread alone."""
        self.wake(tuple(self._waiting))

    def _committed(self, signals: Iterable[str]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.wake, signals)


async def set_or_timeout(event: asyncio.Event, seconds: float) -> None:
    """Come back when it is set, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
