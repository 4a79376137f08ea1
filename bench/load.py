"""Sends webhooks as Jira signs them, over kept-alive connections, as fast as they are answered.

A process of its own, so that it takes no time from what it measures. Standard input has the job
(see ``Job``), standard output gets the figures; both are JSON. ``--trivial`` makes it the server
instead that answers 204 unread: what the generator can do at most.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt

from app.doors.connect.qsh import query_string_hash
from bench.results import percentile

END = b"\r\n\r\n"


@dataclass
class Job:
    """``body`` is one webhook of a comment: each delivery has a comment of its own, on one of
    ``issues`` by turns.
    """

    port: int
    path: str
    client_key: str
    secret: str
    body: dict[str, Any]
    issues: list[str]
    connections: int
    warm_up: int
    requests: int


def requests(job: Job, count: int) -> list[bytes]:
    """Whole requests, each a delivery of its own with a token of its own."""
    qsh, now = query_string_hash("POST", job.path, ""), int(time.time())
    made = []
    for n in range(count):
        claims = {"iss": job.client_key, "iat": now - n % 60, "exp": now + 600, "qsh": qsh}
        token = jwt.encode(claims, job.secret, algorithm="HS256")
        issue, comment = job.issues[n % len(job.issues)], str(uuid.uuid4().int % 10**12)
        hook = {**job.body, "timestamp": now * 1000}
        hook["issue"] = {**hook["issue"], "id": issue}
        hook["comment"] = {**hook["comment"], "id": comment}
        body = json.dumps(hook).encode()
        head = (
            f"POST {job.path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\n"
            f"Authorization: JWT {token}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"X-Atlassian-Webhook-Identifier: {uuid.uuid4()}\r\n"
            f"User-Agent: Atlassian Webhook HTTP Client\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


@dataclass
class Run:
    left: Iterator[bytes]
    open: int
    took: list[float] = field(default_factory=list)
    done: asyncio.Future[None] = field(default_factory=asyncio.Future)


class Sender(asyncio.Protocol):
    """One connection: the next request as soon as the last one is answered 204."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._got = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._got.endswith(END):
            return
        if self._got[9:12] != b"204":
            self._run.done.set_exception(RuntimeError(f"answered {self._got[:40]!r}"))
            return
        self._run.took.append(time.perf_counter() - self._sent)
        self._got = b""
        self._next()

    def _next(self) -> None:
        request = next(self._run.left, None)
        if request is not None:
            self._sent = time.perf_counter()
            self._transport.write(request)
            return
        self._transport.close()
        self._run.open -= 1
        if not self._run.open and not self._run.done.done():
            self._run.done.set_result(None)


async def send(job: Job, all_of_them: list[bytes]) -> tuple[float, list[float]]:
    """Seconds in all, and of each request."""
    loop = asyncio.get_running_loop()
    run = Run(iter(all_of_them), job.connections)
    begun = time.perf_counter()
    for _ in range(job.connections):
        await loop.create_connection(lambda: Sender(run), "127.0.0.1", job.port)
    await run.done
    return time.perf_counter() - begun, sorted(run.took)


async def measure(job: Job) -> dict[str, float]:
    await send(job, requests(job, job.warm_up))
    ready = requests(job, job.requests)
    before = resource.getrusage(resource.RUSAGE_SELF)
    seconds, took = await send(job, ready)
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "rate": job.requests / seconds,
        "p50": percentile(took, 0.5) * 1000,
        "p99": percentile(took, 0.99) * 1000,
        "busy": used / seconds,
        "bytes": len(ready[0]),
    }


class Trivial(asyncio.Protocol):
    """Answers 204 when as much has come as the request's first header says."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._left = transport, 0

    def data_received(self, data: bytes) -> None:
        if not self._left:
            head, _, rest = data.partition(END)
            self._left = int(head.rpartition(b"Content-Length: ")[2]) - len(rest)
        else:
            self._left -= len(data)
        if not self._left:
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Trivial, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if "--trivial" in sys.argv:
        asyncio.run(serve())
    else:
        print(json.dumps(asyncio.run(measure(Job(**json.load(sys.stdin))))))
