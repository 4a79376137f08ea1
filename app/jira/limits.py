"""Jira's limits, kept in this process: points spent, and writes to one issue.

Arithmetic over a clock; nothing here waits. Since 2026-03-02 Jira takes 20 writes in 2 s and 100
in 30 s on one issue, and 65,000 points an hour from all tenants of an app together.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from app.clock import Clock
from app.jira.types import instant

# A little longer than Jira's: of two writes the first may be the slower one to reach it.
LONGEST_WINDOW = timedelta(seconds=31)
WRITE_WINDOWS = ((20, timedelta(seconds=2.5)), (100, LONGEST_WINDOW))
UNSAID_WAIT = 30.0  # seconds
LONGEST_WAIT = 3600.0  # seconds: quotas begin anew every hour


class Limits:
    """What this process has spent of Jira's patience."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._points: Counter[str] = Counter()
        # Oldest last write first, so that issues gone quiet are forgotten from the front.
        self._writes: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()

    def spent(self, tenant: str, points: int) -> None:
        """Count ``points`` that a call for ``tenant`` has cost."""
        self._points[tenant] += points

    def snapshot(self) -> dict[str, int]:
        """Points by tenant since the process began; it only ever grows."""
        return dict(self._points)

    def before_write(self, tenant: str, issue: str) -> float:
        """0 where one more write to ``issue`` fits, which is counted at once; else the seconds
        until it may, with nothing counted: wait, and ask again.
        """
        now = self._clock.now()
        self._forget(now)
        writes = self._writes.get((tenant, issue), deque())
        wait = max(_wait(writes, count, span, now) for count, span in WRITE_WINDOWS)
        if wait > 0:
            return wait
        writes.append(now)
        while writes[0] <= now - LONGEST_WINDOW:
            writes.popleft()
        self._writes[tenant, issue] = writes
        self._writes.move_to_end((tenant, issue))
        return 0.0

    def _forget(self, now: datetime) -> None:
        while self._writes:
            oldest = next(iter(self._writes))
            # A clock that was set back leaves instants of the future: no measure either.
            if now - LONGEST_WINDOW < self._writes[oldest][-1] <= now:
                return
            del self._writes[oldest]


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


def _wait(writes: deque[datetime], count: int, span: timedelta, now: datetime) -> float:
    return (writes[-count] + span - now).total_seconds() if len(writes) >= count else 0.0


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
