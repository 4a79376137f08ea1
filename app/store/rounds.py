"""What many ask at once is asked together: one look, or one write, for all of them.

::

    first asked ──▶ round 1 ────────────────▶ answered
    asked meanwhile ──────┴─ wait ─▶ round 2 ─────────▶ answered

Nothing is kept between rounds, and nobody is answered by a round that began before he asked: what
was committed before a question is seen by its answer, whichever process committed it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST = 256
"""Questions of one round."""


class Rounds(Generic[K, V]):
    """See the module. For one event loop.

    Args:
        run: answers some questions, in their order. Where it raises, each is asked by itself: one
            caller's failure is never another's.
    """

    def __init__(self, run: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        self._run = run
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._going: asyncio.Task[None] | None = None

    async def ask(self, one: K) -> V:
        """The answer to ``one``, from a round that begins after this."""
        future: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, future))
        if self._going is None:
            self._going = asyncio.create_task(self._go())
        return await future

    async def _go(self) -> None:
        try:
            while self._waiting:
                these, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._answer(these)
        finally:
            self._going = None

    async def _answer(self, these: list[tuple[K, asyncio.Future[V]]]) -> None:
        try:
            answers = await self._run([one for one, _ in these])
        except Exception as error:  # noqa: BLE001  (whatever it is, it is one caller's)
            if len(these) > 1:
                await asyncio.gather(*(self._answer([each]) for each in these))
            elif not these[0][1].done():
                these[0][1].set_exception(error)
            return
        for (_, future), answer in zip(these, answers, strict=True):
            if not future.done():  # else its caller was cancelled
                future.set_result(answer)
