"""What somebody may do, asked of Jira each time. What Jira does not grant is denied.

An answer that cannot be had is no answer: ``JiraUnavailable`` and ``JiraRateLimited`` pass
through. Any other error is a no. Jira refuses a question that names one permission it does not
know: ask for ``SERVICEDESK_AGENT`` by itself, since a site may have no Service Management.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from app.errors import JiraError, JiraRateLimited, JiraUnavailable
from app.jira.client import JiraClient, Params

NONE: frozenset[str] = frozenset()
MOST_USERS = 50
"""Users that a search for one of them looks at."""


async def permitted(
    client: JiraClient,
    account_id: str,
    issue_id: str,
    permissions: Iterable[str],
    *,
    key: str | None = None,
) -> frozenset[str]:
    """Those of ``permissions`` that the account has on the issue, by its numeric id.

    Args:
        client: as the app.
        account_id: whose.
        issue_id: numeric.
        permissions: the question.
        key: the issue's; where Forge is the way to Jira it is asked by its key.
    """
    if client.by_bearer:
        where = key or issue_id
        asked = sorted(set(permissions))
        return frozenset([each for each in asked if await _has(client, account_id, where, each)])
    return await _on(client, account_id, "issues", issue_id, permissions)


async def permitted_in_project(
    client: JiraClient, account_id: str, project_id: str, permissions: Iterable[str]
) -> frozenset[str]:
    """Those of ``permissions`` that the account has in the project, by its numeric id."""
    return await _on(client, account_id, "projects", project_id, permissions)


async def global_permitted(
    client: JiraClient, account_id: str, permissions: Iterable[str]
) -> frozenset[str]:
    """Those of ``permissions``, such as ``ADMINISTER``, that the account has on the site."""
    wanted = frozenset(permissions)
    granted = (await _check(client, account_id, {"globalPermissions": sorted(wanted)})).get(
        "globalPermissions"
    )
    names = granted if isinstance(granted, list) else []
    return wanted.intersection(name for name in names if isinstance(name, str))


async def own(
    client: JiraClient, permissions: Iterable[str], issue_id: str | None = None
) -> frozenset[str]:
    """Those of ``permissions`` that whoever the client calls as has, on the issue or the site."""
    wanted = frozenset(permissions)
    params: dict[str, str] = {"permissions": ",".join(sorted(wanted))}
    if issue_id:
        params["issueId"] = issue_id
    answer = await _asked(client, "GET", "/rest/api/3/mypermissions", params=params)
    told = answer.get("permissions") if isinstance(answer, dict) else None
    held = told if isinstance(told, dict) else {}
    return wanted.intersection(
        name
        for name, permission in held.items()
        if isinstance(permission, dict) and permission.get("havePermission") is True
    )


async def _has(client: JiraClient, account_id: str, issue_key: str, permission: str) -> bool:
    """Whether a search for who has the permission on the issue finds the account.

    An app's own token may not ask what another may do, and may search where it administers the
    project, as the role of add-ons does.
    """
    if not account_id:
        return False
    params: dict[str, str | int] = {
        "accountId": account_id,
        "issueKey": issue_key,
        "permissions": permission,
        "maxResults": MOST_USERS,
    }
    answer = await _asked(client, "GET", "/rest/api/3/user/permission/search", params=params)
    users = answer if isinstance(answer, list) else []
    return any(isinstance(each, dict) and each.get("accountId") == account_id for each in users)


async def _on(
    client: JiraClient,
    account_id: str,
    kind: Literal["issues", "projects"],
    object_id: str,
    permissions: Iterable[str],
) -> frozenset[str]:
    wanted = frozenset(permissions)
    if not (object_id.isascii() and object_id.isdigit() and len(object_id) < 19):
        return NONE
    asked = {"permissions": sorted(wanted), kind: [int(object_id)]}
    granted = (await _check(client, account_id, {"projectPermissions": [asked]})).get(
        "projectPermissions"
    )
    return wanted.intersection(
        grant["permission"]
        for grant in (granted if isinstance(granted, list) else [])
        if isinstance(grant, dict)
        and isinstance(grant.get("permission"), str)
        and _names(grant.get(kind), int(object_id))
    )


def _names(listed: object, wanted: int) -> bool:
    """Whether an id is in a list of ids, as numbers or as text; ``true`` is not the id 1."""
    ids = listed if isinstance(listed, list) else []
    return any(type(each) in {int, str} and str(each) == str(wanted) for each in ids)


async def _check(
    client: JiraClient, account_id: str, asked: dict[str, object]
) -> dict[str, object]:
    if not account_id:
        return {}
    answer = await _asked(
        client, "POST", "/rest/api/3/permissions/check", json={"accountId": account_id, **asked}
    )
    return answer if isinstance(answer, dict) else {}


async def _asked(
    client: JiraClient,
    method: str,
    path: str,
    *,
    params: Params | None = None,
    json: object = None,
) -> object:
    """The answer; None where it is a no."""
    try:
        return await client.request(
            "check permissions", method, path, params=params, json=json, idempotent=True
        )
    except (JiraUnavailable, JiraRateLimited):
        raise
    except JiraError:
        return None
