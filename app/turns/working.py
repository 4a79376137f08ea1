"""What a worker does with a leased thread: catch up, decide, answer, and watch meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.errors import AppError, JiraRateLimited, JiraTokenMissing, LeaseLost
from app.settings import Settings
from app.store import threads, turns
from app.store.signals import Wakes, set_or_timeout
from app.store.tables import Tenant
from app.store.threads import Lease
from app.turns import outgoing, recording
from app.turns.acting import heed_stop
from app.turns.bringing import bring
from app.turns.catching_up import catch_up
from app.turns.collaborators import Collaborators
from app.turns.deciding import Idle, Resume, Run, Step, decide
from app.turns.outcomes import Interrupted, cause_of, failure_of, wait_for_jira
from app.turns.recording import Running
from app.turns.turn import TurnRun

log = structlog.get_logger(__name__)

LOOK = 1.0
"""Seconds between looks at what another process may have written."""


async def work(lease: Lease, c: Collaborators, wakes: Wakes) -> None:
    """Do all that is to be done on the thread now, then let go of it.

    Raises:
        LeaseLost: another worker has it.
    """
    log.debug("thread_begun", thread=lease.thread_id, fence=lease.fence)
    c.memory.follow(lease)
    with wakes.listening(f"{threads.DUE}:{lease.thread_id}") as woken:
        while True:
            woken.clear()
            waits = await c.database.read(_waits, lease.thread_id)
            try:
                if waits.unseen:
                    await catch_up(lease, c)
            except (LeaseLost, SQLAlchemyError):
                raise
            except Exception as error:  # noqa: BLE001  (one thread's poison is no other's)
                due_at = await _put_off(lease, error, c)
                await c.database.write(threads.release, lease, due_at, c.clock.now())
                return
            later = await bring(lease, c) if waits.outgoing else None
            step = await c.database.write(_go_on, lease, later, c.settings, c.clock.now())
            await c.at_step("decided")
            if isinstance(step, Idle):
                return
            await _attend(lease, step, c, woken)


@dataclass(frozen=True)
class _Waits:
    """What waits on a thread beside its questions: news, and what is to be brought to Jira."""

    unseen: bool
    outgoing: bool


def _waits(db: Session, thread_id: str) -> _Waits:
    return _Waits(threads.has_unseen(db, thread_id), outgoing.any_waits(db, thread_id))


def _go_on(
    db: Session, lease: Lease, later: datetime | None, settings: Settings, now: datetime
) -> Step:
    """What to do now. Where that is nothing, the thread is let go of, until then or ``later``."""
    step = decide(db, lease, settings, now)
    if isinstance(step, Idle):
        until = min((due for due in (step.until, later) if due is not None), default=None)
        threads.release(db, lease, until, now)
    return step


async def _attend(lease: Lease, step: Run | Resume, c: Collaborators, woken: asyncio.Event) -> None:
    """Run an attempt to its end, and look beside it at what comes in.

    ``woken`` is set by what came in since the step was decided.
    """
    run = TurnRun(step.turn, lease, c)
    attempt = asyncio.create_task(run.run() if isinstance(step, Run) else run.deliver())
    bringing = _BringingBeside(lease, c)
    try:
        ended = asyncio.create_task(_set_when_done(attempt, woken))
        blind_until = c.clock.now()
        await set_or_timeout(woken, LOOK)
        while not attempt.done():
            woken.clear()
            if c.clock.now() >= blind_until:
                blind_until = c.clock.now() + await _look_beside(lease, run, c)
            else:
                await _look_at_the_turn(lease, run, c)
            await bringing.begin_if_due()
            if not attempt.done():
                await set_or_timeout(woken, LOOK)
        await ended
        await _settle(step, lease, attempt, c)
        await bringing.end()
    finally:
        await bringing.leave()
        if not attempt.done():
            attempt.cancel()
            await asyncio.wait({attempt})


class _BringingBeside:
    """Brings what waits for Jira while an attempt runs; a slow Jira holds up no look at it."""

    def __init__(self, lease: Lease, c: Collaborators) -> None:
        self._lease = lease
        self._c = c
        self._task: asyncio.Task[datetime | None] | None = None

    async def begin_if_due(self) -> None:
        """Begin, unless it is under way.

        Raises:
            LeaseLost: another worker has the thread.
        """
        if self._task is not None:
            if not self._task.done():
                return
            self._task.result()
        now = self._c.clock.now()
        first = await self._c.database.read(outgoing.first, self._lease.thread_id)
        if first is not None and (first.not_before is None or first.not_before <= now):
            self._task = asyncio.create_task(bring(self._lease, self._c))

    async def end(self) -> None:
        """Let what is under way come to its end: two at once would post twice."""
        if self._task is not None:
            await self._task

    async def leave(self) -> None:
        """The thread is another worker's, or the process ends."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})


