"""A thread is caught up: what is unseen is fetched, told apart, and made items.

Between reading the unseen rows and filing them lies the network; the filing is one
transaction, and what came in meanwhile stays unseen for the next time. Run twice on the same
rows, it changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from app.errors import JiraNotFound
from app.jira import comments
from app.jira.types import Account, Comment
from app.jira.types import Issue as JiraIssue
from app.store import threads, turns
from app.store.tables import Issue, Tenant, Thread, Turn, Unseen
from app.store.threads import Lease
from app.turns.collaborators import Collaborators
from app.turns.filing import Findings, Gone, file, file_gone, set_aside
from app.turns.policies import policy_of
from app.turns.policy import FILL, Policy
from app.turns.remembering import Remembered, quieted
from app.turns.sightings import OPENED, Lookout, speaks_for_itself

GLANCE = 10
"""How many comments the last look reads where the newest is an unknown one."""


@dataclass(frozen=True)
class _View:
    thread: Thread
    issue: Issue
    tenant: Tenant
    unseen: list[Unseen]
    policy: Policy
    live: Turn | None  # that somebody works at
    worth_a_look: Sequence[Unseen] = ()

    @property
    def posting(self) -> bool:
        """Whether Jira was asked to take the turn's comment."""
        return self.live is not None and self.live.tried_at is not None


def _view(db: Session, lease: Lease, c: Collaborators, *, beside: bool) -> _View | None:
    thread = threads.by_id(db, lease.tenant_id, lease.thread_id)
    if thread is None or thread.issue_id is None or thread.audience != "public":
        return None
    issue = db.get_one(Issue, (lease.tenant_id, thread.issue_id))
    policy = policy_of(db, issue, c.settings)
    turn = turns.live(db, thread.id)
    view = _View(
        thread,
        issue,
        db.get_one(Tenant, lease.tenant_id),
        threads.unseen_of(db, thread.id),
        policy,
        turn if turn is not None and turn.state != "waiting" else None,
    )
    if beside and view.posting:
        view = replace(view, unseen=[row for row in view.unseen if not _may_be_ours(view, row)])
    return replace(view, worth_a_look=_worth_a_look(db, view))


async def catch_up(
    lease: Lease, c: Collaborators, *, glance: bool = False, beside: bool = False
) -> None:
    """Bring a public thread up to what Jira shows now, and let that act on its live turn.

    Args:
        lease: on the thread.
        c: what it is done with.
        glance: look at the issue and its newest comments also where no webhook told of any. What
            is remembered of the issue is not believed then.
        beside: an attempt runs in this process. The news of a comment of its own waits until the
            attempt has recorded it.

    Raises:
        JiraError: Jira did not answer; nothing was changed and nothing is lost.
        LeaseLost: another worker has the thread.
    """
    view = await c.database.read(_view, lease, c, beside=beside)
    if view is None:
        return
    if any(_of_issue(row) for row in view.unseen):
        c.memory.forget(lease)
    told = tuple(row.id for row in view.unseen if row.id is not None)
    unseen = list(view.worth_a_look)
    glance = glance and view.thread.filled_at is not None
    if not unseen and not glance:
        if told:
            await c.database.write(set_aside, lease, told)
        return
    look = _Look(lease, view, unseen, c)
    try:
        findings = await look.around() if glance else await look.at_what_was_told()
    except _OutOfSight:
        c.memory.forget(lease)
        gone = Gone(told, any(row.event == "issue_deleted" for row in unseen))
        await c.database.write(file_gone, lease, gone, c.settings, c.clock.now())
        return
    await c.database.write(file, lease, replace(findings, told=told), c.settings, c.clock.now())
    look.remember()


class _OutOfSight(Exception):
    """Jira does not show the issue."""


