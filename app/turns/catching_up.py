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
from app.jira.types import Account
from app.jira.types import Issue as JiraIssue
from app.store import threads, turns
from app.store.tables import Issue, Tenant, Thread, Unseen
from app.store.threads import Lease
from app.turns.collaborators import Collaborators
from app.turns.filing import NOTHING_NEW, Caught, Findings, file, file_gone, set_aside
from app.turns.policies import policy_of
from app.turns.policy import FILL, Policy
from app.turns.sightings import Lookout


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


async def catch_up(lease: Lease, c: Collaborators, *, glance: bool = False) -> Caught:
    """Bring a public thread up to what Jira shows now.

    Args:
        glance: also look whether Jira's newest comment is one that no webhook brought yet.

    Raises:
        JiraError: Jira did not answer; nothing was changed and nothing is lost.
        LeaseLost: another worker has the thread.
    """
    view = await c.database.read(_view, lease, c)
    if view is None:
        return NOTHING_NEW
    through = view.unseen[-1].id or 0 if view.unseen else 0
    unseen = await c.database.read(_worth_a_look, view)
    if not unseen and not (glance and view.thread.filled_at):
        if view.unseen:
            await c.database.write(set_aside, lease, through)
        return NOTHING_NEW
    try:
        if glance:
            unseen = [*unseen, *await _not_told_of(lease, view, c)]
        if not unseen:
            return NOTHING_NEW
        issue = await comments.issue(c.jira(view.tenant), view.issue.issue_id)
    except JiraNotFound:
        deleted = any(row.event == "issue_deleted" for row in unseen)
        return await c.database.write(file_gone, lease, through, deleted, c.clock.now())
    findings = await _look(lease, view, unseen, issue, c)
    findings = replace(findings, through=through)
    return await c.database.write(file, lease, findings, c.settings, c.clock.now())


async def _look(
    lease: Lease, view: _View, unseen: list[Unseen], issue: JiraIssue, c: Collaborators
) -> Findings:
    client = c.jira(view.tenant)
    app_account = view.tenant.app_account_id or (await comments.myself(client)).account_id
    wanted = await c.database.read(_policy_now, lease.tenant_id, issue, c)
    if wanted.mode == "off" and view.thread.filled_at is None:
        return Findings(issue, app_account)
    lookout = Lookout(client, issue, app_account)
    sightings = await lookout.look(unseen, fill=0 if view.thread.filled_at else FILL)
    happenings = tuple([(row, await _actor(lookout, row)) for row in unseen if _of_issue(row)])
    return Findings(issue, app_account, tuple(sightings), happenings)


def _worth_a_look(db: Session, view: _View) -> list[Unseen]:
    """What Jira must be asked about.

    Nothing, where nothing is answered and nobody ever opened the thread; and not the news of
    comments that we posted ourselves.
    """
    known = view.issue.project_id is not None
    if known and view.policy.mode == "off" and view.thread.filled_at is None:
        return []
    if view.thread.filled_at is None:
        return view.unseen
    return [row for row in view.unseen if not _is_echo(db, view.thread.id, row)]


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


async def _not_told_of(lease: Lease, view: _View, c: Collaborators) -> list[Unseen]:
    """Jira's newest comment, where the thread does not know it and no webhook told of it."""
    newest = await comments.newest_comments(c.jira(view.tenant), view.issue.issue_id, 1)
    told = {row.comment_id for row in view.unseen}
    rows = []
    for comment in newest:
        if comment.id in told or await c.database.read(_known, lease.thread_id, comment.id):
            continue
        rows.append(
            Unseen(
                tenant_id=lease.tenant_id,
                thread_id=lease.thread_id,
                event="comment_created",
                comment_id=comment.id,
                author_id=comment.author.account_id if comment.author else None,
                occurred_at=comment.created,
                received_at=c.clock.now(),
            )
        )
    return rows


def _known(db: Session, thread_id: str, comment_id: str) -> bool:
    return threads.item_by_comment(db, thread_id, comment_id) is not None
