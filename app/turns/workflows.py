"""The versions of a tenant's workflow: at most one draft, and what was published stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from app.assistant.workflow import WorkflowDefinition
from app.errors import Conflict
from app.i18n import t
from app.store import tenants
from app.store.tables import Thread, Workflow
from app.turns.policies import published_workflow

PUBLISHED, DRAFT = "published", "draft"


@dataclass(frozen=True)
class Versions:
    """The newest of each kind; a draft is always the newest of all."""

    published: Workflow | None
    draft: Workflow | None


def versions(db: Session, tenant_id: str) -> Versions:
    return Versions(_newest(db, tenant_id, PUBLISHED), _newest(db, tenant_id, DRAFT))


def is_playground(thread: Thread) -> bool:
    """Whether administrators try the workflow on this thread: it has no issue and no visitor."""
    no_one = thread.issue_id is None and thread.visitor_id is None
    return no_one and thread.audience == "internal"


def workflow_for(db: Session, thread: Thread) -> tuple[int, WorkflowDefinition] | None:
    """The version that answers on this thread, and its number: the draft in the playground."""
    draft = _newest(db, thread.tenant_id, DRAFT) if is_playground(thread) else None
    if draft is None:
        return published_workflow(db, thread.tenant_id)
    return draft.version, WorkflowDefinition.model_validate(draft.definition)


def save_draft(db: Session, tenant_id: str, definition: WorkflowDefinition, now: datetime) -> int:
    """Keep a definition as the draft; return its version."""
    tenants.hold(db, tenant_id)
    written = definition.model_dump(mode="json")
    draft = _newest(db, tenant_id, DRAFT)
    if draft is None:
        newest = _newest(db, tenant_id)
        draft = Workflow(
            tenant_id=tenant_id,
            version=newest.version + 1 if newest else 1,
            state=DRAFT,
            definition=written,
            created_at=now,
        )
        db.add(draft)
    else:
        draft.definition, draft.created_at = written, now
    return draft.version


def publish(db: Session, tenant_id: str, now: datetime) -> int:
    """Let the draft answer from the next turn on; return its version.

    Raises:
        Conflict: there is no draft.
    """
    tenants.hold(db, tenant_id)
    draft = _newest(db, tenant_id, DRAFT)
    if draft is None:
        raise Conflict("no_draft", t("There is no draft to publish. Save one first."))
    draft.state, draft.published_at = PUBLISHED, now
    return draft.version


def _newest(db: Session, tenant_id: str, state: str | None = None) -> Workflow | None:
    query = select(Workflow).where(Workflow.tenant_id == tenant_id)
    if state is not None:
        query = query.where(Workflow.state == state)
    return db.exec(query.order_by(col(Workflow.version).desc()).limit(1)).first()
