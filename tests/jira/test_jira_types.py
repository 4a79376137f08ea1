"""Jira's answers, judged."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from app.jira import answers
from app.jira.types import Account, Comment, Issue, instant
from tests.jira import doubles
from tests.jira.doubles import JSON_VALUES, OURS, RITA

TEN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-22T10:00:00.000+0100",
        "2026-11-22T10:00:00.000+01:00",
        "2026-11-22T10:00:00+0100",
        "2026-11-22T09:00:00.000Z",
        "2026-11-22T09:00Z",
        "2026-11-22T09:00:00.000000+00:00",
        "2026-11-22T02:30:00.000-0630",
        1795338000000,
    ],
)
def test_one_instant_is_written_in_many_ways(written: object) -> None:
    assert instant(written) == TEN
    assert instant(written).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-22T10:00:00.000",
        "2026-11-22",
        "0001-01-01T00:00:00.000+1400",
        "9999-12-31T23:59:59.999-1400",
        *("", "soon", None, True, 1.5, [], 10**30),
    ],
)
def test_what_is_no_certain_instant_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="not an instant"):
        instant(written)


@given(
    naive=st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001  (hypothesis takes its bounds so)
    minutes=st.integers(-14 * 60, 14 * 60),
    with_colon=st.booleans(),
)
def test_every_offset_leads_to_the_same_instant(
    naive: datetime, minutes: int, *, with_colon: bool
) -> None:
    moment = naive.replace(microsecond=naive.microsecond // 1000 * 1000, tzinfo=UTC)
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    written = local.isoformat(timespec="milliseconds")
    assert instant(written if with_colon else written[:-3] + written[-2:]) == moment


@given(st.text() | JSON_VALUES)
def test_any_value_is_an_instant_in_utc_or_an_error(value: object) -> None:
    with suppress(ValueError):
        assert instant(value).tzinfo is UTC


def test_a_comment_says_who_when_and_to_whom() -> None:
    read = Comment.of(doubles.comment("7", author=OURS, mark={"turn_id": "t1"}))
    assert read.id == "7"
    assert read.author == Account(account_id=OURS, account_type="atlassian")
    assert read.created == datetime(2026, 11, 2, 8, 58, tzinfo=UTC)
    assert read.jsd_public is True
    assert not read.restricted
    assert read.properties == {"jira-chatkit": {"turn_id": "t1"}}
    assert read.properties_known


def test_a_bare_comment_is_read_and_claims_nothing() -> None:
    read = Comment.of({"id": 7, "created": "2026-11-02T09:58:00.000+0100"})
    assert (read.id, read.author, read.jsd_public, read.restricted) == ("7", None, None, False)
    assert read.updated == read.created
    assert not read.properties_known


@pytest.mark.parametrize("visibility", [{"type": "role", "value": "Administrators"}, {}, "x", 0])
def test_any_visibility_at_all_restricts(visibility: object) -> None:
    assert Comment.of(doubles.comment(visibility=visibility)).restricted


@pytest.mark.parametrize("public", ["true", 1, [], {}, None])
def test_only_a_plain_true_is_public(public: object) -> None:
    assert Comment.of(doubles.comment(jsdPublic=public)).jsd_public is None


def test_an_issue_is_read() -> None:
    read = Issue.of(doubles.issue(security={"id": "10100", "name": "Staff"}))
    assert (read.id, read.key, read.project_id, read.project_key) == (
        "10010",
        "SUP-3",
        "10001",
        "SUP",
    )
    assert read.service_project is True
    assert read.issue_type_id == "20001"
    assert read.reporter == Account(account_id=RITA, account_type="customer")
    assert read.assignee is None
    assert (read.status_name, read.status_category, read.resolution) == ("Waiting", "new", False)
    assert read.security_level == "10100"
    assert read.summary == "No invoices"
    assert read.created < read.updated
    assert read.fields["summary"] == "No invoices"


def test_an_issue_with_hardly_a_field_is_read() -> None:
    bare = {"project": {"id": 10001}, "created": "2026-11-02T09:00:00.000+0100"}
    read = Issue.of({"id": "1", "key": "A-B-2", "fields": bare})
    assert (read.project_id, read.project_key) == ("10001", "A-B")
    assert read.service_project is None
    assert read.summary == ""


def test_a_resolution_of_any_shape_is_one() -> None:
    assert Issue.of(doubles.issue(resolution={"name": "Done"})).resolution


def damaged(whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """``whole`` with some of its parts replaced by any JSON."""
    names = st.sampled_from(sorted(whole))
    return st.dictionaries(names, JSON_VALUES, max_size=3).map(lambda parts: whole | parts)


@given(JSON_VALUES | damaged(doubles.comment()))
def test_any_json_is_a_comment_or_an_error(value: object) -> None:
    try:
        read = Comment.of(value)
    except ValueError:
        return
    assert isinstance(value, dict)
    assert read.jsd_public is (
        value.get("jsdPublic") if type(value.get("jsdPublic")) is bool else None
    )
    assert read.restricted is (value.get("visibility") is not None)


@given(
    JSON_VALUES
    | damaged(doubles.issue())
    | damaged(doubles.issue()["fields"]).map(lambda fields: doubles.issue(**fields))
)
def test_any_json_is_an_issue_or_an_error(value: object) -> None:
    with suppress(ValueError):
        assert Issue.of(value).id


@given(st.binary(max_size=40) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_storable_json_or_an_error(raw: bytes) -> None:
    try:
        value = answers.decode(raw)
    except ValueError:
        return
    assert "\\u0000" not in json.dumps(value).replace("\\\\", "")
    json.dumps(value, ensure_ascii=False).encode()


def test_what_no_database_keeps_is_replaced_and_nothing_else() -> None:
    raw = rb'{"a":["\ud83d\ude00","x\ud800y","\u0000","\\u0000"]}'
    assert answers.decode(raw) == {"a": ["\U0001f600", "x\ufffdy", "\ufffd", "\\u0000"]}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"[" * 200_000, "nested"),
        (b'{"a":' * 200_000, "nested"),
        (b"9" * 10_000, "digits"),
        (b"[1}", "delimiter"),
    ],
)
def test_monstrous_json_is_an_error(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        answers.decode(raw)


def test_an_empty_answer_is_none() -> None:
    assert answers.decode(b"  ") is None


@pytest.mark.parametrize(
    ("method", "answer", "points"),
    [
        ("GET", doubles.comment(), 2),
        ("GET", doubles.page(doubles.comment(), doubles.comment("2")), 3),
        ("GET", {"values": [1, 2, 3]}, 4),
        ("GET", [], 1),
        ("GET", None, 1),
        ("POST", doubles.comment(), 1),
    ],
)
def test_a_read_costs_its_objects_and_a_write_one(method: str, answer: object, points: int) -> None:
    assert answers.points(method, answer) == points


SCHEMAS = json.loads(Path(__file__).with_name("platform_components.json").read_text())


@pytest.mark.parametrize(
    ("component", "example"),
    [
        (
            "Comment",
            doubles.comment(mark={"turn_id": "t"}, visibility={"type": "role", "value": "A"}),
        ),
        ("PageOfComments", doubles.page(doubles.comment())),
        ("UserDetails", doubles.account(RITA)),
    ],
)
def test_our_examples_are_in_atlassians_shape(component: str, example: object) -> None:
    schema = SCHEMAS | {"$ref": f"#/components/schemas/{component}"}
    Draft7Validator(schema).validate(example)
