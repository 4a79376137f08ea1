"""The app's points of an hour, spent by any number of processes without a word to each other.

A process takes a block of points from what all share and spends from that, so that a call
costs no transaction. What was taken never exceeds the hour's quota; so what is spent does not.
A process that dies loses what is left of its block, for that hour; so its first blocks are small.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import structlog
from prometheus_client import Gauge

from app.clock import Clock
from app.errors import JiraRateLimited
from app.jira.ledger import Ledger
from app.jira.pauses import GLOBAL
from app.store.quotas import hour_of

log = structlog.get_logger(__name__)

HOURLY = 64_500
"""A little less than Jira's 65,000: of calls at the turn of an hour, Jira may count some later."""
BLOCK = 200
FIRST = 10
"""Points of a process's first block; each is twice the one before, up to ``BLOCK``."""

TAKEN = Gauge("jira_chatkit_jira_points_hour", "Points that all processes took for this hour")


class Urgency(Enum):
    """Who may still spend when little is left: each up to its share of the hour's points."""

    LATER = 0.85  # what can wait an hour: looking for what no webhook told, showing names
    USUAL = 0.95
    ANSWER = 1.0  # an answer is written and was paid for: it goes first


_urgency: ContextVar[Urgency] = ContextVar("urgency", default=Urgency.USUAL)


@contextmanager
def urgency(level: Urgency) -> Iterator[None]:
    """How urgent the calls to Jira within the block are."""
    token = _urgency.set(level)
    try:
        yield
    finally:
        _urgency.reset(token)


@dataclass(frozen=True)
class Held:
    """Points that a call may cost at most, and the hour that they are of."""

    hour: str
    points: int


class Points:
    """See the module. One in a process.

    Args:
        clock: by which the hours begin.
        ledger: what all processes share.
        hourly: points for all of them together in an hour.
        block: taken at a time, by a process that spends.
        first: taken by one that has just begun; so one that crashes again and again does not use
            up everybody's hour.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        hourly: int = HOURLY,
        block: int = BLOCK,
        first: int = FIRST,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._hourly = hourly
        self._most = block
        self._block = min(first, block)
        self._hour = ""
        self._left = 0
        self._total = 0  # that all have taken, as of our last block
        self._full = False
        self._taking: asyncio.Task[None] | None = None

    async def hold(self, operation: str, points: int) -> Held:
        """Hold what a call costs at most. Waits for the database only where a block is used up.

        Raises:
            JiraRateLimited: the hour has no more for it; nothing is to be sent before the next.
        """
        level = _urgency.get()
        while True:
            self._turn_the_hour()
            if level is not Urgency.ANSWER and self._total >= self._hourly * level.value:
                raise JiraRateLimited(operation, self._until_next_hour(), GLOBAL)
            if self._left >= points:
                self._left -= points
                if self._left < self._block / 2 and not self._full:
                    self._take_beside()
                return Held(self._hour, points)
            if self._full:
                raise JiraRateLimited(operation, self._until_next_hour(), GLOBAL)
            await asyncio.shield(self._take_beside(points))

    def settle(self, held: Held, spent: int) -> None:
        """Give back what the call did not cost; what it cost beyond that, the next block owes."""
        if held.hour == self._hour:
            self._left += held.points - spent

    def _turn_the_hour(self) -> None:
        hour = hour_of(self._clock.now())
        if hour != self._hour:
            self._hour, self._left, self._total, self._full = hour, 0, 0, False

    def _until_next_hour(self) -> float:
        now = self._clock.now()
        begun = now.replace(minute=0, second=0, microsecond=0)
        return (begun + timedelta(hours=1) - now).total_seconds()

    def _take_beside(self, points: int = 0) -> asyncio.Future[None]:
        """Take a block, and ``points`` at least, unless one is being taken."""
        if self._taking is None or self._taking.done():
            wanted = max(self._block, points - self._left)
            self._taking = asyncio.create_task(self._take(self._hour, wanted))
            self._taking.add_done_callback(_note_failure)
        return self._taking

    async def _take(self, hour: str, wanted: int) -> None:
        taken = await self._ledger.take_points(hour, wanted, self._hourly)
        TAKEN.set(taken.total)
        self._block = min(self._most, self._block * 2)
        if hour == self._hour:
            self._left += taken.granted
            self._total = taken.total
            self._full = taken.granted < wanted
            if self._full:
                log.warning("jira_points_used_up", hour=hour, total=taken.total)


def _note_failure(taking: asyncio.Task[None]) -> None:
    """Whoever waited for it was told; where nobody did, the log is."""
    if not taking.cancelled() and (error := taking.exception()):
        log.error("jira_points_not_taken", error=type(error).__name__)
