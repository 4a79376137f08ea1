"""Hands a thread's events to all who watch it in this process: read once, given to everybody.

Whoever watches stands at an event's id, and always asks the same: what follows it? Those who ask
that of one thread, at one place, since the same wake share one look at the database; so an event
costs one read for everybody at the head, and whoever is behind reads on from where it stands.
Nothing is kept for a slow reader, so it can lose nothing and hold up nobody.

::

    commit ──▶ Wakes ──▶ Channel ──▶ its Followers ──▶ one shared read ──▶ every stream
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.clock import Clock
from app.doors.principal import Viewer
from app.store.database import Database
from app.store.signals import Wakes
from app.store.tenants import STANDING
from app.stream import replay
from app.stream.follower import Channel, Follower
from app.stream.replay import Reader, Snapshot
from app.stream.sse import EventId

log = structlog.get_logger(__name__)

TICK = 1.0
"""Seconds: how exactly heartbeats and the ends of sessions are kept."""
HEARTBEAT = timedelta(seconds=14)
"""With a tick, never more than the 15 seconds that clients count on."""
LOOK = timedelta(seconds=15)
"""How often the database is asked whether a wake was missed, or a tenant has left."""


class Hub:
    """See the module. One in a process; :meth:`run` goes on beside it."""

    def __init__(self, database: Database, wakes: Wakes, snapshot: Snapshot, clock: Clock) -> None:
        self._database = database
        self._wakes = wakes
        self._reader = Reader(snapshot)
        self._clock = clock
        self._channels: dict[tuple[str, str], tuple[Channel, ExitStack]] = {}
        self._due: list[tuple[datetime, int, Follower]] = []
        self._count = count()
        self._closed = False

    @contextmanager
    def follow(self, viewer: Viewer, last_event_id: str | None) -> Iterator[Follower]:
        """What the viewer's thread tells from behind that id on: iterate the follower.

        An id that is missing, or that the log cannot go on from, begins with ``stream.resync``.
        The follower ends by itself with the session, the thread, the tenant, or this process.
        """
        channel = self._channel(viewer)
        follower = Follower(channel, viewer, EventId.parse(last_event_id), self._clock)
        channel.followers.add(follower)
        self._schedule(follower)
        if self._closed:
            follower.end()
        try:
            yield follower
        finally:
            follower.end()
            channel.followers.discard(follower)
            if not channel.followers:
                _, stack = self._channels.pop((channel.tenant_id, channel.thread_id))
                stack.close()

    def close(self) -> None:
        """End every stream, and each that is asked for from now on. On the loop's thread alone."""
        self._closed = True
        self._end_all()

    async def run(self) -> None:
        """Beat, end what is over, look for what was missed; until cancelled, then close."""
        try:
            with self._wakes.listening(STANDING) as changed:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._keep_time())
                    tasks.create_task(self._keep_to_tenants(changed))
        finally:
            self.close()

    def _channel(self, viewer: Viewer) -> Channel:
        key = (viewer.tenant.id, viewer.thread_id)
        if key not in self._channels:
            channel = Channel(*key, self._database, self._reader)
            stack = ExitStack()
            stack.enter_context(self._wakes.calling(f"thread:{viewer.thread_id}", channel.wake))
            self._channels[key] = (channel, stack)
        return self._channels[key][0]

    # --- by the clock -------------------------------------------------------------------

    async def _keep_time(self) -> None:
        look_at = self._clock.now() + LOOK
        while True:
            await self._clock.sleep(TICK)
            self._beat()
            if self._clock.now() >= look_at:
                await self._look()
                look_at = self._clock.now() + LOOK

    def _beat(self) -> None:
        now = self._clock.now()
        while self._due and self._due[0][0] <= now:
            _, _, follower = heappop(self._due)
            if now >= follower.viewer.expires_at:
                follower.end()
            elif not follower.over:
                follower.beat()
                self._schedule(follower)

    def _schedule(self, follower: Follower) -> None:
        due = min(self._clock.now() + HEARTBEAT, follower.viewer.expires_at)
        heappush(self._due, (due, next(self._count), follower))

    # --- by the database ----------------------------------------------------------------

    async def _keep_to_tenants(self, changed: asyncio.Event) -> None:
        while True:
            await changed.wait()
            changed.clear()
            await self._look()

    async def _look(self) -> None:
        """End the streams of tenants that left; wake the threads that have gone on unnoticed.

        Where the database does not answer, every stream ends: its silence would look like having
        nothing to tell. The clients come back with their last ids, here or to another process.
        """
        channels = [channel for channel, _ in self._channels.values()]
        thread_ids = sorted({channel.thread_id for channel in channels})
        tenant_ids = sorted({channel.tenant_id for channel in channels})
        try:
            newest, generations = await self._database.read(_standing, thread_ids, tenant_ids)
        except SQLAlchemyError as error:
            log.error("streams_ended", streams=len(self._due), error=type(error).__name__)  # noqa: TRY400  (no trace)
            self._end_all()
            return
        for channel in channels:
            generation = generations.get(channel.tenant_id)
            for follower in channel.followers:
                if follower.viewer.tenant.session_generation != generation:
                    follower.end()
            at = newest.get(channel.thread_id)
            if any(follower.place != at for follower in channel.followers):
                channel.wake()

    def _end_all(self) -> None:
        for channel, _ in self._channels.values():
            for follower in channel.followers:
                follower.end()


def _standing(
    db: Session, thread_ids: list[str], tenant_ids: list[str]
) -> tuple[dict[str, EventId], dict[str, int]]:
    return replay.newest_of(db, thread_ids), replay.generations_of(db, tenant_ids)
