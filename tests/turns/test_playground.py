"""The playground: the newest version answers an administrator, and nothing of it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from app.assistant.workflow import default_workflow
from app.clock import SystemClock
from app.store import tenants
from app.store.tables import Event, Issue, ProjectSettings, Thread, Workflow
from app.turns.policies import set_project
from app.turns.workflows import save_draft
from tests.support.admins import Admin
from tests.support.talks import Chat
from tests.support.world import World, until

ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])
"""Where nothing of it is for the database to get wrong."""
PIRATE = {"instructions": "Answer like a pirate."}


@pytest.fixture
def adam(here: World) -> Admin:
    return Admin(here)


def told(here: World, trial: dict[str, Any]) -> list[dict[str, Any]]:
    """The events that a page sees which follows the stream from where it was told to."""
    epoch, _, n = trial["last_event_id"].partition("-")
    thread, events = here.read(_after, trial["thread_id"], int(n))
    assert thread.epoch == epoch
    return [json.loads(event.data) for event in events]


def _after(db: Session, thread_id: str, n: int) -> tuple[Thread, list[Event]]:
    events = select(Event).where(Event.thread_id == thread_id, Event.n > n).order_by(col(Event.n))
    return db.get_one(Thread, thread_id), list(db.exec(events))


def test_the_draft_answers_with_its_cost(here: World, adam: Admin) -> None:
    here.openai.answers("Arr!")
    adam.does("PUT", "workflow", {"definition": PIRATE})

    trial = adam.tries("Who are you?")
    turn = adam.turn(trial["turn_id"])

    assert (turn.state, turn.workflow_version, turn.reply_as) == ("completed", 2, "private")
    [request] = here.openai.requests
    assert "pirate" in request.instructions
    assert "Who are you?" in request.text
    events = told(here, trial)
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["thread.item.done", "turn.queued", "turn.started"]
    assert events[0]["item"]["id"] == trial["item_id"]
    [completed] = [event for event in events if event["type"] == "turn.completed"]
    cost = completed["cost"]
    assert cost["model"] == "gpt-5.4-mini"
    assert (cost["input_tokens"], cost["output_tokens"]) == (turn.input_tokens, turn.output_tokens)
    assert cost["duration_ms"] >= 0
    assert adam.get("overview")["usage"]["spent"] == turn.input_tokens + turn.output_tokens


@ON_SQLITE
def test_nothing_of_it_reaches_jira_or_a_customer(here: World, adam: Admin) -> None:
    adam.does("PUT", "workflow", {"definition": PIRATE})
    adam.turn(adam.tries("Who are you?")["turn_id"])
    here.jira.comment("OPS-1", "And who are you?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    assert "pirate" not in here.openai.requests[-1].instructions
    assert "Who are you?" not in here.openai.requests[-1].text.replace("And who are you?", "")
    assert [one.issue_id for one in here.read(_all, Issue)] == [here.jira.issue("OPS-1").id]


def _all(db: Session, table: Any) -> list[Any]:
    return list(db.exec(select(table)))


@ON_SQLITE
def test_a_conversation_goes_on(here: World, adam: Admin) -> None:
    first = adam.tries("My name is Adam.")
    adam.turn(first["turn_id"])
    second = adam.tries("What is my name?", first["thread_id"])
    adam.turn(second["turn_id"])

    assert second["thread_id"] == first["thread_id"]
    assert "My name is Adam." in here.openai.requests[-1].text
    assert told(here, second)[0]["item"]["id"] == second["item_id"]
    other = adam.tries("What is my name?")
    adam.turn(other["turn_id"])
    assert other["thread_id"] != first["thread_id"]
    assert "My name is Adam." not in here.openai.requests[-1].text


def test_the_same_message_again_is_no_second_one(here: World, adam: Admin) -> None:
    body = {"text": "Who are you?", "client_id": "one"}
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda _: adam.does("POST", "playground", body), range(4)))
    adam.turn(sent[0]["turn_id"])
    again = adam.does("POST", "playground", body)

    ids = ("thread_id", "item_id", "turn_id", "last_event_id")
    assert len({tuple(one[name] for name in ids) for one in (*sent, again)}) == 1
    assert len(here.openai.requests) == 1


def test_only_its_own_administrator_goes_on_with_it(here: World, adam: Admin) -> None:
    trial = adam.tries("Who are you?")
    adam.turn(trial["turn_id"])
    here.jira.permissions._global["agnes"] = here.jira.permissions._global["adam"]
    agnes = Admin(here, by="agnes")
    on_issue = Chat(here, "OPS-1", "adam", "internal")
    on_issue.say("Why?")

    for admin, thread_id in (
        (agnes, trial["thread_id"]),
        (adam, on_issue.thread_id),
        (adam, "thr_none"),
    ):
        body = {"text": "And now?", "client_id": "x", "thread_id": thread_id}
        assert admin.call("POST", "playground", body).status_code == 404


BAD = (
    ({"text": " \n"}, "text", "beyond white space"),
    ({"text": "x" * 32_001}, "text", "at most 32,000"),
    ({"client_id": ""}, "client_id", "must not be empty"),
    ({"thread_id": 7}, "thread_id", "must be text"),
)


@ON_SQLITE
def test_a_bad_message_is_told_beside_its_field(here: World, adam: Admin) -> None:
    for change, name, what in BAD:
        body = {"text": "Hi", "client_id": "x", **change}
        answer = adam.call("POST", "playground", body)
        assert answer.status_code == 422
        assert what in answer.json()["fields"][name]
    assert here.read(_all, Thread) == []


@ON_SQLITE
def test_the_budget_holds_here_too(here: World, adam: Admin) -> None:
    adam.does("PUT", "limits", {"daily_tokens": 0})

    trial = adam.tries("Who are you?")
    turn = adam.turn(trial["turn_id"])

    assert turn.state == "completed"
    assert here.openai.requests == []
    assert "A person from the team" in str(told(here, trial))


@ON_SQLITE
def test_why_there_is_no_answer_is_told(here: World, adam: Admin) -> None:
    here.openai.faults.add("insufficient_quota")

    trial = adam.tries("Who are you?")
    adam.turn(trial["turn_id"])

    failed = told(here, trial)[-1]
    assert (failed["type"], failed["cause"]) == ("turn.failed", "quota")
    assert "no credit left" in failed["message"]


@ON_SQLITE
def test_a_draft_that_changes_leaves_a_running_trial_its_own(here: World, adam: Admin) -> None:
    adam.does("PUT", "workflow", {"definition": PIRATE})
    here.openai.hold()
    trial = adam.tries("Who are you?")
    until(lambda: here.openai.requests, "the model to be asked")
    adam.does("PUT", "workflow", {"definition": {"instructions": "Answer like a monk."}})
    adam.does("POST", "workflow/publish")
    here.openai.release()
    assert adam.turn(trial["turn_id"]).workflow_version == 2

    adam.turn(adam.tries("And now?")["turn_id"])
    first, second = here.openai.requests
    assert "pirate" in first.instructions
    assert "monk" in second.instructions


def test_two_who_publish_at_once_publish_one_version(here: World, adam: Admin) -> None:
    adam.does("PUT", "workflow", {"definition": PIRATE})

    with ThreadPoolExecutor(6) as pool:
        published = list(pool.map(lambda _: adam.call("POST", "workflow/publish"), range(6)))

    assert sorted(one.status_code for one in published) == [200, 409, 409, 409, 409, 409]
    versions = here.read(_all, Workflow)
    assert {(one.version, one.state) for one in versions} == {(1, "published"), (2, "published")}


def beside(
    here: World, write: Callable[[Session], object], call: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What a call answers while another process has written, and not committed yet."""
    with ThreadPoolExecutor(1) as pool, Session(here.database._write_engine) as db:
        write(db)
        db.flush()
        sent = pool.submit(call)
        until(lambda: here.read(_somebody_waits), "the app to wait for the other process")
        db.commit()
        return sent.result()


