"""A model is given what its turn may read, wherever else in Jira there is text.

The issue below holds a canary in every place where Jira keeps text.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import astuple

import pytest

from app.firewall import Audience, CommentMarks, TurnAudience, audience_of, issue_facts, readable
from tests.firewall.injections import INJECTIONS


def marks(
    jsd_public: bool | None,  # noqa: FBT001  (first of three states, read as a word)
    internal: object = None,
    *,
    restricted: bool = False,
    service: bool | None = True,
) -> CommentMarks:
    return CommentMarks(jsd_public, internal, restricted, service)


ODD: tuple[object, ...] = ("false", "", "no", [], 0, False, True, 1, 3.5)
JUDGED: tuple[tuple[CommentMarks, Audience], ...] = (
    (marks(True), "public"),
    (marks(True, {}), "public"),
    (marks(True, {"internal": False}), "public"),
    (marks(True, {"internal": True}), "internal"),
    (marks(False), "internal"),
    (marks(None), "internal"),
    (marks(None, {"internal": False}), "internal"),
    (marks(None, service=None), "internal"),
    (marks(True, service=None), "public"),
    (marks(False, service=None), "internal"),
    (marks(None, service=False), "public"),
    (marks(True, service=False), "public"),
    (marks(False, service=False), "internal"),
    (marks(None, {"internal": True}, service=False), "internal"),
    (marks(True, restricted=True), "restricted"),
    (marks(None, restricted=True, service=False), "restricted"),
    (marks(False, {"internal": True}, restricted=True), "restricted"),
    *((marks(True, odd), "internal") for odd in ODD),
    *((marks(True, {"internal": odd}), "internal") for odd in (None, {}, *ODD) if odd is not False),
)


@pytest.mark.parametrize(("comment", "audience"), JUDGED)
def test_what_is_not_clearly_public_is_internal(comment: CommentMarks, audience: Audience) -> None:
    assert audience_of(comment) == audience


def test_each_turn_reads_up_to_its_audience_and_none_a_restricted_comment() -> None:
    states = itertools.product(
        (True, False, None), (None, {"internal": True}, "odd"), (True, False), (True, False, None)
    )
    for jsd_public, internal, restricted, service in states:
        comment = marks(jsd_public, internal, restricted=restricted, service=service)
        assert readable(comment, "public") is (audience_of(comment) == "public")
        assert readable(comment, "internal") is (audience_of(comment) != "restricted")


def adf(text: str) -> dict[str, object]:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def words(document: object) -> str:
    assert isinstance(document, Mapping)
    return str(document["content"][0]["content"][0]["text"])


PUBLIC = "CANARY-PUBLIC"
ISSUE: dict[str, object] = {
    "summary": f"{PUBLIC}-summary",
    "description": adf(f"{PUBLIC}-description"),
    "status": {
        "name": f"{PUBLIC}-status",
        "description": "CANARY-status-description",
        "statusCategory": {"name": "CANARY-status-category"},
    },
    "environment": adf("CANARY-environment"),
    "reporter": {"displayName": "CANARY-reporter", "emailAddress": "CANARY-mail@example.com"},
    "assignee": {"displayName": "CANARY-assignee"},
    "creator": {"displayName": "CANARY-creator"},
    "labels": ["CANARY-label"],
    "priority": {"name": "CANARY-priority"},
    "project": {"name": "CANARY-project"},
    "components": [{"name": "CANARY-component"}],
    "versions": [{"name": "CANARY-version"}],
    "customfield_10010": {"requestType": {"name": "CANARY-request-type"}},
    "customfield_10042": "CANARY-custom-field",
    "customfield_10043": adf("CANARY-custom-document"),
    "attachment": [{"filename": "CANARY-attachment.pdf"}],
    "subtasks": [{"fields": {"summary": "CANARY-subtask"}}],
    "parent": {"fields": {"summary": "CANARY-parent"}},
    "issuelinks": [{"inwardIssue": {"fields": {"summary": "CANARY-link"}}}],
    "worklog": {"worklogs": [{"comment": adf("CANARY-worklog")}]},
    "comment": {"comments": [{"body": adf("CANARY-comment-within-fields")}]},
    "security": {"name": "CANARY-security"},
    "resolution": {"description": "CANARY-resolution"},
    "changelog": {"histories": [{"items": [{"toString": "CANARY-changelog"}]}]},
    "properties": {"internal": "CANARY-property"},
    "renderedFields": {"description": "CANARY-rendered"},
}
COMMENTS: tuple[tuple[CommentMarks, str], ...] = (
    (marks(True), f"{PUBLIC}-comment"),
    (marks(False), "CANARY-INTERNAL-note"),
    (marks(True, {"internal": True}), "CANARY-INTERNAL-note-said-to-be-public"),
    (marks(None), "CANARY-INTERNAL-unmarked"),
    (marks(True, restricted=True), "CANARY-restricted-to-a-role"),
    (marks(False, {"internal": True}, restricted=True), "CANARY-restricted-note"),
)


def given_to_a_model(audience: TurnAudience) -> str:
    facts = issue_facts(ISSUE, markdown=words)
    chosen = [text for comment, text in COMMENTS if readable(comment, audience)]
    return json.dumps([*astuple(facts), *chosen])


def canaries(text: str) -> set[str]:
    return {
        piece for piece in text.replace('"', " ").replace(",", " ").split() if "CANARY" in piece
    }


def test_a_public_turn_is_given_public_text_alone() -> None:
    assert canaries(given_to_a_model("public")) == {
        f"{PUBLIC}-{place}" for place in ("summary", "description", "status", "comment")
    }


def test_an_internal_turn_is_given_notes_too_but_nothing_restricted() -> None:
    more = canaries(given_to_a_model("internal")) - canaries(given_to_a_model("public"))
    assert more == {text for _, text in COMMENTS if "INTERNAL" in text}


@pytest.mark.parametrize("injection", [injection.text for injection in INJECTIONS])
def test_no_words_in_an_issue_change_what_is_given(injection: str) -> None:
    asked = {**ISSUE, "summary": injection, "description": adf(injection)}
    facts = issue_facts(asked, markdown=words)
    assert astuple(facts) == (injection, injection, f"{PUBLIC}-status")
    assert audience_of(marks(False, {"internal": True, "note": injection})) == "internal"


def test_the_injections_come_in_at_least_six_languages() -> None:
    assert len({injection.language for injection in INJECTIONS}) >= 6


def test_missing_and_odd_fields_read_as_empty() -> None:
    empty = ("", "", "")
    assert astuple(issue_facts({}, markdown=words)) == empty
    odd = {"summary": 7, "description": None, "status": "Open"}
    assert astuple(issue_facts(odd, markdown=words)) == empty


def test_long_texts_are_cut_visibly() -> None:
    long = {"summary": "s" * 9_000, "description": adf("d" * 90_000), "status": {"name": "x" * 999}}
    facts = issue_facts(long, markdown=words)
    assert [len(text) for text in astuple(facts)] == [500, 32_767, 100]
    assert all(text.endswith("[…]") for text in astuple(facts))
