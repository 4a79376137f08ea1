"""What somebody may do by now, as Jira says; remembered for a moment.

What it costs: one question on an issue is one of the 65,000 points an hour that all tenants of an
app share (three while nobody knows yet whether the issue is in a service project), one question for
``ADMINISTER`` is one more. A reader asks at most once in ``FRESH_FOR``, whatever he reads and in
however many windows, so somebody who watches an issue all the time costs 120 points an hour.
Every message and every decision is worth a question of its own.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from app.clock import Clock
from app.doors.principal import Audience, Viewer
from app.errors import Forbidden, JiraError, JiraTokenMissing, SessionRefused
from app.jira import permissions
from app.jira.client import JiraClient
from app.jira.points import Urgency, urgency
from app.jira.types import Issue as JiraIssue
from app.store import user_tokens
from app.store.database import Database
from app.store.tables import Issue, Tenant, UserToken
from app.turns import persons
from app.turns.collaborators import JiraFor
from app.turns.sightings import WORK

FRESH_FOR = timedelta(seconds=30)
UNSURE_FOR = timedelta(seconds=40)
"""How old Jira's last yes may be where Jira does not answer: a stream that looks every 15 s then
ends within 60 s of it."""
PATIENCE = 5.0
"""Seconds that a running stream's question may take."""
KEPT = 10_000

AsPerson = Callable[[Tenant, UserToken | None], JiraClient]
"""A client that calls as the person whose token is kept; raises ``SessionRefused`` without one."""

BROWSE, COMMENT, ADMINISTER = "BROWSE_PROJECTS", "ADD_COMMENTS", "ADMINISTER"


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do with one issue.

    Attributes:
        browse: see it, security level included.
        work: be its agent in a service project, edit it elsewhere.
        comment: add comments.
    """

    browse: bool = False
    work: bool = False
    comment: bool = False


def _as_nobody(_: Tenant, __: UserToken | None) -> JiraClient:
    raise persons.gone()


NONE = Rights()
ALL = Rights(browse=True, work=True, comment=True)


class RightsDesk:
    """Asks Jira, and remembers the answer for ``FRESH_FOR``. One a process.

    A Connect app may ask what anybody may do. Where Forge is the way to Jira, each person is
    asked for with a token of that person's own.
    """

    def __init__(
        self, jira: JiraFor, database: Database, clock: Clock, as_person: AsPerson = _as_nobody
    ) -> None:
        self._jira = jira
        self._as_person = as_person
        self._database = database
        self._clock = clock
        # Longest unasked first; a thread without an issue is kept under the issue "".
        self._kept: OrderedDict[tuple[str, str, str], tuple[datetime, Rights]] = OrderedDict()
        self._asking: dict[tuple[str, str, str], asyncio.Task[Rights]] = {}

    async def of(self, viewer: Viewer, *, fresh: bool = False) -> Rights:
        """The viewer's, on the thread's issue. A thread without one is the administrators'.

        Args:
            viewer: who holds the session.
            fresh: ask now, whatever is remembered: for whoever writes.

        Raises:
            JiraUnavailable, JiraRateLimited: Jira does not say.
            SessionRefused: nothing is left to ask Jira with.
        """
        if viewer.account_id is None:
            return NONE
        key = (viewer.tenant.id, viewer.account_id, viewer.issue_id or "")
        if fresh:
            return await self._ask(key)
        with urgency(Urgency.LATER):
            return self._remembered(key, FRESH_FOR) or await self._ask_once(key)

    async def on_issue(self, tenant_id: str, account_id: str, issue: JiraIssue) -> Rights:
        """Somebody's on an issue that was just read, asked for now; raises as :meth:`of` does."""
        key = (tenant_id, account_id, issue.id)
        return await self._ask(key, service_project=issue.service_project)

    async def administers(self, tenant_id: str, account_id: str, *, fresh: bool = False) -> bool:
        """Whether somebody administers the tenant's Jira; raises as :meth:`of` does."""
        key = (tenant_id, account_id, "")
        found = (None if fresh else self._remembered(key, FRESH_FOR)) or await self._ask(key)
        return found.browse

    async def require_reader(self, viewer: Viewer) -> Rights:
        """The rights of who may read the thread.

        Raises:
            Forbidden: names what is missing.
        """
        return _readable(viewer, await self.of(viewer))

    async def require_writer(self, viewer: Viewer) -> Rights:
        """The rights of who may write on the thread, asked for now; raises likewise."""
        return _writable(viewer, await self.of(viewer, fresh=True))

    async def require_team(self, viewer: Viewer) -> Rights:
        """The rights of who may write here and work the issue, asked for now; raises likewise."""
        found = _writable(viewer, await self.of(viewer, fresh=True))
        if not found.work:
            raise Forbidden("WORK")
        return found

    async def may_still_watch(self, viewer: Viewer) -> bool:
        """Whether a running stream may go on: ask with each heartbeat; it never raises.

        Jira is asked where its last answer is older than ``FRESH_FOR``. Where Jira does not
        answer within ``PATIENCE``, an older yes holds until it is older than ``UNSURE_FOR``.
        """
        key = (viewer.tenant.id, viewer.account_id or "", viewer.issue_id or "")
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self.of(viewer)
        except (JiraError, TimeoutError):
            found = self._remembered(key, UNSURE_FOR) or NONE
        except SessionRefused:
            found = NONE
        return may_read(found, viewer.audience)

    def _remembered(self, key: tuple[str, str, str], lifetime: timedelta) -> Rights | None:
        since, found = self._kept.get(key, (None, None))
        if since is None or not since <= self._clock.now() < since + lifetime:
            return None
        return found

    async def _ask_once(self, key: tuple[str, str, str]) -> Rights:
        """The answer to the reader's question that is under way, or else to a new one.

        A reader's windows come back together after a cut, and look with the same heartbeat.
        """
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key))
            asking.add_done_callback(partial(self._answered, key))
        return await asyncio.shield(asking)

    def _answered(self, key: tuple[str, str, str], asking: asyncio.Task[Rights]) -> None:
        del self._asking[key]
        if not asking.cancelled():
            asking.exception()  # where nobody is left to be told

    async def _ask(
        self, key: tuple[str, str, str], *, service_project: bool | None = None
    ) -> Rights:
        tenant_id, account_id, issue_id = key
        since = self._clock.now()
        tenant, issue, token = await self._database.read(_rows, tenant_id, issue_id, account_id)
        if service_project is None and issue is not None:
            service_project = issue.service_project
        wanted: list[tuple[str, ...]] = [(ADMINISTER,)]
        if issue_id:
            wanted = _questions(service_project=service_project)
        if tenant.door == "forge":
            granted = await _told_of_oneself(self._as_person(tenant, token), issue_id, wanted)
        else:
            granted = await _told_of(self._jira(tenant), account_id, issue_id, wanted)
        found = ALL if ADMINISTER in granted else _rights(granted)
        self._kept[key] = (since, found)
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


