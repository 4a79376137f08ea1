"""What a network and a busy Jira do to a request, and the log of all requests."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Literal

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.sandbox.mischief import Mischief, Waiting
from app.sandbox.serving import drop_connection

_BY_FORGE = re.compile(r"^/ex/jira/[^/]+(?=/rest/)")
"""Before the same path where an app that came through Forge calls it."""

Kind = Literal["status", "hang", "reset", "reset_after_commit", "slow"]


@dataclass(frozen=True)
class Fault(Mischief):
    """One thing that goes wrong with a request.

    ``status`` answers with ``status`` instead of acting; ``hang`` keeps silent for ``seconds``
    and then drops the connection; ``reset`` drops it at once; ``reset_after_commit`` acts and
    drops it instead of answering; ``slow`` acts after ``seconds``.
    """

    method: str
    path: re.Pattern[str]
    kind: Kind
    status: int = 503
    seconds: float = 30.0
    retry_after: int | None = None
    reason: str | None = None


class Faults(Waiting[Fault]):
    """The faults that still await their request."""

    def add(
        self,
        method: str,
        path_pattern: str,
        kind: Kind,
        times: int | None = 1,
        *,
        status: int = 503,
        seconds: float = 30.0,
        retry_after: int | None = None,
        reason: str | None = None,
    ) -> None:
        """Let the next ``times`` fitting requests go wrong.

        Args:
            method: ``GET`` and so on, or ``*``.
            path_pattern: where ``*`` stands for one part of a path and ``**`` for any number.
            kind: see ``Fault``.
            times: how often; None is until it is cleared.
            status: of the kind ``status``.
            seconds: of the kinds ``hang`` and ``slow``.
            retry_after: the header ``Retry-After``, with a 429 or 503.
            reason: the header ``RateLimit-Reason``, with a 429.
        """
        self._put(
            Fault(
                method.upper(),
                _pattern(path_pattern),
                kind,
                status,
                seconds,
                retry_after,
                reason,
                times=times,
            )
        )

    def take(self, method: str, path: str) -> Fault | None:
        return self._take(
            lambda fault: fault.method in {"*", method} and bool(fault.path.fullmatch(path))
        )


@dataclass(frozen=True)
class Request:
    """One request that reached the site; ``status`` is None where no answer was sent."""

    method: str
    path: str
    status: int | None


class FaultyDoor:
    """The outermost layer: lets faults happen and writes the log."""

    def __init__(self, inner: ASGIApp, faults: Faults, log: list[Request]) -> None:
        self._inner = inner
        self._faults = faults
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        method, path = scope["method"], _BY_FORGE.sub("", scope["path"])
        answered = False

        async def watch(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True  # and in the log before whoever asked can look there
                self._log.append(Request(method, path, message["status"]))
            await send(message)

        try:
            fault = self._faults.take(method, path)
            if fault is None:
                await self._inner(scope, receive, watch)
            else:
                await self._go_wrong(fault, scope, receive, watch)
        finally:
            if not answered:
                self._log.append(Request(method, path, None))

    async def _go_wrong(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.kind:
            case "status":
                await _answer(fault)(scope, receive, send)
            case "slow":
                await asyncio.sleep(fault.seconds)
                await self._inner(scope, receive, send)
            case "hang":
                await asyncio.sleep(fault.seconds)
                await drop_connection(scope, receive)
            case "reset":
                await drop_connection(scope, receive)
            case "reset_after_commit":
                await self._inner(scope, receive, _nowhere)
                await drop_connection(scope, receive)


async def _nowhere(_message: Message) -> None:
    """Where an answer goes that nobody is to get."""


def _answer(fault: Fault) -> JSONResponse:
    headers = {}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if fault.reason is not None:
        headers["RateLimit-Reason"] = fault.reason
    body = {"errorMessages": [f"Simulated answer {fault.status}"], "errors": {}}
    return JSONResponse(body, fault.status, headers)


def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", glob)
    wild = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts))
