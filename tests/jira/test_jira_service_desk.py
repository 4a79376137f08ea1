"""Who else asks, and who may do what."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from hypothesis import given
from jsonschema import Draft7Validator

from app.errors import JiraDenied, JiraError, JiraRateLimited, JiraUnavailable
from app.jira import permissions, service_desk
from tests.jira.doubles import (
    AGNES,
    JSON_VALUES,
    RITA,
    FakeJira,
    account,
    issue,
    ok,
    status,
)
from tests.jira.test_jira_types import SCHEMAS
from tests.support.clock import FakeClock

REQUEST = "/rest/servicedeskapi/request/10010"
ISSUE = "/rest/api/3/issue/10010"
CHECK = "/rest/api/3/permissions/check"


def pages(*values: object, size: int = 2) -> Any:
    """Answers as Service Management does, by page of ``size``."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        start = int(request.url.params["start"])
        part = list(values[start : start + size])
        last = start + size >= len(values)
        return ok({"start": start, "size": len(part), "isLastPage": last, "values": part})

    return answer


def shared_with(*organisations: object) -> httpx2.Response:
    answer = issue(customfield_10002=list(organisations), customfield_10003=[{"id": "9"}])
    kinds = {
        "customfield_10002": {
            "type": "array",
            "items": "sd-customerorganization",
            "custom": "com.atlassian.servicedesk:sd-customer-organizations",
            "customId": 10002,
        },
        "customfield_10003": {"type": "array", "custom": "com.example:other", "customId": 10003},
        "summary": {"type": "string", "system": "summary"},
    }
    return ok(answer | {"schema": kinds})


async def test_participants_come_from_every_page(jira: FakeJira) -> None:
    people = [account(f"person-{n}") for n in range(5)]
    jira.on("GET", f"{REQUEST}/participant", pages(*people))
    found = await service_desk.participants(jira.client, "10010")
    assert found == {f"person-{n}" for n in range(5)}
    assert len(jira.requests) == 3


async def test_approvers_are_those_of_all_approvals(jira: FakeJira) -> None:
    first = {"id": "1", "approvers": [{"approver": account(RITA), "approverDecision": "approved"}]}
    second = {"id": "2", "approvers": [{"approver": account(AGNES)}, {"approver": None}, "odd"]}
    jira.on("GET", f"{REQUEST}/approval", pages(first, second))
    assert await service_desk.approvers(jira.client, "10010") == {RITA, AGNES}


async def test_organisations_are_found_by_the_kind_of_their_field(jira: FakeJira) -> None:
    jira.on("GET", ISSUE, shared_with({"id": "1", "name": "Acme"}, {"id": 2}))
    jira.on("GET", "/rest/servicedeskapi/organization/1/user", pages(account("a"), account("b")))
    jira.on("GET", "/rest/servicedeskapi/organization/2/user", pages(account("b"), account("c")))
    assert await service_desk.organisation_members(jira.client, "10010") == {"a", "b", "c"}
    assert jira.query(0)["expand"] == "schema"
    assert "/rest/servicedeskapi/organization/9/user" not in " ".join(jira.calls)


async def test_an_organisation_that_is_hidden_hides_no_other(jira: FakeJira) -> None:
    jira.on("GET", ISSUE, shared_with({"id": "1"}, {"id": "../2"}, {"id": "3"}))
    jira.on("GET", "/rest/servicedeskapi/organization/1/user", status(403))
    jira.on("GET", "/rest/servicedeskapi/organization/3/user", pages(account("c")))
    assert await service_desk.organisation_members(jira.client, "10010") == {"c"}


async def test_a_request_that_is_shared_with_nobody_has_no_members(jira: FakeJira) -> None:
    jira.on("GET", ISSUE, ok(issue()))
    assert await service_desk.organisation_members(jira.client, "10010") == set()
    assert len(jira.requests) == 1


READERS = [service_desk.participants, service_desk.approvers, service_desk.organisation_members]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("code", [403, 404])
async def test_what_is_not_shown_is_empty(jira: FakeJira, read: Any, code: int) -> None:
    for path in (f"{REQUEST}/participant", f"{REQUEST}/approval", ISSUE):
        jira.on("GET", path, status(code))
    assert await read(jira.client, "10010") == set()


@pytest.mark.parametrize("read", READERS)
async def test_an_app_that_is_shut_out_is_told_so(jira: FakeJira, read: Any) -> None:
    for path in (f"{REQUEST}/participant", f"{REQUEST}/approval", ISSUE):
        jira.on("GET", path, status(401))
    with pytest.raises(JiraDenied):
        await read(jira.client, "10010")


async def test_a_list_without_an_end_is_cut(jira: FakeJira) -> None:
    endless = {"isLastPage": False, "values": [account(RITA)] * 50}
    jira.on("GET", f"{REQUEST}/participant", ok(endless))
    assert await service_desk.participants(jira.client, "10010") == {RITA}
    assert len(jira.requests) == 20


