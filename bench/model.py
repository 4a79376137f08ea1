"""A model that says when each of its words left it: OpenAI's API in a process of its own.

    python -m bench.model PACE WORDS

Every answer has ``WORDS`` deltas, one every ``PACE`` seconds; each is ``t`` and the nanoseconds of
``CLOCK_MONOTONIC``, which all processes of a machine share. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from app.sandbox.openai.events import Reply, encode
from app.sandbox.openai.requests import parse


def stamp() -> str:
    return f"t{time.monotonic_ns()} "


def application(pace: float, words: int) -> Starlette:
    async def answer(request: Request) -> StreamingResponse:
        reply = Reply(
            parse("", json.loads(await request.body())),
            response_id=f"resp_{secrets.token_hex(16)}",
            message_id=f"msg_{secrets.token_hex(16)}",
            begun=datetime.now(UTC),
        )

        async def events() -> AsyncIterator[bytes]:
            yield b"".join(encode(event) for event in reply.opening())
            begun = time.monotonic()
            for n in range(words):
                await asyncio.sleep(max(0.0, begun + n * pace - time.monotonic()))
                yield encode(reply.delta(stamp()))
            yield b"".join(encode(event) for event in reply.closing())

        return StreamingResponse(events(), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/responses", answer, methods=["POST"])])


def main() -> None:
    pace, words = float(sys.argv[1]), int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        application(pace, words), log_config=None, access_log=False, lifespan="off", ws="none"
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
