"""Time, as a collaborator: what waits or compares instants is given a clock.

Tests hand in a clock of their own, so that "an hour later" costs nothing.
"""

from __future__ import annotations

import asyncio
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
