"""Calls to one tenant's Jira, spread so that no second holds too many.

Counted in this process alone: a transaction a call would cost more than the call's answer is
worth, and Jira's limit is by endpoint, this one by method over all endpoints. Where several
processes together are still too fast, Jira says so, and all of them pause (``pauses.py``).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.clock import Clock

# Half of what Jira takes in a second: so many may come at once, and so many in the second
# after; together no window of a second holds more than Jira's 100 GET, 100 POST, 50 PUT, 50 DELETE.
A_SECOND = {"GET": 50, "POST": 50, "PUT": 25, "DELETE": 25}


class Bursts:
    """When the next call of each tenant and method fits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # When all calls so far would have been made, had they come evenly.
        self._even: dict[tuple[str, str], datetime] = {}

    def book(self, tenant: str, method: str, patience: float) -> float:
        """Seconds to wait before the call may be made; beyond ``patience`` it is not counted."""
        rate, now = A_SECOND.get(method, A_SECOND["PUT"]), self._clock.now()
        even = self._even.get((tenant, method), now)
        if not now <= even < now + timedelta(minutes=1):  # nor where the clock was set back
            even = now
        even += timedelta(seconds=1 / rate)
        wait = max(0.0, (even - now).total_seconds() - 1.0)
        if wait <= patience:
            self._even[tenant, method] = even
        return wait
