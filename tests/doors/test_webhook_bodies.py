"""Webhook bodies: what Jira sends is read, whatever else is refused by name and never quoted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.doors.arrivals import Arrival
from app.doors.connect.webhooks import EVENTS, MAX_CHANGED, parse
from app.errors import BadRequest
from tests.support.clock import START

CANARY = "CANARY-4711"
SELF = "https://acme.atlassian.net/rest/api/2/issue/10001/comment/10100"


def hook(event: str = "comment_created", **parts: Any) -> dict[str, Any]:
    """A whole body of that event; a part given as None is left out."""
    body: dict[str, Any] = {
        "timestamp": 1_793_610_000_123,
        "webhookEvent": event,
        "issue": {"id": "10001", "key": "OPS-1", "fields": {"summary": CANARY}},
        "comment": {
            "id": "10100",
            "self": SELF,
            "body": CANARY,
            "author": {"accountId": "rita"},
            "updateAuthor": {"accountId": "agnes"},
        },
        **parts,
    }
    if event.startswith("jira:") and "comment" not in parts:
        del body["comment"]
    return {name: part for name, part in body.items() if part is not None}


def read(body: object, identifier: str | None = "delivery-1") -> Arrival | None:
    return parse(json.dumps(body).encode(), identifier, START)


def arrived(body: object, identifier: str | None = "delivery-1") -> Arrival:
    found = read(body, identifier)
    assert found is not None
    return found


def refused(body: object) -> str:
    with pytest.raises(BadRequest) as refusal:
        read(body)
    return str(refusal.value)


# --- what Jira sends ------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "happening"), EVENTS.items())
def test_every_event_is_read(event: str, happening: str) -> None:
    of_comment = event.startswith("comment")
    assert arrived(hook(event, user={"accountId": "wim"})) == Arrival(
        identifier="delivery-1",
        event=happening,  # type: ignore[arg-type]  # one of them, by its table
        issue_id="10001",
        occurred_at=datetime.fromtimestamp(1_793_610_000.123, UTC),
        comment_id="10100" if of_comment else None,
        actor_id="wim",
        author_id="rita" if of_comment else None,
    )


def test_ids_may_be_numbers() -> None:
    numbers = hook(issue={"id": 10001}, comment={"id": 10100})
    assert (arrived(numbers).issue_id, arrived(numbers).comment_id) == ("10001", "10100")


def test_where_the_issue_is_missing_the_comments_address_names_it() -> None:
    assert arrived(hook(issue=None)).issue_id == "10001"
    elsewhere = hook(
        issue=None, comment={"id": "1", "self": "https://x/jira/rest/api/3/issue/7/comment/1"}
    )
    assert arrived(elsewhere).issue_id == "7"


@pytest.mark.parametrize("address", ["", "https://x/issue/OPS-1/comment/1", "https://x/issue/1/",
                                     "https://x/issue/\u0661\u0662/comment/1"])  # fmt: skip
def test_an_issue_that_nothing_names_is_refused(address: str) -> None:
    assert "issue is missing" in refused(hook(issue=None, comment={"id": "1", "self": address}))


@pytest.mark.parametrize("event", ["jira:issue_created", "jira:issue_updated"])
def test_an_issues_event_without_its_issue_is_refused(event: str) -> None:
    assert "issue is missing" in refused(hook(event, issue=None))


@pytest.mark.parametrize("event", ["comment_created", "comment_updated", "comment_deleted"])
def test_a_comments_event_without_its_comment_is_refused(event: str) -> None:
    assert refused(hook(event, comment=None)) == "webhook: comment is missing"


def test_who_did_it_is_the_user_else_who_edited_else_who_wrote() -> None:
    assert arrived(hook(user={"accountId": "wim"})).actor_id == "wim"
    assert arrived(hook()).actor_id == "agnes"
    assert arrived(hook(comment={"id": "1", "author": {"accountId": "rita"}})).actor_id == "rita"
    assert arrived(hook(comment={"id": "1"})).actor_id is None
    assert arrived(hook("jira:issue_updated")).actor_id is None
    assert arrived(hook(user={"accountId": None, "displayName": "Anonymous"})).actor_id is None


def test_the_changed_fields_are_named_and_not_too_many() -> None:
    changed = [{"field": "assignee", "toString": CANARY}, {"field": "resolution"}]
    body = hook("jira:issue_updated", changelog={"items": changed})
    assert arrived(body).changed == ("assignee", "resolution")
    many = hook("jira:issue_updated", changelog={"items": [{"field": str(n)} for n in range(999)]})
    assert arrived(many).changed == tuple(str(n) for n in range(MAX_CHANGED))


def test_without_a_time_it_happened_when_it_came() -> None:
    assert arrived(hook(timestamp=None)).occurred_at == START
    assert arrived(hook(timestamp=0)).occurred_at == START


@pytest.mark.parametrize("event", ["", "jira:worklog_updated", "comment", "COMMENT_CREATED"])
def test_an_event_that_nobody_asked_for_is_none_of_ours(event: str) -> None:
    assert read(hook(event)) is None


# --- deduplication --------------------------------------------------------------------------


def test_without_an_identifier_the_body_is_its_own() -> None:
    one, other = hook(), hook(timestamp=1)
    for missing in (None, ""):
        assert arrived(one, missing).identifier == arrived(one, None).identifier
        assert arrived(one, missing).identifier.startswith("sha256:")
        assert arrived(one, missing).identifier != arrived(other, missing).identifier


def test_an_endless_identifier_is_shortened_and_stays_the_same() -> None:
    assert arrived(hook(), "x" * 255).identifier == "x" * 255
    long = arrived(hook(), "x" * 256).identifier
    assert len(long) < 100
    assert long == arrived(hook(timestamp=1), "x" * 256).identifier
    assert long != arrived(hook(), "x" * 257).identifier


# --- what is refused ------------------------------------------------------------------------

NO_IDS = ["", "OPS-1", "-5", "1.0", "1" * 21, 1.5, True, None, [], {}, " 1", "1\n", "\u0661",
          10**30, CANARY]  # fmt: skip


@pytest.mark.parametrize("bad", NO_IDS)
def test_an_id_is_a_number(bad: object) -> None:
    assert refused(hook(comment={"id": bad})) == "webhook: comment.id cannot be read"
    assert "issue is missing" in refused(hook("jira:issue_updated", issue={"id": bad}))
    assert arrived(hook(issue={"id": bad})).issue_id == "10001"  # the comment's address names it


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"webhookEvent": 7}, "webhookEvent"),
        ({"webhookEvent": "x" * 101}, "webhookEvent"),
        ({"comment": [CANARY]}, "comment"),
        ({"comment": {}}, "comment.id"),
    ],
)
def test_what_cannot_be_read_is_named_and_not_quoted(parts: dict[str, Any], named: str) -> None:
    assert refused(hook(**parts)) == f"webhook: {named} cannot be read"


@pytest.mark.parametrize(
    "parts",
    [
        {"timestamp": CANARY},
        {"timestamp": "2026-11-22T13:00:00.000+0000"},
        {"timestamp": -1},
        {"timestamp": 10**40},
        {"timestamp": float("nan")},
        {"timestamp": float("inf")},
        {"issue": CANARY},
        {"issue": {}},
        {"comment": {"id": "1", "author": CANARY}},
        {"comment": {"id": "1", "author": {"accountId": ""}}},
        {"comment": {"id": "1", "author": {"accountId": "a\0b"}}},
        {"user": {"accountId": {CANARY: 1}}},
        {"user": {"accountId": "x" * 256}},
        {"user": {"accountId": "line\nbreak"}},
        {"changelog": {"items": CANARY}},
        {"changelog": {"items": None}},
    ],
)
def test_what_is_not_needed_may_be_unreadable(parts: dict[str, Any]) -> None:
    address = "https://x/rest/api/3/issue/10001/comment/1"
    if "comment" in parts:
        parts = {"comment": {**parts["comment"], "self": address}}
    found = arrived(hook(**parts))
    assert (found.issue_id, found.event) == ("10001", "comment_created")
    assert CANARY not in str(found)


def test_one_unreadable_change_hides_no_other() -> None:
    items = [{"field": None}, CANARY, {"field": [CANARY]}, {"field": "assignee"}]
    body = hook("jira:issue_updated", changelog={"items": items})
    assert arrived(body).changed == ("assignee",)


def test_an_issue_may_be_named_by_its_address() -> None:
    body = hook("jira:issue_updated", issue={"self": "https://x/rest/api/2/issue/7"})
    assert arrived(body).issue_id == "7"


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"CANARY-4711"', b"{", b"\xff\xfe", b'{"webhookEvent"', b"NaN",
     b"[" * 100_000, b'{"issue":' * 100_000, b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
     b'{"issue":{"id":' + b"9" * 5_000 + b"}}", b'{"webhookEvent":"\\ud800"}'],
)  # fmt: skip
def test_what_is_no_webhook_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse(body, None, START)
    assert str(refusal.value).startswith("webhook: ")
    assert "CANARY" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


def test_depth_where_nobody_looks_is_refused_or_read_and_nothing_else() -> None:
    for depth in (10, 150, 190, 250, 3_000):
        deep = b"[" * depth + b"]" * depth
        body = json.dumps(hook()).encode()[:-1] + b',"extra":' + deep + b"}"
        try:
            assert parse(body, None, START) is not None
        except BadRequest:
            assert depth > 100


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from([10**400, -(10**25), "10001", CANARY]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "self", "accountId", "items", "field", "x"]), inner,
                      max_size=3),
    max_leaves=6,
)  # fmt: skip
bodies = st.fixed_dictionaries(
    {"webhookEvent": st.sampled_from([*EVENTS, "other"]) | json_values},
    optional=dict.fromkeys(("timestamp", "issue", "comment", "user", "changelog"), json_values),
)


@given(bodies | json_values)
def test_any_json_is_read_or_refused(body: object) -> None:
    try:
        found = read(body)
    except BadRequest as refusal:
        assert "CANARY" not in str(refusal)  # noqa: PT017  (most bodies are no error)
        return
    if found is not None:
        assert found.issue_id.isascii()
        assert found.issue_id.isdigit()
        assert found.occurred_at.tzinfo == UTC
        assert found.event.startswith("issue_") or found.comment_id


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse(body, None, START)
