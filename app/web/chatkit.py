"""``POST /chatkit``: ChatKit's own protocol, on the one thread of a session.

Whatever can be refused is refused before the first byte, with a problem document: ChatKit's
server would answer 500, or break a stream off.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from chatkit.server import StreamingResult
from chatkit.types import (
    AttachmentsCreateReq,
    AttachmentsDeleteReq,
    ChatKitReq,
    InputTranscribeReq,
    ItemsFeedbackReq,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsCustomActionReq,
    ThreadsDeleteReq,
    ThreadsRetryAfterItemReq,
    ThreadsSyncCustomActionReq,
    ThreadsUpdateReq,
    UserMessageInput,
)
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.doors.principal import Viewer
from app.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound
from app.i18n import t
from app.store import threads
from app.stream import sse
from app.turns import talking, titles
from app.turns.regenerating import regenerate_after
from app.turns.talking import Asked, Said
from app.web.bodies import MAX_TEXT
from app.web.chatkit_server import Call, SessionServer, is_over
from app.web.guards import require_session
from app.web.responses import read_body
from app.web.wiring import Wiring, wiring_of

_REQUEST: TypeAdapter[ChatKitReq] = TypeAdapter(ChatKitReq)
MOST_OF_A_NAME = 200
QUIET = 14.0
"""Seconds of silence, after which a stream tells that it is there, and is asked about."""
HEADERS = {"X-Accel-Buffering": "no"}

NOT_TAKEN = (AttachmentsCreateReq, AttachmentsDeleteReq, InputTranscribeReq)
NOTHING_WAITS = (
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsCustomActionReq,
    ThreadsSyncCustomActionReq,
)
"""Answers to what the assistant never asks here: a tool in the browser, a form, a button."""


async def serve(request: Request) -> Response:
    viewer = await require_session(request)
    wiring = wiring_of(request)
    body = await read_body(request)
    wanted = _judged(body, viewer)
    server = SessionServer(wiring.database, wiring.hub, wiring.clock)
    call = await _taken_in(wanted, viewer, wiring)
    if isinstance(wanted, ThreadsRetryAfterItemReq):
        return _stream(server.answered_anew(call), viewer, wiring)
    result = await server.process(body, call)
    if isinstance(result, StreamingResult):
        return _stream(result, viewer, wiring)
    return Response(result.json, media_type="application/json")


def _judged(body: bytes, viewer: Viewer) -> ChatKitReq:
    """The request, if it is one that this thread can take.

    Raises:
        BadRequest, Invalid: it is none.
        NotFound: it names another thread.
        Forbidden: nobody may do that here.
        Conflict: nothing here waits for it.
    """
    try:
        wanted = _REQUEST.validate_json(body)
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors(include_input=False)):
            raise BadRequest(t("The body cannot be read: it has to be JSON in UTF-8.")) from None
        raise Invalid(
            t("This is no request of ChatKit's protocol: see `type` and `params`.")
        ) from None
    if getattr(wanted.params, "thread_id", viewer.thread_id) != viewer.thread_id:
        raise NotFound(t("The session opens one thread alone, and this is another one."))
    if isinstance(wanted, ThreadsDeleteReq):
        raise Forbidden("KEPT")
    if isinstance(wanted, NOT_TAKEN):
        raise Invalid(t("Files and speech are not taken here: write text."))
    if isinstance(wanted, NOTHING_WAITS):
        raise Conflict("nothing_waits", t("The assistant has asked for nothing of that kind."))
    return wanted


async def _taken_in(wanted: ChatKitReq, viewer: Viewer, wiring: Wiring) -> Call:
    """Do what the request does; what is left for ChatKit's server is to tell of it."""
    call = Call(viewer)
    if isinstance(wanted, ThreadsCreateReq | ThreadsAddUserMessageReq):
        await wiring.rights.require_writer(viewer)
        text = _text(wanted.params.input)
        named = wanted.metadata.get("client_id")
        client_id = _name(named) or secrets.token_hex(16)
        said = Said(client_id, text, viewer.account_id)
        place = await _place(viewer, wiring)
        asked = await wiring.database.write(
            talking.say, viewer, said, wiring.settings, wiring.clock.now()
        )
        repeated = await wiring.database.read(is_over, viewer, asked.turn_id)
        return replace(call, asked=asked, place=None if repeated else place)
    if isinstance(wanted, ThreadsRetryAfterItemReq):
        await wiring.rights.require_team(viewer)
        call = replace(call, place=await _place(viewer, wiring))
        item_id = wanted.params.item_id
        turn_id = await wiring.database.write(
            regenerate_after, viewer, item_id, wiring.settings, wiring.clock.now()
        )
        return replace(call, asked=Asked(viewer.thread_id, item_id, turn_id))
    if isinstance(wanted, ThreadsUpdateReq):
        await wiring.rights.require_team(viewer)
        await wiring.database.write(
            titles.rename, viewer, wanted.params.title, wiring.settings, wiring.clock.now()
        )
    if isinstance(wanted, ItemsFeedbackReq) and not wanted.params.item_ids:
        raise Invalid(t("Name the items that the feedback is about."))
    return call


