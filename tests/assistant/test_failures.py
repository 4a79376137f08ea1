"""Each way to get no answer has its cause, says whether to try again, and tells no more."""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace
from typing import Any

import pytest

from app.assistant.context import Usage
from app.assistant.models import ModelClients
from app.assistant.server import AssistantServer
from app.assistant.store import ThreadStore
from app.errors import ModelError
from app.sandbox.openai import OpenAISite
from app.sandbox.openai.faults import Kind
from tests.assistant.conftest import Desk, no_other_task


async def failure(desk: Desk, **asked: Any) -> ModelError:
    await desk.add("It burns")
    with pytest.raises(ModelError) as raised:
        await desk.answer(desk.turn(**asked))
    return raised.value


@pytest.mark.parametrize(
    ("kind", "details", "cause", "retry_after"),
    [
        ("insufficient_quota", {}, "quota", None),
        ("rate_limited", {"retry_after": 7}, "rate_limited", 7.0),
        ("rate_limited", {"retry_after": None}, "rate_limited", 20.0),
        ("key_refused", {}, "key_refused", None),
        ("model_unknown", {}, "model_unknown", None),
        ("too_long", {}, "too_long", None),
        ("refused", {}, "refused", None),
        ("server_error", {}, "unreachable", 5.0),
        ("unavailable", {"retry_after": 9}, "unreachable", 9.0),
        ("drop", {"after": 2}, "unreachable", 5.0),
        ("fail", {}, "unreachable", 5.0),
        ("fail", {"code": "rate_limit_exceeded"}, "rate_limited", 20.0),
        ("fail", {"code": "invalid_prompt"}, "refused", None),
        ("filtered", {}, "incomplete", None),
        ("incomplete", {"after": 0}, "incomplete", None),
    ],
)
async def test_a_fault_has_its_cause_and_its_wait(
    desk: Desk,
    openai: OpenAISite,
    caplog: pytest.LogCaptureFixture,
    kind: Kind,
    details: dict[str, Any],
    cause: str,
    retry_after: float | None,
) -> None:
    caplog.set_level(logging.DEBUG)
    openai.answers("one two three four")
    openai.faults.add(kind, **details)
    error = await failure(desk)
    assert (error.cause, error.retry_after) == (cause, retry_after)
    assert "simulated" not in "".join(traceback.format_exception(error))
    assert "simulated" not in caplog.text
    assert "It burns" not in caplog.text


async def test_a_wrong_key_is_refused_and_appears_nowhere(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    error = await failure(desk, key="sk-wrong-canary")
    assert error.cause == "key_refused"
    assert "canary" not in "".join(traceback.format_exception(error))
    assert "canary" not in caplog.text
    assert "canary" not in repr(desk.turn(key="sk-wrong-canary"))


async def test_a_model_that_is_silent_too_long_is_unreachable(
    desk: Desk, openai: OpenAISite
) -> None:
    clients = ModelClients(timeout=0.2)
    impatient = replace(
        desk, server=AssistantServer(ThreadStore(desk.database), clients, desk.clock)
    )
    openai.faults.add("hang")
    assert (await failure(impatient)).cause == "unreachable"
    await openai.until(lambda: openai.cancelled)
    await clients.close()


async def test_a_model_that_nobody_runs_is_unreachable(desk: Desk) -> None:
    nowhere = replace(desk, url="http://127.0.0.1:9")
    assert (await failure(nowhere)).cause == "unreachable"


@pytest.mark.parametrize("nothing", ["", " \n "])
async def test_an_empty_answer_is_none(desk: Desk, openai: OpenAISite, nothing: str) -> None:
    openai.will_answer(nothing)
    error = await failure(desk)
    assert (error.cause, error.retry_after) == ("empty", None)


async def test_an_answer_that_fails_at_its_end_was_never_done(
    desk: Desk, openai: OpenAISite
) -> None:
    openai.answers("one two three four")
    openai.faults.add("filtered", after=2)
    await desk.add("It burns")
    seen: list[str] = []
    with pytest.raises(ModelError):
        await desk.watch(desk.turn(), seen)
    assert "thread.item.updated" in seen
    assert "thread.item.done" not in seen


async def test_what_a_cut_answer_took_is_estimated_and_a_refusal_took_nothing(
    desk: Desk, openai: OpenAISite
) -> None:
    openai.answers("one two three four")
    openai.faults.add("drop", after=2)
    openai.faults.add(429)
    await desk.add("It burns")
    cut, refused = desk.turn(), desk.turn()
    for turn in (cut, refused):
        with pytest.raises(ModelError):
            await desk.answer(turn)
    assert cut.usage.estimated
    assert cut.usage.output_tokens > 0
    assert cut.usage.input_tokens > 100
    assert refused.usage == Usage()


async def test_after_a_failure_nothing_is_left_running(desk: Desk, openai: OpenAISite) -> None:
    openai.answers("one two three four")
    openai.faults.add("drop", after=2)
    openai.faults.add(500)
    for _ in range(2):
        await failure(desk)
        await no_other_task()
