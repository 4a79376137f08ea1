"""From errors to answers, in one table; the limits and headers that every answer shares."""

from __future__ import annotations

import json
from collections.abc import Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.doors.connect.install_keys import InstallKeysUnavailable
from app.errors import (
    AppError,
    AuthError,
    BadRequest,
    BodyTooLarge,
    Forbidden,
    JiraError,
    JiraRateLimited,
    ModelError,
    NotFound,
    SealBroken,
)

log = structlog.get_logger(__name__)

MAX_BODY = 1024 * 1024
ONE_YEAR = 365 * 24 * 60 * 60
RETRY_AFTER = 5
PROBLEM = "application/problem+json"
CACHEABLE = ("/static/", "/widget.js", "/atlassian-connect.json")

Answer = Callable[[AppError], Response]


def problem(status: int, title: str, detail: str | None = None) -> Response:
    """RFC 9457: what went wrong, for a program and for a person. ``detail`` quotes nobody."""
    content = {"type": "about:blank", "title": title, "status": status}
    if detail:
        content["detail"] = detail
    return Response(json.dumps(content), status, media_type=PROBLEM)


def _unavailable(error: AppError) -> Response:
    wait = error.retry_after if isinstance(error, JiraRateLimited | ModelError) else None
    response = problem(503, "Unavailable", "Try again later.")
    response.headers["Retry-After"] = str(max(1, round(wait or RETRY_AFTER)))
    return response


ANSWERS: dict[type[AppError], Answer] = {
    AuthError: lambda _: Response(status_code=401),
    Forbidden: lambda error: problem(403, "Forbidden", str(error)),
    NotFound: lambda _: problem(404, "Not found"),
    BadRequest: lambda error: problem(400, "Bad request", str(error)),
    BodyTooLarge: lambda _: problem(413, "Content too large"),
    InstallKeysUnavailable: _unavailable,
    SealBroken: _unavailable,
    JiraError: _unavailable,
    ModelError: _unavailable,
}
"""The nearest class of an error decides."""


async def answer_error(request: Request, error: Exception) -> Response:
    """The answer to an error that we raised; its code goes to the log, nothing else does."""
    if not isinstance(error, AppError):
        raise error
    answer = next((ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS), None)
    if answer is None:
        raise error
    response = answer(error)
    write = log.error if response.status_code >= 500 else log.warning
    write(
        "request_refused",
        status=response.status_code,
        method=request.method,
        path=request.url.path,
        error=type(error).__name__,
        code=getattr(error, "code", None),
    )
    return response


EXCEPTION_HANDLERS = {AppError: answer_error}
"""For ``Starlette(exception_handlers=…)``."""


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The body, of which no more than ``limit`` bytes are ever held.

    Raises:
        BodyTooLarge: it is longer, whether or not its header says so.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 12 or int(declared) > limit):
        raise BodyTooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge
    return bytes(body)


class SecurityHeaders:
    """Puts on every answer what keeps it out of caches, frames of others and referrers.

    An answer that sets one of these itself keeps its own.
    """

    def __init__(self, app: ASGIApp, *, hsts: bool) -> None:
        self._app = app
        self._hsts = hsts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cacheable = scope["path"].startswith(CACHEABLE)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                if not cacheable:
                    headers.setdefault("Cache-Control", "no-store")
                if self._hsts:
                    headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR}")
            await send(message)

        await self._app(scope, receive, send_with_headers)
