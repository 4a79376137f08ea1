"""One run of the agent, watched: what it used, how it ended, and how it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from agents import RunResultStreaming, StreamEvent
from agents.exceptions import ModelBehaviorError
from chatkit.types import ThreadStreamEvent
from openai.types.responses import (
    ResponseCompletedEvent,
    ResponseErrorEvent,
    ResponseFailedEvent,
    ResponseIncompleteEvent,
    ResponseOutputItemAddedEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    ResponseUsage,
)

from app.assistant.context import Usage
from app.assistant.models import RETRY_SECONDS, explain, explain_code, may_have_cost
from app.clock import Clock
from app.errors import ModelError

CHARACTERS_PER_TOKEN = 4


class WatchedRun:
    """Stands in for the SDK's result where ChatKit reads its events.

    It never raises while it is read: ChatKit leaves a task behind when its source does. What
    went wrong is told by `failure`, afterwards.

    Args:
        result: the run.
        given: characters that the model was given, for an estimate where it reports nothing.
    """

    def __init__(self, result: RunResultStreaming, given: int, clock: Clock) -> None:
        self._result = result
        self._given = given
        self._clock = clock
        self._said = 0
        self._begun = False
        self._sent = True  # until it is known that nothing was
        self._reported: ResponseUsage | None = None
        self._incomplete: str | None = None
        self._failure: ModelError | None = None

    async def stream_events(self) -> AsyncIterator[StreamEvent]:
        try:
            async for event in self._result.stream_events():
                if event.type == "raw_response_event":
                    self._note(event.data)
                    if _is_reasoning(event.data):
                        continue  # ChatKit would make an item of it
                yield event
        except Exception as error:  # noqa: BLE001  (told by `failure`, see above)
            self._sent = may_have_cost(error)
            self._failure = self._failure or self._explain(error)

    def stop(self) -> None:
        """Stop upstream at once. Whoever reads the events must go on to their end."""
        self._result.cancel(mode="immediate")

    @property
    def usage(self) -> Usage:
        if self._reported is not None:
            return Usage(self._reported.input_tokens, self._reported.output_tokens)
        if not self._begun and not self._sent:
            return Usage()
        return Usage(
            self._given // CHARACTERS_PER_TOKEN + 1,
            self._said // CHARACTERS_PER_TOKEN + 1,
            estimated=True,
        )

    @property
    def truncated(self) -> bool:
        return self._incomplete == "max_output_tokens"

    def failure(self, text: str) -> ModelError | None:
        """Why ``text`` is no answer, if so."""
        if self._incomplete is not None:
            whole_so_far = self.truncated and text.strip()
            return None if whole_so_far else ModelError("incomplete", retry_after=None)
        if self._failure is not None:
            return self._failure
        return None if text.strip() else ModelError("empty", retry_after=None)

    def _note(self, event: ResponseStreamEvent) -> None:
        self._begun = True
        match event:
            case ResponseTextDeltaEvent():
                self._said += len(event.delta)
            case ResponseCompletedEvent():
                self._reported = event.response.usage
            case ResponseIncompleteEvent():
                self._reported = event.response.usage
                details = event.response.incomplete_details
                self._incomplete = (details and details.reason) or "unknown"
            case ResponseFailedEvent():
                self._reported = event.response.usage
                error = event.response.error
                self._failure = explain_code(error.code if error else None)
            case ResponseErrorEvent():
                self._failure = explain_code(event.code)

    def _explain(self, error: Exception) -> ModelError:
        if isinstance(error, ModelBehaviorError):  # the stream ended without a last event
            return ModelError("unreachable", retry_after=RETRY_SECONDS)
        return explain(error, self._clock)


async def pumped(
    events: AsyncIterator[ThreadStreamEvent], stop: Callable[[], None]
) -> AsyncGenerator[ThreadStreamEvent, None]:
    """Read ``events`` in a task of their own, so that their reader is never torn from them.

    Whoever leaves early, by closing this or by being cancelled, stops the run and waits until
    it has ended.
    """
    queue: asyncio.Queue[ThreadStreamEvent | None] = asyncio.Queue()

    async def pump() -> None:
        try:
            async for event in events:
                queue.put_nowait(event)
        finally:
            queue.put_nowait(None)

    pumping = asyncio.create_task(pump())
    try:
        while (event := await queue.get()) is not None:
            yield event
        await pumping
    finally:
        if not pumping.done():
            stop()
            await asyncio.wait({pumping})


def _is_reasoning(event: ResponseStreamEvent) -> bool:
    return isinstance(event, ResponseOutputItemAddedEvent) and event.item.type == "reasoning"
