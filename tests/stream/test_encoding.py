"""Items and threads on the wire: ChatKit's shapes, on one line."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from chatkit.types import Thread as ChatKitThread
from chatkit.types import ThreadItem, ThreadStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from app.store.tables import Item, Thread
from app.stream.encoding import item_json, one_line, thread_json, without_words
from tests.support.clock import START
from tests.support.rows import item_of

SCHEMA = Path(__file__).parents[1] / "data" / "chatkit_events.schema.json"
EVENTS: TypeAdapter[ThreadStreamEvent] = TypeAdapter(ThreadStreamEvent)
ITEMS: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)

THREAD = Thread(
    id="thr_1", tenant_id="acme", issue_id="1", audience="public", epoch="abcdefgh",
    created_at=START,
)  # fmt: skip
items = st.builds(
    lambda kind, text, state, seconds: item_of(
        THREAD, START + timedelta(seconds=seconds), kind=kind, text=text, state=state
    ),
    st.sampled_from(["user_message", "assistant_message"]),
    st.text(max_size=30),
    st.sampled_from(["streaming", "done", "draft", "partial"]),
    st.floats(0, 10**8),
)
delta = st.text(max_size=30).map(
    lambda text: {"type": "assistant_message.content_part.text_delta", "content_index": 0,
                  "delta": text}
)  # fmt: skip
part = st.builds(
    lambda kind, text: {
        "type": f"assistant_message.content_part.{kind}",
        "content_index": 0,
        "content": {"type": "output_text", "text": text, "annotations": []},
    },
    st.sampled_from(["added", "done"]),
    st.text(max_size=30),
)


def event(kind: str, **what: object) -> dict[str, Any]:
    return {"type": kind, **what}


events = st.one_of(
    st.builds(
        lambda kind, item: event(f"thread.item.{kind}", item=item_json(item)),
        st.sampled_from(["added", "done", "replaced"]),
        items,
    ),
    st.builds(
        lambda update: event("thread.item.updated", item_id="item_1", update=update), delta | part
    ),
    st.just(event("thread.item.removed", item_id="item_1")),
)


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text()))


@given(events)
def test_our_events_are_chatkits(told: dict[str, Any]) -> None:
    line = json.loads(one_line(told))
    validator().validate(line)
    EVENTS.validate_python(line)


@given(events)
def test_without_its_words_an_event_is_still_chatkits(told: dict[str, Any]) -> None:
    blank = without_words(told)
    validator().validate(blank)
    EVENTS.validate_python(blank)
    assert blank.keys() == told.keys()
    assert blank["type"] == told["type"]


@given(events)
def test_to_take_words_out_changes_no_other_event(told: dict[str, Any]) -> None:
    before = one_line(told)
    without_words(told)
    assert one_line(told) == before


@given(items)
def test_an_item_is_read_back_by_chatkit(item: Item) -> None:
    read = ITEMS.validate_python(json.loads(one_line(item_json(item))))
    assert read.id == item.id
    assert read.thread_id == THREAD.id
    assert read.created_at == item.created_at
    assert read.type == item.kind


def test_a_thread_is_read_back_by_chatkit_and_says_who_sees_it() -> None:
    told = thread_json(THREAD)
    page = {"data": [item_json(item_of(THREAD))], "has_more": False, "after": None}
    validator().validate(event("thread.created", thread={**told, "items": page}))
    validator().validate(event("thread.updated", thread={**told, "items": page}))
    read = ChatKitThread.model_validate({**told, "items": page})
    assert (read.id, read.created_at, read.status.type) == ("thr_1", START, "active")
    assert told["audience"] == "public"


@pytest.mark.parametrize(
    ("columns", "turn_id"),
    [({}, None), ({"answered_by": "turn_1"}, "turn_1"), ({"written_by": "turn_2"}, "turn_2")],
)
def test_an_item_says_who_wrote_it_and_for_which_turn(
    columns: dict[str, Any], turn_id: str | None
) -> None:
    item = item_of(THREAD, author_id="account", comment_id="7", role="agent", **columns)
    assert item_json(item)["meta"] == {
        "author": "account",
        "role": "agent",
        "comment_id": "7",
        "turn_id": turn_id,
    }


def test_an_answer_that_has_just_begun_has_no_part_yet() -> None:
    begun = item_of(THREAD, kind="assistant_message", text="", state="streaming")
    assert item_json(begun)["content"] == []
    assert item_json(begun, "So")["content"][0]["text"] == "So"
    ended = item_of(THREAD, kind="assistant_message", text="", state="done")
    assert [one["text"] for one in item_json(ended)["content"]] == [""]


breaks = st.sampled_from(["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85",
                          "\u2028", "\u2029", "\0", "\ud800", "\udfff"])  # fmt: skip
texts = st.lists(breaks | st.text(max_size=8), max_size=6).map("".join)


@given(st.dictionaries(texts, st.recursive(texts, st.lists, max_leaves=4), max_size=3))
def test_an_event_is_one_line_whatever_it_says(told: dict[str, Any]) -> None:
    line = one_line(told)
    assert len(line.splitlines()) == 1
    assert json.loads(line) == json.loads(json.dumps(told))
    line.encode()  # half a surrogate pair must not stop the stream
    assert "\0" not in line


def test_an_event_is_written_as_people_read_it() -> None:
    assert one_line({"text": "Grüße, 你好"}) == '{"text":"Grüße, 你好"}'