def _text(said: UserMessageInput) -> str:
    """The message's words, what it quotes before them.

    Raises:
        Invalid: it holds none, or too many, or files.
    """
    if said.attachments:
        raise Invalid(t("Files and speech are not taken here: write text."))
    text = "".join(part.text for part in said.content).replace("\0", "\ufffd")
    if not text.strip() or len(text) > MAX_TEXT:
        raise Invalid(t("Write a text of 1 to {most} characters.", most=MAX_TEXT))
    quoted = "\n".join(f"> {line}" for line in (said.quoted_text or "")[:MAX_TEXT].splitlines())
    whole = f"{quoted}\n\n{text}" if quoted else text
    if len(whole) > MAX_TEXT:
        raise Invalid(t("Write a text of 1 to {most} characters.", most=MAX_TEXT))
    return whole


def _name(given: object) -> str | None:
    """What the client calls its message, if it says so and it can be kept."""
    usable = isinstance(given, str) and given.isprintable() and len(given) <= MOST_OF_A_NAME
    return str(given) or None if usable else None


async def _place(viewer: Viewer, wiring: Wiring) -> str:
    """The id of the thread's newest event: what is done now is told behind it."""
    thread = await wiring.database.read(threads.by_id, viewer.tenant.id, viewer.thread_id)
    if thread is None:
        raise NotFound
    return f"{thread.epoch}-{thread.last_n}"


def _stream(lines: AsyncIterable[bytes], viewer: Viewer, wiring: Wiring) -> Response:
    kept = _kept_up(lines, viewer, wiring)
    return StreamingResponse(kept, media_type=sse.MEDIA_TYPE, headers=HEADERS)


async def _kept_up(
    lines: AsyncIterable[bytes], viewer: Viewer, wiring: Wiring
) -> AsyncIterator[bytes]:
    """The lines, and a comment where they are long in coming; until the viewer may not read on."""
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(1)
    reading = asyncio.create_task(_read(lines, waiting))  # in one task, as ChatKit wants it
    asked_at = wiring.clock.now()
    try:
        while True:
            line: bytes | None = sse.COMMENT
            with suppress(TimeoutError):
                line = await asyncio.wait_for(waiting.get(), QUIET)
            if wiring.clock.now() >= asked_at + timedelta(seconds=QUIET):
                asked_at = wiring.clock.now()
                if not await wiring.rights.may_still_watch(viewer):
                    return
            if line is None:
                reading.result()
                return
            yield line
    finally:
        reading.cancel()


async def _read(lines: AsyncIterable[bytes], waiting: asyncio.Queue[bytes | None]) -> None:
    try:
        async for line in lines:
            await waiting.put(line)
    except Exception:
        await waiting.put(None)
        raise
    await waiting.put(None)
