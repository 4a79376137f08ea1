"""Watches many streams in a process of its own, and notes how old each stamp is that it reads.

Standard input has the job (``Job``) as one line of JSON; ``open`` is printed once every stream has
begun. A second line ends it: then what was seen is printed, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import time
from dataclasses import dataclass, field
from typing import Any

FILES = 20_000
OPENING = 200
"""Streams that are being opened at a time."""
SOURCES = 8
"""Loopback addresses that connections come from: each has ports of its own."""
STAMP = re.compile(rb"t(\d{12,})")
GROWN = (b"text_delta", b"notice")
"""An event that holds one of these holds each stamp for the first time."""


@dataclass
class Job:
    """``streams``: of each, its path and the header lines that let it in."""

    port: int
    streams: list[tuple[str, str]]


@dataclass
class Seen:
    """When it was sent and how long it took, in nanoseconds, of each stamp at each watcher."""

    begun: int = 0
    lost: int = 0
    stamps: list[tuple[int, int]] = field(default_factory=list)


class Watcher(asyncio.Protocol):
    def __init__(self, job: Job, which: int, seen: Seen, begun: asyncio.Future[None]) -> None:
        self._path, self._headers = job.streams[which]
        self._host = f"127.0.0.1:{job.port}"
        self._seen = seen
        self._begun = begun
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        head = f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\n{self._headers}\r\n"
        transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if not self._begun.done():
            if not data.startswith(b"HTTP/1.1 200"):
                self._begun.set_exception(RuntimeError(data[:200].decode(errors="replace")))
                return
            self._begun.set_result(None)
            self._seen.begun += 1
        events = (self._rest + data).split(b"\n\n")
        self._rest = events.pop()
        for event in events:
            if any(kind in event for kind in GROWN):
                self._seen.stamps += [(int(at), now - int(at)) for at in STAMP.findall(event)]

    def connection_lost(self, exc: Exception | None) -> None:
        self._seen.lost += 1
        if not self._begun.done():
            self._begun.set_exception(exc or ConnectionResetError())


async def watch(job: Job, seen: Seen) -> None:
    loop = asyncio.get_running_loop()
    slots = asyncio.Semaphore(OPENING)

    async def begin(which: int) -> None:
        source = (f"127.0.0.{2 + which % SOURCES}", 0)
        async with slots:
            begun: asyncio.Future[None] = loop.create_future()
            await loop.create_connection(
                lambda: Watcher(job, which, seen, begun), "127.0.0.1", job.port, local_addr=source
            )
            await begun

    first = {path: which for which, (path, _) in reversed(list(enumerate(job.streams)))}
    for which in first.values():  # each asks Jira for the viewer's rights, which has its limits
        await begin(which)
    rest = set(range(len(job.streams))) - set(first.values())
    await asyncio.gather(*(begin(which) for which in rest))
    print("open", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    given: dict[str, Any] = json.loads(sys.stdin.readline())
    seen = Seen()
    asyncio.run(watch(Job(**given), seen))
    print(json.dumps({"begun": seen.begun, "lost": seen.lost, "stamps": seen.stamps}), flush=True)


if __name__ == "__main__":
    main()
