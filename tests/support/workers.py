"""A web without a worker, and workers apart from it, each with what a test wants of it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from app.jira.client import JiraClient
from app.main import assemble, create_app, end_streams, working
from app.sandbox.serving import serve
from app.settings import Settings
from app.store.database import Database
from app.turns.collaborators import AtStep, go_on
from app.turns.scheduler import Scheduler
from tests.support.world import World, environment, free_port, settings_of, sites

Through = Callable[[JiraClient], JiraClient]


@dataclass(frozen=True)
class Pace:
    """How long a worker's lease holds, when it looks for a comment, and what it may still send."""

    lease: timedelta
    sending: timedelta
    grace: timedelta


BRISK = Pace(timedelta(seconds=1.5), timedelta(seconds=0.75), timedelta(seconds=1))
"""In the order and proportion of the real ones, for workers that break."""


@contextmanager
def web_alone(database_url: str, **tenant_settings: object) -> Iterator[World]:
    """The whole system without a worker, the app installed; ``extra`` is its environment."""
    with sites() as (jira, openai, openai_url), ExitStack() as stack:
        values = environment(jira, openai, database_url, free_port())
        values |= {"OPENAI_BASE_URL": openai_url}
        settings = settings_of(values)
        database = Database.open(settings)
        stack.callback(database.close)
        app = create_app(settings, worker=False)
        stack.enter_context(serve(app, settings.port, on_stop=partial(end_streams, app)))
        here = World(jira, openai, settings, database, extra=dict(values))
        here.install(**tenant_settings)
        yield here


@asynccontextmanager
async def at_work(
    settings: Settings, pace: Pace, at_step: AtStep = go_on, through: Through | None = None
) -> AsyncIterator[Scheduler]:
    """A worker of this pace, on the running loop; ``through`` makes another of each client."""
    async with assemble(settings, at_step=at_step, grace=pace.grace) as parts:
        paced = replace(parts.collaborators, lease=pace.lease, sending=pace.sending)
        if through is not None:
            plain = paced.jira
            paced = replace(paced, jira=lambda tenant: through(plain(tenant)))
        async with working(replace(parts, collaborators=paced)) as scheduler:
            yield scheduler


@contextmanager
def worker(settings: Settings, pace: Pace = BRISK, *, at_step: AtStep = go_on) -> Iterator[None]:
    """A worker on a thread of its own, as another host would have one."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready = threading.Event()

    async def run() -> None:
        async with at_work(settings, pace, at_step):
            ready.set()
            await stop.wait()

    def on_thread() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            loop.close()
            ready.set()

    thread = threading.Thread(target=on_thread, name="worker of a test")
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


class Line:
    """The network between a host and PostgreSQL, which a test can cut.

    Cut, it says nothing to either side: what is sent goes nowhere, nobody is told.
    """

    def __init__(self, settings: Settings) -> None:
        self._far, self._near = settings.database_url, socket.create_server(("127.0.0.1", 0))
        self._whole = threading.Event()
        self._whole.set()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def through(self, settings: Settings) -> Settings:
        """The settings of a host that reaches the database over this line alone."""
        near: int = self._near.getsockname()[1]
        url = self._far.replace(f":{self._port}/", f":{near}/")
        return settings.model_copy(update={"database_url": url})

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        """It carries again; what was open when it was cut is lost, and both sides notice."""
        self._break()
        self._whole.set()

    def close(self) -> None:
        self._near.shutdown(socket.SHUT_RDWR)
        self.mend()
        for thread in self._threads:
            thread.join()
        for each in (self._near, *self._open):
            each.close()

    def _break(self) -> None:
        for each in self._open:
            with suppress(OSError):  # the other side was quicker
                each.shutdown(socket.SHUT_RDWR)

    @property
    def _port(self) -> int:
        return int(self._far.rpartition(":")[2].partition("/")[0])

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._near.accept()
            except OSError:  # closed
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            self._open += [near, far]
            for pair in ((near, far), (far, near)):
                thread = threading.Thread(target=self._carry, args=pair)
                self._threads.append(thread)
                thread.start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(2**16):
                self._whole.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:  # either side is gone
            return


@contextmanager
def line(settings: Settings) -> Iterator[Line]:
    """A line, closed in the end at the latest."""
    made = Line(settings)
    try:
        yield made
    finally:
        made.close()
