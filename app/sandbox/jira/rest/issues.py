"""Issues, search, projects and fields, REST v3: reading only."""

from __future__ import annotations

import re

from app.sandbox.jira import representations
from app.sandbox.jira.model import Issue, Project
from app.sandbox.jira.rest.calls import Answer, Call, Refused

_PROJECT = re.compile(
    r"\bproject\s*(?:=|in)\s*\(?\s*([\w\s,\"'-]+?)\s*\)?(?=\s+and\b|\s*$)", re.IGNORECASE
)
_SINCE = re.compile(
    r"\bupdated\s*>=\s*(?:-(\d+)([mhd])|\"?'?(\d{4}-\d\d-\d\d \d\d:\d\d)\"?'?)", re.IGNORECASE
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
    """JQL of three parts, each of which may be missing: ``project = OPS`` (or ``in``),
    ``updated >= -30m`` (or a date and time), ``ORDER BY updated``.
    """
    jql = call.query.get("jql", "")
    ordered = _ORDER.search(jql)
    condition = jql[: ordered.start()] if ordered else jql
    found = [one for one in _matching(call, condition.strip()) if _sees(call, one)]
    found.sort(key=lambda one: (one.updated, int(one.id)))
    if ordered is None or (ordered[1] or "desc").lower() == "desc":
        found.reverse()
    start = int(call.query.get("nextPageToken") or 0)
    most = call.number("maxResults", 50, 5000)
    wanted = _wanted(call, "id")
    shown = [
        representations.issue(call.site.base_url, one, wanted)
        for one in found[start : start + most]
    ]
    body: representations.JSON = {"issues": shown, "isLast": start + most >= len(found)}
    if not body["isLast"]:
        body["nextPageToken"] = str(start + most)
    return Answer(body, objects=len(shown))


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
    if project is not None:
        keys = {part.strip(" \"'").upper() for part in project[1].split(",")}
        found = [one for one in found if {one.project.key, one.project.id} & keys]
    if since is not None:
        now = call.site.clock.now()
        if since[1]:
            earliest = now.timestamp() - int(since[1]) * _UNITS[since[2].lower()]
            found = [one for one in found if one.updated.timestamp() >= earliest]
        else:
            found = [one for one in found if f"{one.updated:%Y-%m-%d %H:%M}" >= since[3]]
    return found
