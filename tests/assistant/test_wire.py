"""What other models put into a stream, as OpenAI's reference writes it, and what we send out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import agents
import httpx2
import pytest
from agents.tracing import Span, Trace, TracingProcessor

from app.assistant.models import ModelAccess, ModelClients
from app.assistant.server import AssistantServer
from app.assistant.store import ThreadStore
from app.errors import ModelError
from app.sandbox.openai import OpenAISite
from tests.assistant.conftest import Desk, text_of

RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_793_000_000,
    "model": "gpt-5.4-mini",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 22,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 33,
}
REASONING = {"id": "rs_1", "type": "reasoning", "summary": []}


def message(number: int, text: str) -> Iterator[dict[str, Any]]:
    place = {"item_id": f"msg_{number}", "output_index": number, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    item = {"id": f"msg_{number}", "type": "message", "role": "assistant", "content": []}
    full = part | {"text": text}
    yield of_item("added", number, item | {"status": "in_progress"})
    yield {"type": "response.content_part.added", **place, "part": part}
    yield {"type": "response.output_text.delta", **place, "delta": text, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": full}
    yield of_item("done", number, item | {"status": "completed", "content": [full]})


def of_item(what: str, number: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.output_item.{what}", "output_index": number, "item": item}


def ending(status: str, **fields: Any) -> dict[str, Any]:
    response = RESPONSE | {"status": status, "usage": USAGE} | fields
    return {"type": f"response.{status}", "response": response}


async def saying(desk: Desk, *events: dict[str, Any]) -> Desk:
    """The desk, with a model that streams just these events."""
    created = {"type": "response.created", "response": RESPONSE | {"status": "in_progress"}}
    body = "".join(
        f"event: {event['type']}\ndata: {json.dumps(event | {'sequence_number': number})}\n\n"
        for number, event in enumerate([created, *events])
    )

    def respond(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=body)

    def carrier(_: ModelAccess) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(respond))

    clients = ModelClients(timeout=5, http_client=carrier)
    await desk.add("It burns")
    return replace(desk, server=AssistantServer(ThreadStore(desk.database), clients, desk.clock))


async def test_reasoning_makes_no_item_and_costs_what_it_costs(desk: Desk) -> None:
    told = await saying(
        desk,
        of_item("added", 0, REASONING),
        {
            "type": "response.reasoning_summary_text.delta",
            "item_id": "rs_1",
            "output_index": 0,
            "summary_index": 0,
            "delta": "secret thought",
        },
        of_item("done", 0, REASONING),
        *message(1, "Turn it off."),
        ending("completed"),
    )
    turn = told.turn()
    events = await told.answer(turn)
    assert text_of(events) == "Turn it off."
    assert not any("secret thought" in event.model_dump_json() for event in events)
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (11, 22)


async def test_an_answer_that_was_all_reasoning_is_none(desk: Desk) -> None:
    thinking = (of_item("added", 0, REASONING), of_item("done", 0, REASONING))
    cut = ending("incomplete", incomplete_details={"reason": "max_output_tokens"})
    turn = (told := await saying(desk, *thinking, cut)).turn()
    with pytest.raises(ModelError, match="incomplete"):
        await told.answer(turn)
    assert turn.truncated
    assert turn.usage.output_tokens == 22
    told = await saying(desk, *thinking, ending("completed"))
    with pytest.raises(ModelError, match="empty"):
        await told.answer(told.turn())


async def test_several_messages_become_the_parts_of_one_item(desk: Desk) -> None:
    told = await saying(
        desk, *message(0, "Let me see. "), *message(1, "It is off."), ending("completed")
    )
    events = await told.answer(told.turn())
    assert text_of(events) == "Let me see. It is off."
    kinds = [event.type for event in events]
    assert (kinds.count("thread.item.added"), kinds.count("thread.item.done")) == (1, 1)
    parts = [json.loads(event.model_dump_json()).get("update") for event in events]
    assert [part["content_index"] for part in parts if part] == [0, 0, 0, 1, 1, 1]


async def test_a_stream_that_ends_without_an_end_is_a_cut_one(desk: Desk) -> None:
    told = await saying(desk, *message(0, "Turn it off."))
    with pytest.raises(ModelError, match="unreachable"):
        await told.answer(told.turn())


async def test_an_error_within_the_stream_has_its_cause(desk: Desk) -> None:
    error = {"type": "error", "code": "rate_limit_exceeded", "message": "canary", "param": None}
    told = await saying(desk, error)
    with pytest.raises(ModelError, match="rate_limited"):
        await told.answer(told.turn())


class Recorder(TracingProcessor):
    """Counts what the SDK would send to its tracing service."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def on_trace_start(self, trace: Trace) -> None:
        self.seen.append(trace)

    def on_trace_end(self, trace: Trace) -> None:
        self.seen.append(trace)

    def on_span_start(self, span: Span[Any]) -> None:
        self.seen.append(span)

    def on_span_end(self, span: Span[Any]) -> None:
        self.seen.append(span)

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self) -> None:
        """Nothing is held."""


async def test_nothing_is_traced(desk: Desk, openai: OpenAISite) -> None:
    recorder = Recorder()
    agents.add_trace_processor(recorder)
    await desk.ask("It burns")
    assert len(openai.requests) == 1
    assert recorder.seen == []
