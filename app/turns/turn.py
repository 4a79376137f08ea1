"""One attempt of a turn, a state machine read downwards.

::

    waiting ──▶ gathering ──▶ generating ──▶ posting ──▶ completed
       ▲            │              │            │
       │            ▼              ▼            ▼
       ├─── abandoned: a crash, more was asked, a later try
       └──▶ dropped | stopped | failed

Each arrow is one transaction under the thread's lease, and none spans the network. What may
be repeated after a crash: gathering and generating, from the beginning. What may not is the
posting of a comment; so before it is tried, that it will be is recorded, and whoever resumes
looks in Jira for a comment that bears this turn's id first. Until it is tried, a person who
speaks still ends it, and what is asked still begins it again.
"""

from __future__ import annotations

from app.assistant.context import TurnContext, Usage
from app.store.tables import Turn
from app.store.threads import Lease
from app.turns import recording
from app.turns.collaborators import Collaborators
from app.turns.generating import generate
from app.turns.outcomes import Interrupted
from app.turns.posting import post
from app.turns.reading import Gathered, gather
from app.turns.recording import Running
from app.turns.texts import hand_off


class TurnRun:
    """The attempt, as long as it runs; what watches it may call :meth:`stop`."""

    def __init__(self, turn: Turn, lease: Lease, c: Collaborators) -> None:
        self._turn = turn
        self._lease = lease
        self._c = c
        self._context: TurnContext | None = None
        self._stopped = False

    @property
    def running(self) -> Running:
        """Which attempt of which turn this is."""
        return Running(self._turn.id, self._turn.attempt)

    def stop(self) -> None:
        """End generation upstream at once. The turn's state was changed before."""
        self._stopped = True
        if self._context is not None:
            self._context.cancel()

    async def run(self) -> None:
        """Gather, admit, generate, look again, post, finish.

        Raises:
            ModelError, JiraError: this attempt failed; the turn's state says how far it came.
            Interrupted: it was ended or begun again beside this.
            LeaseLost: another worker has the thread.
        """
        c, turn, lease = self._c, self._turn, self._lease
        gathered = await gather(turn, lease, c)
        await c.at_step("gathered")
        if self._stopped:
            raise Interrupted
        await self._generate(gathered)
        await c.at_step("posting")
        await self.deliver()

    async def deliver(self) -> None:
        """From the recorded answer on: also where another worker left off."""
        await post(self._turn.id, self._lease, self._c)

    async def _generate(self, gathered: Gathered) -> None:
        """The whole answer is recorded; the hand-off where the budget has no room."""
        c, turn, lease = self._c, self._turn, self._lease
        admitted = await c.database.write(
            recording.admit, lease, self.running, gathered.call, c.settings, c.clock.now()
        )
        if not admitted:
            text = hand_off(gathered.language)
            await c.database.write(recording.say, lease, self.running, text, c.clock.now())
            await self._begin_posting(text, None)
            return
        context = self._context = gathered.context
        if self._stopped:
            context.cancel()
        settled = False
        try:
            text = await generate(gathered, lease, c)
            if context.cancelled:
                raise Interrupted
            await self._begin_posting(text, context.usage)
            settled = True
        finally:
            if not settled:
                usage = context.usage
                await c.database.write(recording.settle, turn.tenant_id, self.running, usage)

    async def _begin_posting(self, text: str, usage: Usage | None) -> None:
        c = self._c
        await c.at_step("generated")
        now = c.clock.now()
        await c.database.write(recording.begin_posting, self._lease, self.running, text, usage, now)
