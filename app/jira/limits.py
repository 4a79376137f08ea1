"""Jira's limits, kept before Jira has to: every call passes here, before it and after.

Since 2026-03-02 Jira takes 65,000 points an hour from all tenants of an app together, so many
calls a second, and 20 writes in 2 s and 100 in 30 s on one issue. What all processes share
stands in the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime

from prometheus_client import Counter as Metric

from app.clock import Clock
from app.errors import JiraRateLimited
from app.jira.bursts import Bursts
from app.jira.ledger import Ledger
from app.jira.pauses import BURST, PER_ISSUE, Pauses
from app.jira.points import BLOCK, HOURLY, Held, Points
from app.jira.types import instant

# Whoever recorded that Jira is about to be asked has 4 s to ask: the two waits fit into that.
PATIENCE = 2.5  # seconds that a write waits for its issue; beyond that its caller puts it off
BRIEFLY = 0.5  # seconds that a call waits for others
UNSAID_WAIT = 30.0  # seconds
LONGEST_WAIT = 3600.0  # seconds: quotas begin anew every hour

SPENT = Metric("jira_chatkit_jira_points", "Points that this process spent", ["operation"])
HELD_BACK = Metric("jira_chatkit_jira_held_back", "Calls that were not sent", ["reason"])


class Limits:
    """All that stands between a call and Jira. One in a process."""

    def __init__(
        self, clock: Clock, ledger: Ledger, *, hourly: int = HOURLY, block: int = BLOCK
    ) -> None:
        """For ``hourly`` and ``block`` see ``Points``."""
        self._clock = clock
        self._ledger = ledger
        self._pauses = Pauses(clock, ledger)
        self._bursts = Bursts(clock)
        self._points = Points(clock, ledger, hourly=hourly, block=block)
        self._spent: Counter[str] = Counter()

    async def before_write(self, operation: str, tenant: str, issue: str) -> None:
        """Count one more write to the issue; wait for it to fit, 2.5 s at most.

        Raises:
            JiraRateLimited: it will not fit within that, and was not counted.
        """
        with _counted():
            await self._pauses.check(operation, tenant, issue)
            patience = PATIENCE
            while wait := await self._ledger.admit_write(tenant, issue, self._clock.now()):
                patience -= wait
                if patience < 0:
                    raise JiraRateLimited(operation, wait, PER_ISSUE)
                await self._clock.sleep(wait)

    async def before_call(
        self, operation: str, method: str, tenant: str, issue: str | None, points: int
    ) -> Held:
        """Wait until a call may be sent, half a second at most; hold what it may cost.

        ``settle`` is to be called with what is held, whatever comes of the call.

        Args:
            operation: for the error.
            method: in upper case.
            tenant: our id.
            issue: that is written to; None of a read.
            points: that it may cost at most.

        Raises:
            JiraRateLimited: it may not be sent now, and when it may.
        """
        with _counted():
            await self._pauses.check(operation, tenant, issue)
            if wait := self._bursts.book(tenant, method, BRIEFLY):
                if wait > BRIEFLY:
                    raise JiraRateLimited(operation, wait, BURST)
                await self._clock.sleep(wait)
                await self._pauses.check(operation, tenant, issue)
            return await self._points.hold(operation, points)

    def settle(self, operation: str, tenant: str, held: Held, spent: int) -> None:
        """Count the points that a call has cost."""
        self._points.settle(held, spent)
        self._spent[tenant] += spent
        SPENT.labels(operation).inc(spent)

    async def told(self, tenant: str, issue: str | None, error: JiraRateLimited) -> None:
        """Jira itself answered 429: see ``Pauses``."""
        await self._pauses.told(tenant, issue, error)

    def snapshot(self) -> dict[str, int]:
        """Points by tenant since the process began; it only ever grows."""
        return dict(self._spent)


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except JiraRateLimited as error:
        HELD_BACK.labels(error.reason).inc()
        raise


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds to wait after a 429, from 0 to an hour.

    ``Retry-After`` holds seconds or an HTTP date, ``X-RateLimit-Reset`` an ISO instant; the first
    that can be read counts, and half a minute where neither can.

    Args:
        headers: with lower-case names, or looked up regardless of case.
        now: aware.
    """
    wait = _seconds(headers.get("retry-after"), now)
    if wait is None:
        wait = _until_reset(headers.get("x-ratelimit-reset"), now)
    return min(max(UNSAID_WAIT if wait is None else wait, 0.0), LONGEST_WAIT)


def _seconds(value: str | None, now: datetime) -> float | None:
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
        return (at - now).total_seconds() if at.tzinfo else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _until_reset(value: str | None, now: datetime) -> float | None:
    try:
        return (instant((value or "").strip()) - now).total_seconds()
    except ValueError:
        return None
