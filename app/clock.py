"""Time, as a collaborator: what waits or compares instants is given a clock.

Tests hand in a clock of their own, so that "an hour later" costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant: aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Come back once ``seconds`` have passed on this clock."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def since_boot() -> float:
    """Seconds that no setting of the time moves, a suspended machine's counted in where it can be.

    Of use between two moments of one process.
    """
    boottime: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class Stopwatch:
    """How long ago something was, also where this process stood still meanwhile."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()
        self._began_since_boot = since_boot()

    def seconds(self) -> float:
        """By whichever clock more have passed: a paused machine may stop one of them."""
        by_the_wall = (self._clock.now() - self._began).total_seconds()
        return max(by_the_wall, since_boot() - self._began_since_boot)
