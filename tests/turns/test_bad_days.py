"""Jira and OpenAI on a bad day: the answer still comes, once, or a person is told why not."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from app.clock import SystemClock
from app.sandbox.jira.faults import Kind as JiraFault
from app.sandbox.openai.faults import Kind as ModelFault
from app.store.tables import Tenant
from app.turns.talking import ask_privately
from tests.support.world import World, until

COMMENTS = "/rest/api/3/issue/*/comment"


@pytest.mark.parametrize("kind", ["reset", "reset_after_commit", "status"])
def test_one_comment_although_posting_it_went_wrong(here: World, kind: JiraFault) -> None:
    here.jira.faults.add("POST", COMMENTS, kind)

    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    assert len(here.openai.requests) == 1  # what was written once is not written anew
    assert [turn.state for turn in here.turns()] == ["completed"]


def test_jira_may_ask_us_to_wait(here: World) -> None:
    here.jira.faults.add("POST", COMMENTS, "status", status=429, retry_after=1)

    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1


def test_jira_may_be_down_when_the_question_is_fetched(here: World) -> None:
    here.jira.faults.add("GET", "/rest/api/3/issue/*", "status", times=4)

    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1


@pytest.mark.parametrize("kind", ["rate_limited", "server_error", "unavailable", "drop", "fail"])
def test_one_answer_although_the_model_failed_first(here: World, kind: ModelFault) -> None:
    here.openai.faults.add(kind, 1, retry_after=1)

    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    assert len([item for item in here.items() if item.kind == "assistant_message"]) == 1


@pytest.mark.parametrize(
    ("kind", "cause"),
    [("insufficient_quota", "quota"), ("key_refused", "key_refused"), ("refused", "refused")],
)
def test_what_no_other_try_heals_is_told_to_people_and_never_to_jira(
    here: World, kind: ModelFault, cause: str
) -> None:
    here.openai.faults.add(kind, 1)

    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    assert here.answers("OPS-1") == []
    [turn] = here.turns()
    assert (turn.state, turn.cause) == ("failed", cause)
    assert here.events()[-1].type == "turn.failed"
    assert turn.attempt == 1


def test_a_failed_turn_does_not_block_its_issue(here: World) -> None:
    here.openai.faults.add("insufficient_quota", 1)
    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    here.jira.comment("OPS-1", "Why, though?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1


def test_a_message_that_a_model_refuses_does_not_spoil_the_next_answer(here: World) -> None:
    here.openai.faults.add("refused", 1)
    here.jira.comment("OPS-1", "POISON, word by word?")
    here.run_until_idle()
    here.openai.faults.add("refused", 1)  # it still stands in the conversation

    here.jira.comment("OPS-1", "Why, though?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    [answered] = here.openai.requests  # those that were refused are not kept
    assert "POISON" not in str(answered.body)
    assert "Why, though?" in str(answered.body)
    first, second = here.turns()
    assert (first.state, second.state, second.attempt) == ("failed", "completed", 2)


def test_what_failed_stays_in_the_conversation_as_long_as_nothing_else_fails(here: World) -> None:
    here.openai.faults.add("refused", 1)
    here.jira.comment("OPS-1", "The printer is called Ada.")
    here.run_until_idle()

    here.jira.comment("OPS-1", "Why does she not print?")
    here.run_until_idle()

    [answered] = here.openai.requests
    assert "called Ada" in str(answered.body)


def test_what_is_refused_by_itself_is_tried_without_the_others_once(here: World) -> None:
    here.openai.faults.add("refused", None)
    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    here.jira.comment("OPS-1", "Why, though?")
    here.run_until_idle()

    assert here.answers("OPS-1") == []
    assert [(turn.state, turn.attempt) for turn in here.turns()] == [("failed", 1), ("failed", 2)]


def test_the_teams_own_question_is_tried_without_what_the_public_failed_at(here: World) -> None:
    here.openai.faults.add("refused", 1)
    here.jira.comment("OPS-1", "POISON, word by word?")
    here.run_until_idle()
    here.openai.faults.add("refused", 1)

    here.write(_ask_apart, here.jira.issue("OPS-1").id)
    here.run_until_idle()

    [answered] = here.openai.requests
    assert "POISON" not in str(answered.body)
    assert "What does she want?" in str(answered.body)


def _ask_apart(db: Session, issue_id: str) -> None:
    tenant = db.exec(select(Tenant)).one()
    ask_privately(db, tenant.id, issue_id, "client", "What does she want?", SystemClock().now())


def test_a_full_issue_is_a_cause_of_its_own(here: World) -> None:
    here.jira.faults.add("POST", COMMENTS, "status", status=413)

    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    [turn] = here.turns()
    assert (turn.state, turn.cause) == ("failed", "comment_cap")


def test_plain_paragraphs_where_jira_will_not_take_more(here: World) -> None:
    here.openai.will_answer("# A heading\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    here.jira.faults.add("POST", COMMENTS, "status", status=400)

    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    kinds = {node["type"] for node in here.jira.comments("OPS-1")[-1].body["content"]}
    assert kinds == {"paragraph"}


def test_a_long_answer_is_cut_to_what_jira_takes(here: World) -> None:
    here.openai.will_answer("\n\n".join(f"Paragraph {n}. " + "word " * 80 for n in range(200)))

    here.jira.comment("OPS-1", "Tell me everything.")
    here.run_until_idle()

    [answer] = here.answers("OPS-1")
    assert "Paragraph 0." in answer
    assert "AI assistant" in answer
    assert "Paragraph 199." not in answer


def test_at_the_cap_nothing_is_sent_and_a_person_is_promised(here: World) -> None:
    here.set(daily_tokens=100)

    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    assert here.openai.requests == []
    assert "A person from the team" in here.answers("OPS-1")[0]


def test_a_slow_webhook_of_our_own_comment_changes_nothing(here: World) -> None:
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.answers("OPS-1"), "the answer")
    here.jira.webhooks.redeliver(here.jira.webhooks.deliveries[-1].identifier)
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    assert len(here.items()) == 2


def test_a_comment_that_jira_took_is_found_again_behind_many_others(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")
    here.jira.webhooks.drop = 99  # no news of our own comment comes
    here.jira.faults.add("POST", COMMENTS, "reset_after_commit")
    here.openai.release()
    until(lambda: here.answers("OPS-1"), "Jira to take the comment")
    for number in range(12):
        here.jira.comment("OPS-1", f"Same here, {number}.", by="wim", deliver=False)
    until(lambda: here.turns()[0].state == "completed", "the turn to end")

    assert len(here.answers("OPS-1")) == 1