class _Look:
    """One look at Jira, for one thread."""

    def __init__(self, lease: Lease, view: _View, unseen: list[Unseen], c: Collaborators) -> None:
        self._lease = lease
        self._view = view
        self._unseen = unseen
        self._c = c
        self._client = c.jira(view.tenant)
        self._read: Remembered | None = None

    async def around(self) -> Findings:
        """The last look: at the issue, at what was told, and at what was not."""
        issue = await self._read_issue()
        assert self._read is not None
        raised = self._c.memory.comments_raise_updated(self._lease.tenant_id)
        quiet = raised and issue.updated in self._read.quiet
        newest = [] if quiet else await self._not_told_of(issue)
        self._unseen = [*self._unseen, *(self._as_told(comment) for comment in newest)]
        findings = await self._findings(issue, newest)
        if not quiet:
            written = max((comment.created for comment in newest), default=None)
            self._read = quieted(self._read, issue.updated, written)
        return replace(findings, last_look=True)

    async def at_what_was_told(self) -> Findings:
        """As little as tells what became of it."""
        known = self._c.memory.recall(self._lease, self._c.clock.now())
        if self._view.live is not None or self._view.thread.filled_at is None:
            # What is seen beside an answer may end it, so nothing is remembered; and reads by GET
            # are the ones that are tried again at once.
            return await self._findings(await self._read_issue(), [])
        told = await self._list_told()
        if known is not None and self._all_speak(told):
            return await self._findings_from(known, told)
        return await self._findings(await self._read_issue(), told)

    def remember(self) -> None:
        """What was read was filed: it is known from now on."""
        if self._read is not None:
            self._c.memory.keep(self._lease, self._read)

    async def _read_issue(self) -> JiraIssue:
        try:
            issue = await comments.issue(self._client, self._view.issue.issue_id)
        except JiraNotFound:
            raise _OutOfSight from None
        self._read = self._c.memory.take_in(self._lease, issue, self._c.clock.now())
        return issue

    async def _list_told(self) -> list[Comment]:
        ids = {row.comment_id for row in self._unseen if row.comment_id is not None}
        return await comments.comments_by_id(self._client, self._view.issue.issue_id, ids)

    def _all_speak(self, told: list[Comment]) -> bool:
        """Whether nothing more than these comments is needed to judge all that was told."""
        found = {comment.id for comment in told if speaks_for_itself(comment)}
        return self._view.tenant.app_account_id is not None and all(
            row.comment_id in found and not _of_issue(row) for row in self._unseen
        )

    async def _findings_from(self, known: Remembered, told: list[Comment]) -> Findings:
        """Without a look at the issue: nothing of it is filed but what was told."""
        account = self._view.tenant.app_account_id or ""
        now = self._c.clock.now()
        lookout = Lookout(self._client, known.issue, account, known.standings, now)
        sightings = await lookout.look(self._unseen, fill=0, read=told)
        self._read = quieted(known, lookout.newest)
        return Findings(known.issue, account, tuple(sightings), fresh=False)

    async def _findings(self, issue: JiraIssue, read: list[Comment]) -> Findings:
        c, view, lease = self._c, self._view, self._lease
        assert self._read is not None
        account = view.tenant.app_account_id
        account = account or (await comments.myself(self._client)).account_id
        wanted = await c.database.read(_policy_now, lease.tenant_id, issue, c)
        opened = _is_opened(self._unseen)
        if wanted.mode == "off" and view.thread.filled_at is None and not opened:
            return Findings(issue, account)
        lookout = Lookout(self._client, issue, account, self._read.standings, c.clock.now())
        fill = 0 if view.thread.filled_at else FILL
        sightings = await lookout.look(self._unseen, fill=fill, read=read)
        happenings = [(row, await _actor(lookout, row)) for row in self._unseen if _of_issue(row)]
        if lookout.newest is not None or lookout.filled:
            listed = issue.updated if lookout.filled else None
            self._read = quieted(self._read, listed, lookout.newest)
        return Findings(
            issue,
            account,
            tuple(sightings),
            tuple(happenings),
            opened=opened,
            outdated=c.memory.differs(lease, self._read),
        )

    async def _not_told_of(self, issue: JiraIssue) -> list[Comment]:
        """Jira's newest comments, as far as the thread does not know them and no webhook told."""
        client, issue_id = self._client, self._view.issue.issue_id
        c, thread_id = self._c, self._lease.thread_id
        try:
            newest = await comments.newest_comments(client, issue_id, 1)
            for comment in newest:
                c.memory.note_newest(self._lease.tenant_id, issue.updated, comment.created)
            unknown = await c.database.read(_unknown, thread_id, newest)
            if unknown:
                newest = await comments.newest_comments(client, issue_id, GLANCE)
                unknown = await c.database.read(_unknown, thread_id, newest)
        except JiraNotFound:
            raise _OutOfSight from None
        told = {row.comment_id for row in self._view.unseen}
        return [comment for comment in unknown if comment.id not in told]

    def _as_told(self, comment: Comment) -> Unseen:
        """What the webhook would have said that did not come yet."""
        return Unseen(
            tenant_id=self._lease.tenant_id,
            thread_id=self._lease.thread_id,
            event="comment_created",
            comment_id=comment.id,
            author_id=comment.author.account_id if comment.author else None,
            occurred_at=comment.created,
            received_at=self._c.clock.now(),
        )


