"""The policy of an issue, read from what admins set; workflows of a tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import and_, bindparam
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.assistant.workflow import WorkflowDefinition, default_workflow
from app.settings import Settings
from app.store.statements import insert_new
from app.store.tables import AppState, Issue, ProjectSettings, Tenant, Workflow
from app.store.writer import KEPT
from app.turns.policy import Mode, Policy, lay_over

DEFAULT_MODE = "default_reply_mode"
INHERIT = "inherit"
"""Of a row that was set once and is no longer: what is below it holds again, from then on."""

_Whole, _Special = aliased(ProjectSettings), aliased(ProjectSettings)
_LAYERS = (
    select(Tenant, AppState, _Whole, _Special)
    .select_from(Tenant)
    .outerjoin(AppState, col(AppState.key) == DEFAULT_MODE)
    .outerjoin(
        _Whole,
        and_(
            col(_Whole.tenant_id) == col(Tenant.id),
            col(_Whole.project_id) == bindparam("project_id"),
            col(_Whole.type_id) == "",
        ),
    )
    .outerjoin(
        _Special,
        and_(
            col(_Special.tenant_id) == col(Tenant.id),
            col(_Special.project_id) == bindparam("project_id"),
            col(_Special.type_id) == bindparam("type_id"),
        ),
    )
    .where(Tenant.id == bindparam("tenant_id"))
)


def remember_default_mode(db: Session, mode: str, now: datetime) -> None:
    """Note since when ``DEFAULT_REPLY_MODE`` is what it is: nothing older is answered."""
    if insert_new(db, AppState, {"key": DEFAULT_MODE, "value": mode, "since": now}):
        return  # several processes may start in one moment
    state = db.get_one(AppState, DEFAULT_MODE, with_for_update=True)
    if state.value != mode:
        state.value, state.since = mode, now


def policy_of(db: Session, issue: Issue, settings: Settings) -> Policy:
    """What holds for the issue: its type's settings over its project's over the tenant's."""
    tenant, state, *rows = _layers(db, issue)
    return policy_in(tenant, _default(tenant, state, settings), *rows)


Default = tuple[Mode, datetime]
"""The mode of projects that nobody has set, and since when it is in force."""


def default_of(db: Session, tenant: Tenant, settings: Settings) -> Default:
    return _default(tenant, db.get(AppState, DEFAULT_MODE), settings)


def _default(tenant: Tenant, state: AppState | None, settings: Settings) -> Default:
    since = max(state.since, tenant.installed_at) if state else tenant.installed_at
    return settings.default_reply_mode, since


def policy_in(tenant: Tenant, default: Default, *rows: ProjectSettings | None) -> Policy:
    """What holds where these rows are set, the later ones above the earlier."""
    mode, since = default
    layers = [tenant.settings]
    for row in rows:
        if row is None:
            continue
        layers.append(row.settings)
        if row.mode == INHERIT:
            since = max(since, row.mode_since)
        else:
            mode, since = _mode(row.mode), row.mode_since
    return lay_over(mode, since, *layers)


def stands(db: Session, issue: Issue) -> Literal["public", "internal"]:
    """How an answer stands in Jira once it is posted: a comment or a note, in whichever mode."""
    tenant, _, *rows = _layers(db, issue)
    policy = policy_in(tenant, ("off", tenant.installed_at), *rows)
    return policy.stands(service_project=issue.service_project)


_Layers = tuple[Tenant, AppState | None, ProjectSettings | None, ProjectSettings | None]


def _layers(db: Session, issue: Issue) -> _Layers:
    """The tenant, the default's state, the project's row, and above it the type's.

    An operation asks for them again and again: it keeps them until it ends.
    """
    key = ("layers", issue.tenant_id, issue.project_id, issue.type_id)
    kept: dict[object, _Layers] = db.info.setdefault(KEPT, {})
    if key not in kept:
        named = {
            "tenant_id": issue.tenant_id,
            "project_id": issue.project_id,
            "type_id": issue.type_id or None,
        }
        tenant, state, whole, special = db.exec(_LAYERS, params=named).one()
        kept[key] = tenant, state, whole, special
    return kept[key]


def _mode(stored: str) -> Mode:
    if stored in {"draft", "auto"}:
        return "draft" if stored == "draft" else "auto"
    return "off"


def set_project(
    db: Session,
    tenant_id: str,
    project_id: str,
    mode: Mode | Literal["inherit"],
    settings: dict[str, str],
    now: datetime,
    type_id: str = "",
) -> None:
    """Set a project's mode and what goes with it; the mode counts from now where it changed.

    ``inherit`` forgets all that was set here.
    """
    row = db.get(ProjectSettings, (tenant_id, project_id, type_id))
    if row is None:
        row = ProjectSettings(
            tenant_id=tenant_id, project_id=project_id, type_id=type_id, mode=mode, mode_since=now
        )
    elif row.mode != mode:
        row.mode, row.mode_since = mode, now
    row.settings = {} if mode == INHERIT else {**row.settings, **settings}
    db.add(row)
    db.info.pop(KEPT, None)


def publish_first_workflow(db: Session, tenant_id: str, now: datetime) -> None:
    """A new tenant's version 1, published: it can answer at once."""
    if published_workflow(db, tenant_id) is None:
        db.add(
            Workflow(
                tenant_id=tenant_id,
                version=1,
                state="published",
                definition=default_workflow().model_dump(mode="json"),
                created_at=now,
                published_at=now,
            )
        )


def published_workflow(db: Session, tenant_id: str) -> tuple[int, WorkflowDefinition] | None:
    """The newest published version and its number."""
    row = db.exec(
        select(Workflow)
        .where(Workflow.tenant_id == tenant_id, Workflow.state == "published")
        .order_by(col(Workflow.version).desc())
        .limit(1)
    ).first()
    return (row.version, WorkflowDefinition.model_validate(row.definition)) if row else None
