"""The assistant's side of a turn: a ChatKit server that only ever responds.

A turn calls ``respond`` itself and writes what it yields. ``process`` is not used: it would
store the question again, and tell a final error as one that may be tried again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from agents import RunResultStreaming, TResponseInputItem
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.server import ChatKitServer
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from openai import AsyncOpenAI
from typing_extensions import override

from app.assistant.agent import start
from app.assistant.context import TurnContext
from app.assistant.conversation import characters, conversation, weight
from app.assistant.models import ModelClients
from app.assistant.reply import Reply
from app.assistant.run import WatchedRun, pumped
from app.assistant.store import ThreadStore
from app.clock import Clock


class AssistantServer(ChatKitServer[TurnContext]):
    """Answers a thread with the model of its tenant."""

    def __init__(self, store: ThreadStore, clients: ModelClients, clock: Clock) -> None:
        super().__init__(store)
        self._reads = store
        self._clients = clients
        self._clock = clock

    @override
    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: TurnContext,
    ) -> AsyncGenerator[ThreadStreamEvent, None]:
        """Answer everything on the thread up to what the turn has read.

        Yields one item's events: added, its text as it grows, done at the very end. Its id is
        ``context.reply_item_id``. When the context is cancelled it ends early and without done;
        closing it, or cancelling the task that reads it, stops the model too. ``context.usage``
        and ``.truncated`` are set when it has ended, also by an error.

        Args:
            thread: the context's own thread.
            input_user_message: unused: what was said is read from the store.
            context: of this attempt alone.

        Raises:
            ModelError: there is no answer; whatever was yielded is to be removed.
        """
        given = await self._given(context)
        if context.cancelled:
            return
        async with (
            self._clients.use(context.tenant_id, context.access) as client,
            aclosing(self._answer(client, given, thread, context)) as events,
        ):
            async for event in events:
                yield event

    async def weigh(self, context: TurnContext) -> int:
        """The most input tokens that the call can take: a token is at least one byte of UTF-8.

        What is read here is what `respond` will send.
        """
        return weight(await self._given(context), context)

    async def _given(self, context: TurnContext) -> list[TResponseInputItem]:
        if context.given is None:
            context.given = await conversation(self._reads, context)
        return context.given

    async def _answer(
        self,
        client: AsyncOpenAI,
        given: list[TResponseInputItem],
        thread: ThreadMetadata,
        context: TurnContext,
    ) -> AsyncGenerator[ThreadStreamEvent, None]:
        reply = Reply(context.reply_item_id, context.thread_id, self._clock.now())
        run = WatchedRun(start(client, context, given), characters(given, context), self._clock)
        context.stops_by(run.stop)
        chatkit = AgentContext[TurnContext](
            thread=thread, store=self.store, request_context=context
        )
        # WatchedRun has the one method that ChatKit calls.
        converted = stream_agent_response(chatkit, cast("RunResultStreaming", run))
        try:
            async with aclosing(pumped(converted, run.stop)) as events:
                async for event in events:
                    ours = reply.take(event)
                    if ours is not None and not context.cancelled:
                        yield ours
        finally:
            context.usage = run.usage
            context.truncated = run.truncated
        if context.cancelled:
            return
        if failure := run.failure(reply.text):
            raise failure
        yield reply.done()
