"""The JSON of REST v3: https://developer.atlassian.com/cloud/jira/platform/rest/v3/."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from app.sandbox.jira.model import Comment, Issue, Organization, Project, Status, User

JSON = dict[str, Any]
ORGANIZATIONS_FIELD = "customfield_10002"
CATEGORIES = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}


def instant(moment: datetime) -> str:
    """As Jira writes it: ``2026-11-22T10:59:00.123+0000``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def user(base: str, person: User) -> JSON:
    return {
        "self": f"{base}/rest/api/3/user?accountId={quote(person.account_id, safe='')}",
        "accountId": person.account_id,
        "accountType": person.account_type,
        "active": True,
        "avatarUrls": {"48x48": f"{base}/avatars/{person.name}.svg"},
        "displayName": person.display_name,
        "timeZone": "Etc/UTC",
    }


def comment(base: str, stored: Comment, *, properties: bool = False) -> JSON:
    """``jsdPublic`` is right here: true in projects that have no customers, too."""
    shown: JSON = {
        "self": f"{base}/rest/api/3/issue/{stored.issue_id}/comment/{stored.id}",
        "id": stored.id,
        "author": user(base, stored.author),
        "body": stored.body,
        "updateAuthor": user(base, stored.update_author),
        "created": instant(stored.created),
        "updated": instant(stored.updated),
        "jsdPublic": not stored.internal,
    }
    if stored.visibility is not None:
        shown["visibility"] = {
            "type": stored.visibility.type,
            "value": stored.visibility.value,
            "identifier": stored.visibility.value,
        }
    if properties:
        shown["properties"] = [
            {"key": key, "value": value} for key, value in stored.properties.items()
        ]
    return shown


def project(base: str, stored: Project) -> JSON:
    return {
        "self": f"{base}/rest/api/3/project/{stored.id}",
        "id": stored.id,
        "key": stored.key,
        "name": stored.name,
        "projectTypeKey": stored.type_key,
        "simplified": False,
        "style": "classic",
        "isPrivate": False,
        "avatarUrls": {},
    }


def issue_type(base: str, stored: Project) -> JSON:
    return {
        "self": f"{base}/rest/api/3/issuetype/{issue_type_id(stored)}",
        "id": issue_type_id(stored),
        "name": stored.issue_type,
        "description": "",
        "subtask": False,
    }


def issue_type_id(stored: Project) -> str:
    return f"2{stored.id[1:]}"


def status(base: str, stored: Status) -> JSON:
    number, name, color = CATEGORIES[stored.category]
    return {
        "self": f"{base}/rest/api/3/status/{stored.id}",
        "id": stored.id,
        "name": stored.name,
        "statusCategory": {
            "self": f"{base}/rest/api/3/statuscategory/{number}",
            "id": number,
            "key": stored.category,
            "colorName": color,
            "name": name,
        },
    }


def organization(stored: Organization) -> JSON:
    return {"id": stored.id, "name": stored.name}


def fields(base: str, stored: Issue) -> JSON:
    """Every field that this site knows, with the description as a document."""
    done = stored.status.category == "done"
    shown: JSON = {
        "summary": stored.summary,
        "description": stored.description,
        "status": status(base, stored.status),
        "resolution": {"id": "10000", "name": "Done"} if done else None,
        "assignee": user(base, stored.assignee) if stored.assignee else None,
        "reporter": user(base, stored.reporter),
        "creator": user(base, stored.reporter),
        "project": project(base, stored.project),
        "issuetype": issue_type(base, stored.project),
        "created": instant(stored.created),
        "updated": instant(stored.updated),
        "labels": [],
    }
    if stored.security_level is not None:
        shown["security"] = {"id": "10100", "name": stored.security_level.name}
    if stored.project.is_service:
        shown[ORGANIZATIONS_FIELD] = [organization(one) for one in stored.organizations]
    return shown


def issue(base: str, stored: Issue, wanted: Iterable[str] = ("*all",)) -> JSON:
    """One issue with the ``wanted`` fields; ``*all``, ``*navigable`` and ``-name`` as in Jira."""
    names = [name.strip() for name in wanted if name.strip()] or ["*all"]
    everything = fields(base, stored)
    if {"*all", "*navigable"} & set(names) or all(name.startswith("-") for name in names):
        chosen = {key: value for key, value in everything.items() if f"-{key}" not in names}
    else:
        chosen = {key: value for key, value in everything.items() if key in names}
    return {
        "id": stored.id,
        "key": stored.key,
        "self": f"{base}/rest/api/3/issue/{stored.id}",
        "fields": chosen,
    }
