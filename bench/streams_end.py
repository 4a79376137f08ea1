"""How long a process with 3,000 open streams takes to end them all, once it is told to stop.

    .venv/bin/python -m bench.streams_end [streams] [rounds]

One `serve` on SQLite, a plain client on asyncio. From SIGTERM to the last byte of the last stream
(each has to end as an answer does, by its empty chunk), and to the end of the process.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.settings import load
from app.store.database import Database
from tests.support.talks import Chat
from tests.support.world import AppProcess, world_of_processes

STREAMS, ROUNDS = 3000, 3
AT_ONCE = 100  # are opened
ISSUES = ("OPS-1", "OPS-2", "SUP-1", "SUP-2")
END = b"\r\n0\r\n\r\n"


@dataclass(frozen=True)
class Took:
    """Seconds since the signal, and how many streams broke off instead of ending."""

    first: float
    last: float
    process: float
    broken: int


class Stream:
    """One open stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def opened(cls, chat: Chat, slots: asyncio.Semaphore) -> Stream:
        """Once its first events have come."""
        address = urlsplit(f"{chat.url}/events")
        async with slots:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(
                f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
                f"Authorization: Bearer {chat.token}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readuntil(b"stream.resync")
        return cls(reader, writer)

    async def end(self) -> tuple[float, bool]:
        """When its last byte came, and whether it was an end."""
        rest = await self._reader.read(-1)
        ended = time.perf_counter()
        self._writer.close()
        return ended, rest.endswith(END)


async def measure(app: AppProcess, chats: list[Chat], streams: int) -> Took:
    """One process, from its streams to its end."""
    slots = asyncio.Semaphore(AT_ONCE)
    opening = [Stream.opened(chats[n % len(chats)], slots) for n in range(streams)]
    ends = [asyncio.create_task(stream.end()) for stream in await asyncio.gather(*opening)]
    await asyncio.sleep(3)  # until it has nothing left to do
    begun = time.perf_counter()
    exiting = asyncio.create_task(asyncio.to_thread(app.stop))
    ended = await asyncio.gather(*ends)
    code = await exiting
    gone = time.perf_counter()
    assert code == 0, f"exit code {code}"
    instants = [instant for instant, _ in ended]
    broken = sum(not whole for _, whole in ended)
    return Took(min(instants) - begun, max(instants) - begun, gone - begun, broken)


def main() -> int:
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else STREAMS
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the app inherits it
    found: list[Took] = []
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/app.db"
        database = Database.open(load(database_url=url))
        database.migrate()
        database.close()
        with (
            world_of_processes(url, LOG_LEVEL="warning") as (here, app),
            Path(folder, "log").open("wb") as app.output,
        ):
            for number in range(rounds):
                app.start()
                if number == 0:
                    here.install()
                chats = [Chat(here, key, "agnes", "public") for key in ISSUES]
                took = asyncio.run(measure(app, chats, streams))
                print(
                    f"{streams} streams: first ended after {took.first:.2f} s, last after"
                    f" {took.last:.2f} s, process after {took.process:.2f} s, {took.broken} broken"
                )
                found.append(took)
    last = statistics.median(took.last for took in found)
    process = statistics.median(took.process for took in found)
    print(f"medians of {rounds}: last stream {last:.2f} s, process {process:.2f} s")
    return 1 if any(took.broken for took in found) else 0


if __name__ == "__main__":
    sys.exit(main())
