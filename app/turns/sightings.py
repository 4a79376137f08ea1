"""Looking at Jira: what became of the comments that webhooks told of.

Whatever a webhook said is only where to look. Audience, writer and text are Jira's own
answer, fetched now; what Jira does not clearly mark as public is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from app.errors import JiraError, JiraNotFound, JiraRefused
from app.firewall import CommentMarks, audience_of
from app.jira import comments, permissions, service_desk
from app.jira.adf import body_mentions, body_to_markdown
from app.jira.client import JiraClient
from app.jira.types import Account, Comment, Issue
from app.store.tables import Unseen
from app.turns.answering import Standing
from app.turns.remembering import Standings

OPENED = "opened"
"""What is unseen where somebody opened a thread that nobody had filled; no webhook says it."""
INTERNAL_MARK = "sd.public.comment"
WORK = {
    True: ("SERVICEDESK_AGENT",),
    False: ("EDIT_ISSUES",),
    None: ("SERVICEDESK_AGENT", "EDIT_ISSUES"),
}
"""The permission of who may work an issue, by whether it is in a service project."""
Audience = Literal["public", "internal", "restricted", "gone"]


@dataclass(frozen=True)
class Sighting:
    """One comment as it is now; of what is not public, no text is kept."""

    comment_id: str
    audience: Audience
    created: datetime
    author_id: str | None = None
    standing: Standing = "other"
    text: str = ""
    mentions: tuple[str, ...] = ()
    mark: dict[str, object] = field(default_factory=dict)  # only of our own comments
    edited_by_person: bool = False
    history: bool = False  # it stood there before anybody asked us anything
    listed: bool = False  # among the newest, as the thread was filled
    news: bool = False  # a webhook told that it was written


def audience(
    comment: Comment, *, service_project: bool | None
) -> Literal["public", "internal", "restricted"]:
    """Who may read a comment."""
    return audience_of(
        CommentMarks(
            jsd_public=comment.jsd_public,
            internal_property=comment.properties.get(INTERNAL_MARK),
            restricted=comment.restricted,
            service_project=service_project,
        )
    )


def speaks_for_itself(comment: Comment) -> bool:
    """Whether its audience is told by what came with it, whatever project it is in."""
    return comment.jsd_public is not None and comment.properties_known


class Lookout:
    """Looks at one issue's comments. Each writer's standing is asked for once.

    Args:
        client: whose app looks.
        issue: as it was read.
        app_account: the app's own.
        standings: those that are remembered, and to be added to.
        now: by our clock.
    """

    def __init__(
        self,
        client: JiraClient,
        issue: Issue,
        app_account: str,
        standings: Standings,
        now: datetime,
    ) -> None:
        self._client = client
        self._issue = issue
        self._app_account = app_account
        self._standings = standings
        self._now = now
        self.newest: datetime | None = None
        """When the newest public comment was written that was looked at."""
        self.filled = False
        """Whether it is known by now that Jira had no later one as the look began."""

    async def look(
        self, unseen: Iterable[Unseen], *, fill: int, read: Iterable[Comment] = ()
    ) -> list[Sighting]:
        """Every comment told of, in the order told; before them the newest ``fill`` others.

        What was ``read`` a moment ago is not read again.
        """
        told: dict[str, list[Unseen]] = {}
        for row in unseen:
            if row.comment_id is not None:
                told.setdefault(row.comment_id, []).append(row)
        sightings: list[Sighting] = []
        known = {comment.id: comment for comment in read}
        listed: set[str] = set()
        if fill:
            newest = await comments.newest_comments(self._client, self._issue.id, fill)
            listed = {comment.id for comment in newest}
            known |= {comment.id: comment for comment in newest}
            self.filled = True
            sightings += [
                await self._sight(comment, [], history=True)
                for comment in reversed(newest)
                if comment.id not in told
            ]
        for comment_id, rows in told.items():
            if comment_id in known:
                seen = await self._sight(known[comment_id], rows, history=False)
                sightings.append(replace(seen, listed=comment_id in listed))
            else:
                sightings.append(await self._fetch(comment_id, rows))
        return sightings

    async def standing(self, account: Account | None) -> Standing:
        """What somebody is to this issue. Only what Jira was asked for is remembered."""
        if account is None:
            return "other"
        if (plain := self._plain_standing(account)) is not None:
            return plain
        known = self._standings.of(account.account_id, self._now)
        if known is None:
            known = await self._ask_standing(account)
            self._standings.keep(account.account_id, known, self._now)
        return known

    def _plain_standing(self, account: Account) -> Standing | None:
        if account.account_id == self._app_account:
            return "ourselves"
        if account.account_type == "app":
            return "app"
        reporter = self._issue.reporter
        reports = reporter is not None and account.account_id == reporter.account_id
        if reports or account.account_type == "customer":
            return "customer"
        return None

    async def _ask_standing(self, account: Account) -> Standing:
        if self._issue.service_project is not False and await self._asks_too(account.account_id):
            return "customer"
        for work in WORK[self._issue.service_project]:  # each alone: one site may not know another
            who = account.account_id
            if await permissions.permitted(
                self._client, who, self._issue.id, [work], key=self._issue.key
            ):
                return "agent"
        return "other"

    async def _asks_too(self, account_id: str) -> bool:
        for listed in (
            service_desk.participants,
            service_desk.organisation_members,
            service_desk.approvers,
        ):
            if account_id in await listed(self._client, self._issue.id):
                return True
        return False

    async def _fetch(self, comment_id: str, rows: list[Unseen]) -> Sighting:
        told = rows[-1]
        try:
            found = await comments.comment(self._client, self._issue.id, comment_id)
        except JiraNotFound:
            return Sighting(comment_id, "gone", told.occurred_at, told.author_id)
        except JiraError as error:
            if not _is_about_this_one(error):
                raise
            return Sighting(comment_id, "internal", told.occurred_at, told.author_id)
        return await self._sight(found, rows, history=False)

    async def _sight(self, comment: Comment, rows: list[Unseen], *, history: bool) -> Sighting:
        service_project = self._issue.service_project
        if service_project is not False and comment.jsd_public and not comment.properties_known:
            comment = await comments.with_property(self._client, comment, INTERNAL_MARK)
        seen_by = audience(comment, service_project=service_project)
        author = comment.author.account_id if comment.author else None
        ours = author == self._app_account
        if seen_by == "public":
            self.newest = max(self.newest or comment.created, comment.created)
        if seen_by != "public" and not ours:
            return Sighting(comment.id, seen_by, comment.created, author, listed=history)
        mark = await comments.mark_of(self._client, comment) if ours else None
        return Sighting(
            comment_id=comment.id,
            audience=seen_by,
            created=comment.created,
            author_id=author,
            standing=await self.standing(comment.author),
            text=body_to_markdown(comment.body) if seen_by == "public" else "",
            mentions=body_mentions(comment.body) if seen_by == "public" else (),
            mark=mark or {},
            edited_by_person=any(
                row.event == "comment_updated" and row.actor_id not in {None, self._app_account}
                for row in rows
            ),
            history=history,
            listed=history,
            news=any(row.event == "comment_created" for row in rows),
        )


def _is_about_this_one(error: JiraError) -> bool:
    """Whether Jira will not show this comment, or not as a comment: others are no worse for it.

    What is not shown is not public. 401 is about the app, and a missing answer about the day.
    """
    return isinstance(error, JiraRefused) or error.status in {200, 403}