def _worth_a_look(db: Session, view: _View) -> list[Unseen]:
    """What Jira must be asked about.

    Nothing, where nothing is answered and nobody ever opened the thread; and not the news of
    comments that we posted ourselves.
    """
    known = view.issue.project_id is not None
    if _is_opened(view.unseen):
        return view.unseen
    if known and view.policy.mode == "off" and view.thread.filled_at is None:
        return [row for row in view.unseen if row.event == "issue_deleted"]
    if view.thread.filled_at is None:
        return view.unseen
    return [row for row in view.unseen if not _is_echo(db, view.thread.id, row)]


def _is_opened(unseen: list[Unseen]) -> bool:
    return any(row.event == OPENED for row in unseen)


def _is_echo(db: Session, thread_id: str, row: Unseen) -> bool:
    told = _is_news(row) and row.comment_id is not None
    return told and turns.posted_as(db, thread_id, row.comment_id or "")


def _policy_now(db: Session, tenant_id: str, issue: JiraIssue, c: Collaborators) -> Policy:
    """The policy as it is once the issue's project and type are known."""
    row = Issue(
        tenant_id=tenant_id,
        issue_id=issue.id,
        project_id=issue.project_id,
        type_id=issue.issue_type_id,
    )
    return policy_of(db, row, c.settings)


def _of_issue(row: Unseen) -> bool:
    """Whether it tells of the issue itself; Jira tells ``issue_updated`` of each comment, too."""
    return row.comment_id is None or (row.event == "issue_updated" and bool(row.changed))


def _is_news(row: Unseen) -> bool:
    """Whether it tells that a comment was written, and nothing else."""
    return row.event == "comment_created" or (row.event == "issue_updated" and not _of_issue(row))


def _may_be_ours(view: _View, row: Unseen) -> bool:
    """Whether it may be the news of the comment that is being posted: as told, but it can wait."""
    ours = view.tenant.app_account_id
    return _is_news(row) and ours is not None and row.author_id == ours


async def _actor(lookout: Lookout, row: Unseen) -> str:
    return await lookout.standing(Account(account_id=row.actor_id)) if row.actor_id else "other"


def _unknown(db: Session, thread_id: str, newest: list[Comment]) -> list[Comment]:
    """Those before the first that the thread knows; the newest comes first."""
    found = []
    for comment in newest:
        if threads.item_by_comment(db, thread_id, comment.id) is not None:
            break
        if not turns.posted_as(db, thread_id, comment.id):
            found.append(comment)
    return found
