"""Where the assistant answers, whom, and who reads it: a project's settings and its types'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session, col, select

from app.errors import Conflict, Invalid, JiraNotFound, NotFound
from app.i18n import Text, t
from app.jira import projects as jira_projects
from app.jira.projects import IssueType, Project
from app.settings import Settings
from app.store import tenants
from app.store.tables import ProjectSettings, Tenant
from app.turns.collaborators import Collaborators
from app.turns.policies import INHERIT, default_of, policy_in, set_project
from app.turns.policy import Mode, Policy

NO_PROJECT = t("There is no such project, or the app may not browse it.")
NEEDS_UNDERSTANDING = "needs_understanding"
PUBLICLY = t(
    "In auto nobody looks at an answer before it is written. Each public reply notifies people,"
    " may meet a first-response target although no person has replied, and may start automation."
    " Confirm that this is understood."
)
AS_NOTES = t(
    "In auto nobody looks at an answer before it is written. Answers are internal notes here:"
    " customers do not see them, but each notifies the team and may start automation. Confirm"
    " that this is understood."
)


@dataclass(frozen=True)
class Change:
    """What is to hold for a project, or within it for one type.

    Attributes:
        type_id: of an issue type; empty: the whole project.
        mode: ``inherit`` forgets what was set here.
        settings: ``answer_to``, ``reply_audience`` and ``trigger_word``, those that change.
        understood: the administrator was told what ``auto`` does, and wants it.
    """

    mode: Mode | Literal["inherit"]
    type_id: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    understood: bool = False


async def find_projects(tenant_id: str, query: str, c: Collaborators) -> dict[str, Any]:
    """Projects of the site whose key or name holds ``query``, with what holds in each.

    ``{"projects": […], "more": bool}``; see :func:`_shown` for one of them.
    """
    tenant = await c.database.read(_tenant, tenant_id)
    found = await jira_projects.search(c.jira(tenant), query.strip())
    shown = await c.database.read(_all_shown, tenant_id, found.projects, c.settings)
    return {"projects": shown, "more": found.more}


async def change_project(
    tenant_id: str, project_id: str, change: Change, c: Collaborators
) -> dict[str, Any]:
    """Make it hold, and return the project as :func:`find_projects` shows it.

    Raises:
        NotFound: there is no such project, or the app may not browse it.
        Invalid: the project has no such type.
        Conflict: it switches on what nobody said to have understood.
    """
    tenant = await c.database.read(_tenant, tenant_id)
    try:
        project = await jira_projects.project(c.jira(tenant), project_id)
    except JiraNotFound:
        raise NotFound(NO_PROJECT) from None
    if change.type_id and change.type_id not in {one.id for one in project.types}:
        text = t("This project has no such type.")
        raise Invalid(text, {"type_id": text})
    await c.database.write(_change, tenant_id, project, change, c.settings, c.clock.now())
    [shown] = await c.database.read(_all_shown, tenant_id, (project,), c.settings)
    return shown


def _tenant(db: Session, tenant_id: str) -> Tenant:
    return db.get_one(Tenant, tenant_id)


def _change(
    db: Session,
    tenant_id: str,
    project: Project,
    change: Change,
    settings: Settings,
    now: datetime,
) -> None:
    tenants.hold(db, tenant_id)
    before = _policy(db, tenant_id, project, change.type_id, settings)
    set_project(
        db, tenant_id, project.id, change.mode, change.settings, now, type_id=change.type_id
    )
    db.flush()
    after = _policy(db, tenant_id, project, change.type_id, settings)
    text = _to_understand(before, after, project)
    if text is not None and not change.understood:
        raise Conflict(NEEDS_UNDERSTANDING, text)


def _to_understand(before: Policy, after: Policy, project: Project) -> Text | None:
    """What is written without a look from now on that was not before; None where nothing is."""
    was, becomes = (one.reply_as(service_project=project.service) for one in (before, after))
    if becomes in {was, "draft"} or (was, becomes) == ("public", "internal"):
        return None
    return PUBLICLY if becomes == "public" else AS_NOTES


def _policy(
    db: Session, tenant_id: str, project: Project, type_id: str, settings: Settings
) -> Policy:
    tenant = db.get_one(Tenant, tenant_id)
    rows = [db.get(ProjectSettings, (tenant_id, project.id, ""))]
    if type_id:
        rows.append(db.get(ProjectSettings, (tenant_id, project.id, type_id)))
    return policy_in(tenant, default_of(db, tenant, settings), *rows)


def _all_shown(
    db: Session, tenant_id: str, projects: Iterable[Project], settings: Settings
) -> list[dict[str, Any]]:
    tenant = db.get_one(Tenant, tenant_id)
    default = default_of(db, tenant, settings)
    ids = [project.id for project in projects]
    rows = db.exec(
        select(ProjectSettings).where(
            ProjectSettings.tenant_id == tenant_id, col(ProjectSettings.project_id).in_(ids)
        )
    ).all()
    held = {(row.project_id, row.type_id): row for row in rows}
    shown = []
    for project in projects:
        row = held.get((project.id, ""))
        types = [(one, held.get((project.id, one.id))) for one in project.types]
        shown.append(
            {
                **_shown(project, policy_in(tenant, default, row), row),
                "key": project.key,
                "service_project": project.service,
                "types": [
                    _shown(one, policy_in(tenant, default, row, special), special)
                    for one, special in types
                ],
            }
        )
    return shown


def _shown(one: Project | IssueType, policy: Policy, row: ProjectSettings | None) -> dict[str, Any]:
    """What holds for a project or a type; ``inherited`` where nobody set anything for itself."""
    return {
        "id": one.id,
        "name": one.name,
        "mode": policy.mode,
        "mode_since": policy.mode_since.isoformat(),
        "answer_to": policy.answer_to,
        "reply_audience": policy.reply_audience,
        "trigger_word": policy.trigger_word,
        "answer_within_s": round(policy.answer_within.total_seconds()),
        "inherited": row is None or row.mode == INHERIT,
    }
