"""``POST /chatkit``: ChatKit's own protocol over a session's one thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from chatkit.types import ThreadStreamEvent
from pydantic import TypeAdapter

from tests.support.talks import Chat, text_of
from tests.support.world import World, world

EVENT: TypeAdapter[ThreadStreamEvent] = TypeAdapter(ThreadStreamEvent)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One system for all of these: each test has an issue of its own."""
    folder = tmp_path_factory.mktemp("chatkit")
    with world(f"sqlite:///{folder / 'test.db'}", install=False) as made:
        made.extra["unused"] = [
            made.jira.create_issue("OPS", "Slow backups", "").key for _ in range(20)
        ]
        made.install()
        yield made


@pytest.fixture
def key(here: World) -> str:
    """An issue that stood there before the app came, so that nothing asks on it yet."""
    unused: list[str] = here.extra["unused"]
    return unused.pop()


def call(chat: Chat, kind: str, /, **params: object) -> httpx2.Response:
    body = {"type": kind, "params": params, "metadata": {}}
    return httpx2.post(
        f"{chat.here.url}/chatkit",
        json=body,
        headers=chat.headers,
        trust_env=False,
        timeout=20,
    )


def said(text: str, **more: object) -> dict[str, object]:
    content = [{"type": "input_text", "text": text}]
    return {"content": content, "attachments": [], "inference_options": {}, **more}


