"""What stands before several web processes: each connection goes to the next of them that is there.

It knows nothing of HTTP. A real one (nginx, Caddy, a cloud's load balancer) does the same for us:
any web process answers any request, so nothing has to stay with one of them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count

HOST = "127.0.0.1"
CHUNK = 1 << 16


@contextmanager
def balancing(port: int, behind: Sequence[int]) -> Iterator[None]:
    """Listen on ``port`` for those that listen on the ports ``behind``, until the block ends."""
    loop = asyncio.new_event_loop()
    balancer = _Balancer(behind)
    server = loop.run_until_complete(asyncio.start_server(balancer.take, HOST, port))
    thread = threading.Thread(target=loop.run_forever, name="balancer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.close()
        asyncio.run_coroutine_threadsafe(balancer.end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Balancer:
    def __init__(self, behind: Sequence[int]) -> None:
        self._behind = behind
        self._turn = count()
        self._open: set[asyncio.Task[None]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            there = await self._connect()
            if there is not None:
                await _pass_on(reader, there[1], there[0], writer)
        except asyncio.CancelledError:
            pass  # we are at the end: see below
        finally:
            writer.close()
            self._open.discard(task)

    async def end(self) -> None:
        """Cut what is still open."""
        for task in tuple(self._open):
            task.cancel()
        if self._open:
            await asyncio.wait(tuple(self._open))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turn)
        for step in range(len(self._behind)):
            with suppress(OSError):
                port = self._behind[(first + step) % len(self._behind)]
                return await asyncio.open_connection(HOST, port)
        return None


async def _pass_on(
    reader: asyncio.StreamReader,
    to: asyncio.StreamWriter,
    back: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Both ways, until one end has nothing more to say."""
    ways = {asyncio.create_task(_copy(reader, to)), asyncio.create_task(_copy(back, writer))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        to.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
