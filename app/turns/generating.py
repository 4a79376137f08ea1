"""Generating: the model's words, cleaned, written to the log as they come.

Deltas are grouped: after a write none for ``GROUP`` seconds, however fast the model is; and the
turns that write at one moment write together. What is shown is what the firewall lets through; the
whole text is the sum of what was shown.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)

from app.errors import ModelError
from app.firewall import ReplyCleaner
from app.store.threads import Lease
from app.turns import recording
from app.turns.collaborators import Collaborators
from app.turns.reading import Gathered
from app.turns.recording import Telling, Told

GROUP = 0.04  # seconds
LONGEST = 300.0
"""Seconds that a model may take in all, however busily it writes."""


class _Telling:
    """Writes what may be shown, behind the model and beside it."""

    def __init__(self, gathered: Gathered, lease: Lease, c: Collaborators) -> None:
        self._running = gathered.running
        self._lease = lease
        self._c = c
        self._cleaner = ReplyCleaner(gathered.link_allowed)
        self._untold = ""
        self._writing: asyncio.Task[None] | None = None
        self._next = 0.0  # seconds, by the loop's clock: no write before that
        self.text = ""

    def take(self, delta: str) -> None:
        """The model's next words."""
        self._untold += self._cleaner.feed(delta)
        if self._writing is None or self._writing.done():
            if self._writing is not None:
                self._writing.result()
            self._writing = asyncio.create_task(self._tell_soon())

    async def finish(self) -> None:
        """The rest, once the model is done."""
        if self._writing is not None:
            await self._writing
        self._untold += self._cleaner.close()
        await self._tell()

    async def leave(self) -> None:
        """Whatever is under way comes to its end; nothing more is written."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
            if not self._writing.cancelled():
                self._writing.exception()

    async def _tell_soon(self) -> None:
        while self._untold:  # what came while it was being written, too: the model may pause now
            await asyncio.sleep(self._next - asyncio.get_running_loop().time())
            await self._tell()

    async def _tell(self) -> None:
        delta, self._untold = self._untold, ""
        if not delta:
            return
        self._next = asyncio.get_running_loop().time() + GROUP
        begun, self.text = bool(self.text), self.text + delta
        database, told, now = self._c.database, Told(delta, self.text), self._c.clock.now()
        if not begun:
            await database.write(recording.tell, self._lease, self._running, told, now)
            return
        more = Telling(self._lease, self._running, told, now)
        hindrance = await database.write_together(recording.tell_more, more)
        if hindrance is not None:
            raise hindrance


async def generate(gathered: Gathered, lease: Lease, c: Collaborators) -> str:
    """The answer's whole text, in Markdown, as it was shown. Empty if it was cancelled.

    Raises:
        ModelError: there is no answer.
        Interrupted, LeaseLost: it is not ours to write any more.
    """
    context = gathered.context
    thread = ThreadMetadata(id=context.thread_id, created_at=c.clock.now())
    telling = _Telling(gathered, lease, c)
    try:
        async with (
            asyncio.timeout(LONGEST),
            aclosing(c.assistant.respond(thread, None, context)) as events,
        ):
            async for event in events:
                telling.take(_words(event))
        if context.cancelled:
            return ""
        await telling.finish()
    except TimeoutError:
        raise ModelError("unreachable", retry_after=0.0) from None
    finally:
        await telling.leave()
    if not telling.text.strip():
        raise ModelError("empty", retry_after=None)
    return telling.text


def _words(event: ThreadStreamEvent) -> str:
    if isinstance(event, ThreadItemUpdatedEvent) and isinstance(
        event.update, AssistantMessageContentPartTextDelta
    ):
        return event.update.delta
    return ""
