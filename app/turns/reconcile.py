"""Finds what no webhook brought, and puts it where the webhook would have. See docs/reconciler.md.

Jira gives a webhook up after five retries, and at once after a 401, as in the moment in which a
secret is exchanged. So each tenant's Jira is asked every few minutes what was updated since, and
the newest comments of these issues are compared with what their threads know. Any number of
processes may do it: of all who try, one gets a tenant's look, and what it finds is told once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from app.errors import AppError, JiraError, JiraNotFound, JiraRateLimited, JiraRefused
from app.jira.changes import Where, updated_within
from app.jira.client import JiraClient
from app.jira.comments import CLOCKS_APART, newest_comments
from app.jira.points import HOURLY, Urgency, urgency
from app.jira.types import Comment, Issue
from app.settings import Settings
from app.store import reconciliations
from app.store.reconciliations import Claim, Outcome
from app.store.tables import Issue as IssueRow
from app.store.tables import ProjectSettings, Tenant, Thread
from app.turns.collaborators import Collaborators
from app.turns.missed import Shown, is_watched, missed, tell
from app.turns.policies import default_of, policy_in

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=5)
"""Between a tenant's looks, where the app has few tenants."""
SHARE = 0.1
"""Of the app's points of an hour: what all looks that find nothing may cost together."""
SOON = timedelta(minutes=1)
"""Until a look that was not finished goes on."""
PUT_OFF_AT_MOST = timedelta(hours=1)
OVERLAP = timedelta(minutes=2)
"""Searched again by the next look: Jira's index is a little behind."""
LONGEST = timedelta(days=7)
"""Whoever was away for longer begins there."""

GLANCES = (3, 10, 50)
"""Comments of an issue that are read: more of them only where all of these are new."""
MOST_ISSUES = 100
"""Whose comments are read in one look; the next one goes on behind them."""

TICK = 15.0  # seconds between looks at the clock
AT_ONCE = 4  # tenants
MOST_DUE = 50
LOOK_SECONDS = 240.0
HELD = timedelta(minutes=10)
"""How long a look is one process's own: longer than it may take."""


def interval(tenants: int) -> timedelta:
    """Between two looks at one tenant, so that idle ones cost no more than their share."""
    return max(EVERY, timedelta(hours=1) * (tenants / (HOURLY * SHARE)))


async def reconcile(c: Collaborators) -> None:
    """Go on until cancelled."""
    while True:
        try:
            await look_around(c)
        except SQLAlchemyError as error:
            log.error("reconciling_failed", error=type(error).__name__)  # noqa: TRY400  (no trace)
        await asyncio.sleep(TICK)


async def look_around(c: Collaborators) -> None:
    """Take in new tenants, whose first look comes later, and look at all that are due."""
    now = c.clock.now()
    standing = await c.database.read(reconciliations.standing, now, MOST_DUE)
    every = interval(standing.installed)
    for tenant_id in standing.new:
        due_at = now + _jittered(every)
        await c.database.write(reconciliations.enrol, tenant_id, now - EVERY, due_at)
    room = asyncio.Semaphore(AT_ONCE)

    async def one(tenant_id: str) -> None:
        async with room:
            try:
                await look(tenant_id, c, every=every)
            except SQLAlchemyError as error:
                log.error("look_failed", error=type(error).__name__)  # noqa: TRY400  (no trace)
            except Exception as error:  # one tenant's poison is no other's
                log.exception("look_broke", tenant=tenant_id, exc_info=error)

    await asyncio.gather(*(one(tenant_id) for tenant_id in standing.due))


async def look(tenant_id: str, c: Collaborators, *, every: timedelta = EVERY) -> bool:
    """Look once at a tenant that is due. False if it is not, or another has the look.

    Nothing that was found is lost where Jira fails midway: the next look goes on there.
    """
    claim = await c.database.write(reconciliations.claim, tenant_id, c.clock.now(), HELD)
    if claim is None:
        return False
    the_look = _Look(claim, c)
    try:
        with urgency(Urgency.LATER):
            async with asyncio.timeout(LOOK_SECONDS):
                whole = await the_look.run()
    except (AppError, TimeoutError) as error:
        outcome = the_look.failed(error)
        log.warning("look_put_off", tenant=tenant_id, error=type(error).__name__)
    else:
        outcome = the_look.done(every, whole=whole)
    await c.database.write(reconciliations.settle, claim, outcome)
    log.info("looked_for_missed", tenant=tenant_id, issues=the_look.read, told=the_look.told)
    return True


