"""Issues and comments: read, written, found again."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from app.errors import (
    JiraDenied,
    JiraError,
    JiraNotFound,
    JiraRateLimited,
    JiraRefused,
    JiraUnavailable,
)
from app.jira import comments
from app.jira.types import Account
from tests.jira.doubles import (
    AGNES,
    JSON_VALUES,
    OURS,
    RITA,
    FakeJira,
    account,
    comment,
    document,
    issue,
    ok,
    page,
    status,
)
from tests.jira.test_jira_types import SCHEMAS
from tests.support.clock import START, FakeClock

LIST = "/rest/api/3/issue/10010/comment"
MARK = {"turn_id": "turn-1", "thread_id": "th-1", "item_id": "it-1", "role": "assistant"}


def minute(number: int) -> str:
    """Written as Jira writes it: ``number`` minutes after the clock's start."""
    return (START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def listing(*stored: dict[str, Any], cap: int = 100) -> Any:
    """Answers as Jira lists comments: by page, newest first, at most ``cap`` of them."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        query = dict(request.url.params)
        assert query["orderBy"] == "-created"
        start, size = int(query["startAt"]), min(int(query["maxResults"]), cap)
        newest = sorted(stored, key=lambda each: str(each["created"]), reverse=True)
        return ok(page(*newest[start : start + size], total=len(stored), start=start))

    return answer


async def test_who_we_are(jira: FakeJira) -> None:
    jira.on("GET", "/rest/api/3/myself", ok(account(OURS, "app")))
    assert await comments.myself(jira.client) == Account(account_id=OURS, account_type="app")


async def test_an_issue_is_asked_for_its_few_fields(jira: FakeJira) -> None:
    jira.on("GET", "/rest/api/3/issue/SUP-3", ok(issue()))
    read = await comments.issue(jira.client, "SUP-3")
    assert read.id == "10010"
    assert "summary" in jira.query()["fields"].split(",")
    assert "comment" not in jira.query()["fields"].split(",")


async def test_comments_are_had_by_id_at_once(jira: FakeJira) -> None:
    said = comment("7", mark=MARK)
    elsewhere = comment("8") | {
        "self": "https://acme.atlassian.net/rest/api/3/issue/10011/comment/8"
    }
    values = [said, elsewhere, comment("9") | {"created": "?"}, "?", comment("10")]
    jira.on("POST", "/rest/api/3/comment/list", ok({"values": values, "isLast": True}))
    read = await comments.comments_by_id(jira.client, "10010", ["7", "8", "9", "x", "²"])
    assert [(each.id, each.properties_known) for each in read] == [("7", True)]
    assert jira.query() == {"expand": "properties"}
    assert jira.sent() == {"ids": [7, 8, 9]}
    assert await comments.comments_by_id(jira.client, "10010", []) == []
    assert len(jira.calls) == 1


@pytest.mark.parametrize("answer", [status(404), status(403), status(503), ok([]), ok({})])
async def test_who_does_not_give_comments_by_id_is_asked_for_each(
    jira: FakeJira, answer: httpx2.Response
) -> None:
    jira.on("POST", "/rest/api/3/comment/list", answer)
    assert await comments.comments_by_id(jira.client, "10010", ["7"]) == []


async def test_comments_by_id_heed_jiras_wish_to_be_left_alone(jira: FakeJira) -> None:
    jira.on("POST", "/rest/api/3/comment/list", status(429, {"Retry-After": "7"}))
    with pytest.raises(JiraRateLimited):
        await comments.comments_by_id(jira.client, "10010", ["7"])


async def test_a_comment_comes_with_its_properties(jira: FakeJira) -> None:
    jira.on("GET", f"{LIST}/7", ok(comment("7", mark=MARK)))
    read = await comments.comment(jira.client, "10010", "7")
    assert jira.query() == {"expand": "properties"}
    assert await comments.mark_of(jira.client, read) == MARK
    assert len(jira.requests) == 1


async def test_the_newest_come_first_and_no_more_than_asked(jira: FakeJira) -> None:
    jira.on("GET", LIST, listing(*(comment(str(n), created=minute(n)) for n in range(80))))
    read = await comments.newest_comments(jira.client, "10010")
    assert [each.id for each in read] == [str(n) for n in range(79, 29, -1)]
    assert len(jira.requests) == 1


async def test_a_small_page_does_not_end_the_list(jira: FakeJira) -> None:
    stored = [comment(str(n), created=minute(n)) for n in range(20)]
    jira.on("GET", LIST, listing(*stored, cap=7))
    assert len(await comments.newest_comments(jira.client, "10010")) == 20
    assert len(jira.requests) == 3


async def test_comments_since_an_instant_are_all_there_and_no_older(jira: FakeJira) -> None:
    stored = [comment(str(n), created=minute(n)) for n in range(300)]
    jira.on("GET", LIST, listing(*stored))
    since = START + timedelta(minutes=150)
    read = await comments.comments_since(jira.client, "10010", since)
    assert [each.id for each in read] == [str(n) for n in range(299, 149, -1)]
    assert len(jira.requests) == 2


async def test_the_millisecond_of_since_counts(jira: FakeJira) -> None:
    jira.on("GET", LIST, listing(comment("1", created=minute(0)), comment("2", created=minute(1))))
    since = START + timedelta(microseconds=999)
    read = await comments.comments_since(jira.client, "10010", since)
    assert [each.id for each in read] == ["2", "1"]
    assert (
        len(await comments.comments_since(jira.client, "10010", since + timedelta(seconds=1))) == 1
    )


async def test_a_comment_that_comes_while_pages_are_read_doubles_nothing(jira: FakeJira) -> None:
    stored = [comment(str(n), created=minute(n)) for n in range(150)]
    late = comment("150", created=minute(150))
    jira.on("GET", LIST, listing(*stored), listing(*stored, late))
    read = await comments.comments_since(jira.client, "10010", START)
    assert [each.id for each in read] == [str(n) for n in range(149, -1, -1)]


async def test_in_one_millisecond_the_higher_id_is_newer(jira: FakeJira) -> None:
    stored = [comment(n, created=minute(0)) for n in ("9", "10", "11")]
    jira.on("GET", LIST, ok(page(*stored)))
    read = await comments.newest_comments(jira.client, "10010")
    assert [each.id for each in read] == ["11", "10", "9"]


async def test_a_list_without_an_end_is_left_at_jiras_own_cap(jira: FakeJira) -> None:
    def endless(request: httpx2.Request) -> httpx2.Response:
        start = int(request.url.params["startAt"])
        answer = page(*(comment(str(start + n)) for n in range(100)))
        return ok({key: value for key, value in answer.items() if key != "total"})

    jira.on("GET", LIST, endless)
    assert (
        len(await comments.comments_since(jira.client, "10010", START - timedelta(days=9))) == 5000
    )
    assert len(jira.requests) == 50


async def test_a_public_comment_is_posted_with_its_mark(jira: FakeJira) -> None:
    jira.on("POST", LIST, ok(comment("8", author=OURS), 201))
    posted = await comments.add_comment(
        jira.client, "10010", document("Because."), internal=False, mark=MARK
    )
    assert posted.id == "8"
    assert jira.sent() == {
        "body": document("Because."),
        "properties": [{"key": "jira-chatkit", "value": MARK}],
    }
    Draft7Validator(SCHEMAS | {"$ref": "#/components/schemas/Comment"}).validate(jira.sent())


async def test_an_internal_note_says_so_from_the_start(jira: FakeJira) -> None:
    jira.on("POST", LIST, ok(comment("8", author=OURS, jsdPublic=False), 201))
    await comments.add_comment(jira.client, "10010", document("x"), internal=True, mark=MARK)
    assert jira.sent()["properties"][1] == {"key": "sd.public.comment", "value": {"internal": True}}


async def test_a_full_issue_refuses(jira: FakeJira) -> None:
    jira.on("POST", LIST, status(413))
    with pytest.raises(JiraRefused) as caught:
        await comments.add_comment(jira.client, "10010", {}, internal=False, mark=MARK)
    assert caught.value.status == 413


async def test_a_comment_whose_answer_cannot_be_read_may_stand(jira: FakeJira) -> None:
    jira.on("POST", LIST, ok({"surprise": True}, 201))
    with pytest.raises(JiraUnavailable) as caught:
        await comments.add_comment(jira.client, "10010", {}, internal=False, mark=MARK)
    assert caught.value.maybe_done
    assert len(jira.requests) == 1


async def test_posting_keeps_within_the_issues_limit(jira: FakeJira, clock: FakeClock) -> None:
    jira.on("POST", LIST, ok(comment("8"), 201))
    for _ in range(5):
        for _ in range(20):
            await comments.add_comment(jira.client, "10010", {}, internal=False, mark=MARK)
        clock.advance(3)
    with pytest.raises(JiraRateLimited):
        await comments.add_comment(jira.client, "10010", {}, internal=False, mark=MARK)
    assert len(jira.requests) == 100


@pytest.mark.parametrize(
    ("public", "internal"), [(False, True), (True, False), (None, True), ("false", True)]
)
async def test_a_note_is_internal_unless_jira_calls_it_public(
    jira: FakeJira, *, public: object, internal: bool
) -> None:
    jira.on("GET", f"{LIST}/8", ok(comment("8", jsdPublic=public)))
    assert await comments.verify_internal(jira.client, "10010", "8") is internal


async def test_a_mark_that_was_not_sent_along_is_asked_for(jira: FakeJira) -> None:
    bare = comment("7")
    del bare["properties"]
    jira.on("GET", f"{LIST}/7", ok(bare))
    read = await comments.comment(jira.client, "10010", "7")
    assert await comments.mark_of(jira.client, read) is None
    jira.on(
        "GET",
        "/rest/api/3/comment/7/properties/jira-chatkit",
        ok({"key": "jira-chatkit", "value": MARK}),
    )
    assert await comments.mark_of(jira.client, read) == MARK


async def test_a_mark_that_may_not_be_seen_is_not_taken_for_none(jira: FakeJira) -> None:
    bare = comment("7")
    del bare["properties"]
    jira.on("GET", f"{LIST}/7", ok(bare))
    jira.on("GET", "/rest/api/3/comment/7/properties/jira-chatkit", status(403))
    read = await comments.comment(jira.client, "10010", "7")
    with pytest.raises(JiraDenied):
        await comments.mark_of(jira.client, read)


async def find(jira: FakeJira, **more: Any) -> str | None:
    found = await comments.find_marked(
        jira.client, "10010", "turn-1", since=START, own_account_id=OURS, **more
    )
    return found.id if found else None


async def test_our_comment_is_found_by_its_turn(jira: FakeJira) -> None:
    other = {**MARK, "turn_id": "turn-0"}
    jira.on(
        "GET",
        LIST,
        listing(
            comment("1", author=OURS, created=minute(1), mark=other),
            comment("2", author=OURS, created=minute(2), mark=MARK),
            comment("3", author=RITA, created=minute(3)),
            comment("4", author=OURS, created=minute(4), mark=MARK),
        ),
    )
    assert await find(jira) == "2"
    assert await find(jira, item_id="it-1") == "1", "by its item, whichever turn answers that"
    assert await find(jira, item_id="it-9") is None
    assert await find(jira, role="user") is None


async def test_a_mark_on_somebody_elses_comment_is_not_believed(jira: FakeJira) -> None:
    jira.on("GET", LIST, listing(comment("2", author=AGNES, created=minute(2), mark=MARK)))
    assert await find(jira) is None


@pytest.mark.parametrize("mark", ["turn-1", ["turn-1"], {}, {"turn_id": ["turn-1"]}, 7])
async def test_a_mark_of_another_shape_finds_nothing(jira: FakeJira, mark: object) -> None:
    jira.on("GET", LIST, listing(comment("2", author=OURS, created=minute(2), mark=mark)))
    assert await find(jira) is None


async def test_a_clock_that_is_minutes_off_hides_nothing(jira: FakeJira) -> None:
    jira.on("GET", LIST, listing(comment("2", author=OURS, created=minute(-4), mark=MARK)))
    assert await find(jira) == "2"


async def test_marks_are_asked_for_only_on_our_own_comments(jira: FakeJira) -> None:
    stored = [
        comment("1", author=RITA, created=minute(1)),
        comment("2", author=OURS, created=minute(2)),
    ]
    for each in stored:
        del each["properties"]
    jira.on("GET", LIST, listing(*stored))
    assert await find(jira) is None
    assert jira.calls[1:] == ["GET /rest/api/3/comment/2/properties/jira-chatkit"]


async def test_a_strange_id_asks_nothing_of_jira(jira: FakeJira) -> None:
    for call in (
        comments.issue(jira.client, "../x"),
        comments.comment(jira.client, "1", "2/3"),
        comments.newest_comments(jira.client, "1?"),
    ):
        with pytest.raises(JiraNotFound):
            await call
    assert jira.requests == []


@given(
    JSON_VALUES
    | st.lists(JSON_VALUES, max_size=3).map(lambda listed: {"comments": listed})
    | st.lists(JSON_VALUES, max_size=2).map(lambda listed: comment(properties=listed))
)
async def test_whatever_jira_answers_the_caller_is_safe(value: object) -> None:
    jira = FakeJira(FakeClock(datetime(2026, 11, 2, tzinfo=UTC)))
    for path in (f"{LIST}/7", LIST, "/rest/api/3/issue/10010", "/rest/api/3/myself"):
        jira.on("GET", path, ok(json.loads(json.dumps(value))))
    jira.on("GET", "/rest/api/3/comment/7/properties/jira-chatkit", ok(value))
    jira.on("POST", LIST, ok(value, 201))
    for call in (
        comments.myself(jira.client),
        comments.issue(jira.client, "10010"),
        comments.comment(jira.client, "10010", "7"),
        comments.newest_comments(jira.client, "10010"),
        comments.comments_since(jira.client, "10010", START),
        comments.add_comment(jira.client, "10010", {}, internal=True, mark={}),
        comments.verify_internal(jira.client, "10010", "7"),
        find(jira),
    ):
        with suppress(JiraError):
            await call


@pytest.mark.parametrize(
    ("answer", "service"),
    [
        (ok({"id": "10000", "projectTypeKey": "software"}), False),
        (ok({"id": "10000", "projectTypeKey": "service_desk"}), True),
        (ok({"id": "10000"}), None),
        (httpx2.Response(404), None),
        (httpx2.Response(403), None),
    ],
)
async def test_where_the_issue_does_not_say_its_project_is_asked(
    jira: FakeJira, answer: httpx2.Response, *, service: bool | None
) -> None:
    fields = {"project": {"id": "10000", "key": "OPS"}, "created": "2026-11-02T09:00:00.000+0000"}
    jira.on("GET", "/rest/api/3/issue/10010", ok({"id": "10010", "key": "OPS-1", "fields": fields}))
    jira.on("GET", "/rest/api/3/project/10000", answer)
    assert (await comments.issue(jira.client, "10010")).service_project is service
