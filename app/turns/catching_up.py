"""A thread is caught up: what is unseen is fetched, told apart, and made items.

Between reading the unseen rows and filing them lies the network; the filing is one
transaction, and what came in meanwhile stays unseen for the next time. Run twice on the same
rows, it changes nothing the second time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlmodel import Session

from app.errors import JiraNotFound
from app.jira import comments
from app.jira.types import Account, Comment
from app.jira.types import Issue as JiraIssue
from app.store import threads, turns
from app.store.tables import Issue, Tenant, Thread, Unseen
from app.store.threads import Lease
from app.turns.collaborators import Collaborators
from app.turns.filing import Findings, Gone, file, file_gone, set_aside
from app.turns.policies import policy_of
from app.turns.policy import FILL, Policy
from app.turns.sightings import OPENED, Lookout

GLANCE = 10
"""How many comments the last look reads where the newest is an unknown one."""


@dataclass(frozen=True)
class _View:
    thread: Thread
    issue: Issue
    tenant: Tenant
    unseen: list[Unseen]
    policy: Policy


def _view(db: Session, lease: Lease, c: Collaborators) -> _View | None:
    thread = threads.by_id(db, lease.tenant_id, lease.thread_id)
    if thread is None or thread.issue_id is None or thread.audience != "public":
        return None
    issue = db.get_one(Issue, (lease.tenant_id, thread.issue_id))
    return _View(
        thread,
        issue,
        db.get_one(Tenant, lease.tenant_id),
        threads.unseen_of(db, thread.id),
        policy_of(db, issue, c.settings),
    )


async def catch_up(lease: Lease, c: Collaborators, *, glance: bool = False) -> None:
    """Bring a public thread up to what Jira shows now, and let that act on its live turn.

    Args:
        glance: look at the issue and its newest comments also where no webhook told of any.

    Raises:
        JiraError: Jira did not answer; nothing was changed and nothing is lost.
        LeaseLost: another worker has the thread.
    """
    view = await c.database.read(_view, lease, c)
    if view is None:
        return
    told = tuple(row.id for row in view.unseen if row.id is not None)
    unseen = await c.database.read(_worth_a_look, view)
    glance = glance and view.thread.filled_at is not None
    if not unseen and not glance:
        if told:
            await c.database.write(set_aside, lease, told)
        return
    read: list[Comment] = []
    try:
        if glance:
            read = await _not_told_of(lease, view, c)
            unseen = [*unseen, *(_as_told(lease, comment, c) for comment in read)]
        issue = await comments.issue(c.jira(view.tenant), view.issue.issue_id)
    except JiraNotFound:
        gone = Gone(told, any(row.event == "issue_deleted" for row in unseen))
        await c.database.write(file_gone, lease, gone, c.settings, c.clock.now())
        return
    findings = await _look(lease, view, unseen, read, issue, c)
    findings = replace(findings, told=told, last_look=glance)
    await c.database.write(file, lease, findings, c.settings, c.clock.now())


async def _look(
    lease: Lease,
    view: _View,
    unseen: list[Unseen],
    read: list[Comment],
    issue: JiraIssue,
    c: Collaborators,
) -> Findings:
    client = c.jira(view.tenant)
    app_account = view.tenant.app_account_id or (await comments.myself(client)).account_id
    wanted = await c.database.read(_policy_now, lease.tenant_id, issue, c)
    if wanted.mode == "off" and view.thread.filled_at is None and not _is_opened(unseen):
        return Findings(issue, app_account)
    lookout = Lookout(client, issue, app_account)
    fill = 0 if view.thread.filled_at else FILL
    sightings = await lookout.look(unseen, fill=fill, read=read)
    happenings = tuple([(row, await _actor(lookout, row)) for row in unseen if _of_issue(row)])
    return Findings(issue, app_account, tuple(sightings), happenings, opened=_is_opened(unseen))


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
    if row.event != "comment_created" or row.comment_id is None:
        return False
    return turns.posted_as(db, thread_id, row.comment_id)


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
    return row.comment_id is None


async def _actor(lookout: Lookout, row: Unseen) -> str:
    return await lookout.standing(Account(account_id=row.actor_id)) if row.actor_id else "other"


async def _not_told_of(lease: Lease, view: _View, c: Collaborators) -> list[Comment]:
    """Jira's newest comments, as far as the thread does not know them and no webhook told."""
    client, issue_id = c.jira(view.tenant), view.issue.issue_id
    newest = await comments.newest_comments(client, issue_id, 1)
    unknown = await c.database.read(_unknown, lease.thread_id, newest)
    if unknown:
        newest = await comments.newest_comments(client, issue_id, GLANCE)
        unknown = await c.database.read(_unknown, lease.thread_id, newest)
    told = {row.comment_id for row in view.unseen}
    return [comment for comment in unknown if comment.id not in told]


def _as_told(lease: Lease, comment: Comment, c: Collaborators) -> Unseen:
    """What the webhook would have said that did not come yet."""
    return Unseen(
        tenant_id=lease.tenant_id,
        thread_id=lease.thread_id,
        event="comment_created",
        comment_id=comment.id,
        author_id=comment.author.account_id if comment.author else None,
        occurred_at=comment.created,
        received_at=c.clock.now(),
    )


def _unknown(db: Session, thread_id: str, newest: list[Comment]) -> list[Comment]:
    """Those before the first that the thread knows; the newest comes first."""
    found = []
    for comment in newest:
        if threads.item_by_comment(db, thread_id, comment.id) is not None:
            break
        if not turns.posted_as(db, thread_id, comment.id):
            found.append(comment)
    return found
