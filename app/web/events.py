"""The stream of a thread's events, as a bare ASGI response; why bare: docs/adr/0009."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.doors.principal import Viewer
from app.i18n import t
from app.stream import sse
from app.stream.follower import Follower
from app.stream.hub import Hub
from app.web import guards
from app.web.responses import RETRY_AFTER, problem
from app.web.wiring import wiring_of

log = structlog.get_logger(__name__)

STALLED = 30.0
"""Seconds that a client may take nothing of what is sent before its stream ends."""
HEADERS = [
    (b"content-type", sse.MEDIA_TYPE.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx: hand on what comes as it comes
]

MayStillWatch = Callable[[Viewer], Awaitable[bool]]


async def follow(request: Request) -> ASGIApp:
    """``GET /api/threads/{thread_id}/events``."""
    viewer = await guards.require_session(request)
    wiring = wiring_of(request)
    last_event_id = request.headers.get("last-event-id")
    return EventStream(wiring.hub, viewer, last_event_id, wiring.rights.may_still_watch)


class EventStream:
    """Sends what the hub tells the viewer, until it ends or the client leaves.

    With each heartbeat it is asked whether the viewer may go on; the answer is not waited for.
    """

    def __init__(
        self,
        hub: Hub,
        viewer: Viewer,
        last_event_id: str | None,
        may_still_watch: MayStillWatch,
        *,
        stalled: float = STALLED,
    ) -> None:
        self._hub = hub
        self._viewer = viewer
        self._last_event_id = last_event_id
        self._may_still_watch = may_still_watch
        self._stalled = stalled
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._hub.follow(self._viewer, self._last_event_id) as follower:
            opening = await anext(follower, None)
            if opening is None:
                await _ended(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body"})
                return
            leaving = asyncio.create_task(_until_gone(receive, follower))
            try:
                await self._pass_on(sse.RETRY + opening.frames, follower, send)
            finally:
                leaving.cancel()
                if self._asking is not None:
                    self._asking.cancel()

    async def _pass_on(self, opening: bytes, follower: Follower, send: Send) -> None:
        try:
            await self._send(send, opening)
            await self._follow(follower, send)
            await self._send(send, b"", more=False)
        except TimeoutError:
            log.info("stream_stalled", thread=self._viewer.thread_id)

    async def _follow(self, follower: Follower, send: Send) -> None:
        try:
            async for batch in follower:
                await self._send(send, batch.frames)
                if not batch.events and (self._asking is None or self._asking.done()):
                    self._asking = asyncio.create_task(self._ask(follower))
        except SQLAlchemyError as error:
            log.error("stream_ended", thread=self._viewer.thread_id, error=type(error).__name__)  # noqa: TRY400  (no trace)

    async def _send(self, send: Send, frames: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._stalled):
            await send({"type": "http.response.body", "body": frames, "more_body": more})

    async def _ask(self, follower: Follower) -> None:
        may = False
        try:
            may = await self._may_still_watch(self._viewer)
        except SQLAlchemyError as error:
            log.error("stream_ended", thread=self._viewer.thread_id, error=type(error).__name__)  # noqa: TRY400  (no trace)
        if not may:
            follower.end()


async def _until_gone(receive: Receive, follower: Follower) -> None:
    """Nobody listens any more: end it."""
    while (await receive())["type"] != "http.disconnect":
        pass
    follower.end()


async def _ended(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer where the thread went, or this process is about to, before anything was told."""
    response = problem(
        503, t("Unavailable"), t("This stream cannot begin just now. Try again later.")
    )
    response.headers["Retry-After"] = str(RETRY_AFTER)
    await response(scope, receive, send)
