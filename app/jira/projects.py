"""Projects and their issue types, as the app sees them."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import JiraNotFound, JiraUnavailable
from app.jira.client import JiraClient, segment

PAGE = 50


@dataclass(frozen=True)
class IssueType:
    id: str
    name: str


@dataclass(frozen=True)
class Project:
    """A project; ``service`` is None where Jira did not say of which kind it is."""

    id: str
    key: str
    name: str
    service: bool | None
    types: tuple[IssueType, ...]


@dataclass(frozen=True)
class Found:
    """A page of projects, by key; ``more`` where there are others behind it."""

    projects: tuple[Project, ...]
    more: bool


async def search(client: JiraClient, query: str = "") -> Found:
    """Projects that the app may browse and whose key or name holds ``query``, the first 50."""
    operation = "search projects"
    asked: dict[str, str | int] = {
        "action": "browse",
        "orderBy": "key",
        "expand": "issueTypes",
        "maxResults": PAGE,
    }
    if query:
        asked["query"] = query
    answer = await client.request(operation, "GET", "/rest/api/3/project/search", params=asked)
    listed = answer.get("values") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(listed, list):
        raise JiraUnavailable(operation, 200)
    projects = tuple(found for each in listed if (found := _project(each)) is not None)
    return Found(projects, more=answer.get("isLast") is False)


async def project(client: JiraClient, project_id: str) -> Project:
    """One project, by its id.

    Raises:
        JiraNotFound: there is none, or the app may not browse it.
    """
    operation = "read project"
    path = f"/rest/api/3/project/{segment(operation, project_id)}"
    answer = await client.request(operation, "GET", path)
    found = _project(answer)
    if found is None:
        raise JiraUnavailable(operation, 200)
    if found.id != project_id:  # it was asked for by its key, which may change
        raise JiraNotFound(operation, 404)
    return found


def _project(answer: object) -> Project | None:
    if not isinstance(answer, dict):
        return None
    project_id, key = (_text(answer.get(name)) for name in ("id", "key"))
    if project_id is None or key is None:
        return None
    kind, types = answer.get("projectTypeKey"), answer.get("issueTypes")
    return Project(
        id=project_id,
        key=key,
        name=_text(answer.get("name")) or key,
        service=kind == "service_desk" if isinstance(kind, str) else None,
        types=tuple(
            found
            for each in (types if isinstance(types, list) else [])
            if (found := _issue_type(each)) is not None
        ),
    )


def _issue_type(answer: object) -> IssueType | None:
    if not isinstance(answer, dict):
        return None
    type_id = _text(answer.get("id"))
    return None if type_id is None else IssueType(type_id, _text(answer.get("name")) or type_id)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
