"""Projects and their types, read from whatever Jira answers."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from app.errors import JiraError, JiraNotFound, JiraUnavailable
from app.jira import projects
from tests.jira.doubles import BASE, JSON_VALUES, FakeJira, ok, status
from tests.support.clock import FakeClock

COMPONENTS = Path(__file__).parents[1] / "data" / "jira-rest-components.json"
SEARCH = "/rest/api/3/project/search"
OPS = {
    "self": f"{BASE}/rest/api/3/project/10000",
    "id": "10000",
    "key": "OPS",
    "name": "Operations",
    "projectTypeKey": "software",
    "issueTypes": [
        {"self": f"{BASE}/rest/api/3/issuetype/1", "id": "1", "name": "Task", "subtask": False}
    ],
}
SUP = {**OPS, "id": "10001", "key": "SUP", "name": "Support", "projectTypeKey": "service_desk"}


def page(*values: Any, last: bool = True) -> dict[str, Any]:
    return {"startAt": 0, "maxResults": 50, "isLast": last, "values": list(values)}


def test_what_these_tests_answer_is_what_atlassians_document_says() -> None:
    document = json.loads(COMPONENTS.read_text())
    schema = document | {"$ref": "#/components/schemas/PageBeanProject"}
    Draft202012Validator(schema).validate(page(OPS, SUP))


async def test_projects_are_searched_with_their_types(jira: FakeJira) -> None:
    jira.on("GET", SEARCH, ok(page(OPS, SUP, last=False)))

    found = await projects.search(jira.client, "op")

    ops, sup = found.projects
    assert (ops.id, ops.key, ops.name, ops.service) == ("10000", "OPS", "Operations", False)
    assert [(one.id, one.name) for one in ops.types] == [("1", "Task")]
    assert sup.service is True
    assert found.more is True
    asked = jira.query(0)
    assert asked == {
        "action": "browse", "orderBy": "key", "expand": "issueTypes", "maxResults": "50",
        "query": "op",
    }  # fmt: skip


async def test_without_words_every_project_is_meant(jira: FakeJira) -> None:
    jira.on("GET", SEARCH, ok(page()))

    assert await projects.search(jira.client) == projects.Found((), more=False)
    assert "query" not in jira.query(0)


async def test_one_project_goes_by_its_id_alone(jira: FakeJira) -> None:
    jira.on("GET", "/rest/api/3/project/10000", ok(OPS))
    jira.on("GET", "/rest/api/3/project/OPS", ok(OPS))
    jira.on("GET", "/rest/api/3/project/9", status(404))

    assert (await projects.project(jira.client, "10000")).key == "OPS"
    for name in ("OPS", "9", "../myself", ""):
        with pytest.raises(JiraNotFound):
            await projects.project(jira.client, name)


async def test_half_a_project_is_left_out_and_no_page_is_no_answer(jira: FakeJira) -> None:
    half = {"id": "1", "issueTypes": [None, {"name": "no id"}]}
    bare = {"id": "10002", "key": "BARE"}
    jira.on("GET", SEARCH, ok(page(half, None, bare)))

    [found] = (await projects.search(jira.client)).projects
    assert found == projects.Project("10002", "BARE", "BARE", None, ())

    jira.on("GET", "/rest/api/3/project/10003", ok({"id": "10003"}))
    with pytest.raises(JiraUnavailable):
        await projects.project(jira.client, "10003")


@given(JSON_VALUES)
async def test_whatever_is_answered_is_a_page_or_an_error_of_ours(answer: Any) -> None:
    jira = FakeJira(FakeClock())
    jira.on("GET", SEARCH, ok(answer))
    with contextlib.suppress(JiraError):
        await projects.search(jira.client)
