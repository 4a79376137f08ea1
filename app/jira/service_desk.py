"""Who else asks in a service project: participants, approvers, members of organisations.

Where Jira does not show a list (403), or the issue is no request (404), it is empty.
"""

from __future__ import annotations

import structlog

from app.errors import JiraDenied, JiraNotFound, JiraUnavailable
from app.jira.client import JiraClient, segment

log = structlog.get_logger(__name__)

PAGE = 50
MOST_PAGES = 20
MOST_ORGANISATIONS = 20
ORGANISATIONS = "com.atlassian.servicedesk:sd-customer-organizations"
# The field's id differs from site to site, so all fields are asked for with their schema, less
# those that are long.
FIELDS = "*all,-comment,-attachment,-worklog,-description,-issuelinks,-subtasks"


async def participants(client: JiraClient, issue_id: str) -> set[str]:
    """Account ids of the request's participants."""
    operation = "read participants"
    path = "/rest/servicedeskapi/request/{}/participant"
    return _account_ids(await _pages(client, operation, path, issue_id))


async def approvers(client: JiraClient, issue_id: str) -> set[str]:
    """Account ids of all who were ever asked to approve the request."""
    operation = "read approvers"
    path = "/rest/servicedeskapi/request/{}/approval"
    people: list[object] = []
    for approval in await _pages(client, operation, path, issue_id):
        listed = _object(approval).get("approvers")
        people += [
            _object(entry).get("approver") for entry in (listed if isinstance(listed, list) else [])
        ]
    return _account_ids(people)


async def organisation_members(client: JiraClient, issue_id: str) -> set[str]:
    """Account ids of the members of the organisations that the request is shared with.

    At most 20 organisations and 1,000 members of each are read.
    """
    operation = "read organisation members"
    found: set[str] = set()
    for organisation in (await _organisations(client, issue_id))[:MOST_ORGANISATIONS]:
        path = "/rest/servicedeskapi/organization/{}/user"
        found |= _account_ids(await _pages(client, operation, path, organisation))
    return found


async def _organisations(client: JiraClient, issue_id: str) -> list[str]:
    """Ids of the request's organisations, from the field that Service Management keeps them in."""
    operation = "read organisations"
    try:
        path = f"/rest/api/3/issue/{segment(operation, issue_id)}"
        answer = await client.request(
            operation, "GET", path, params={"fields": FIELDS, "expand": "schema"}
        )
    except (JiraDenied, JiraNotFound) as error:
        _only_hidden(error)
        return []
    fields, schema = (_object(_object(answer).get(name)) for name in ("fields", "schema"))
    found: list[str] = []
    for name, kind in schema.items():
        listed = fields.get(name)
        if _object(kind).get("custom") == ORGANISATIONS and isinstance(listed, list):
            ids = (_object(entry).get("id") for entry in listed)
            found += [str(each) for each in ids if isinstance(each, (str, int))]
    return found


async def _pages(client: JiraClient, operation: str, path: str, of: str) -> list[object]:
    """The values of all pages, 1,000 at most. ``of`` is the id that goes into ``path``."""
    found: list[object] = []
    for _ in range(MOST_PAGES):
        try:
            page = await client.request(
                operation,
                "GET",
                path.format(segment(operation, of)),
                params={"start": len(found), "limit": PAGE},
            )
        except (JiraDenied, JiraNotFound) as error:
            _only_hidden(error)
            return []
        values = _object(page).get("values")
        if not isinstance(values, list):
            raise JiraUnavailable(operation, 200)
        found += values
        if not values or _object(page).get("isLastPage") is True:
            return found
    log.warning("service_desk_list_cut", tenant=client.tenant, operation=operation)
    return found


def _only_hidden(error: JiraDenied | JiraNotFound) -> None:
    """Raise a 401 again: it is about the app, not about the list."""
    if error.status == 401:
        raise error


def _account_ids(people: list[object]) -> set[str]:
    ids = (_object(person).get("accountId") for person in people)
    return {each for each in ids if isinstance(each, str) and each}


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
