"""A network between a process and its database, which can swallow everything without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Network:
    """Passes connections on to one address, until it is told to swallow."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname, parts.port)
        self._parts = parts
        self._passes = asyncio.Event()
        self._passes.set()
        self._open: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = url
        self.connected = asyncio.Event()  # set with each connection

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        netloc = self._parts.netloc.replace(f":{self._to[1]}", f":{port}")
        self.url = urlunsplit(self._parts._replace(netloc=netloc))
        return server

    def swallow(self) -> None:
        """From now on nothing comes through and nothing is said: not that it is closed either."""
        self._passes.clear()

    def pass_on(self) -> None:
        """What connects from now on comes through; what was swallowed stays so."""
        self._passes = asyncio.Event()
        self._passes.set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected.set()
        passes = self._passes
        if not passes.is_set():
            self._open.append(writer)
            return
        back, to = await asyncio.open_connection(*self._to)
        self._open += [writer, to]
        for way in (_copy(reader, to, passes), _copy(back, writer, passes)):
            task = asyncio.create_task(way)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        for writer in self._open:
            writer.close()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: asyncio.Event
) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(1 << 16):
            await passes.wait()
            writer.write(chunk)
        await passes.wait()
        writer.close()


@asynccontextmanager
async def network(url: str) -> AsyncIterator[Network]:
    """A network to the database at ``url``; reached through ``network.url``."""
    made = Network(url)
    server = await made.start()
    try:
        yield made
    finally:
        server.close()
        await made.end()
