"""Forge's events: the same arrivals as of Connect's webhooks, and all that is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.doors.arrivals import Arrival
from app.doors.forge import events
from app.errors import BadRequest
from tests.doors.forge.test_invocation_tokens import JSONS

RECEIVED = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WRITTEN = "2026-11-02T08:59:58.120+0000"
LATER = "2026-11-02T08:59:59.500+0000"
AGNES, RITA = "712020:agnes", "712020:rita"


def event(kind: str = "commented:issue", **changes: Any) -> dict[str, Any]:
    told = {
        "eventType": f"avi:jira:{kind}",
        "atlassianId": RITA,
        "issue": {"id": "10000", "key": "OPS-1", "fields": {"summary": "No word of this is kept"}},
        "comment": comment(),
        "somethingNew": [1],
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def comment(**changes: Any) -> dict[str, Any]:
    told = {
        "id": "10100",
        "author": {"accountId": RITA, "accountType": "atlassian"},
        "body": {"type": "doc", "content": []},
        "created": WRITTEN,
        "updated": WRITTEN,
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def parse(told: Any) -> Arrival | None:
    return events.parse(json.dumps(told).encode(), RECEIVED)


def arrival(told: Any) -> Arrival:
    found = parse(told)
    assert found is not None
    return found


def test_a_comment_tells_its_issue_author_and_time() -> None:
    found = arrival(event())
    assert (found.event, found.issue_id, found.comment_id) == ("comment_created", "10000", "10100")
    assert (found.actor_id, found.author_id) == (RITA, RITA)
    assert found.occurred_at == datetime(2026, 11, 2, 8, 59, 58, 120_000, UTC)


def test_an_edit_is_told_from_a_new_comment_by_its_times() -> None:
    found = arrival(event(comment=comment(updated=LATER), atlassianId=AGNES))
    assert (found.event, found.actor_id, found.author_id) == ("comment_updated", AGNES, RITA)
    for unclear in (comment(created=None), comment(updated=None), comment(updated="yesterday")):
        assert arrival(event(comment=unclear)).event == "comment_created"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("deleted:comment", "comment_deleted"),
        ("created:issue", "issue_created"),
        ("updated:issue", "issue_updated"),
        ("deleted:issue", "issue_deleted"),
    ],
)
def test_each_event_is_what_connect_calls_it(kind: str, expected: str) -> None:
    assert arrival(event(kind)).event == expected


@pytest.mark.parametrize("kind", ["mentioned:comment", "created:comment", "viewed:issue", "x"])
def test_an_event_that_nobody_asked_for_is_nothing(kind: str) -> None:
    assert parse(event(kind)) is None


def test_changed_fields_are_named() -> None:
    log = {"id": "1", "items": [{"field": "assignee"}, {"field": None}, 7, {"field": "status"}]}
    assert arrival(event("updated:issue", comment=None, changelog=log)).changed == (
        "assignee", "status",
    )  # fmt: skip


def test_a_repeated_try_is_the_same_event() -> None:
    again = {"retryContext": {"retryCount": 1, "retryReason": "UPSTREAM_ERROR"}}
    for told in (
        event(),
        event("updated:issue", comment=None),
        event(comment=comment(updated=None)),
    ):
        assert arrival(told).identifier == arrival({**told, **again}).identifier


def test_an_edit_and_a_deletion_are_other_events() -> None:
    told = (
        event(),
        event(comment=comment(updated=LATER)),
        event(comment=comment(id="10101")),
        event("deleted:comment"),
        event("updated:issue", comment=None, changelog={"id": "1"}),
        event("updated:issue", comment=None, changelog={"id": "2"}),
    )
    assert len({arrival(each).identifier for each in told}) == len(told)


def test_a_new_word_in_the_payload_makes_no_other_event_of_a_comment() -> None:
    assert arrival(event()).identifier == arrival(event(issue={"id": "10000"}, more=1)).identifier


def test_an_issue_that_is_not_named_stands_in_an_address() -> None:
    there = comment(self="https://acme.atlassian.net/rest/api/2/issue/10007/comment/10100")
    assert arrival(event(issue=None, comment=there)).issue_id == "10007"


def test_what_does_not_tell_when_happened_when_it_came() -> None:
    assert arrival(event("deleted:issue", comment=None)).occurred_at == RECEIVED
    assert arrival(event("deleted:comment")).occurred_at == RECEIVED


REFUSED: dict[str, Any] = {
    "no object": [],
    "a text": "commented",
    "nothing": None,
    "no type": {"issue": {"id": "1"}},
    "a type in a list": event() | {"eventType": ["avi:jira:commented:issue"]},
    "a type without end": event() | {"eventType": "x" * 101},
    "no comment": event(comment=None),
    "a comment in words": event() | {"comment": "why?"},
    "a comment without id": event(comment=comment(id=None)),
    "a comment's id in words": event(comment=comment(id="10100; DROP")),
    "a comment's id that is negative": event(comment=comment(id=-1)),
    "a comment's id that is true": event(comment=comment(id=True)),
    "a comment's id without end": event(comment=comment(id="1" * 21)),
    "no issue": event(issue=None),
    "an issue without id": event(issue={"key": "OPS-1"}),
    "an issue's id in words": event(issue={"id": "OPS-1"}),
    "an issue in words": event(issue="OPS-1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_event_that_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse(REFUSED[name])
    assert "DROP" not in refused.value.text
    assert "why" not in refused.value.text


def test_what_is_no_json_is_refused() -> None:
    for body in (b"", b"{", b"\xff", b"[" * 9000):
        with pytest.raises(BadRequest):
            events.parse(body, RECEIVED)
        assert events.about_the_app(body) is None


@pytest.mark.parametrize("kind", ["installed", "upgraded", "uninstalled"])
def test_what_happens_to_the_app_is_told_apart(kind: str) -> None:
    told = {"eventType": f"avi:forge:{kind}:app", "id": "ari:x/1", "app": {"id": "y"}}
    found = events.about_the_app(json.dumps(told).encode())
    assert found is not None
    assert (found.kind, found.installation_id, found.retried) == (kind, "ari:x/1", False)
    again = events.about_the_app(json.dumps({**told, "id": 7, "retryContext": {}}).encode())
    assert again is not None
    assert (again.installation_id, again.retried) == (None, True)


def test_events_of_issues_are_not_about_the_app() -> None:
    assert events.about_the_app(json.dumps(event()).encode()) is None
    assert events.about_the_app(b'{"eventType": ["avi:forge:installed:app"]}') is None


@given(
    name=st.sampled_from(("eventType", "issue", "comment", "changelog", "atlassianId")), value=JSONS
)
def test_whatever_stands_in_an_event_is_taken_or_refused(name: str, value: Any) -> None:
    _try(event(**{name: value}))


@given(
    name=st.sampled_from(("id", "self", "author", "created", "updated")),
    value=JSONS | st.integers(min_value=-(10**20), max_value=10**20),
)
def test_whatever_stands_in_a_comment_is_taken_or_refused(name: str, value: Any) -> None:
    _try(event(comment={**comment(), name: value}))


def _try(told: Any) -> None:
    try:
        found = parse(told)
    except BadRequest:
        return
    if found is not None:
        assert found.issue_id.isdecimal()
        assert found.occurred_at.tzinfo is not None
        assert len(found.identifier) < 100
