"""Who is who, and who may do what, REST v3."""

from __future__ import annotations

from typing import Any

from app.sandbox.jira import representations
from app.sandbox.jira.directory import Missing
from app.sandbox.jira.model import Issue, Project, User
from app.sandbox.jira.permissions import GLOBAL_PERMISSIONS, PROJECT_PERMISSIONS
from app.sandbox.jira.rest.calls import Answer, Call, Refused


def myself(call: Call) -> Answer:
    return Answer(_user(call, call.me))


def user(call: Call) -> Answer:
    account_id = call.query.get("accountId", "")
    try:
        found = call.site.directory.person(account_id)
    except Missing:
        message = "Specified user does not exist or you do not have required permissions"
        raise Refused(404, message) from None
    return Answer(_user(call, found))


def users(call: Call) -> Answer:
    """The people of the account ids asked for; whoever is not there is simply left out."""
    asked = call.query.getlist("accountId")
    if not asked:
        raise Refused(400, "The accountId query parameter is required.")
    start, most = call.number("startAt", 0, len(asked)), call.number("maxResults", 10, 200)
    known = {each.account_id: each for each in call.site.directory.people}
    found = [known[each] for each in dict.fromkeys(asked) if each in known]
    page = found[start : start + most]
    body = {
        "self": f"{call.site.base_url}/rest/api/3/user/bulk",
        "startAt": start,
        "maxResults": most,
        "total": len(found),
        "isLast": start + most >= len(found),
        "values": [_user(call, each) for each in page],
    }
    return Answer(body, objects=len(page))


def server_info(call: Call) -> Answer:
    now = representations.instant(call.site.clock.now())
    return Answer(
        {
            "baseUrl": call.site.base_url,
            "displayUrl": call.site.base_url,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100_300,
            "buildDate": "2026-11-01T00:00:00.000+0000",
            "serverTime": now,
            "scmInfo": "0000000000000000000000000000000000000000",
            "serverTitle": "Jira",
        }
    )


def check_permissions(call: Call) -> Answer:
    """For one account: which of the named issues and projects grant each permission.

    What is not there, or not granted, is simply missing from the answer.
    """
    sent = call.object()
    who = _who(call, sent.get("accountId"))
    if who != call.me and not call.by_connect:  # only a Connect app may ask of anybody
        call.need_global("ADMINISTER")
    held = call.site.permissions.global_of(who)
    asked = _names(sent.get("globalPermissions"), GLOBAL_PERMISSIONS)
    granted: list[dict[str, Any]] = []
    for wanted in sent.get("projectPermissions") or []:
        issues, projects = wanted.get("issues") or [], wanted.get("projects") or []
        granted.extend(
            {
                "permission": name,
                "issues": [each for each in issues if _on_issue(call, who, each, name)],
                "projects": [each for each in projects if _on_project(call, who, each, name)],
            }
            for name in _names(wanted.get("permissions"), PROJECT_PERMISSIONS)
        )
    body = {
        "globalPermissions": [name for name in asked if name in held],
        "projectPermissions": granted,
    }
    return Answer(body)


def with_permission(call: Call) -> Answer:
    """Those of the people asked for who have a permission on an issue."""
    wanted = _names(call.query.get("permissions", "").split(","), PROJECT_PERMISSIONS)
    issue = call.visible_issue(call.query.get("issueKey", ""))
    if "ADMINISTER_PROJECTS" not in call.site.permissions.on_project(call.me, issue.project):
        call.need_global("ADMINISTER")
    asked = call.query.get("accountId", "")
    found = [
        each
        for each in call.site.directory.people
        if each.account_id == asked
        and call.site.permissions.on_issue(each, issue).issuperset(wanted)
    ]
    return Answer([_user(call, each) for each in found], objects=len(found))


def my_permissions(call: Call) -> Answer:
    everything = PROJECT_PERMISSIONS | GLOBAL_PERMISSIONS
    if not call.query.get("permissions"):
        raise Refused(400, "The permissions query parameter is required.")
    asked = _names(call.query["permissions"].split(","), everything)
    held = call.site.permissions.global_of(call.me) | _held(call)
    shown = {
        name: {
            "id": str(sorted(everything).index(name)),
            "key": name,
            "name": name.replace("_", " ").capitalize(),
            "type": "GLOBAL" if name in GLOBAL_PERMISSIONS else "PROJECT",
            "description": "",
            "havePermission": name in held,
        }
        for name in asked
    }
    return Answer({"permissions": shown}, objects=len(shown))


def _held(call: Call) -> frozenset[str]:
    issue = call.query.get("issueId") or call.query.get("issueKey")
    project = call.query.get("projectId") or call.query.get("projectKey")
    permissions = call.site.permissions
    if issue:
        return permissions.on_issue(call.me, call.visible_issue(issue))
    if project:
        return permissions.on_project(call.me, call.visible_project(project))
    everywhere = (permissions.on_project(call.me, each) for each in call.site.directory.projects)
    return frozenset().union(*everywhere)


def _who(call: Call, account_id: str | None) -> User:
    if account_id is None:
        return call.me
    try:
        return call.site.directory.person(account_id)
    except Missing:
        raise Refused(400, "The account ID is not valid.") from None


def _names(sent: Any, known: frozenset[str]) -> list[str]:
    names = [str(name) for name in sent or []]
    if unknown := set(names) - known:
        raise Refused(400, f"Unrecognized permission: {', '.join(sorted(unknown))}")
    return names


def _on_issue(call: Call, who: User, issue_id: int, name: str) -> bool:
    issue = next((one for one in call.site.tracker.issues() if one.id == str(issue_id)), None)
    return isinstance(issue, Issue) and name in call.site.permissions.on_issue(who, issue)


def _on_project(call: Call, who: User, project_id: int, name: str) -> bool:
    project = next((one for one in call.site.directory.projects if one.id == str(project_id)), None)
    held = call.site.permissions.on_project
    return isinstance(project, Project) and name in held(who, project)


def _user(call: Call, person: User) -> representations.JSON:
    """``emailAddress`` is absent: no app is shown one that did not ask Atlassian for it."""
    return {**representations.user(call.site.base_url, person), "locale": person.locale}
