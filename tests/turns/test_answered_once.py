"""A question is answered, once, and stands in Jira as one comment."""

from __future__ import annotations

import json

from tests.support.world import World, until


def test_a_comment_of_the_reporter_is_answered_by_one_comment(here: World) -> None:
    here.openai.will_answer("The move made it slow.")

    here.jira.comment("OPS-1", "Why is it slow?", by="rita")
    here.run_until_idle()

    [answer] = here.answers("OPS-1")
    assert "The move made it slow." in answer
    assert "AI assistant" in answer
    assert [turn.state for turn in here.turns()] == ["completed"]


def test_the_comment_bears_its_turn(here: World) -> None:
    here.jira.comment("OPS-1", "Why is it slow?")
    here.run_until_idle()

    comment = here.jira.comments("OPS-1")[-1]
    [turn] = here.turns()
    assert comment.properties["jira-chatkit"] == {
        "turn_id": turn.id,
        "thread_id": turn.reply_thread_id,
        "item_id": turn.reply_item_id,
        "role": "assistant",
    }
    assert turn.comment_id == comment.id


def test_the_second_question_knows_the_first(here: World) -> None:
    here.openai.will_answer("Because of the storage.", "Yes, you asked about the backup.")
    here.jira.comment("OPS-1", "Why is the backup slow?")
    here.run_until_idle()

    here.jira.comment("OPS-1", "Do you remember what I asked?")
    here.run_until_idle()

    second = str(here.openai.requests[-1].body)
    assert "Why is the backup slow?" in second
    assert "Because of the storage." in second
    assert len(here.answers("OPS-1")) == 2


def test_the_model_is_given_the_issue_and_a_bound(here: World) -> None:
    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    [request] = here.openai.requests
    assert "Nightly backup of the order database" in request.text
    assert request.max_output_tokens
    assert request.body["store"] is False


def test_a_new_issue_is_its_own_first_message(here: World) -> None:
    issue = here.jira.create_issue("OPS", "The printer smokes", "It began at nine.", by="rita")
    here.run_until_idle()

    assert len(here.answers(issue.key)) == 1
    assert "It began at nine." in here.openai.requests[0].last_user_text


def test_a_burst_is_answered_together(here: World) -> None:
    here.set(settle_for=0.6)
    for text in ("One thing.", "Another thing.", "And a third?"):
        here.jira.comment("OPS-1", text)
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    [request] = here.openai.requests
    assert all(text in request.text for text in ("One thing.", "Another thing.", "And a third?"))


def test_what_is_asked_while_the_answer_is_written_begins_it_again_once(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")

    here.jira.comment("OPS-1", "I mean: since when?")
    until(lambda: here.openai.cancelled, "the first stream to be ended upstream")
    here.openai.release()
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    [turn] = here.turns()
    assert turn.restarts == 1
    assert "since when?" in here.openai.requests[-1].text


def test_the_same_delivery_fifty_times_is_answered_once(here: World) -> None:
    here.jira.webhooks.hold()
    here.jira.comment("OPS-1", "Why?")
    here.jira.webhooks.release()
    here.run_until_idle()

    codes = here.jira.webhooks.redeliver(
        here.jira.webhooks.deliveries[0].identifier, times=50, concurrently=True
    )
    here.run_until_idle()

    assert set(codes) == {204}
    assert len(here.answers("OPS-1")) == 1
    assert len(here.turns()) == 1


def test_deliveries_out_of_order_are_answered_once_each(here: World) -> None:
    here.jira.webhooks.hold()
    here.jira.comment("OPS-1", "Why?")
    here.jira.comment("OPS-2", "When?")
    here.jira.webhooks.release("reversed")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    assert len(here.answers("OPS-2")) == 0  # its reporter is Agnes


def test_a_webhook_without_its_issue_is_enough(here: World) -> None:
    here.jira.with_issue_in_comment_webhooks = False

    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1


def test_a_service_project_has_its_answer_as_a_note_by_default(here: World) -> None:
    here.jira.comment("SUP-2", "Can both be on one account?", by="carlos")
    here.run_until_idle()

    assert len(here.answers("SUP-2")) == 1
    assert here.jira.comments("SUP-2")[-1].internal
    assert [item.kind for item in here.items("internal")] == ["assistant_message"]
    assert [item.kind for item in here.items("public")] == ["user_message"]


def test_a_note_is_not_known_to_the_next_public_answer(here: World) -> None:
    here.openai.will_answer("CANARY-NOTE: only the team may read this.", "Second.")
    here.jira.comment("SUP-2", "Can both be on one account?", by="carlos")
    here.run_until_idle()
    here.jira.comment("SUP-2", "And which?", by="carlos")
    here.run_until_idle()

    assert "CANARY-NOTE" not in here.openai.requests[-1].text


def test_where_the_admin_says_so_the_customer_is_answered_in_public(here: World) -> None:
    here.set(reply_audience="public")

    here.jira.comment("SUP-2", "Can both be on one account?", by="carlos")
    here.run_until_idle()

    assert not here.jira.comments("SUP-2")[-1].internal
    assert len(here.items("public")) == 2


def test_the_answer_says_what_wrote_it_in_the_language_of_the_question(here: World) -> None:
    here.set(reply_audience="public")
    here.jira.comment("SUP-1", "¿Cómo puedo obtener las facturas de octubre?", by="carlos")
    here.run_until_idle()

    assert "asistente de IA" in here.answers("SUP-1")[0]


def test_the_stream_of_a_turn_is_whole_and_counted(here: World) -> None:
    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    events = here.events()
    assert [event.n for event in events] == list(range(1, len(events) + 1))
    kinds = [event.type for event in events]
    assert kinds[0] == "thread.item.done"
    assert kinds[1:3] == ["turn.queued", "turn.started"]
    assert kinds[-2:] == ["thread.item.done", "turn.completed"]
    shown = "".join(
        data["update"].get("delta", "")
        for event in events
        if (data := json.loads(event.data))["type"] == "thread.item.updated"
    )
    assert shown == here.items()[-1].text


def test_many_issues_at_once_are_each_answered_once(here: World) -> None:
    keys = [here.jira.create_issue("OPS", f"Number {n}", "Why?").key for n in range(12)]
    here.run_until_idle()

    assert [len(here.answers(key)) for key in keys] == [1] * 12
    assert [turn.state for turn in here.turns()] == ["completed"] * 12