def _somebody_waits(db: Session) -> bool:
    return bool(db.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


@pytest.mark.parametrize(
    "database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def test_who_writes_beside_another_process_waits_for_it(here: World, adam: Admin) -> None:
    tenant_id, now = adam.tenant_id, SystemClock().now()
    saved = beside(
        here,
        lambda db: save_draft(db, tenant_id, default_workflow(), now),
        lambda: adam.does("PUT", "workflow", {"definition": PIRATE}),
    )
    shown = beside(
        here,
        lambda db: hold_and_set(db, tenant_id, now),
        lambda: adam.does("PUT", "projects/10001", {"mode": "draft", "trigger_word": "!bot"}),
    )

    assert saved == {"version": 2}
    assert [(one.version, one.state) for one in here.read(_all, Workflow)][1:] == [(2, "draft")]
    assert (shown["trigger_word"], shown["answer_to"]) == ("!bot", "everyone")
    assert len(here.read(_all, ProjectSettings)) == 1


def hold_and_set(db: Session, tenant_id: str, now: datetime) -> None:
    tenants.hold(db, tenant_id)
    set_project(db, tenant_id, "10001", "draft", {"answer_to": "everyone"}, now)


@ON_SQLITE
def test_the_session_reads_its_thread_and_no_other(here: World, adam: Admin) -> None:
    here.openai.answers("Arr!")
    trial = adam.tries("Who are you?")
    adam.turn(trial["turn_id"])
    headers = {"Authorization": f"Bearer {trial['token']}"}

    def read(thread_id: str) -> httpx2.Response:
        url = f"{here.url}/api/threads/{thread_id}"
        return httpx2.get(url, headers=headers, trust_env=False)

    seen = read(trial["thread_id"]).json()
    assert (seen["audience"], seen["mode"], seen["reply_as"]) == ("internal", "auto", "private")
    assert [item["type"] for item in seen["items"]["data"]] == ["user_message", "assistant_message"]
    assert read("thr_other").status_code == 403
    here.jira.permissions._global.clear()
    body = {"text": "And now?", "client_id": "x"}
    url = f"{here.url}/api/threads/{trial['thread_id']}/messages"
    assert httpx2.post(url, json=body, headers=headers, trust_env=False).status_code == 403
