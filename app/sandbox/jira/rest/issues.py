"""Issues, search, projects and fields, REST v3: reading only."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

from app.sandbox.jira import representations
from app.sandbox.jira.model import Issue, Project
from app.sandbox.jira.rest.calls import Answer, Call, Refused

_PROJECT = re.compile(
    r"\bproject\s*(=|in\b|not\s+in\b)\s*\(?\s*([\w\s,\"'-]+?)\s*\)?(?=\s+and\b|\s*$)", re.IGNORECASE
)
_SINCE = re.compile(
    r"\bupdated\s*>=\s*([\"']?)(?:-(\d+)([mhd])|(\d{4}-\d\d-\d\d \d\d:\d\d))\1(?=\s|$)",
    re.IGNORECASE,
)
_ORDER = re.compile(r"\border\s+by\s+updated(?:\s+(asc|desc))?\s*$", re.IGNORECASE)
_UNITS = {"m": 60, "h": 3600, "d": 86_400}


def read(call: Call) -> Answer:
    issue = call.issue()
    shown = representations.issue(call.site.base_url, issue, _wanted(call, "*all"))
    if "properties" in call.query:
        shown["properties"] = {}
    return Answer(shown)


def search(call: Call) -> Answer:
    """JQL of up to three parts: ``project = OPS`` (or ``in``, ``not in``), ``updated >= -30m`` (or
    a date and time), of which one at least must stand there, and ``ORDER BY updated``.

    Asked by POST, the same is said in the body. A page begins behind the last issue of the one
    before, wherever that stands by now.
    """
    jql = _said(call, "jql", "")
    ordered = _ORDER.search(jql)
    condition = jql[: ordered.start()] if ordered else jql
    found = [one for one in _matching(call, condition.strip()) if _sees(call, one)]
    newest_first = ordered is None or (ordered[1] or "desc").lower() == "desc"
    found.sort(key=_place, reverse=newest_first)
    if (last := _last(call)) is not None:
        found = [
            one for one in found if (_place(one) < last if newest_first else _place(one) > last)
        ]
    most = _most(call)
    shown = [
        representations.issue(call.site.base_url, one, _said_fields(call)) for one in found[:most]
    ]
    body: representations.JSON = {"issues": shown, "isLast": most >= len(found)}
    if not body["isLast"]:
        updated, number = _place(found[most - 1])
        body["nextPageToken"] = urlsafe_b64encode(
            f"{updated.isoformat()} {number}".encode()
        ).decode()
    return Answer(body, objects=len(shown))


def _place(issue: Issue) -> tuple[datetime, int]:
    return issue.updated, int(issue.id)


def _last(call: Call) -> tuple[datetime, int] | None:
    """The place of the last issue of the page before, which the token holds."""
    token = _said(call, "nextPageToken", "")
    if not token:
        return None
    try:
        updated, _, number = urlsafe_b64decode(token).decode().partition(" ")
        return datetime.fromisoformat(updated), int(number)
    except ValueError:
        raise Refused(400, "The nextPageToken is not valid.") from None


def _most(call: Call) -> int:
    if call.body is None:
        return max(1, call.number("maxResults", 50, 5000))
    most = call.object().get("maxResults", 50)
    if not isinstance(most, int):
        raise Refused(400, "maxResults must be a whole number")
    return min(max(1, most), 5000)


def _said(call: Call, name: str, default: str) -> str:
    if call.body is None:
        return call.query.get(name, default)
    said = call.object().get(name) or default
    if not isinstance(said, str):
        raise Refused(400, f"{name} must be a text")
    return said


def _said_fields(call: Call) -> list[str]:
    if call.body is None:
        return _wanted(call, "id")
    fields = call.object().get("fields") or ["id"]
    if not isinstance(fields, list):
        raise Refused(400, "fields must be a list")
    return [str(field) for field in fields]


def projects(call: Call) -> Answer:
    """Those whose key or name holds ``query``, by key, a page at a time."""
    if call.query.get("action", "view") not in {"view", "browse"}:
        raise Refused(400, "This simulated site knows the actions view and browse.")
    wanted = call.query.get("query", "").casefold()
    may = call.site.permissions.on_project
    found = sorted(
        (
            one
            for one in call.site.directory.projects
            if "BROWSE_PROJECTS" in may(call.me, one)
            and (wanted in one.key.casefold() or wanted in one.name.casefold())
        ),
        key=lambda one: one.key,
    )
    start, most = call.number("startAt", 0, 1_000_000), call.number("maxResults", 50, 100)
    shown = [_project(call, one) for one in found[start : start + most]]
    page = {
        "startAt": start,
        "maxResults": most,
        "total": len(found),
        "isLast": start + most >= len(found),
        "values": shown,
    }
    return Answer(page, objects=len(shown))


def _project(call: Call, stored: Project) -> representations.JSON:
    shown = representations.project(call.site.base_url, stored)
    if "issueTypes" in call.query.get("expand", "").split(","):
        shown["issueTypes"] = [representations.issue_type(call.site.base_url, stored)]
    return shown


def project(call: Call) -> Answer:
    found = call.visible_project(call.path["project"])
    shown = representations.project(call.site.base_url, found)
    shown["issueTypes"] = [representations.issue_type(call.site.base_url, found)]
    return Answer(shown)


def fields(_call: Call) -> Answer:
    """The system's fields, and the one custom field that service projects have."""
    names = ("summary", "description", "status", "assignee", "reporter", "project", "issuetype")
    shown: list[representations.JSON] = [
        {"id": name, "key": name, "name": name.capitalize(), "custom": False} for name in names
    ]
    shown.append(
        {
            "id": representations.ORGANIZATIONS_FIELD,
            "key": representations.ORGANIZATIONS_FIELD,
            "name": "Organizations",
            "custom": True,
            "schema": {
                "type": "array",
                "items": "sd-customerorganization",
                "custom": "com.atlassian.servicedesk:sd-customer-organizations",
                "customId": 10_002,
            },
        }
    )
    return Answer(shown, objects=len(shown))


def _wanted(call: Call, default: str) -> list[str]:
    return call.query.get("fields", default).split(",")


def _sees(call: Call, issue: Issue) -> bool:
    return call.site.permissions.sees(call.me, issue)


def _matching(call: Call, condition: str) -> list[Issue]:
    found = call.site.tracker.issues()
    project, since = _PROJECT.search(condition), _SINCE.search(condition)
    rest = _SINCE.sub("", _PROJECT.sub("", condition))
    if re.sub(r"\band\b", "", rest, flags=re.IGNORECASE).strip():
        raise Refused(400, "Error in the JQL Query: this simulated site does not know that.")
    if project is None and since is None:
        raise Refused(400, "Unbounded JQL queries are not allowed here. Add a search restriction.")
    if project is not None:
        named = {part.strip(" \"'").upper() for part in project[2].split(",")}
        ids = {_named(call, one) for one in named}
        without = project[1].lower().startswith("not")
        found = [one for one in found if (one.project.id in ids) is not without]
    if since is not None:
        now = call.site.clock.now()
        if since[2]:
            earliest = now.timestamp() - int(since[2]) * _UNITS[since[3].lower()]
            found = [one for one in found if one.updated.timestamp() >= earliest]
        else:
            found = [one for one in found if f"{one.updated:%Y-%m-%d %H:%M}" >= since[4]]
    return found


def _named(call: Call, project: str) -> str:
    """The id of a project of the query, which is refused as a whole where there is none."""
    try:
        return call.visible_project(project).id
    except Refused:
        gone = f"The value '{project}' does not exist for the field 'project'."
        raise Refused(400, gone) from None
