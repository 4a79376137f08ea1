"""One stream against a server of the test's own: whoever takes nothing, and whoever may no more."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.types import Message

from app.doors.principal import Viewer
from app.settings import Settings
from app.web.events import EventStream
from tests.support.clock import FakeClock
from tests.support.rows import add_tenant, add_thread
from tests.support.watching import CountingDatabase, Watched, watched

GET = {"type": "http", "method": "GET", "headers": []}


@pytest.fixture
async def here(sqlite_template: Path, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Watched]:
    path = shutil.copyfile(sqlite_template, tmp_path / "app.db")
    database = CountingDatabase.open(Settings(database_url=f"sqlite:///{path}"))
    await database.write(add_tenant)
    async with watched(database, await database.write(add_thread), clock) as made:
        yield made
    database.close()


async def may(_: Viewer) -> bool:
    return True


async def may_not(_: Viewer) -> bool:
    return False


async def nobody_knows(_: Viewer) -> bool:
    raise OperationalError("", {}, Exception())


class Server:
    """Takes what is sent, until ``takes`` says no; the client stays."""

    def __init__(self, takes: int | None = None) -> None:
        self.sent: list[Message] = []
        self.begun = asyncio.Event()
        self.left = asyncio.Event()
        self._takes = takes

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self._takes is not None and len(self.sent) == self._takes:
            await asyncio.Event().wait()
        self.sent.append(message)
        if len(self.sent) == 2:
            self.begun.set()

    def running(self, here: Watched, **options: Any) -> asyncio.Task[None]:
        asked = options.pop("may_still_watch", may)
        stream = EventStream(here.hub, here.viewer(), None, asked, **options)
        return asyncio.create_task(stream(GET, self.receive, self.send))

    @property
    def ended(self) -> bool:
        return not self.sent[-1].get("more_body", False)


async def over(running: asyncio.Task[None]) -> None:
    async with asyncio.timeout(20):
        await running


@pytest.mark.parametrize("at_its_end", [False, True])
async def test_a_client_that_takes_nothing_is_not_waited_for(
    here: Watched, *, at_its_end: bool
) -> None:
    server = Server(takes=2)
    running = server.running(here, stalled=0.01)
    await server.begun.wait()
    if at_its_end:
        here.hub.close()
    else:
        await here.tell("a")
    await over(running)
    assert not server.ended
    assert here.hub._channels == {}


async def test_a_client_that_leaves_is_forgotten(here: Watched) -> None:
    server = Server()
    running = server.running(here)
    await server.begun.wait()
    server.left.set()
    await over(running)
    assert here.hub._channels == {}


@pytest.mark.parametrize("asked", [may_not, nobody_knows])
async def test_who_may_not_go_on_or_is_not_known_to_is_told_no_more(
    here: Watched, clock: FakeClock, asked: Any
) -> None:
    server = Server()
    running = server.running(here, may_still_watch=asked)
    await server.begun.wait()
    await clock.asleep()
    clock.advance(14)
    await over(running)
    assert server.ended


async def test_who_may_go_on_is_asked_with_each_heartbeat(here: Watched, clock: FakeClock) -> None:
    asked = asyncio.Queue[Viewer]()

    async def may_and_is_noted(viewer: Viewer) -> bool:
        await asked.put(viewer)
        return True

    server = Server()
    running = server.running(here, may_still_watch=may_and_is_noted)
    await server.begun.wait()
    for _ in range(3):
        await clock.asleep()
        clock.advance(14)
        assert (await asyncio.wait_for(asked.get(), 20)).thread_id == here.thread_id
    here.hub.close()
    await over(running)
    assert server.ended
    assert [message["body"] for message in server.sent[2:-1]] == [b":\n\n"] * 3


async def test_a_stream_that_cannot_begin_is_a_problem_document(here: Watched) -> None:
    here.hub.close()
    server = Server()
    await over(server.running(here))
    assert server.sent[0]["status"] == 503
    assert (b"content-type", b"application/problem+json") in server.sent[0]["headers"]
    assert server.ended