def events_of(answer: httpx2.Response) -> list[dict[str, Any]]:
    """The stream's events, each judged by ChatKit's own types."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    for line in lines:
        EVENT.validate_json(line)
    return [json.loads(line) for line in lines]


def test_to_create_a_thread_is_to_continue_the_sessions_own(here: World, key: str) -> None:
    here.openai.answers("Because of the storage.")
    rita = Chat(here, key, "rita")
    events = events_of(call(rita, "threads.create", input=said("Why?")))

    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["thread.created", "thread.item.done", "stream_options"]
    assert kinds[-1] == "thread.item.done"
    assert events[0]["thread"]["id"] == rita.thread_id
    assert text_of(events[1]["item"]) == "Why?"
    assert text_of(events[-1]["item"]) == "Because of the storage."
    here.run_until_idle()
    assert rita.texts() == ["Why?", "Because of the storage."]
    assert len(here.jira.comments(key)) == 2


def test_an_answer_is_told_as_it_grows(here: World, key: str) -> None:
    here.openai.answers("One two three four five six seven eight nine ten.")
    rita = Chat(here, key, "rita")
    events = events_of(
        call(rita, "threads.add_user_message", thread_id=rita.thread_id, input=said("Why?"))
    )
    deltas = [
        event["update"]["delta"]
        for event in events
        if event["type"] == "thread.item.updated" and "delta" in event["update"]
    ]
    assert "".join(deltas) == "One two three four five six seven eight nine ten."


def test_what_is_quoted_stands_before_the_question(here: World, key: str) -> None:
    rita = Chat(here, key, "rita")
    call(rita, "threads.create", input=said("Is this so?", quoted_text="It is slow.\nVery."))
    assert rita.texts()[0] == "> It is slow.\n> Very.\n\nIs this so?"


def test_the_same_message_again_by_its_client_id_is_no_second_one(here: World, key: str) -> None:
    rita = Chat(here, key, "rita")
    body = {
        "type": "threads.create",
        "params": {"input": said("Why?")},
        "metadata": {"client_id": "one"},
    }
    for _ in range(2):
        answer = httpx2.post(
            f"{here.url}/chatkit", json=body, headers=rita.headers, trust_env=False, timeout=20
        )
        assert answer.status_code == 200
    here.run_until_idle()
    assert len(here.jira.comments(key)) == 2


def test_the_thread_is_listed_read_and_named(here: World, key: str) -> None:
    rita = Chat(here, key, "rita")
    rita.say("Why?")
    here.run_until_idle()
    agnes = Chat(here, key, "agnes")
    for somebody, status in ((rita, 403), (agnes, 200)):
        renamed = call(somebody, "threads.update", thread_id=rita.thread_id, title="Slow backups")
        assert renamed.status_code == status
    listed = call(rita, "threads.list", limit=10).json()["data"]
    assert [(one["id"], one["title"]) for one in listed] == [(rita.thread_id, "Slow backups")]
    assert call(rita, "threads.list", after=rita.thread_id).json()["data"] == []
    whole = call(rita, "threads.get_by_id", thread_id=rita.thread_id).json()
    assert [item["type"] for item in whole["items"]["data"]] == [
        "user_message",
        "assistant_message",
    ]
    page = call(rita, "items.list", thread_id=rita.thread_id, limit=1).json()
    assert [item["type"] for item in page["data"]] == ["assistant_message"]
    older = call(rita, "items.list", thread_id=rita.thread_id, after=page["after"]).json()
    assert [item["type"] for item in older["data"]] == ["user_message"]


def test_feedback_is_kept(here: World, key: str) -> None:
    rita = Chat(here, key, "rita")
    rita.say("Why?")
    here.run_until_idle()
    answer = rita.thread()["items"]["data"][-1]["id"]
    given = call(
        rita, "items.feedback", thread_id=rita.thread_id, item_ids=[answer], kind="positive"
    )
    assert given.status_code == 200
    assert rita.thread()["feedback"] == {answer: "positive"}


def test_a_failed_answer_says_why(here: World, key: str) -> None:
    here.openai.faults.add("insufficient_quota", 1)
    rita = Chat(here, key, "rita")
    [*_, last] = events_of(call(rita, "threads.create", input=said("Why?")))
    assert last["type"] == "error"
    assert "credit" in last["message"]


def test_who_leaves_stops_nothing(here: World, key: str) -> None:
    here.openai.hold(after=2)
    rita = Chat(here, key, "rita")
    body = {"type": "threads.create", "params": {"input": said("Why?")}, "metadata": {}}
    with httpx2.stream(
        "POST", f"{here.url}/chatkit", json=body, headers=rita.headers, trust_env=False
    ) as answer:
        for line in answer.iter_lines():
            if "thread.item.updated" in line:
                break
    here.openai.release()
    here.run_until_idle()
    assert len(rita.texts()) == 2
    assert "stopped" not in rita.thread()["items"]["data"][-1]["meta"]


def test_where_the_team_reads_first_the_stream_says_so(here: World) -> None:
    agnes = Chat(here, "SUP-2", "agnes")
    events = events_of(call(agnes, "threads.create", input=said("Why?")))
    assert events[-1]["type"] == "notice"
    here.run_until_idle()


def test_what_is_no_open_draft_is_not_written_anew(here: World, key: str) -> None:
    agnes = Chat(here, key, "agnes", "internal")
    agnes.say("What do we know?")
    here.run_until_idle()
    mine = agnes.thread()["items"]["data"][0]["id"]
    refused = call(agnes, "threads.retry_after_item", thread_id=agnes.thread_id, item_id=mine)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_open_draft")
    unknown = call(agnes, "threads.retry_after_item", thread_id=agnes.thread_id, item_id="item_x")
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("kind", "params", "status"),
    [
        ("threads.delete", {}, 403),
        ("attachments.create", {"name": "a", "size": 1, "mime_type": "text/plain"}, 422),
        ("attachments.delete", {"attachment_id": "a"}, 422),
        ("input.transcribe", {"audio_base64": "", "mime_type": "audio/webm"}, 422),
        ("threads.add_client_tool_output", {"result": 1}, 409),
        ("threads.custom_action", {"action": {"type": "x"}}, 409),
        ("threads.create", {"input": said("   ")}, 422),
        ("threads.create", {"input": said("x" * 32_001)}, 422),
        ("threads.create", {"input": said("x", attachments=["a"])}, 422),
        ("threads.create", {"input": "x"}, 422),
        ("threads.explode", {}, 422),
        ("items.feedback", {"item_ids": ["item_x"], "kind": "positive"}, 404),
    ],
)
def test_what_cannot_be_taken_is_refused_before_the_first_byte(
    here: World, kind: str, params: dict[str, Any], status: int
) -> None:
    rita = Chat(here, "OPS-1", "rita")
    answer = call(rita, kind, **{"thread_id": rita.thread_id, **params})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_another_thread_is_not_found(here: World, key: str) -> None:
    rita, other = Chat(here, "OPS-1", "rita"), Chat(here, key, "rita")
    for kind in ("threads.get_by_id", "items.list", "threads.delete"):
        assert call(rita, kind, thread_id=other.thread_id).status_code == 404
    answer = call(rita, "threads.add_user_message", thread_id=other.thread_id, input=said("Why?"))
    assert answer.status_code == 404
    assert other.texts() == []


def test_what_is_no_json_is_told_so(here: World) -> None:
    rita = Chat(here, "OPS-1", "rita")
    answer = httpx2.post(f"{here.url}/chatkit", content=b"{", headers=rita.headers, trust_env=False)
    assert answer.status_code == 400
