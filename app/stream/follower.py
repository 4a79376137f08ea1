"""A thread that is watched here, and one stream's place in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.clock import Clock
from app.doors.principal import Viewer
from app.store.database import Database
from app.stream import replay
from app.stream.replay import Batch, Place, Reader
from app.stream.sse import EventId

Read = asyncio.Task[Batch | None]


class Channel:
    """A thread, and who follows it in this process.

    ``version`` counts the wakes: what was read under an older one may lack something.
    """

    def __init__(self, tenant_id: str, thread_id: str, database: Database, reader: Reader) -> None:
        self.tenant_id = tenant_id
        self.thread_id = thread_id
        self.followers: set[Follower] = set()
        self.version = 0
        self._database = database
        self._reader = reader
        self._reading: dict[tuple[int, EventId | None], Read] = {}

    def wake(self) -> None:
        """Something may have been told: everybody looks."""
        self.version += 1
        for follower in self.followers:
            follower.wake()

    async def read(self, place: EventId | None) -> Batch | None:
        """What follows ``place``; None where the thread is gone.

        Those who ask the same since the last wake share one look at the database.
        """
        key = (self.version, place)
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = asyncio.create_task(self._read(place))
            reading.add_done_callback(self._done(key))
        return await asyncio.shield(reading)

    async def _read(self, place: EventId | None) -> Batch | None:
        """Those who follow some thread share a look; who begins has one of his own."""
        database, reader = self._database, self._reader
        if place is None:
            return await database.read(reader.one, self.tenant_id, self.thread_id)
        return await database.read_together(
            reader.several, Place(self.tenant_id, self.thread_id, place)
        )

    def _done(self, key: tuple[int, EventId | None]) -> Callable[[Read], None]:
        def forget(reading: Read) -> None:
            del self._reading[key]
            if not reading.cancelled():
                reading.exception()  # where nobody is left to be told

        return forget


class Follower:
    """What one stream is told: iterate it. Nothing is kept for it but its place.

    The first batch comes at once, empty where nothing followed; so does each heartbeat. The
    iteration ends with the thread or with :meth:`end`; a database that does not answer raises.
    """

    def __init__(
        self, channel: Channel, viewer: Viewer, place: EventId | None, clock: Clock
    ) -> None:
        self.viewer = viewer
        self.place = place
        self.over = False
        self._channel = channel
        self._clock = clock
        self._seen: int | None = None  # the version under which nothing more followed
        self._beat = False
        self._woken = asyncio.Event()

    def __aiter__(self) -> Follower:
        return self

    async def __anext__(self) -> Batch:
        while not self.over:
            if self._seen != self._channel.version:
                batch = await self._read()
                if batch is not None:
                    return batch
            elif self._beat and self.place is not None:
                self._beat = False
                return replay.heartbeat(self.place)
            else:
                self._woken.clear()
                await self._woken.wait()
        raise StopAsyncIteration

    def wake(self) -> None:
        """The channel has a new version."""
        self._woken.set()

    def beat(self) -> None:
        """Have it told that nothing new was."""
        self._beat = True
        self._woken.set()

    def end(self) -> None:
        """Nothing more is told, not even what has been read already."""
        self.over = True
        self._woken.set()

    async def _read(self) -> Batch | None:
        """What follows the place; None where nothing does, or the stream is over."""
        first = self._seen is None
        version = self._channel.version
        batch = await self._channel.read(self.place)
        if batch is None or self._clock.now() >= self.viewer.expires_at:
            self.end()
        if batch is None or self.over:
            return None
        self.place = batch.last
        if batch.whole:
            self._seen = version
        return batch if batch.events or first else None
