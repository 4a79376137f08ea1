"""Issues that changed of late, searched page by page."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from app.errors import JiraError, JiraRefused, JiraUnavailable
from app.jira.changes import MOST_NAMED, Where, updated_within
from app.jira.client import MAX_ANSWER
from app.jira.types import Issue
from tests.jira.doubles import JSON_VALUES, FakeJira, ok, status
from tests.support.clock import FakeClock

COMPONENTS = Path(__file__).parents[1] / "data" / "jira-rest-components.json"
SEARCH = "/rest/api/3/search/jql"
EVERYWHERE = Where()


def issue(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "key": f"OPS-{number}",
        "fields": {
            "project": {"id": "10000", "key": "OPS"},
            "created": "2026-11-22T10:00:00.000+0000",
            "updated": "2026-11-22T10:59:00.123+0000",
        },
    }


def page(*numbers: int, token: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"issues": [issue(one) for one in numbers], "isLast": token is None}
    return found if token is None else {**found, "nextPageToken": token}


async def all_of(jira: FakeJira, where: Where = EVERYWHERE) -> list[str]:
    pages = [found async for found in updated_within(jira.client, 7, where)]
    return [each.id for found in pages for each in found]


def test_what_these_tests_answer_is_what_atlassians_document_says() -> None:
    document = json.loads(COMPONENTS.read_text())
    schema = document | {"$ref": "#/components/schemas/SearchAndReconcileResults"}
    Draft202012Validator(schema).validate(page(1, 2, token="next"))


async def test_pages_are_read_one_after_another(jira: FakeJira) -> None:
    jira.on("GET", SEARCH, ok(page(1, 2, token="a")), ok(page(3, token="b")), ok(page(4)))

    assert await all_of(jira) == ["1", "2", "3", "4"]
    assert [jira.query(at).get("nextPageToken") for at in range(3)] == [None, "a", "b"]
    assert jira.query(0)["jql"] == 'updated >= "-7m" ORDER BY updated ASC'
    assert jira.query(0)["maxResults"] == "50"


@pytest.mark.parametrize(
    ("where", "clause"),
    [
        (Where(), ""),
        (Where(only=frozenset({"9", "10000"})), "project in (9,10000)"),
        (Where(but=frozenset({"10001"})), "project not in (10001)"),
        (Where(only=frozenset({"10000) OR (id > 0"})), ""),
        (Where(only=frozenset(str(one) for one in range(MOST_NAMED + 1))), ""),
    ],
)
def test_projects_are_named_where_they_can_be(where: Where, clause: str) -> None:
    assert where.clause() == clause


async def test_where_jira_refuses_a_project_it_is_asked_about_all(jira: FakeJira) -> None:
    jira.on("GET", SEARCH, status(400), ok(page(1)))

    assert await all_of(jira, Where(only=frozenset({"99"}))) == ["1"]
    assert "project" not in jira.query(1)["jql"]


async def test_a_search_that_is_refused_in_any_form_ends(jira: FakeJira) -> None:
    jira.on("GET", SEARCH, status(400))

    with pytest.raises(JiraRefused):
        await all_of(jira, Where(only=frozenset({"99"})))
    assert len(jira.requests) == 2


async def test_a_page_that_is_too_long_is_read_in_smaller_ones(jira: FakeJira) -> None:
    long = {**page(1), "names": {"x": "x" * MAX_ANSWER}}
    jira.on("GET", SEARCH, ok(long), ok(long), ok(page(1)))

    assert await all_of(jira) == ["1"]
    assert [jira.query(at)["maxResults"] for at in (0, -1)] == ["50", "10"]


async def test_an_issue_that_cannot_be_read_hides_none_behind_it(jira: FakeJira) -> None:
    jira.on("GET", SEARCH, ok({"issues": [{"id": "1"}, issue(2)], "isLast": True}))

    assert await all_of(jira) == ["2"]


async def test_the_same_page_for_ever_is_no_answer(jira: FakeJira) -> None:
    jira.on("GET", SEARCH, ok(page(1, token="a")))

    with pytest.raises(JiraUnavailable):
        await all_of(jira)
    assert len(jira.requests) == 2


@given(answer=JSON_VALUES)
async def test_whatever_jira_answers_is_issues_or_an_error_of_ours(answer: Any) -> None:
    jira = FakeJira(FakeClock())
    jira.on("GET", SEARCH, ok(answer))
    with contextlib.suppress(JiraError):
        async for found in updated_within(jira.client, 7, EVERYWHERE):
            assert all(isinstance(each, Issue) for each in found)
