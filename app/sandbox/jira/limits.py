"""What Jira allows in a while: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/.

A GET costs one point and one for each object, a write one. One issue takes 20 writes in 2
seconds and 100 in 30.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from datetime import datetime, timedelta

WRITES_ON_ONE_ISSUE = ((20, 2), (100, 30))
REASON = "jira-per-issue-on-write"


class TooManyWrites(Exception):
    """``retry_after`` is in whole seconds, as the header has it."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again after {retry_after} s")
        self.retry_after = retry_after


class Limits:
    """Points used, and the recent writes of each issue."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.points = 0
        self._writes: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def spend(self, points: int) -> None:
        with self._lock:
            self.points += points

    def write(self, issue_id: str, now: datetime) -> None:
        """Count one write on an issue.

        Raises:
            TooManyWrites: it is one too many, and was not counted.
        """
        with self._lock:
            writes = self._writes[issue_id]
            longest = max(seconds for _, seconds in WRITES_ON_ONE_ISSUE)
            while writes and writes[0] <= now - timedelta(seconds=longest):
                writes.popleft()
            for allowed, seconds in WRITES_ON_ONE_ISSUE:
                start = now - timedelta(seconds=seconds)
                if sum(written > start for written in writes) >= allowed:
                    raise TooManyWrites(seconds)
            writes.append(now)
