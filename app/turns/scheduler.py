"""Due threads find a worker: claimed, worked on, kept alive, let go.

A thread is the queue of its own turns; there is no other. Any number of processes may run
this on one PostgreSQL: a claim skips what another holds, and a lease that is not renewed
lapses, so that somebody else goes on from the turn's last recorded step.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.errors import LeaseLost
from app.store import threads
from app.store.ids import new_id
from app.store.signals import Wakes, set_or_timeout
from app.store.threads import Lease
from app.turns.collaborators import Collaborators
from app.turns.housekeeping import keep_house
from app.turns.working import work

log = structlog.get_logger(__name__)

LEASE = 15.0  # seconds
AT_ONCE = 64  # threads of one process
PER_TENANT = 16
LOOK = 0.5  # seconds between looks at the clock and at other processes' writes


class Scheduler:
    """See the module. One in a process."""

    def __init__(self, c: Collaborators, wakes: Wakes, *, lease_seconds: float = LEASE) -> None:
        self._c = c
        self._wakes = wakes
        self._lease_seconds = lease_seconds
        self._owner = new_id("worker")
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Work until cancelled; then let go of everything, at the last recorded step."""
        freed = 0
        if self._c.database.is_sqlite:
            freed = await self._c.database.write(threads.release_all, self._c.clock.now())
        log.info("worker_started", owner=self._owner, left_by_the_last=freed)
        keeping_house = asyncio.create_task(keep_house(self._c))
        try:
            with self._wakes.listening(threads.DUE) as woken:
                while True:
                    woken.clear()
                    if not await self._claim_or_wait():
                        await set_or_timeout(woken, LOOK)
        finally:
            keeping_house.cancel()
            await self._leave()

    async def _claim_or_wait(self) -> int:
        """A database that is away for a while ends no worker."""
        try:
            return await self.claim()
        except SQLAlchemyError as error:
            log.error("claiming_failed", error=type(error).__name__)  # noqa: TRY400  (no trace)
            return 0

    async def claim(self) -> int:
        """Take what is due, as far as there is room; return how many threads were taken."""
        room = AT_ONCE - len(self._running)
        if room <= 0:
            await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
            return 1
        leases = await self._c.database.write(
            threads.claim, self._owner, self._c.clock.now(), self._lease_seconds, room, PER_TENANT
        )
        for lease in leases:
            task = asyncio.create_task(self._work(lease), name=lease.thread_id)
            self._running[lease.thread_id] = task
            task.add_done_callback(self._done)
        return len(leases)

    def _done(self, task: asyncio.Task[None]) -> None:
        if self._running.get(task.get_name()) is task:  # it may be held again already
            del self._running[task.get_name()]

    async def _work(self, lease: Lease) -> None:
        working = asyncio.create_task(work(lease, self._c, self._wakes))
        keeping = asyncio.create_task(self._keep(lease))
        try:
            await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, keeping):
                task.cancel()
            await asyncio.wait({working, keeping})
        self._report(lease, working)

    def _report(self, lease: Lease, working: asyncio.Task[None]) -> None:
        if working.cancelled():
            log.warning("lease_lost", thread=lease.thread_id)
            return
        error = working.exception()
        if isinstance(error, LeaseLost):
            log.warning("lease_lost", thread=lease.thread_id)
        elif error is not None:
            # The lease lapses by itself; then the thread is tried again.
            log.error("thread_broke", thread=lease.thread_id, exc_info=error)

    async def _keep(self, lease: Lease) -> None:
        """Renew the lease as long as the work goes on."""
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            until = self._c.clock.now() + timedelta(seconds=self._lease_seconds)
            await self._c.database.write(threads.renew, lease, until)

    async def _leave(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._c.database.write(threads.release_owned, self._owner, self._c.clock.now())
