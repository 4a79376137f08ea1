"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from app.clock import SystemClock

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class FakeClock:
    """``app.clock.Clock`` for tests: an hour costs nothing.

    ``sleep`` waits until ``advance`` has brought the clock to its end, however long that takes
    in real time; sleeping for nothing gives way to other tasks once. Sleepers wake in the order
    of their ends. One event loop at a time, ``now`` from any thread.
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []
        self._fell_asleep = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = (self._now + timedelta(seconds=seconds), asyncio.Future[None]())
        self._sleepers.append(sleeper)
        self._fell_asleep.set()
        try:
            await sleeper[1]
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``. The woken go on when the test next awaits something."""
        self._now += timedelta(seconds=seconds)
        for sleeper in sorted(self._sleepers, key=lambda sleeper: sleeper[0]):
            end, woken = sleeper
            if end <= self._now:
                self._sleepers.remove(sleeper)
                if not woken.done():
                    woken.set_result(None)

    async def asleep(self, count: int = 1) -> None:
        """Come back once at least ``count`` tasks sleep on this clock, so that none is missed."""
        while len(self._sleepers) < count:
            self._fell_asleep.clear()
            await self._fell_asleep.wait()


class ShiftedClock(SystemClock):
    """The machine's clock, which a test can set ahead; sleeping takes as long as it takes."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead
