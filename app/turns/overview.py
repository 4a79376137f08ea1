"""What the shell of a page is told before its script asks for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlmodel import Session

from app.doors.principal import Audience, Principal, TenantRef, Viewer
from app.errors import Forbidden, JiraNotFound, NotFound
from app.jira import comments
from app.jira.types import Issue as JiraIssue
from app.settings import Settings
from app.store.database import Database
from app.store.tables import Issue, Tenant
from app.turns.collaborators import JiraFor
from app.turns.policies import policy_of
from app.turns.policy import ReplyAs
from app.turns.rights import Rights, RightsDesk


@dataclass(frozen=True)
class IssueShell:
    """An issue's panel before anything of its threads is read; it holds nobody's words.

    Attributes:
        issue_id: Jira's numeric id.
        audiences: the threads that the viewer may open.
        first: the one to open with: the team's, save for who asked or may not work the issue.
        is_reporter: the viewer asked; to anybody else the public composer says who reads it.
        may_comment: the viewer may write at all.
        may_work: and decide for the team.
        mode: of the project.
        reply_as: what becomes of an answer to a customer now.
    """

    issue_id: str
    audiences: tuple[Audience, ...]
    first: Audience
    is_reporter: bool
    may_comment: bool
    may_work: bool
    mode: Literal["off", "draft", "auto"]
    reply_as: ReplyAs


async def issue_for(
    principal: Principal,
    issue_id: str,
    *,
    database: Database,
    jira: JiraFor,
    rights: RightsDesk,
    settings: Settings,
) -> IssueShell:
    """The panel's shell, for who may see the issue.

    Raises:
        Forbidden: the viewer may not see it, or nobody is signed in.
        NotFound: there is no such issue.
    """
    tenant = await database.read(_tenant, principal.tenant.id)
    if principal.account_id is None:
        raise Forbidden("BROWSE_PROJECTS")
    try:
        issue = await comments.issue(jira(tenant), issue_id)
    except JiraNotFound:
        raise NotFound from None
    may = await rights.on_issue(tenant.id, principal.account_id, issue)
    if not may.browse:
        raise Forbidden("BROWSE_PROJECTS")
    is_reporter = _asked(issue, principal.account_id)
    row = Issue(
        tenant_id=tenant.id,
        issue_id=issue.id,
        project_id=issue.project_id,
        type_id=issue.issue_type_id,
    )
    policy = await database.read(policy_of, row, settings)
    return IssueShell(
        issue_id=issue.id,
        audiences=_audiences(may),
        first=_first(may, is_reporter=is_reporter),
        is_reporter=is_reporter,
        may_comment=may.comment,
        may_work=may.work,
        mode=policy.mode,
        reply_as=policy.reply_as(service_project=issue.service_project),
    )


async def described_to(
    viewer: Viewer, *, database: Database, jira: JiraFor, rights: RightsDesk
) -> dict[str, Any]:
    """What of the shell a page needs that comes with nothing filled in, for who has a session.

    As JSON: ``issue_id``, ``audiences``, ``first`` and ``is_reporter`` of :class:`IssueShell`.
    The rights are at most half a minute old; the issue is read, which is one point or two.

    Raises:
        NotFound: there is no such issue any more, or the thread has none.
    """
    if viewer.issue_id is None:
        raise NotFound
    tenant = await database.read(_tenant, viewer.tenant.id)
    try:
        issue = await comments.issue(jira(tenant), viewer.issue_id)
    except JiraNotFound:
        raise NotFound from None
    may = await rights.of(viewer)
    is_reporter = _asked(issue, viewer.account_id)
    return {
        "issue_id": issue.id,
        "audiences": list(_audiences(may)),
        "first": _first(may, is_reporter=is_reporter),
        "is_reporter": is_reporter,
    }


async def require_administrator(principal: Principal, rights: RightsDesk) -> None:
    """Let through who administers the tenant's Jira, asked of Jira now.

    Raises:
        Forbidden: the viewer does not, or nobody is signed in.
    """
    who = principal.account_id
    if who is None or not await rights.administers(principal.tenant.id, who, fresh=True):
        raise Forbidden("ADMINISTER")


def site_of(tenant: TenantRef) -> str:
    """The site as its people know it: where links to its issues lead."""
    return (tenant.display_url or tenant.base_url).rstrip("/")


def _asked(issue: JiraIssue, account_id: str | None) -> bool:
    return issue.reporter is not None and issue.reporter.account_id == account_id


def _audiences(may: Rights) -> tuple[Audience, ...]:
    return ("internal", "public") if may.work else ("public",)


def _first(may: Rights, *, is_reporter: bool) -> Audience:
    return "internal" if may.work and not is_reporter else "public"


def _tenant(db: Session, tenant_id: str) -> Tenant:
    return db.get_one(Tenant, tenant_id)
