"""What administrators see of their tenant, and the limit that they set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.assistant.catalogue import GLANCE_SECONDS, ListedModel, listed_models
from app.doors import sessions
from app.doors.principal import Principal, TenantRef
from app.doors.sessions import AdminSession, ChatSession
from app.errors import Forbidden, ModelError, SealBroken
from app.settings import Settings
from app.store import tenants
from app.store.secrets import Vault
from app.store.tables import Issue, ProjectSettings, Tenant, Thread, Turn, Usage
from app.store.tables import Workflow as WorkflowRow
from app.turns.budget import cap_of
from app.turns.collaborators import Collaborators
from app.turns.outcomes import CAUSES
from app.turns.reading import model_access
from app.turns.rights import RightsDesk
from app.turns.workflows import Versions, versions

DAILY_TOKENS = "daily_tokens"


# --- sessions -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """A session's token, and when it ends."""

    token: str
    expires_at: datetime

    def shown(self) -> dict[str, Any]:
        return {"token": self.token, "expires_at": self.expires_at.isoformat()}


async def open_session(
    principal: Principal, rights: RightsDesk, vault: Vault, now: datetime
) -> Opened:
    """An admin session for who administers the tenant's Jira.

    Raises:
        Forbidden: that is nobody, or somebody else.
    """
    if principal.account_id is None:
        raise Forbidden("SIGNED_OUT")
    if not await rights.administers(principal.tenant.id, principal.account_id, fresh=True):
        raise Forbidden("ADMINISTER")
    tenant = principal.tenant
    end = sessions.expiry(now, principal.until)
    session = AdminSession(tenant.id, tenant.session_generation, principal.account_id, end)
    return Opened(sessions.sign(session, vault, now), end)


def open_playground(principal: Principal, thread_id: str, vault: Vault, now: datetime) -> Opened:
    """A chat session on a playground thread of this administrator's."""
    tenant = principal.tenant
    end = sessions.expiry(now)
    session = ChatSession(
        tenant_id=tenant.id,
        generation=tenant.session_generation,
        account_id=principal.account_id,
        thread_id=thread_id,
        issue_id=None,
        audience="internal",
        expires_at=end,
    )
    return Opened(sessions.sign(session, vault, now), end)


# --- what is shown --------------------------------------------------------------------------


def overview(db: Session, tenant: TenantRef, settings: Settings, now: datetime) -> dict[str, Any]:
    """The tenant at a glance, and the short path from install to the first answer."""
    row = db.get_one(Tenant, tenant.id)
    source = "own" if row.openai_key else "operator" if settings.openai_api_key else "none"
    workflow = versions(db, row.id)
    day = now.strftime("%Y-%m-%d")
    usage = db.get(Usage, (row.id, day))
    return {
        "site": (tenant.display_url or tenant.base_url).partition("://")[2],
        "default_mode": settings.default_reply_mode,
        "key": {"source": source, "base_url": row.openai_base_url},
        "workflow": {
            "published": workflow.published.version if workflow.published else None,
            "draft": workflow.draft is not None,
        },
        "usage": {
            "day": day,
            "spent": usage.spent if usage else 0,
            "held": usage.reserved if usage else 0,
            "cap": cap_of(row, settings),
            "cap_source": "own" if DAILY_TOKENS in row.settings else "default",
        },
        "steps": {
            "key": source != "none",
            "workflow": workflow.published is not None,
            "project": settings.default_reply_mode != "off" or _any_project_on(db, row.id),
            "answered": _any_answer(db, row.id),
        },
    }


def _any_project_on(db: Session, tenant_id: str) -> bool:
    on = select(ProjectSettings.project_id).where(
        ProjectSettings.tenant_id == tenant_id, col(ProjectSettings.mode).in_(("draft", "auto"))
    )
    return db.exec(on.limit(1)).first() is not None


def _any_answer(db: Session, tenant_id: str) -> bool:
    """Whether a question on an issue was ever answered; the team's own talk does not count."""
    answered = select(Turn.id).where(
        Turn.tenant_id == tenant_id,
        Turn.state == "completed",
        col(Turn.reply_as).in_(("public", "internal", "draft")),
    )
    return db.exec(answered.limit(1)).first() is not None


def recent_turns(db: Session, tenant_id: str, limit: int) -> list[dict[str, Any]]:
    """The newest turns, newest first. ``cause`` is a word, ``message`` its sentence."""
    found = db.exec(
        select(Turn, Issue.key)
        .join(Thread, col(Thread.id) == col(Turn.thread_id))
        .outerjoin(
            Issue,
            (col(Issue.tenant_id) == col(Thread.tenant_id))
            & (col(Issue.issue_id) == col(Thread.issue_id)),
        )
        .where(Turn.tenant_id == tenant_id)
        .order_by(col(Turn.created_at).desc(), col(Turn.id))
        .limit(limit)
    ).all()
    return [_line(turn, key) for turn, key in found]


def _line(turn: Turn, issue_key: str | None) -> dict[str, Any]:
    ended = turn.finished_at
    return {
        "id": turn.id,
        "issue_key": issue_key,
        "state": turn.state,
        "cause": turn.cause,
        "message": CAUSES.get(turn.cause or "", ""),
        "reply_as": turn.reply_as,
        "model": turn.model,
        "workflow_version": turn.workflow_version,
        "tokens": turn.input_tokens + turn.output_tokens,
        "started": turn.created_at.isoformat(),
        "finished": ended.isoformat() if ended else None,
        "duration_ms": round((ended - turn.created_at).total_seconds() * 1000) if ended else None,
        "thread_id": turn.thread_id,
    }


async def workflow_page(tenant_id: str, c: Collaborators) -> dict[str, Any]:
    """Both versions, and the models to choose from; none where OpenAI does not list them now."""
    tenant, found = await c.database.read(_tenant_and_versions, tenant_id)
    models: list[ListedModel] = []
    try:
        access = model_access(tenant, c.settings, c.vault)
        models = await listed_models(access, c.carrier, c.clock, within=GLANCE_SECONDS)
    except (ModelError, SealBroken):
        pass  # a name can be typed as well; what is wrong, the doctor tells
    return {
        "published": _version(found.published),
        "draft": _version(found.draft),
        "models": [model.id for model in models],
        "shutdowns": {one.id: one.shutdown.isoformat() for one in models if one.shutdown},
        "default_model": c.settings.openai_model,
    }


def _version(row: WorkflowRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    shown: dict[str, Any] = {"version": row.version, "definition": row.definition}
    if row.published_at is not None:
        shown["published_at"] = row.published_at.isoformat()
    return shown


def _tenant_and_versions(db: Session, tenant_id: str) -> tuple[Tenant, Versions]:
    return db.get_one(Tenant, tenant_id), versions(db, tenant_id)


# --- the limit ------------------------------------------------------------------------------


def set_limit(db: Session, tenant_id: str, daily_tokens: int | None) -> None:
    """Cap the tokens of a day; None lifts every cap."""
    tenant = tenants.hold(db, tenant_id)
    tenant.settings = {**tenant.settings, DAILY_TOKENS: daily_tokens}
