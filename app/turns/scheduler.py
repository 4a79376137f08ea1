"""Due threads find a worker: claimed, worked on, kept alive, let go.

A thread is the queue of its own turns; there is no other. Any number of processes may run
this on one PostgreSQL: a claim skips what another holds, and a lease that is not renewed
lapses, so that somebody else goes on from the turn's last recorded step.

A lease lapses by the database's clock. Who cannot reach the database ends its work before that, by
a clock of its own that no setting of the time moves.
"""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.clock import since_boot
from app.errors import LeaseLost
from app.store import claiming, threads
from app.store.ids import new_process_id
from app.store.signals import Wakes, set_or_timeout
from app.store.threads import Lease
from app.turns.collaborators import Collaborators
from app.turns.housekeeping import keep_house
from app.turns.working import work

log = structlog.get_logger(__name__)

AT_ONCE = 64  # threads of one process
PER_TENANT = 16
LOOK = 0.5  # seconds between looks at the clock and at other processes' writes


class Scheduler:
    """See the module. One in a process."""

    def __init__(self, c: Collaborators, wakes: Wakes) -> None:
        self._c = c
        self._wakes = wakes
        self._owner = new_process_id("worker")
        self._running: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; then let go of everything, at the last recorded step."""
        freed = 0
        if self._c.database.is_sqlite:
            freed = await self._c.database.write(threads.release_all, self._c.clock.now())
        log.info("worker_started", owner=self._owner, left_by_the_last=freed)
        keeping_house = asyncio.create_task(keep_house(self._c))
        try:
            with self._wakes.calling(threads.DUE, self._woken.set):
                while True:
                    self._woken.clear()
                    if not await self._claim_or_wait():
                        await set_or_timeout(self._woken, LOOK)
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
        begun, seconds = since_boot(), self._c.lease.total_seconds()
        leases = await self._c.database.write(
            claiming.claim, self._owner, self._c.clock.now(), seconds, room, PER_TENANT
        )
        for lease in leases:
            task = asyncio.create_task(self._work(lease, begun), name=lease.thread_id)
            self._running[lease.thread_id] = task
            task.add_done_callback(self._done)
        return len(leases)

    def _done(self, task: asyncio.Task[None]) -> None:
        if self._running.get(task.get_name()) is task:  # it may be held again already
            del self._running[task.get_name()]
        self._woken.set()  # its tenant may have had no room for the next

    async def _work(self, lease: Lease, begun: float) -> None:
        working = asyncio.create_task(work(lease, self._c, self._wakes))
        keeping = asyncio.create_task(self._keep(lease, begun))
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

    async def _keep(self, lease: Lease, begun: float) -> None:
        """Renew the lease as long as the work goes on; come back once it may be gone.

        Args:
            lease: taken, or last renewed, no earlier than at ``begun``.
            begun: seconds, by :func:`since_boot`.
        """
        while True:
            await asyncio.sleep(lease.seconds / 3)
            begun = await self._renewed(lease, begun)

    async def _renewed(self, lease: Lease, begun: float) -> float:
        """When the renewal was asked for; tried again as long as the lease certainly holds.

        Raises:
            LeaseLost: it may be gone. A sixth of it is left to end the work in.
        """
        last = begun + lease.seconds * 5 / 6
        while (asked := since_boot()) < last:
            renewal = self._c.database.write(threads.renew, lease, self._c.clock.now())
            try:
                async with asyncio.timeout(last - asked):
                    await renewal
            except (SQLAlchemyError, TimeoutError) as error:
                log.warning("renewing_failed", thread=lease.thread_id, error=type(error).__name__)
                await asyncio.sleep(lease.seconds / 30)
            else:
                return asked
        raise LeaseLost

    async def _leave(self) -> None:
        """Hand everything on; where the database cannot be reached, the leases lapse."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        try:
            async with asyncio.timeout(self._c.lease.total_seconds()):
                await self._c.database.write(
                    threads.release_owned, self._owner, self._c.clock.now()
                )
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("leaving_failed", error=type(error).__name__)
