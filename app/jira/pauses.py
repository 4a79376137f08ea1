"""When Jira said by a 429 that it wants to be left alone, nothing more is sent until then.

What one process was told all know: at once in that process, within a second in the others.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from app.clock import Clock
from app.errors import JiraRateLimited
from app.jira.ledger import Ledger
from app.store.quotas import APP, Pause, Scope, scope_of

log = structlog.get_logger(__name__)

GLOBAL = "jira-quota-global-based"
PER_TENANT = "jira-quota-tenant-based"
BURST = "jira-burst-based"
PER_ISSUE = "jira-per-issue-on-write"

LOOK_BESIDE = timedelta(seconds=0.5)
"""Knowledge of that age is renewed beside the calls, so that a busy process never waits for it;"""
LOOK_FIRST = timedelta(seconds=1)
"""of that age, before anything is sent."""

IN_FORCE = Gauge("jira_chatkit_jira_pauses", "Pauses that Jira asked for, as far as known here")


class Pauses:
    """See the module. One in a process."""

    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger
        self._known: dict[Scope, Pause] = {}
        self._looked_at: datetime | None = None
        self._looking: asyncio.Task[None] | None = None

    async def check(self, operation: str, tenant: str, issue: str | None) -> None:
        """Come back if it may be sent now.

        Args:
            operation: for the error.
            tenant: our id.
            issue: that is written to; None of a read.

        Raises:
            JiraRateLimited: it may not, and when it may. Nothing is to be sent.
        """
        await self._look()
        now = self._clock.now()
        for scope in _scopes(tenant, issue):
            pause = self._known.get(scope)
            if pause is not None and pause.until > now:
                wait = (pause.until - now).total_seconds()
                raise JiraRateLimited(operation, wait, pause.reason)

    async def told(self, tenant: str, issue: str | None, error: JiraRateLimited) -> None:
        """Jira answered 429: all processes leave alone what its reason names.

        Where it gives none that is known, only the call itself is put off.
        """
        scope = _named(error.reason, tenant, issue)
        pause = Pause(self._clock.now() + timedelta(seconds=error.retry_after), error.reason or "")
        if scope is None or not self._learn(scope, pause):
            return
        log.warning("jira_pause", scope=scope, reason=pause.reason, seconds=error.retry_after)
        try:
            await self._ledger.pause(scope, None if scope == APP else tenant, pause)
        except SQLAlchemyError as failure:  # the others will be told by Jira itself
            log.error("jira_pause_not_shared", error=type(failure).__name__)  # noqa: TRY400  (no trace)

    async def _look(self) -> None:
        """Have knowledge that is young enough."""
        now = self._clock.now()
        age = None if self._looked_at is None else now - self._looked_at
        if age is not None and timedelta() <= age < LOOK_BESIDE:
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_anew(now))
            self._looking.add_done_callback(_note_failure)
        if age is None or not timedelta() <= age < LOOK_FIRST:
            await asyncio.shield(self._looking)

    async def _look_anew(self, now: datetime) -> None:
        told = await self._ledger.pauses(now)
        self._looked_at = now
        for scope in [scope for scope, pause in self._known.items() if pause.until <= now]:
            del self._known[scope]
        for scope, pause in told.items():
            self._learn(scope, pause)
        IN_FORCE.set(len(self._known))

    def _learn(self, scope: Scope, pause: Pause) -> bool:
        """Whether it is news."""
        known = self._known.get(scope)
        if pause.until <= self._clock.now() or (known and known.until >= pause.until):
            return False
        self._known[scope] = pause
        return True


def _scopes(tenant: str, issue: str | None) -> list[Scope]:
    own = [] if issue is None else [scope_of(tenant, issue)]
    return [APP, scope_of(tenant), *own]


def _named(reason: str | None, tenant: str, issue: str | None) -> Scope | None:
    """What a reason holds up."""
    if reason == GLOBAL:
        return APP
    if reason in {PER_TENANT, BURST}:
        return scope_of(tenant)
    return scope_of(tenant, issue) if reason == PER_ISSUE and issue is not None else None


def _note_failure(looking: asyncio.Task[None]) -> None:
    """Whoever waited for it was told; where nobody did, the log is."""
    if not looking.cancelled() and (error := looking.exception()):
        log.error("jira_pauses_unread", error=type(error).__name__)
