"""What a viewer with the right to it is shown of an issue, or of the tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.clock import Clock
from app.doors.principal import Principal
from app.errors import Forbidden, JiraNotFound, NotFound
from app.jira import comments, permissions
from app.settings import Settings
from app.store import threads, turns
from app.store.database import Database
from app.store.tables import Issue, Item, Tenant, Turn, Usage
from app.turns.budget import cap_of
from app.turns.collaborators import JiraFor
from app.turns.outcomes import CAUSES
from app.turns.policies import policy_of, published_workflow
from app.turns.policy import Policy

NEWEST = 50


@dataclass(frozen=True)
class TurnLine:
    """A turn as a person reads it; ``cause`` is a sentence, or empty."""

    id: str
    state: str
    cause: str
    at: datetime
    tokens: int

    @classmethod
    def of(cls, turn: Turn) -> TurnLine:
        cause = CAUSES.get(turn.cause or "", "")
        tokens = turn.input_tokens + turn.output_tokens
        return cls(turn.id, turn.state, cause, turn.finished_at or turn.created_at, tokens)


@dataclass(frozen=True)
class IssueOverview:
    """An issue's public thread, and how the assistant stands to it."""

    mode: str
    resting_until: datetime | None
    items: list[Item]
    turn: TurnLine | None


@dataclass(frozen=True)
class TenantOverview:
    """A tenant, for its administrators."""

    host: str
    mode: str
    workflow_version: int | None
    model: str
    spent: int
    held: int
    cap: int | None
    turns: list[TurnLine]


async def issue_for(
    principal: Principal,
    issue_id: str,
    *,
    database: Database,
    jira: JiraFor,
    settings: Settings,
    clock: Clock,
) -> IssueOverview:
    """The public thread, for who may see the issue.

    Raises:
        Forbidden: the viewer may not see it, or nobody is signed in.
        NotFound: there is no such issue.
    """
    tenant = await database.read(_tenant, principal.tenant.id)
    client = jira(tenant)
    if principal.account_id is None:
        raise Forbidden("BROWSE_PROJECTS")
    try:
        issue = await comments.issue(client, issue_id)
    except JiraNotFound:
        raise NotFound from None
    may = await permissions.permitted(client, principal.account_id, issue.id, ["BROWSE_PROJECTS"])
    if "BROWSE_PROJECTS" not in may:
        raise Forbidden("BROWSE_PROJECTS")
    row = Issue(
        tenant_id=tenant.id,
        issue_id=issue.id,
        project_id=issue.project_id,
        type_id=issue.issue_type_id,
    )
    return await database.read(_issue, row, settings, clock.now())


async def tenant_for(
    principal: Principal,
    *,
    database: Database,
    jira: JiraFor,
    settings: Settings,
    clock: Clock,
) -> TenantOverview:
    """The tenant, for who administers its Jira.

    Raises:
        Forbidden: the viewer does not.
    """
    tenant = await database.read(_tenant, principal.tenant.id)
    if principal.account_id is None or not await permissions.global_permitted(
        jira(tenant), principal.account_id, ["ADMINISTER"]
    ):
        raise Forbidden("ADMINISTER")
    return await database.read(_overview, tenant, settings, clock.now())


def _tenant(db: Session, tenant_id: str) -> Tenant:
    return db.get_one(Tenant, tenant_id)


def _issue(db: Session, row: Issue, settings: Settings, now: datetime) -> IssueOverview:
    policy: Policy = policy_of(db, row, settings)
    known = db.get(Issue, (row.tenant_id, row.issue_id))
    thread = threads.of_issue(db, row.tenant_id, row.issue_id, "public")
    items: list[Item] = []
    turn = None
    if thread is not None:
        items, _ = threads.items_page(db, row.tenant_id, thread.id, limit=NEWEST, order="desc")
        turn = turns.live(db, thread.id) or turns.newest(db, thread.id)
    resting = known.resting_until if known else None
    return IssueOverview(
        mode=policy.mode,
        resting_until=resting if resting and resting > now else None,
        items=items[::-1],
        turn=TurnLine.of(turn) if turn else None,
    )


def _overview(db: Session, tenant: Tenant, settings: Settings, now: datetime) -> TenantOverview:
    usage = db.get(Usage, (tenant.id, now.strftime("%Y-%m-%d")))
    published = published_workflow(db, tenant.id)
    return TenantOverview(
        host=(tenant.display_url or tenant.base_url).partition("://")[2],
        mode=settings.default_reply_mode,
        workflow_version=published[0] if published else None,
        model=(published[1].model if published else None) or settings.openai_model,
        spent=usage.spent if usage else 0,
        held=usage.reserved if usage else 0,
        cap=cap_of(tenant, settings),
        turns=[TurnLine.of(turn) for turn in turns.recent(db, tenant.id)],
    )
