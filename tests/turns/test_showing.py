"""What is shown on the public thread, and what stays in its log."""

from __future__ import annotations

from datetime import timedelta

from app.clock import SystemClock
from app.turns.talking import ask_privately
from tests.support.world import World, until


def test_words_of_an_abandoned_answer_leave_the_log_with_what_they_quoted(here: World) -> None:
    here.set(reply_audience="public")
    here.openai.answers(
        lambda request: (
            "You said CANARY-4711 and more words follow here, and more, and more."
            if "CANARY" in request.text
            else "Nothing."
        )
    )
    here.openai.hold(after=8)
    comment = here.jira.comment("SUP-2", "My card is CANARY-4711. Can both?", by="carlos")
    until(
        lambda: any("more words" in event.data for event in here.events()), "the answer to be shown"
    )
    here.jira.make_internal(comment)
    until(lambda: here.openai.cancelled, "the model to be stopped upstream")
    here.openai.release()
    here.run_until_idle()

    assert all("CANARY-4711" not in event.data for event in here.events())


def test_nobody_on_the_public_thread_hears_of_a_late_questions_draft(here: World) -> None:
    here.set(answer_within=0.5)
    here.jira.webhooks.hold()
    written = here.jira.comment("OPS-1", "Why?", by="rita").created
    until(lambda: SystemClock().now() > written + timedelta(seconds=0.6), "the time to pass")
    here.jira.webhooks.release()
    here.run_until_idle()

    assert all(not event.type.startswith("turn.") for event in here.events("public"))


def test_an_issue_that_comes_back_into_sight_has_its_public_comments_again(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    here.jira.faults.add("GET", "/rest/api/3/issue/*", "status", status=404)  # out of sight
    here.jira.edit_issue("OPS-1", summary="Another")
    here.run_until_idle()
    here.jira.comment("OPS-1", "And since when?", by="rita")
    here.run_until_idle()

    assert len(here.items()) == 4


def test_our_comment_that_was_hidden_and_shown_again_is_an_item_again(here: World) -> None:
    here.set(reply_audience="public")
    here.jira.comment("SUP-2", "Can both?", by="carlos")
    here.run_until_idle()
    ours = here.jira.comments("SUP-2")[-1]
    here.jira.make_internal(ours)
    here.run_until_idle()
    assert len(here.items()) == 1
    found = here.jira.find_comment(ours)
    shown = {k: v for k, v in found.properties.items() if k != "sd.public.comment"}
    here.jira.tracker.edit_comment(found, here.jira.directory.person("agnes"), properties=shown)
    here.run_until_idle()

    assert len(here.items()) == 2


def test_a_comment_shown_again_is_not_answered_twice(here: World) -> None:
    here.set(reply_audience="public")
    question = here.jira.comment("SUP-2", "Can both?", by="carlos")
    here.run_until_idle()
    here.jira.make_internal(question)
    here.run_until_idle()
    here.jira.tracker.edit_comment(
        here.jira.find_comment(question), here.jira.directory.person("agnes"), properties={}
    )
    here.run_until_idle()

    assert len(here.answers("SUP-2")) == 1


def test_the_same_private_message_again_makes_no_second_turn(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    tenant = here.turns()[0].tenant_id
    issue = here.jira.issue("OPS-1").id
    args = (tenant, issue, "client-1", "What do you think?", SystemClock().now())
    first = here.write(ask_privately, *args)
    here.run_until_idle()
    before = len(here.turns())
    again = here.write(ask_privately, *args)
    here.run_until_idle()

    assert first == again
    assert len(here.turns()) == before


def test_private_questions_do_not_count_as_replies_on_the_issue(here: World) -> None:
    here.set(max_replies=2)
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    tenant = here.turns()[0].tenant_id
    issue = here.jira.issue("OPS-1").id
    for number in range(3):
        here.write(ask_privately, tenant, issue, f"client-{number}", "Hm?", SystemClock().now())
        here.run_until_idle()
    here.jira.comment("OPS-1", "And since when?", by="rita")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 2