async def _set_when_done(attempt: asyncio.Task[None], woken: asyncio.Event) -> None:
    await asyncio.wait({attempt})
    woken.set()


async def _look_beside(lease: Lease, run: TurnRun, c: Collaborators) -> timedelta:
    """Return how long Jira wants to be left alone."""
    news = await c.database.read(_news, lease, run.running)
    if news is None:
        return timedelta()
    if news == "unseen":
        try:
            await catch_up(lease, c, beside=True)
        except (LeaseLost, SQLAlchemyError):
            raise
        except Exception as error:  # noqa: BLE001  (what is running has no part in it)
            log.info("catching_up_failed", thread=lease.thread_id, cause=cause_of(error))
            return timedelta(seconds=wait_for_jira(error, 2))
    await _stop_if_over(lease, run, c)
    return timedelta()


async def _look_at_the_turn(lease: Lease, run: TurnRun, c: Collaborators) -> None:
    """As long as Jira is to be left alone: what it need not be asked for."""
    if await c.database.read(_news, lease, run.running) == "ended":
        await _stop_if_over(lease, run, c)


async def _stop_if_over(lease: Lease, run: TurnRun, c: Collaborators) -> None:
    if await c.database.write(recording.over, lease, run.running, c.settings, c.clock.now()):
        run.stop()


def _news(db: Session, lease: Lease, running: Running) -> Literal["unseen", "ended"] | None:
    """Whether something acts on the running turn: a stop, its end from elsewhere, the unseen."""
    turn = turns.by_id(db, lease.tenant_id, running.turn_id)
    tenant = db.get(Tenant, lease.tenant_id)
    if turn is None or turn.finished_at is not None or turn.stop_asked_at is not None:
        return "ended"
    if turn.state == "waiting" or turn.attempt != running.attempt:
        return "ended"
    if tenant is None or tenant.state != "installed":
        return "ended"
    return "unseen" if threads.has_unseen(db, lease.thread_id) else None


async def _settle(
    step: Run | Resume, lease: Lease, attempt: asyncio.Task[None], c: Collaborators
) -> None:
    """Record what went wrong, if anything did."""
    error = attempt.exception()
    if error is None or isinstance(error, Interrupted):
        return
    if isinstance(error, LeaseLost) or not isinstance(error, Exception):
        raise error
    if not isinstance(error, AppError):
        log.error("turn_broke", turn=step.turn.id, exc_info=error)
    failures, posting, unsure = await c.database.read(_record, step.turn.tenant_id, step.turn.id)
    failure = failure_of(error, failures + 1, c.clock.now(), posting=posting, unsure=unsure)
    log.warning(
        "turn_attempt_failed",
        turn=step.turn.id,
        cause=failure.cause,
        final=failure.until is None,
    )
    await c.database.write(recording.give_back, lease, step.turn.id, failure, c.clock.now())


def _record(db: Session, tenant_id: str, turn_id: str) -> tuple[int, bool, bool]:
    """Its failures, whether it is being posted, and whether Jira may have it already."""
    turn = turns.by_id(db, tenant_id, turn_id)
    if turn is None:
        return 0, False, False
    posting = turn.state == "posting"
    return turn.failures, posting, posting and turn.tried_at is not None


async def _put_off(lease: Lease, error: Exception, c: Collaborators) -> datetime:
    """Jira did not answer: what is unseen stays so, and is looked at again later."""
    if not isinstance(error, AppError):
        log.error("catching_up_broke", thread=lease.thread_id, exc_info=error)
    counts = not isinstance(error, JiraRateLimited | JiraTokenMissing)
    failures = await c.database.write(_count_failure, lease, c.clock.now(), counts)
    log.warning(
        "catching_up_failed", thread=lease.thread_id, cause=cause_of(error), failures=failures
    )
    return c.clock.now() + timedelta(seconds=wait_for_jira(error, failures))


def _count_failure(db: Session, lease: Lease, now: datetime, counts: bool) -> int:  # noqa: FBT001
    """One at least: it is by that that ``threads.release`` knows what is unseen on purpose."""
    thread = threads.hold(db, lease)
    heed_stop(db, thread, now)
    thread.failures = thread.failures + 1 if counts else max(thread.failures, 1)
    return thread.failures
