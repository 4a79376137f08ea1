"""People talk to the assistant on our pages: answered always, and the human still wins."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, select

from app.clock import SystemClock
from app.store.tables import Issue, Tenant
from app.turns.policies import set_project
from tests.support.talks import Chat, text_of
from tests.support.world import World, until


def rest_cause(db: Session) -> str | None:
    return db.exec(select(Issue)).one().rest_cause


def last(items: list[dict[str, Any]]) -> dict[str, Any]:
    return items[-1]


def test_a_message_on_the_public_thread_becomes_a_comment_and_is_answered(here: World) -> None:
    here.openai.answers("Because of the storage.")
    rita = Chat(here, "OPS-1", "rita")
    asked = rita.say("Why is it slow?")
    here.run_until_idle()

    question, answer = here.jira.comments("OPS-1")
    assert question.author.account_id == here.jira.app_account.account_id
    assert "Rita" in question.text
    assert "Why is it slow?" in question.text
    assert "Because of the storage." in answer.text
    assert [turn.id for turn in here.turns()] == [asked["turn_id"]]
    assert rita.texts() == ["Why is it slow?", "Because of the storage."]


def test_the_same_message_again_is_no_second_one(here: World) -> None:
    rita = Chat(here, "OPS-1", "rita")
    assert rita.say("Why?", "one") == rita.say("Why?", "one")
    here.run_until_idle()
    assert rita.say("Why?", "one") == rita.say("Another text.", "one")
    here.run_until_idle()

    assert len(here.jira.comments("OPS-1")) == 2
    assert len(here.openai.requests) == 1


def test_two_people_may_choose_the_same_name_for_a_message(here: World) -> None:
    first = Chat(here, "OPS-1", "rita").say("Why?", "one")
    second = Chat(here, "OPS-1", "agnes").say("And when?", "one")
    here.run_until_idle()

    assert first["item_id"] != second["item_id"]
    assert {item.text for item in here.items() if item.kind == "user_message"} == {
        "Why?",
        "And when?",
    }


def test_it_is_no_takeover_when_an_agent_asks_the_assistant(here: World) -> None:
    Chat(here, "OPS-1", "agnes").say("What do we know of this?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 2
    assert here.read(rest_cause) is None


def test_who_asks_the_assistant_itself_is_answered_while_it_rests(here: World) -> None:
    here.jira.comment("SUP-2", "I have this one.", by="agnes")
    here.run_until_idle()
    here.jira.comment("SUP-2", "Thank you! When?", by="carlos")
    agnes = Chat(here, "SUP-2", "agnes")
    assert agnes.thread()["rest_cause"] == "takeover"
    asked = agnes.say("What would you say?")
    here.run_until_idle()

    [turn] = here.turns()
    assert (turn.id, turn.state) == (asked["turn_id"], "completed")
    [waits] = [item for item in here.items() if item.text == "Thank you! When?"]
    assert waits.answered_by is None, "what was asked of nobody in particular waits for the person"


def test_a_takeover_ends_also_what_was_asked_of_the_assistant_itself(here: World) -> None:
    here.openai.hold()
    Chat(here, "OPS-1", "agnes").say("What would you say?")
    until(lambda: here.openai.active_streams, "the model to begin")

    here.jira.comment("OPS-1", "I have this one.", by="agnes")
    until(lambda: here.openai.cancelled, "the model to be stopped upstream")
    here.openai.release()
    here.run_until_idle()

    assert [turn.state for turn in here.turns()] == ["stopped"]
    assert len(here.answers("OPS-1")) == 1, "the message itself, and nothing else"


def test_paused_it_rests_and_resumed_it_answers_what_waited(here: World) -> None:
    agnes = Chat(here, "OPS-1", "agnes", "internal")
    agnes.does("pause")
    assert agnes.thread()["rest_cause"] == "paused"
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    assert here.answers("OPS-1") == []

    agnes.does("resume")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1
    assert agnes.thread()["resting_until"] is None
    told = [event.type for event in here.events("internal")]
    assert told.count("thread.updated") == 2


def test_a_pause_stops_what_is_being_written(here: World) -> None:
    here.openai.hold(after=3)
    here.jira.comment("OPS-1", "Why?", by="rita")
    until(lambda: here.items()[-1:] and here.items()[-1].state == "streaming", "its first words")

    Chat(here, "OPS-1", "agnes").does("pause")
    until(lambda: here.openai.cancelled, "the model to be stopped upstream")
    here.openai.release()
    here.run_until_idle()

    [turn] = here.turns()
    assert (turn.state, turn.cause) == ("stopped", "paused")
    assert [item.text for item in here.items()] == ["Why?"], "what was shown of it is taken back"


def test_what_a_person_stopped_stays_marked_and_is_posted_nowhere(here: World) -> None:
    here.openai.hold(after=3)
    here.jira.comment("OPS-1", "Why?", by="rita")
    rita = Chat(here, "OPS-1", "rita")
    until(lambda: here.items()[-1:] and here.items()[-1].state == "streaming", "its first words")

    rita.does("stop")
    until(lambda: here.openai.cancelled, "the model to be stopped upstream")
    here.openai.release()
    here.run_until_idle()

    partial = last(rita.thread()["items"]["data"])
    assert partial["meta"]["stopped"] is True
    assert text_of(partial)
    assert here.answers("OPS-1") == []
    assert rita.thread()["turn"]["state"] == "stopped"

    here.jira.comment("OPS-1", "And now?", by="rita")
    here.run_until_idle()
    assert text_of(partial) not in str(here.openai.requests[-1].body), "it was never said"


def test_to_stop_where_nothing_runs_does_nothing(here: World) -> None:
    rita = Chat(here, "OPS-1", "rita")
    rita.does("stop")
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1


def test_a_stopped_answer_can_be_run_again(here: World) -> None:
    here.openai.hold(after=3)
    here.jira.comment("OPS-1", "Why?", by="rita")
    rita = Chat(here, "OPS-1", "rita")
    until(lambda: here.items()[-1:] and here.items()[-1].state == "streaming", "its first words")
    rita.does("stop")
    until(lambda: here.turns()[0].state == "stopped", "the turn to end")
    here.openai.release()

    answer = rita.post(f"/turns/{here.turns()[0].id}/retry")
    assert answer.status_code == 202
    here.run_until_idle()
    assert [turn.state for turn in here.turns()] == ["stopped", "completed"]
    assert here.turns()[1].id == answer.json()["turn_id"]
    assert len(here.answers("OPS-1")) == 1
    assert len(rita.texts()) == 2, "what was left of the first try is gone"


def test_a_failed_answer_can_be_run_again_once_its_cause_is_gone(here: World) -> None:
    here.openai.faults.add("insufficient_quota", 1)
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    rita = Chat(here, "OPS-1", "rita")
    failed = rita.thread()["turn"]
    assert (failed["state"], failed["cause"]) == ("failed", "quota")

    rita.does(f"turns/{failed['id']}/retry")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1
    again = rita.post(f"/turns/{here.turns()[1].id}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "not_failed")
    assert rita.post("/turns/turn_of_nobody/retry").status_code == 404


def test_where_it_is_switched_off_the_composer_is_closed(here: World) -> None:
    with_mode_off(here)
    for audience in ("public", "internal"):
        agnes = Chat(here, "OPS-1", "agnes", audience)
        assert agnes.thread()["mode"] == "off"
        answer = agnes.post("/messages", {"text": "Anybody?", "client_id": "1"})
        assert (answer.status_code, answer.json()["code"]) == (409, "switched_off")
    here.run_until_idle()
    assert here.openai.requests == []


def test_who_opens_a_thread_sees_what_was_said_before(here: World) -> None:
    with_mode_off(here)
    here.jira.comment("OPS-1", "An old question.", by="rita")
    here.run_until_idle()
    assert here.items() == [], "nobody looked, so nothing was fetched"

    rita = Chat(here, "OPS-1", "rita")
    here.run_until_idle()
    assert rita.texts() == ["An old question."]
    assert here.openai.requests == []


def test_the_teams_own_talk_is_posted_nowhere(here: World) -> None:
    here.openai.answers("Ask them for the log.")
    agnes = Chat(here, "SUP-2", "agnes", "internal")
    agnes.say("What should I ask of them?")
    here.run_until_idle()

    assert agnes.texts() == ["What should I ask of them?", "Ask them for the log."]
    assert last(agnes.thread()["items"]["data"])["meta"]["cost"]["output_tokens"] > 0
    assert here.jira.comments("SUP-2") == []
    assert Chat(here, "SUP-2", "agnes").texts() == []


def with_mode_off(here: World) -> None:
    def switch(db: Session) -> None:
        issue = here.jira.issue("OPS-1")
        [tenant] = db.exec(select(Tenant)).all()
        set_project(db, tenant.id, issue.project.id, "off", {}, SystemClock().now())

    here.write(switch)


def test_the_teams_own_talk_knows_what_was_said_in_public(here: World) -> None:
    here.jira.comment("SUP-2", "My order number is 4711.", by="carlos")
    here.run_until_idle()
    agnes = Chat(here, "SUP-2", "agnes", "internal")
    agnes.say("What is the order number?")
    here.run_until_idle()

    given = str(here.openai.requests[-1].body)
    assert "My order number is 4711." in given
    assert "What is the order number?" in given


def test_what_the_team_says_apart_is_never_given_to_a_public_turn(here: World) -> None:
    agnes = Chat(here, "SUP-2", "agnes", "internal")
    agnes.say("Between us: CANARY.")
    here.run_until_idle()
    asked = len(here.openai.requests)
    here.jira.comment("SUP-2", "What did you say between you?", by="carlos")
    here.run_until_idle()

    assert len(here.openai.requests) == asked + 1
    assert "CANARY" not in str(here.openai.requests[-1].body)


def test_what_an_agent_writes_to_it_in_a_service_project_never_reaches_the_customer(
    here: World,
) -> None:
    here.set(reply_audience="public")
    agnes = Chat(here, "SUP-2", "agnes")
    agnes.say("CANARY-4711 is what we paid for it. Is that much?")
    here.run_until_idle()
    note, reply = here.jira.comments("SUP-2")
    assert "CANARY-4711" in note.text
    assert note.internal
    assert reply.internal, "its answer may quote it"

    here.jira.comment("SUP-2", "What did you pay for it?", by="carlos")
    here.run_until_idle()
    assert not here.jira.comments("SUP-2")[-1].internal
    assert "CANARY-4711" not in str(here.openai.requests[-1].body)


def test_a_customers_own_message_is_a_public_one(here: World) -> None:
    here.set(reply_audience="public")
    here.jira.grant("carlos", "SUP", "BROWSE_PROJECTS", "ADD_COMMENTS")
    Chat(here, "SUP-2", "carlos").say("Can both be on one account?")
    here.run_until_idle()
    assert [comment.internal for comment in here.jira.comments("SUP-2")] == [False, False]


def test_what_is_asked_after_a_stop_is_answered(here: World) -> None:
    here.openai.hold(after=3)
    agnes = Chat(here, "OPS-1", "agnes", "internal")
    first = agnes.say("One?")
    until(lambda: here.openai.active_streams, "the model to begin")
    agnes.does("stop")
    second = agnes.say("Two?")
    here.openai.release()
    here.run_until_idle()

    assert first["turn_id"] != second["turn_id"]
    states = {turn.id: turn.state for turn in here.turns()}
    assert states == {first["turn_id"]: "stopped", second["turn_id"]: "completed"}


def test_what_a_person_took_over_can_be_asked_of_the_assistant_all_the_same(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")
    here.jira.comment("OPS-1", "I have this one.", by="agnes")
    until(lambda: here.turns()[0].state == "stopped", "the takeover")
    here.openai.release()
    here.run_until_idle()

    Chat(here, "OPS-1", "agnes").does(f"turns/{here.turns()[0].id}/retry")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1


def test_to_run_it_again_beside_another_answer_asks_for_both(here: World) -> None:
    here.openai.faults.add("insufficient_quota", 1)
    here.jira.comment("OPS-1", "One?", by="rita")
    here.run_until_idle()
    here.openai.hold(after=3)
    here.jira.comment("OPS-1", "Two?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")

    Chat(here, "OPS-1", "rita").does(f"turns/{here.turns()[0].id}/retry")
    here.openai.release()
    here.run_until_idle()
    answered = {item.text: item.answered_by for item in here.items() if item.asks}
    assert set(answered) == {"One?", "Two?"}
    assert here.turns()[0].id not in answered.values()


def test_a_promised_answer_that_will_not_come_is_told(here: World) -> None:
    here.jira.faults.add("POST", "/rest/api/3/issue/[^/]+/comment", "hang", 1, seconds=2)
    here.jira.comment("OPS-1", "Why?", by="rita")
    rita = Chat(here, "OPS-1", "rita")
    until(lambda: here.turns() and here.turns()[0].posts, "Jira to be asked")
    promised = rita.say("And when?")
    with_mode_off(here)
    here.run_until_idle()

    told = [event.data for event in here.events() if event.type == "turn.stopped"]
    assert any(promised["turn_id"] in data for data in told)


def test_to_run_a_posting_again_looks_for_its_comment_first(here: World) -> None:
    here.openai.answers("It swaps.")
    here.jira.faults.add("POST", "/rest/api/3/issue/*/comment", "status", status=413)
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    [turn] = here.turns()
    assert (turn.state, turn.posts) == ("failed", 1)
    mark: dict[str, object] = {"jira-chatkit": {"turn_id": turn.id, "role": "assistant"}}
    here.jira.comment("OPS-1", "It swaps.", by="app", properties=mark, deliver=False)

    again = Chat(here, "OPS-1", "rita").post(f"/turns/{turn.id}/retry")
    assert again.json() == {"turn_id": turn.id}
    here.run_until_idle()
    assert here.answers("OPS-1") == ["It swaps."]
    assert [turn.state for turn in here.turns()] == ["completed"]


def test_a_posting_that_jira_never_took_is_posted_when_it_is_run_again(here: World) -> None:
    here.openai.answers("It swaps.")
    here.jira.faults.add("POST", "/rest/api/3/issue/*/comment", "status", status=413)
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    [turn] = here.turns()

    Chat(here, "OPS-1", "rita").does(f"turns/{turn.id}/retry")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1
    assert len(here.openai.requests) == 1, "what was written is not written anew"
    [kept] = here.items("internal")
    assert kept.meta["draft"]["state"] == "replaced"