@dataclass
class _Look:
    """One look at one tenant, and how far it came."""

    claim: Claim
    c: Collaborators
    began: datetime = field(init=False)
    compared: dict[str, str] = field(init=False)
    last: datetime | None = None  # Jira's ``updated`` of the last issue that was compared
    read: int = 0
    told: int = 0

    def __post_init__(self) -> None:
        self.began = self.c.clock.now()
        self.compared = dict(self.claim.compared)

    async def run(self) -> bool:
        """Compare what was updated; False where some of it is left to the next look."""
        tenant, where = await self.c.database.read(_where, self.claim.tenant_id, self.c.settings)
        if where is None:
            return True
        client = self.c.jira(tenant)
        through = max(self.claim.through, self.began - LONGEST)
        minutes = ceil((self.began - through + OVERLAP) / timedelta(minutes=1))
        async for page in updated_within(client, max(minutes, 1), where):
            for issue in page:
                if self.compared.get(issue.id) == issue.updated.isoformat():
                    continue
                if self.read >= MOST_ISSUES:
                    return False
                # Jira's instants are compared with ours here.
                await self._compare(client, issue, through - OVERLAP - CLOCKS_APART)
                self.compared[issue.id] = issue.updated.isoformat()
                self.last = issue.updated
        return True

    async def _compare(self, client: JiraClient, issue: Issue, since: datetime) -> None:
        c, tenant_id = self.c, self.claim.tenant_id
        if not await c.database.read(is_watched, tenant_id, issue, c.settings):
            return
        self.read += 1
        try:
            shown = await _shown(client, issue, since)
        except JiraError as error:
            if not _is_about_this_one(error):
                raise
            return  # no look will read it: those behind it are no worse for that
        found = await c.database.read(missed, tenant_id, shown, since, c.settings)
        if not found:
            return
        if await c.database.write(tell, tenant_id, issue.id, found, c.clock.now()):
            self.told += 1

    def done(self, every: timedelta, *, whole: bool) -> Outcome:
        if whole:
            return self._outcome(self.began, self.began + _jittered(every))
        assert self.last is not None
        through = min(max(self.claim.through, self.last - CLOCKS_APART), self.began)
        return self._outcome(through, self.c.clock.now() + SOON)

    def failed(self, error: Exception) -> Outcome:
        """The same again, later; what was compared is not compared again."""
        failures = self.claim.failures + 1
        wait = min(SOON * 2 ** min(failures - 1, 10), PUT_OFF_AT_MOST)
        if isinstance(error, JiraRateLimited):
            wait = max(wait, timedelta(seconds=error.retry_after))
        due_at = self.c.clock.now() + _jittered(wait)
        return self._outcome(self.claim.through, due_at, failures)

    def _outcome(self, through: datetime, due_at: datetime, failures: int = 0) -> Outcome:
        """``compared`` is kept as far as the next search may find it again."""
        since = through - OVERLAP - CLOCKS_APART - timedelta(minutes=1)
        kept = {
            issue_id: updated
            for issue_id, updated in self.compared.items()
            if datetime.fromisoformat(updated) >= since
        }
        return Outcome(due_at, through, kept, failures)


def _is_about_this_one(error: JiraError) -> bool:
    """Whether it was deleted or hidden since the search, or its comments cannot be read at all."""
    return isinstance(error, JiraNotFound | JiraRefused) or error.status in {200, 403}


async def _shown(client: JiraClient, issue: Issue, since: datetime) -> Shown:
    """The issue's newest comments, as many of them as may be new and one more at least."""
    newest: list[Comment] = []
    for limit in GLANCES:
        newest = await newest_comments(client, issue.id, limit)
        if len(newest) < limit:
            return Shown(issue, newest, whole=True)
        if newest[-1].created < since:
            break
    return Shown(issue, newest, whole=False)


def _jittered(wait: timedelta) -> timedelta:
    """Never shorter; so that many who began together do not stay together."""
    return wait * random.uniform(1.0, 1.2)  # noqa: S311  (nothing secret)


# --- where --------------------------------------------------------------------------------------


def _where(db: Session, tenant_id: str, settings: Settings) -> tuple[Tenant, Where | None]:
    """The projects where somebody would miss something; None where there are none."""
    tenant = db.get_one(Tenant, tenant_id)
    default = default_of(db, tenant, settings)
    by_project: dict[str, list[ProjectSettings]] = {}
    for row in db.exec(select(ProjectSettings).where(ProjectSettings.tenant_id == tenant_id)):
        by_project.setdefault(row.project_id, []).append(row)
    on = set()
    for project_id, rows in by_project.items():
        whole = next((row for row in rows if not row.type_id), None)
        special = [row for row in rows if row.type_id]
        policies = [policy_in(tenant, default, whole, one) for one in (None, *special)]
        if any(policy.mode != "off" for policy in policies):
            on.add(project_id)
    if default[0] != "off":
        off = by_project.keys() - on
        return tenant, Where(but=frozenset(off - _shown_in(db, tenant_id, off)))
    shown = _shown_in(db, tenant_id, None)
    return tenant, Where(only=frozenset(on | shown)) if on or shown else None


def _shown_in(db: Session, tenant_id: str, among: Iterable[str] | None) -> set[str]:
    """Projects, ``among`` these, in which somebody has opened a thread: it is kept up to date."""
    query = (
        select(IssueRow.project_id)
        .join(Thread, col(Thread.issue_id) == col(IssueRow.issue_id))
        .where(
            IssueRow.tenant_id == tenant_id,
            Thread.tenant_id == tenant_id,
            Thread.audience == "public",
            col(Thread.filled_at).is_not(None),
        )
        .distinct()
    )
    if among is not None:
        query = query.where(col(IssueRow.project_id).in_(list(among)))
    return {project_id for project_id in db.exec(query) if project_id is not None}
