"""A hub over a thread, and somebody who follows it, without HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlmodel import Session

from app.clock import Clock
from app.doors.principal import TenantRef, Viewer
from app.store import threads
from app.store.database import Database
from app.store.signals import Wakes
from app.store.tables import Tenant
from app.stream import log, replay
from app.stream.follower import Follower
from app.stream.hub import Hub
from app.stream.sse import EventId
from tests.support.clock import START

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = 20.0
LIFE = timedelta(minutes=15)


def tell(db: Session, thread_id: str, *messages: str) -> None:
    """Append a notice each."""
    lines = [("notice", {"message": message}) for message in messages]
    log.append(db, "acme", thread_id, lines, START)


def snapshot(db: Session, tenant_id: str, thread_id: str) -> Mapping[str, Any]:
    """As small as one may be: how much had been told."""
    thread = threads.by_id(db, tenant_id, thread_id)
    assert thread is not None
    return {"id": thread_id, "told": thread.last_n}


class Hold:
    """Holds up what one look at the log found: from ``looked`` on, until ``release``."""

    def __init__(self) -> None:
        self.looked = asyncio.Event()
        self.release = asyncio.Event()


class CountingDatabase(Database):
    """Counts how often somebody looked at a thread's log, and can hold up the next look."""

    reads: int = 0
    hold: Hold | None = None

    async def read(
        self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if not isinstance(getattr(fn, "__self__", None), replay.Reader):
            return await super().read(fn, *args, **kwargs)
        self.reads += 1
        hold, self.hold = self.hold, None
        found = await super().read(fn, *args, **kwargs)
        if hold is not None:
            hold.looked.set()
            await hold.release.wait()
        return found


@dataclass
class Watched:
    """A running hub, and who follows its one thread."""

    hub: Hub
    database: CountingDatabase
    wakes: Wakes
    thread_id: str
    tenant: TenantRef
    clock: Clock
    running: asyncio.Task[None] = field(init=False)

    def viewer(self, life: timedelta = LIFE) -> Viewer:
        return Viewer(
            tenant=self.tenant,
            account_id="rita",
            thread_id=self.thread_id,
            issue_id="10001",
            audience="public",
            expires_at=self.clock.now() + life,
        )

    def follow(
        self, last_event_id: str | None = None, life: timedelta = LIFE
    ) -> AbstractContextManager[Follower]:
        return self.hub.follow(self.viewer(life), last_event_id)

    async def tell(self, *messages: str) -> None:
        await self.database.write(tell, self.thread_id, *messages)

    async def newest(self) -> EventId:
        return (await self.database.read(replay.newest_of, [self.thread_id]))[self.thread_id]


@asynccontextmanager
async def watched(
    database: CountingDatabase, thread_id: str, clock: Clock
) -> AsyncIterator[Watched]:
    """A hub that runs until the block ends, over a database that stays open."""
    tenant = await database.read(_tenant)
    wakes = Wakes(database)
    hub = Hub(database, wakes, snapshot, clock)
    made = Watched(hub, database, wakes, thread_id, TenantRef.of(tenant), clock)
    made.running = asyncio.create_task(hub.run())
    try:
        yield made
    finally:
        made.running.cancel()
        await asyncio.wait({made.running})


def _tenant(db: Session) -> Tenant:
    return db.get_one(Tenant, "acme")


async def told(follower: Follower, count: int) -> list[str]:
    """The ids of the next events, as soon as there are so many."""
    found: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            batch = await anext(follower)
            found += [str(event.id) for event in batch.events]
    return found


async def ended(follower: Follower) -> None:
    """Come back when it is told nothing more; whatever it is told until then is thrown away."""
    async with asyncio.timeout(PATIENCE):
        async for _ in follower:
            pass