@given(JSON_VALUES)
async def test_whatever_service_management_answers_the_caller_is_safe(value: object) -> None:
    jira = FakeJira(FakeClock())
    for path in (f"{REQUEST}/participant", f"{REQUEST}/approval", ISSUE):
        jira.on("GET", path, ok(value))
    for read in READERS:
        try:
            found = await read(jira.client, "10010")
        except JiraError:
            continue
        assert all(isinstance(each, str) for each in found)


def grants(*named: tuple[str, list[object]], kind: str = "issues") -> httpx2.Response:
    empty: dict[str, list[object]] = {"issues": [], "projects": []}
    listed = [{"permission": name, **empty, kind: ids} for name, ids in named]
    return ok({"globalPermissions": [], "projectPermissions": listed})


async def test_only_what_is_granted_on_this_issue_is_permitted(jira: FakeJira) -> None:
    answer = grants(
        ("BROWSE_PROJECTS", [10010, 7]), ("ADD_COMMENTS", [7]), ("EDIT_ISSUES", [10010])
    )
    jira.on("POST", CHECK, answer)
    wanted = {"BROWSE_PROJECTS", "ADD_COMMENTS"}
    assert await permissions.permitted(jira.client, RITA, "10010", wanted) == {"BROWSE_PROJECTS"}
    assert jira.sent() == {
        "accountId": RITA,
        "projectPermissions": [
            {"permissions": ["ADD_COMMENTS", "BROWSE_PROJECTS"], "issues": [10010]}
        ],
    }
    schema = SCHEMAS | {"$ref": "#/components/schemas/BulkPermissionsRequestBean"}
    Draft7Validator(schema).validate(jira.sent())


async def test_rights_in_a_project_are_asked_by_its_id(jira: FakeJira) -> None:
    jira.on("POST", CHECK, grants(("SERVICEDESK_AGENT", [10001]), kind="projects"))
    asked = permissions.permitted_in_project(jira.client, AGNES, "10001", {"SERVICEDESK_AGENT"})
    assert await asked == {"SERVICEDESK_AGENT"}
    assert jira.sent()["projectPermissions"][0]["projects"] == [10001]


async def test_a_grant_on_a_project_is_none_on_an_issue_of_that_number(jira: FakeJira) -> None:
    jira.on("POST", CHECK, grants(("BROWSE_PROJECTS", [10010]), kind="projects"))
    assert not await permissions.permitted(jira.client, RITA, "10010", {"BROWSE_PROJECTS"})


@pytest.mark.parametrize("ids", [[True], ["01"], ["1 "], [1.0], [None], [[1]]])
async def test_nothing_but_the_id_itself_grants(jira: FakeJira, ids: list[object]) -> None:
    jira.on("POST", CHECK, grants(("BROWSE_PROJECTS", ids)))
    assert not await permissions.permitted(jira.client, RITA, "1", {"BROWSE_PROJECTS"})


async def test_an_id_as_text_grants_as_well(jira: FakeJira) -> None:
    jira.on("POST", CHECK, grants(("BROWSE_PROJECTS", ["1"])))
    assert await permissions.permitted(jira.client, RITA, "1", {"BROWSE_PROJECTS"})


async def test_administrators_are_told_by_jira(jira: FakeJira) -> None:
    jira.on("POST", CHECK, ok({"globalPermissions": ["ADMINISTER"], "projectPermissions": []}))
    found = await permissions.global_permitted(jira.client, AGNES, {"ADMINISTER", "SYSTEM_ADMIN"})
    assert found == {"ADMINISTER"}


@pytest.mark.parametrize("code", [400, 401, 403, 404])
async def test_a_refusal_denies(jira: FakeJira, code: int) -> None:
    jira.on("POST", CHECK, status(code))
    assert not await permissions.permitted(jira.client, RITA, "10010", {"BROWSE_PROJECTS"})
    assert not await permissions.global_permitted(jira.client, RITA, {"ADMINISTER"})


@pytest.mark.parametrize(("code", "error"), [(503, JiraUnavailable), (429, JiraRateLimited)])
async def test_no_answer_is_no_denial(jira: FakeJira, code: int, error: type[JiraError]) -> None:
    jira.on("POST", CHECK, status(code))
    with pytest.raises(error):
        await permissions.permitted(jira.client, RITA, "10010", {"BROWSE_PROJECTS"})


@pytest.mark.parametrize("issue_id", ["SUP-3", "", "-1", "²", "1" * 30])
async def test_an_issue_without_a_number_is_denied_unasked(jira: FakeJira, issue_id: str) -> None:
    assert not await permissions.permitted(jira.client, RITA, issue_id, {"BROWSE_PROJECTS"})
    assert jira.requests == []


async def test_nobody_has_no_rights(jira: FakeJira) -> None:
    assert not await permissions.global_permitted(jira.client, "", {"ADMINISTER"})
    assert jira.requests == []


@given(JSON_VALUES)
async def test_odd_answers_grant_nothing(value: object) -> None:
    jira = FakeJira(FakeClock())
    for answer in (value, {"globalPermissions": value, "projectPermissions": value}):
        jira.on("POST", CHECK, ok(answer))
        assert not await permissions.permitted(jira.client, RITA, "10010", {"BROWSE_PROJECTS"})
        assert not await permissions.global_permitted(jira.client, RITA, {"ADMINISTER"})
