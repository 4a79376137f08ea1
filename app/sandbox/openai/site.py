"""The simulated OpenAI: who may ask, what is answered, and what a test may look at.

State is touched by the serving thread and by the test's own: plain appends and a lock.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.clock import Clock
from app.sandbox.openai import brain
from app.sandbox.openai.answering import ResponsesEndpoint, refuse
from app.sandbox.openai.events import Reply
from app.sandbox.openai.faults import ANSWERS, EVERYWHERE, ErrorAnswer, Faults, unknown_model
from app.sandbox.openai.page import FrontPage, switchboard
from app.sandbox.openai.requests import ResponseRequest

DEMO_KEY = "sk-demo-not-a-secret"
POLL_SECONDS = 0.005
MODELS: dict[str, str | None] = {
    "gpt-5.4": None,
    "gpt-5.4-mini": None,
    "gpt-5-mini": "2026-12-11",
}


@dataclass(frozen=True)
class Cancelled:
    """A stream that the client closed before its end."""

    response_id: str
    key: str
    deltas: int


class OpenAISite:
    """One simulated OpenAI.

    Args:
        clock: dates the responses.
        pace: seconds a word, of real time: the site runs on an event loop of its own.
        keys: API keys that are let in.
        models: ids that exist, each with its ``shutdown_date`` or None.

    Attributes:
        requests: every request that was let in, oldest first.
        cancelled: every stream that its client closed early, oldest first.
        replies: what was begun to be said to each of the requests, oldest first.
        faults: what is to go wrong.
        switches: the same, as people switch it on the front page.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        pace: float = 0.0,
        keys: Iterable[str] = (DEMO_KEY,),
        models: dict[str, str | None] | None = None,
    ) -> None:
        self.clock = clock
        self.pace = pace
        self.keys = set(keys)
        self.models = dict(MODELS if models is None else models)
        self.requests: list[ResponseRequest] = []
        self.cancelled: list[Cancelled] = []
        self.replies: list[Reply] = []
        self.faults = Faults()
        self.switches = switchboard(self.faults)
        self.asgi = Starlette(
            routes=[
                *FrontPage(self).routes(),
                Route("/v1/responses", ResponsesEndpoint(self), methods=["POST"]),
                Route("/v1/models", self._list_models),
                Route("/v1/models/{model_id}", self._get_model),
            ]
        )
        self._lock = threading.Lock()
        self._open: dict[str, bool] = {}  # response id → stands at the gate
        self._hold_after: int | None = None
        self._queue: deque[str] = deque()
        self._answer: Callable[[ResponseRequest], str] = brain.answer

    @property
    def active_streams(self) -> int:
        """Requests that are being answered at this moment, hanging ones included."""
        return len(self._open)

    def answers(self, text: str | Callable[[ResponseRequest], str]) -> None:
        """What every request is answered from now on, unless an answer is queued."""
        self._answer = text if callable(text) else lambda _: text

    def will_answer(self, *texts: str) -> None:
        """Queue answers; each is given once, before the standing one."""
        self._queue.extend(texts)

    def hold(self, after: int = 1) -> None:
        """Let every stream stop once it has sent ``after`` deltas, until `release`."""
        self._hold_after = after

    def release(self) -> None:
        self._hold_after = None

    async def wait_for_stream(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109  (a bound on the whole wait, named as users say it)
        """Come back once a stream is open and, while held, stands at the gate."""
        await self.until(
            lambda: any(self._open.values()) if self._hold_after is not None else self._open,
            timeout,
        )

    async def until(self, happened: Callable[[], object], timeout: float = 5.0) -> None:  # noqa: ASYNC109  (as above)
        """Come back once ``happened()`` is true.

        Raises:
            TimeoutError: it was not within ``timeout`` seconds of real time.
        """
        end = time.monotonic() + timeout
        while not happened():
            if time.monotonic() > end:
                raise TimeoutError("the simulated OpenAI has not seen what was waited for")
            await asyncio.sleep(POLL_SECONDS)

    # ── what the endpoint needs ──────────────────────────────────────────────────────────────

    def refusal(self, authorization: str | None) -> ErrorAnswer | None:
        """Why a caller is not let in, if so."""
        if self._key(authorization) in self.keys:
            return None
        return ErrorAnswer(
            401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"
        )

    def compose(self, request: ResponseRequest) -> str:
        return self._queue.popleft() if self._queue else self._answer(request)

    def begin(self, request: ResponseRequest) -> Reply:
        self.requests.append(request)
        reply = Reply(
            request,
            response_id=f"resp_{secrets.token_hex(16)}",
            message_id=f"msg_{secrets.token_hex(16)}",
            begun=self.clock.now(),
        )
        self.replies.append(reply)
        return reply

    @contextmanager
    def under_way(self, reply: Reply) -> Iterator[None]:
        with self._lock:
            self._open[reply.response_id] = False
        try:
            yield
        finally:
            reply.end, reply.ended = reply.end or "broken", self.clock.now()
            with self._lock:
                del self._open[reply.response_id]

    def closed_by_client(self, reply: Reply) -> None:
        reply.end = reply.end or "closed"
        self.cancelled.append(Cancelled(reply.response_id, reply.request.key, reply.deltas))

    async def at_gate(self, reply: Reply) -> None:
        """Wait while held, once the deltas are out that may be."""
        while self._hold_after is not None and reply.deltas >= self._hold_after:
            self._open[reply.response_id] = True
            await asyncio.sleep(POLL_SECONDS)
        self._open[reply.response_id] = False

    # ── small endpoints ──────────────────────────────────────────────────────────────────────

    @staticmethod
    def _key(authorization: str | None) -> str:
        scheme, _, key = (authorization or "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    async def _list_models(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        data = [self._model(model_id) for model_id in self.models]
        return JSONResponse({"object": "list", "data": data})

    async def _get_model(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        model_id = request.path_params["model_id"]
        if model_id not in self.models:
            return refuse(unknown_model(model_id))
        return JSONResponse(self._model(model_id))

    def _refused(self, request: Request) -> Response | None:
        if refusal := self.refusal(request.headers.get("authorization")):
            return refuse(refusal)
        fault = self.faults.take(EVERYWHERE)
        return refuse(ANSWERS[fault.kind], fault) if fault else None

    def _model(self, model_id: str) -> dict[str, object]:
        model: dict[str, object] = {
            "id": model_id,
            "object": "model",
            "created": 1_767_225_600,
            "owned_by": "simulated",
        }
        if shutdown_date := self.models[model_id]:
            model["shutdown_date"] = shutdown_date
        return model
