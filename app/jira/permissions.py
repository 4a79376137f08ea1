"""What somebody may do, asked of Jira each time. What Jira does not grant is denied.

An answer that cannot be had is no answer: ``JiraUnavailable`` and ``JiraRateLimited`` pass
through. Any other error is a no. Jira refuses a question that names one permission it does not
know: ask for ``SERVICEDESK_AGENT`` by itself, since a site may have no Service Management.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from app.errors import JiraError, JiraRateLimited, JiraUnavailable
from app.jira.client import JiraClient

NONE: frozenset[str] = frozenset()


async def permitted(
    client: JiraClient, account_id: str, issue_id: str, permissions: Iterable[str]
) -> frozenset[str]:
    """Those of ``permissions`` that the account has on the issue, by its numeric id."""
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
    try:
        answer = await client.request(
            "check permissions",
            "POST",
            "/rest/api/3/permissions/check",
            json={"accountId": account_id, **asked},
            idempotent=True,
        )
    except (JiraUnavailable, JiraRateLimited):
        raise
    except JiraError:
        return {}
    return answer if isinstance(answer, dict) else {}
