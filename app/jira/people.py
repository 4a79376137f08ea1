"""What people are called, asked of Jira each time it is shown; nobody's name is stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.errors import JiraDenied, JiraNotFound, JiraRefused, JiraUnavailable
from app.jira.client import JiraClient, Params
from app.jira.types import Account

MOST = 90
"""Account ids in one question: more of them would make a URL that proxies cut."""


async def names(client: JiraClient, account_ids: Collection[str]) -> dict[str, str]:
    """The display names of at most ``MOST`` accounts, by id; whom Jira does not show is left out.

    It costs a point, and one for each account that is found.

    Raises:
        JiraError: Jira does not say.
    """
    operation = "read names"
    if not account_ids:
        return {}
    if len(account_ids) > MOST:
        raise ValueError(f"at most {MOST} accounts in one question")
    asked: Params = {"accountId": sorted(account_ids), "maxResults": len(account_ids)}
    answer = await client.request(operation, "GET", "/rest/api/3/user/bulk", params=asked)
    values = answer.get("values") if isinstance(answer, dict) else None
    if not isinstance(values, list):
        raise JiraUnavailable(operation, 200)
    return {
        each["accountId"]: each["displayName"]
        for each in values
        if isinstance(each, dict)
        and each.get("accountId") in account_ids
        and isinstance(each.get("displayName"), str)
    }


@dataclass(frozen=True)
class Person:
    """Somebody as Jira shows him; ``account`` also tells a customer from a member of the site."""

    account: Account
    name: str | None


async def person(client: JiraClient, account_id: str) -> Person:
    """One person; without a name where Jira knows nobody by that id, or does not say who it is.

    Raises:
        JiraError: Jira does not answer.
    """
    operation = "read person"
    params = {"accountId": account_id}
    try:
        answer = await client.request(operation, "GET", "/rest/api/3/user", params=params)
        account = Account.of(answer)
    except (JiraDenied, JiraNotFound, JiraRefused) as error:
        if error.status == 401:  # which is about the app
            raise
        return Person(Account(account_id=account_id), None)
    except ValueError:
        raise JiraUnavailable(operation, 200) from None
    name = answer.get("displayName") if isinstance(answer, dict) else None
    return Person(account, name if isinstance(name, str) and name.strip() else None)
