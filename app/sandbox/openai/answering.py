"""``POST /v1/responses``: refused, answered whole, or streamed, with the faults asked for.

A plain ASGI endpoint, because it must notice at once that the client has closed the stream:
that is how the real service learns that an answer is wanted no more.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from app.sandbox.openai.events import JsonObject, Reply, encode, words
from app.sandbox.openai.faults import ANSWERS, ErrorAnswer, Fault, unknown_model
from app.sandbox.openai.requests import BadBody, ResponseRequest, parse

if TYPE_CHECKING:
    from app.sandbox.openai.site import OpenAISite

CUT_OFF = {"incomplete": "max_output_tokens", "filtered": "content_filter"}
STREAM_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8")]


class ResponsesEndpoint:
    """The ASGI app behind ``/v1/responses``."""

    def __init__(self, site: OpenAISite) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        raw = await request.body()
        admitted, fault = self._admit(request.headers.get("authorization"), raw)
        if isinstance(admitted, ErrorAnswer):
            await refuse(admitted, fault)(scope, receive, send)
            return
        reply = self._site.begin(admitted)
        with self._site.under_way(reply):
            answering = asyncio.ensure_future(self._answer(reply, fault, scope, receive, send))
            leaving = asyncio.ensure_future(_client_left(receive))
            try:
                await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if not answering.done():
                    self._site.closed_by_client(reply)
                else:
                    await answering
            finally:
                answering.cancel()
                leaving.cancel()
                await asyncio.gather(answering, leaving, return_exceptions=True)

    def _admit(
        self, authorization: str | None, raw: bytes
    ) -> tuple[ResponseRequest | ErrorAnswer, Fault | None]:
        if refusal := self._site.refusal(authorization):
            return refusal, None
        fault = self._site.faults.take()
        if fault is not None and fault.kind in ANSWERS:
            return ANSWERS[fault.kind], fault
        try:
            asked = parse((authorization or "").partition(" ")[2].strip(), json.loads(raw))
        except (BadBody, ValueError) as error:
            bad = error if isinstance(error, BadBody) else BadBody("Not JSON.", None)
            return ErrorAnswer(400, bad.message, "invalid_request_error", bad.code, bad.param), None
        if asked.model not in self._site.models:
            return unknown_model(asked.model), None
        return asked, fault

    async def _answer(
        self, reply: Reply, fault: Fault | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault is not None and fault.kind == "hang":
            await asyncio.Event().wait()
        if reply.request.stream:
            await self._stream(reply, fault, send)
        else:
            await JSONResponse(await self._whole(reply, fault))(scope, receive, send)

    async def _whole(self, reply: Reply, fault: Fault | None) -> JsonObject:
        await self._site.at_gate(reply)
        async for _ in self._deltas(reply, fault):
            await self._site.at_gate(reply)
        if fault is not None and fault.kind == "fail":
            return reply.failed(fault.code)
        return reply.whole(self._cut_off(reply, fault))

    async def _stream(self, reply: Reply, fault: Fault | None, send: Send) -> None:
        async def put(event: JsonObject) -> None:
            await send({"type": "http.response.body", "body": encode(event), "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        for event in reply.opening():
            await put(event)
        await self._site.at_gate(reply)
        async for event in self._deltas(reply, fault):
            await put(event)
            await self._site.at_gate(reply)
        if fault is not None and fault.kind == "drop":
            return  # an unfinished body: the server closes the connection in mid-stream
        if fault is not None and fault.kind == "fail":
            await put(reply.failure(fault.code))
        else:
            for event in reply.closing(self._cut_off(reply, fault)):
                await put(event)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _deltas(self, reply: Reply, fault: Fault | None) -> AsyncIterator[JsonObject]:
        """The answer word by word, as far as it comes, at the site's pace."""
        pause = self._site.pace
        if fault is not None and fault.kind == "slow":
            pause = fault.seconds
        for word in self._sayable(reply, fault):
            if pause:
                await asyncio.sleep(pause)
            yield reply.delta(word)

    def _sayable(self, reply: Reply, fault: Fault | None) -> list[str]:
        said = words(self._site.compose(reply.request))
        if fault is not None and fault.kind in {"drop", "fail", *CUT_OFF}:
            return said[: fault.after]
        limit = reply.request.max_output_tokens
        reply.cut = limit is not None and len(said) > limit
        return said[:limit]

    @staticmethod
    def _cut_off(reply: Reply, fault: Fault | None) -> str | None:
        if fault is not None and fault.kind in CUT_OFF:
            return CUT_OFF[fault.kind]
        return "max_output_tokens" if reply.cut else None


def refuse(answer: ErrorAnswer, fault: Fault | None = None) -> JSONResponse:
    headers = {}
    if (
        fault is not None
        and fault.kind in {"rate_limited", "unavailable"}
        and fault.retry_after is not None
    ):
        headers["retry-after"] = str(fault.retry_after)
    return JSONResponse(answer.body, answer.status, headers)


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
