"""Stop means stop: at once, upstream, and leaving nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from app.sandbox.openai import OpenAISite
from tests.assistant.conftest import Desk, no_other_task, text_of

LONG = " ".join(f"word{number}" for number in range(500))


async def test_cancelling_ends_the_stream_upstream(desk: Desk, openai: OpenAISite) -> None:
    openai.answers(LONG)
    openai.hold(after=3)
    await desk.add("It burns")
    turn = desk.turn()
    seen = []
    async for event in desk.events(turn):
        seen.append(event.type)
        if len(seen) == 4:
            turn.cancel()
    assert "thread.item.done" not in seen
    await openai.until(lambda: openai.cancelled, timeout=1)
    assert openai.cancelled[0].deltas == 3
    assert openai.active_streams == 0
    assert turn.usage.estimated
    assert turn.usage.input_tokens > 0


async def test_cancelling_ends_a_model_that_has_not_said_a_word(
    desk: Desk, openai: OpenAISite
) -> None:
    openai.faults.add("hang")
    await desk.add("It burns")
    turn = desk.turn()
    answering = asyncio.create_task(desk.answer(turn))
    await openai.wait_for_stream()
    turn.cancel()
    async with asyncio.timeout(1):
        assert await answering == []
    await openai.until(lambda: openai.cancelled, timeout=1)
    assert openai.active_streams == 0


async def test_a_turn_cancelled_before_it_began_asks_nothing(
    desk: Desk, openai: OpenAISite
) -> None:
    await desk.add("It burns")
    turn = desk.turn()
    turn.cancel()
    assert await desk.answer(turn) == []
    assert openai.requests == []


async def test_a_turn_cancelled_while_it_reads_the_thread_asks_nothing(
    desk: Desk, openai: OpenAISite
) -> None:
    await desk.add("It burns")
    turn = desk.turn()
    answering = asyncio.create_task(desk.answer(turn))
    await asyncio.sleep(0)
    assert not answering.done()
    turn.cancel()
    assert await answering == []
    assert openai.requests == []


async def test_a_turn_cancelled_after_its_end_keeps_its_answer(
    desk: Desk, openai: OpenAISite
) -> None:
    openai.will_answer("Done.")
    await desk.add("It burns")
    turn = desk.turn()
    events = await desk.answer(turn)
    turn.cancel()
    assert text_of(events) == "Done."


async def test_a_reader_that_leaves_stops_the_model(desk: Desk, openai: OpenAISite) -> None:
    openai.answers(LONG)
    openai.hold(after=3)
    await desk.add("It burns")
    turn = desk.turn()
    events = desk.server.respond(desk.thread, None, turn)
    await anext(events)
    await events.aclose()
    await openai.until(lambda: openai.cancelled, timeout=1)
    assert turn.usage.estimated


@pytest.mark.parametrize("hanging", [False, True])
async def test_a_task_that_is_cancelled_stops_the_model(
    desk: Desk, openai: OpenAISite, *, hanging: bool
) -> None:
    openai.answers(LONG)
    openai.hold(after=3)
    if hanging:
        openai.faults.add("hang")
    await desk.add("It burns")
    answering = asyncio.create_task(desk.answer(desk.turn()))
    await openai.until(lambda: openai.active_streams)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    await openai.until(lambda: openai.cancelled, timeout=1)
    await no_other_task()


async def test_stopping_one_turn_leaves_the_other_alone(
    desks: tuple[Desk, Desk], openai: OpenAISite
) -> None:
    here, there = desks
    openai.answers("one two three")
    openai.hold(after=1)
    for desk in desks:
        await desk.add("It burns")
    stopped, kept = here.turn(), there.turn()
    first = asyncio.create_task(here.answer(stopped))
    second = asyncio.create_task(there.answer(kept))
    await openai.until(lambda: openai.active_streams == 2)
    stopped.cancel()
    await first
    await openai.until(lambda: openai.cancelled, timeout=1)
    openai.release()
    assert text_of(await second) == "one two three"
    assert len(openai.cancelled) == 1
