"""Jira by a token that Forge handed to us: as the app, and as a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.errors import JiraDenied, JiraRateLimited, JiraTokenMissing, JiraUnavailable
from app.jira import comments, permissions
from app.jira.auth import SPENT_BEFORE, BearerAuthorizer
from app.jira.client import JiraClient, bearer_client
from tests.jira.doubles import AGNES, RITA, Answer, FakeJira, account, ok, status
from tests.support.clock import FakeClock

API_BASE = "https://api.atlassian.com/ex/jira/c10ad1d0"
MYSELF, MINE = "/rest/api/3/myself", "/rest/api/3/mypermissions"
SEARCH = "/rest/api/3/user/permission/search"
TOKEN = "a-token-of-forges"
HOUR = timedelta(hours=1)


class Forge:
    """A Jira that is called by a token, which ends in an hour."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.jira = FakeJira(clock)
        self.client = self.by(TOKEN, clock.now() + HOUR)

    def by(self, token: str | None, ends: datetime | None) -> JiraClient:
        return bearer_client(
            "tenant-1",
            API_BASE,
            BearerAuthorizer(token, ends, self.clock),
            http=httpx2.AsyncClient(transport=httpx2.MockTransport(self.jira._answer)),
            clock=self.clock,
            limits=self.jira.limits,
        )

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self.jira.on(method, f"/ex/jira/c10ad1d0{path}", *answers)


@pytest.fixture
def forge(clock: FakeClock) -> Forge:
    return Forge(clock)


def held(**names: object) -> httpx2.Response:
    return ok({"permissions": {name: {"havePermission": has} for name, has in names.items()}})


async def test_the_token_goes_to_the_api_base_and_nowhere_else(forge: Forge) -> None:
    forge.on("GET", MYSELF, ok(account(RITA)))
    assert (await comments.myself(forge.client)).account_id == RITA
    [request] = forge.jira.requests
    assert str(request.url) == f"{API_BASE}{MYSELF}"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("left", [timedelta(), SPENT_BEFORE - timedelta(seconds=1), -HOUR])
async def test_a_token_that_is_about_to_end_is_not_sent(forge: Forge, left: timedelta) -> None:
    client = forge.by(TOKEN, forge.clock.now() + left)
    with pytest.raises(JiraTokenMissing):
        await comments.myself(client)
    assert forge.jira.requests == []


async def test_where_none_ever_came_nothing_is_sent(forge: Forge) -> None:
    for client in (forge.by(None, None), forge.by(TOKEN, None)):
        with pytest.raises(JiraTokenMissing):
            await comments.myself(client)
    assert forge.jira.requests == []


async def test_a_token_ends_while_its_client_lives_on(forge: Forge) -> None:
    forge.on("GET", MYSELF, ok(account(RITA)))
    await comments.myself(forge.client)
    forge.clock.advance(HOUR.total_seconds())
    with pytest.raises(JiraTokenMissing):
        await comments.myself(forge.client)


async def test_a_401_means_the_token_and_is_not_tried_again(forge: Forge) -> None:
    forge.on("GET", MYSELF, status(401))
    with pytest.raises(JiraTokenMissing):
        await comments.myself(forge.client)
    assert len(forge.jira.requests) == 1
    forge.on("GET", MYSELF, status(403))
    with pytest.raises(JiraDenied):
        await comments.myself(forge.client)


# --- what a person may do -------------------------------------------------------------------


async def test_a_person_is_told_of_own_permissions_on_the_issue(forge: Forge) -> None:
    forge.on("GET", MINE, held(BROWSE_PROJECTS=True, ADD_COMMENTS=False, EDIT_ISSUES=True))
    wanted = ["BROWSE_PROJECTS", "ADD_COMMENTS"]
    assert await permissions.own(forge.client, wanted, "10010") == {"BROWSE_PROJECTS"}
    assert forge.jira.query() == {
        "permissions": "ADD_COMMENTS,BROWSE_PROJECTS", "issueId": "10010",
    }  # fmt: skip


async def test_and_of_those_on_the_site(forge: Forge) -> None:
    forge.on("GET", MINE, held(ADMINISTER=True))
    assert await permissions.own(forge.client, ["ADMINISTER"]) == {"ADMINISTER"}
    assert forge.jira.query() == {"permissions": "ADMINISTER"}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        {},
        {"permissions": None},
        {"permissions": []},
        {"permissions": {"ADMINISTER": True}},
        {"permissions": {"ADMINISTER": {"havePermission": "true"}}},
        {"permissions": {"ADMINISTER": {"havePermission": 1}}},
        {"permissions": {"ADMINISTER": {}}},
        {"permissions": {"BROWSE_PROJECTS": {"havePermission": True}}},
    ],
)
async def test_what_jira_does_not_clearly_grant_is_denied(forge: Forge, odd: Any) -> None:
    forge.on("GET", MINE, ok(odd))
    assert await permissions.own(forge.client, ["ADMINISTER"]) == frozenset()


@pytest.mark.parametrize("code", [400, 403, 404])
async def test_an_issue_that_is_hidden_grants_nothing(forge: Forge, code: int) -> None:
    forge.on("GET", MINE, status(code))
    assert await permissions.own(forge.client, ["BROWSE_PROJECTS"], "10010") == frozenset()


@pytest.mark.parametrize(
    ("code", "error"),
    [(401, JiraTokenMissing), (503, JiraUnavailable), (429, JiraRateLimited)],
)
async def test_an_answer_that_cannot_be_had_is_no_answer(
    forge: Forge, code: int, error: type[Exception]
) -> None:
    forge.on("GET", MINE, status(code))
    with pytest.raises(error):
        await permissions.own(forge.client, ["ADMINISTER"])


# --- what anybody may do, asked as the app --------------------------------------------------


async def test_who_works_an_issue_is_searched_for_by_its_key(forge: Forge) -> None:
    forge.on("GET", SEARCH, ok([account(AGNES)]))
    found = await permissions.permitted(forge.client, AGNES, "10010", ["EDIT_ISSUES"], key="OPS-1")
    assert found == {"EDIT_ISSUES"}
    asked = forge.jira.query()
    assert (asked["accountId"], asked["issueKey"], asked["permissions"]) == (
        AGNES, "OPS-1", "EDIT_ISSUES",
    )  # fmt: skip


@pytest.mark.parametrize("odd", [[], {}, None, [account(RITA)], [7], [{"accountId": None}], "x"])
async def test_whoever_is_not_found_has_no_permission(forge: Forge, odd: Any) -> None:
    forge.on("GET", SEARCH, ok(odd))
    found = await permissions.permitted(forge.client, AGNES, "10010", ["EDIT_ISSUES"])
    assert found == frozenset()


async def test_nobody_is_not_searched_for(forge: Forge) -> None:
    assert await permissions.permitted(forge.client, "", "10010", ["EDIT_ISSUES"]) == frozenset()
    assert forge.jira.requests == []
