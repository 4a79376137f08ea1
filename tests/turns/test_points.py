"""What a turn costs of the points that all tenants of an app share, call by call; and what that
saving must not cost.

Jira charges a read a point, and one for each object in it; a write one. See docs/points.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from app.sandbox.jira import representations
from tests.support.world import World, until

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])

READ_ISSUE, LIST, LOOK_BY_ID = "GET issue", "GET comments", "POST comments by id"
POST, READ_BACK = "POST comment", "GET comment"
_CALLS = {
    r"GET .*/myself": "GET myself",
    r"GET .*/issue/\d+": READ_ISSUE,
    r"GET .*/issue/\d+/comment": LIST,
    r"GET .*/issue/\d+/comment/\d+": READ_BACK,
    r"POST .*/issue/\d+/comment": POST,
    r"POST .*/comment/list": LOOK_BY_ID,
    r"POST .*/permissions/check": "POST permissions",
}


def _cost(here: World, ask: Callable[[], object]) -> tuple[list[str], int]:
    """The calls to Jira that a question leads to, and what Jira charges for all of them."""
    here.run_until_idle()
    points, seen = here.jira.limits.points, len(here.jira.requests)
    ask()
    here.run_until_idle()
    calls = [f"{request.method} {request.path}" for request in here.jira.requests[seen:]]
    told = [next(call for path, call in _CALLS.items() if re.fullmatch(path, c)) for c in calls]
    return told, here.jira.limits.points - points


def _tell_nobody(here: World, happens: Callable[[], object]) -> None:
    """Something happens and its webhook is lost."""
    here.jira.webhooks.hold()
    happens()
    here.jira.webhooks._held = None


# --- what it costs ------------------------------------------------------------------------------


def test_the_first_question_of_a_site(here: World) -> None:
    calls, points = _cost(here, lambda: here.jira.comment("OPS-1", "Why?", by="rita"))

    assert calls == [READ_ISSUE, "GET myself", LIST, READ_ISSUE, LIST, POST]
    assert points == 2 + 2 + 2 + 2 + 2 + 1


def test_the_first_question_in_a_thread(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    calls, points = _cost(here, lambda: here.jira.comment("OPS-2", "Why?", by="agnes"))

    assert calls == [READ_ISSUE, LIST, READ_ISSUE, POST]
    assert points == 2 + 2 + 2 + 1
    assert len(here.answers("OPS-2")) == 1


def test_a_question_in_a_known_thread(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    calls, points = _cost(here, lambda: here.jira.comment("OPS-1", "Since when?", by="rita"))

    assert calls == [LOOK_BY_ID, READ_ISSUE, POST]
    assert points == 1 + 2 + 1
    assert len(here.answers("OPS-1")) == 2


def test_a_question_in_a_known_thread_of_a_service_project(here: World) -> None:
    here.jira.comment("SUP-2", "Can both?", by="carlos")
    calls, points = _cost(here, lambda: here.jira.comment("SUP-2", "And three?", by="carlos"))

    assert calls == [LOOK_BY_ID, READ_ISSUE, POST, READ_BACK]
    assert points == 1 + 2 + 1 + 2
    assert len(here.answers("SUP-2")) == 2


def test_where_a_comment_is_not_the_issues_last_change_the_newest_are_read(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    here.openai.hold()
    before = len(here.jira.requests)
    here.jira.comment("OPS-1", "Since when?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")
    _tell_nobody(here, lambda: here.jira.transition("OPS-1", "In Progress", by="rita"))
    here.openai.release()
    here.run_until_idle()

    paths = [f"{one.method} {one.path}" for one in here.jira.requests[before:]]
    assert any(re.fullmatch(r"GET .*/issue/\d+/comment", path) for path in paths)
    assert len(here.answers("OPS-1")) == 2


def test_our_own_comments_news_that_is_faster_than_its_answer_costs_nothing(here: World) -> None:
    here.jira.comment("SUP-2", "Can both?", by="carlos")
    here.run_until_idle()
    here.jira.faults.add("GET", "/rest/api/3/issue/*/comment/*", "slow", seconds=0.7)
    calls, _ = _cost(here, lambda: here.jira.comment("SUP-2", "And three?", by="carlos"))

    assert calls == [LOOK_BY_ID, READ_ISSUE, POST, READ_BACK]


def test_our_own_comments_news_costs_nothing(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    ours = here.jira.comments("OPS-1")[-1]
    body = here.jira.webhook_body("comment_created", ours)
    body |= {"webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_commented"}

    calls, points = _cost(here, lambda: _deliver(here, body))

    assert (calls, points) == ([], 0)


def _deliver(here: World, body: dict[str, object]) -> None:
    installation = here.jira.link.installed
    for url in installation.descriptor.webhooks("jira:issue_updated"):
        here.jira.webhooks.send("jira:issue_updated", url, json.dumps(body).encode())


# --- what it does not cost ----------------------------------------------------------------------


def test_a_person_whose_comment_no_webhook_brought_wins_in_a_known_thread_too(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    here.openai.hold()
    here.jira.comment("OPS-1", "Since when?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")

    here.jira.comment("OPS-1", "Since I moved it.", by="agnes", deliver=False)
    here.openai.release()
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    assert here.turns()[-1].cause == "takeover"


def test_who_resolved_it_without_a_word_wins_in_a_known_thread_too(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    _tell_nobody(here, lambda: here.jira.resolve("OPS-1", by="agnes"))
    here.jira.comment("OPS-1", "Since when?", by="rita")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1


def test_a_note_in_a_known_thread_is_given_to_no_model(here: World) -> None:
    here.set(reply_audience="public")
    here.jira.comment("SUP-2", "Can both?", by="carlos")
    here.run_until_idle()
    here.jira.comment("SUP-2", "CANARY-NOTE", by="agnes", internal=True)
    here.run_until_idle()
    here.jira.comment("SUP-2", "CANARY-ROLE", by="carlos", visibility=("role", "Administrators"))
    here.jira.comment("SUP-2", "And three?", by="carlos")
    here.run_until_idle()

    assert len(here.answers("SUP-2")) == 2
    assert "CANARY" not in here.given()
    assert all("CANARY" not in event.data for event in here.events())


def test_a_comment_that_jira_calls_neither_public_nor_internal_is_judged_by_its_project_now(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    _tell_nobody(here, lambda: here.jira.move("OPS-1", "SUP"))
    show = representations.comment

    def silent(*args: Any, **more: Any) -> representations.JSON:
        return {key: each for key, each in show(*args, **more).items() if key != "jsdPublic"}

    monkeypatch.setattr(representations, "comment", silent)
    here.jira.comment("SUP-3", "CANARY", by="rita")
    here.run_until_idle()

    assert "CANARY" not in here.given()
    assert all("CANARY" not in event.data for event in here.events())


def test_an_answer_from_a_summary_that_changed_without_a_word_is_made_anew(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    _tell_nobody(here, lambda: here.jira.edit_issue("OPS-1", summary="The printer smokes"))
    here.jira.comment("OPS-1", "Since when?", by="rita")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 2
    assert "The printer smokes" in here.openai.requests[-1].text


def test_a_change_that_was_told_is_in_the_next_answer_at_once(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    here.jira.edit_issue("OPS-1", summary="The printer smokes")
    here.run_until_idle()
    here.jira.comment("OPS-1", "Since when?", by="rita")
    here.run_until_idle()

    assert len(here.openai.requests) == 2
    assert "The printer smokes" in here.openai.requests[-1].text


def test_who_was_a_bystander_is_answered_once_he_takes_part(here: World) -> None:
    here.jira.comment("SUP-2", "Can they?", by="wim")
    here.run_until_idle()
    assert here.answers("SUP-2") == []
    here.jira.add_participant("SUP-2", "wim")
    here.run_until_idle()
    here.jira.comment("SUP-2", "And now?", by="wim")
    here.run_until_idle()

    assert len(here.answers("SUP-2")) == 1


def test_who_comments_again_is_not_asked_about_again(here: World) -> None:
    here.jira.comment("OPS-1", "Hm.", by="wim")
    calls, points = _cost(here, lambda: here.jira.comment("OPS-1", "Hm, hm.", by="wim"))

    assert (calls, points) == ([LOOK_BY_ID], 1)


def test_a_question_that_is_gone_before_it_is_looked_at_is_not_answered(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    here.jira.webhooks.hold()
    question = here.jira.comment("OPS-1", "Since when?", by="rita")
    here.jira.tracker.delete_comment(question, here.jira.directory.person("rita"), tell=False)
    here.jira.webhooks.release()
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    assert len(here.items()) == 2


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_jira_that_lists_no_comments_by_id_is_asked_for_each(here: World, status: int) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    here.jira.faults.add("POST", "/rest/api/3/comment/list", "status", times=None, status=status)
    here.jira.comment("OPS-1", "Since when?", by="rita")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 2
