"""A real HTTP server on a thread, for a simulated site.

The simulated systems are ASGI apps over state in memory. Served here they are reached over
loopback HTTP like the real ones, from tests as well as from the demo, and their state can be
looked at from any other thread while they run.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

START_SECONDS = 10.0
# Streams that are open when a site is stopped are given this long to end by themselves.
STOP_SECONDS = 1.0
GLANCE_SECONDS = 0.01
EXTENSION = "jira_chatkit.sandbox"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Served:
    """A site that is being served. ``url`` has no trailing slash."""

    url: str


@contextmanager
def serve(
    asgi: ASGIApp,
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    on_stop: Callable[[], None] | None = None,
) -> Iterator[Served]:
    """Serve ``asgi`` on a thread of its own until the block ends; ``port`` 0 takes a free one.

    ``on_stop`` is called, on the server's loop, before open answers are waited for.
    Every scope, that of the lifespan too, carries ``extensions["jira_chatkit.sandbox"]``: a
    dict with ``url`` and, for a request, ``reset``: a function that drops the connection as a
    broken network does.
    """
    # With the protocol named, asyncio turns Nagle off: else every answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    url = f"http://{host}:{listener.getsockname()[1]}"
    server = _Server(
        uvicorn.Config(
            _with_url(asgi, url),
            http=_Droppable,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
        ),
        on_stop,
    )
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name=f"sandbox {url}", daemon=True
    )
    thread.start()
    try:
        if not server.came_up.wait(START_SECONDS) or not server.started:
            raise RuntimeError(f"the simulated site at {url} did not start")
        yield Served(url)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


async def drop_connection(scope: Scope, receive: Receive) -> None:
    """End a request without an answer, by a reset of its connection."""
    reset: Callable[[], None] = scope["extensions"][EXTENSION]["reset"]
    reset()
    disconnected = False
    while not disconnected:
        disconnected = (await receive())["type"] == "http.disconnect"


class _Server(uvicorn.Server):
    """Tells the waiting thread that the server is up, or that it never will be; and stops at
    once, where uvicorn's own loops look up ten times a second: a suite of tests starts and
    stops hundreds of these.
    """

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self.came_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.came_up.set()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            await asyncio.sleep(GLANCE_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        if self._on_stop is not None:
            self._on_stop()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(int(STOP_SECONDS / GLANCE_SECONDS)):
            if not self.server_state.connections and not self.server_state.tasks:
                break
            await asyncio.sleep(GLANCE_SECONDS)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


class _Droppable(H11Protocol):
    """Gives each request a way to drop the connection it came by."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in H11Protocol
        super().connection_made(transport)
        served = self.app

        def reset() -> None:
            raw = transport.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()

        async def droppable(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {}).setdefault(EXTENSION, {})["reset"] = reset
            await served(scope, receive, send)

        self.app = droppable


def _with_url(asgi: ASGIApp, url: str) -> ASGIApp:
    async def with_url(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {}).setdefault(EXTENSION, {})["url"] = url
        await asgi(scope, receive, send)

    return with_url