async def _told_of(
    client: JiraClient, account_id: str, issue_id: str, wanted: list[tuple[str, ...]]
) -> set[str]:
    """What Jira tells an app of anybody: on the issue, or where that is empty, on the site."""
    granted: set[str] = set()
    for each in wanted:
        if issue_id:
            granted |= await permissions.permitted(client, account_id, issue_id, each)
        else:
            granted |= await permissions.global_permitted(client, account_id, each)
    return granted


async def _told_of_oneself(
    client: JiraClient, issue_id: str, wanted: list[tuple[str, ...]]
) -> set[str]:
    """What Jira tells a person likewise."""
    granted: set[str] = set()
    try:
        for each in wanted:
            granted |= await permissions.own(client, each, issue_id or None)
    except JiraTokenMissing:
        raise persons.gone() from None
    return granted


def _questions(*, service_project: bool | None) -> list[tuple[str, ...]]:
    """What to ask of Jira at once: one work permission, or where it may be either, each alone."""
    works = WORK[service_project]
    if len(works) == 1:
        return [(BROWSE, COMMENT, *works)]
    return [(BROWSE, COMMENT), *((work,) for work in works)]


def _rights(granted: set[str]) -> Rights:
    browse = BROWSE in granted
    return Rights(
        browse=browse,
        work=browse and bool(granted & {name for names in WORK.values() for name in names}),
        comment=browse and COMMENT in granted,
    )


def may_read(rights: Rights, audience: Audience) -> bool:
    """Whether somebody with these rights may read a thread of that audience."""
    return rights.browse and (audience == "public" or rights.work)


def require_readable(rights: Rights, audience: Audience, seeing: str = BROWSE) -> Rights:
    """``rights``, if they allow to read a thread of that audience.

    Raises:
        Forbidden: names what is missing; ``seeing`` is what seeing it takes.
    """
    if not may_read(rights, audience):
        raise Forbidden("WORK" if rights.browse else seeing)
    return rights


def _readable(viewer: Viewer, found: Rights) -> Rights:
    return require_readable(found, viewer.audience, BROWSE if viewer.issue_id else ADMINISTER)


def _writable(viewer: Viewer, found: Rights) -> Rights:
    if not _readable(viewer, found).comment:
        raise Forbidden(COMMENT)
    return found


def _rows(
    db: Session, tenant_id: str, issue_id: str, account_id: str
) -> tuple[Tenant, Issue | None, UserToken | None]:
    tenant = db.get_one(Tenant, tenant_id)
    return tenant, db.get(Issue, (tenant_id, issue_id)), user_tokens.of(db, tenant_id, account_id)
