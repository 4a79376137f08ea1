"""Names, asked of Jira and judged."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import JiraDenied, JiraUnavailable
from app.jira import people
from tests.jira.doubles import AGNES, RITA, FakeJira, account, ok, status

BULK = "/rest/api/3/user/bulk"


def page(*values: object) -> Any:
    return ok({"startAt": 0, "maxResults": 90, "isLast": True, "values": list(values)})


async def test_names_are_asked_for_at_once(jira: FakeJira) -> None:
    jira.on("GET", BULK, page(account(RITA), {**account(AGNES), "displayName": "Agnes"}))
    assert await people.names(jira.client, {AGNES, RITA}) == {RITA: "Somebody", AGNES: "Agnes"}
    assert jira.requests[0].url.params.get_list("accountId") == [AGNES, RITA]
    assert jira.query()["maxResults"] == "2"
    assert jira.limits.snapshot() == {"tenant-1": 3}


async def test_for_nobody_nothing_is_asked(jira: FakeJira) -> None:
    assert await people.names(jira.client, []) == {}
    assert jira.requests == []


async def test_whom_jira_does_not_show_has_no_name(jira: FakeJira) -> None:
    odd = [None, 5, {}, {"accountId": RITA}, {"accountId": RITA, "displayName": 5}]
    jira.on("GET", BULK, page(*odd, account("712020:somebody-else")))
    assert await people.names(jira.client, [RITA]) == {}


@pytest.mark.parametrize("answer", [[], {}, {"values": {}}, None, "x"])
async def test_what_is_no_page_is_no_answer(jira: FakeJira, answer: object) -> None:
    jira.on("GET", BULK, ok(answer))
    with pytest.raises(JiraUnavailable):
        await people.names(jira.client, [RITA])


async def test_a_refusal_is_told(jira: FakeJira) -> None:
    jira.on("GET", BULK, status(403))
    with pytest.raises(JiraDenied):
        await people.names(jira.client, [RITA])


async def test_more_than_a_url_can_hold_are_not_asked_for(jira: FakeJira) -> None:
    with pytest.raises(ValueError, match="90"):
        await people.names(jira.client, [f"a{at}" for at in range(91)])
