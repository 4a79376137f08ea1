"""ChatKit's server protocol on one thread: a thin server that writes nothing and reads the log.

What a person says has been taken in before :meth:`ChatKitServer.process` is called, and the
answer is written by the turn's worker. So the store reads the session's thread, refuses all
others, and lets every write pass without effect; ``respond`` tells what the log tells of the
turn. Whoever leaves stops nothing. Not to be mixed up with ``app/assistant/server.py``, by which
a turn asks the model.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from chatkit.errors import CustomStreamError
from chatkit.server import ChatKitServer
from chatkit.store import NotFoundError, Store, StoreItemType
from chatkit.types import (
    Attachment,
    ErrorEvent,
    FeedbackKind,
    NoticeEvent,
    Page,
    StreamOptions,
    StreamOptionsEvent,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from pydantic import TypeAdapter
from sqlmodel import Session
from typing_extensions import override

from app.clock import Clock
from app.doors.principal import Viewer
from app.i18n import t
from app.store import threads, turns
from app.store.database import Database
from app.store.tables import Thread
from app.stream.encoding import item_json
from app.stream.hub import Hub
from app.stream.replay import RESYNC
from app.turns import feedback, watching
from app.turns.talking import Asked

MOST = 100
"""Items of a page."""
ELSEWHERE = t("The answer goes to the team first.")

_EVENT: TypeAdapter[ThreadStreamEvent] = TypeAdapter(ThreadStreamEvent)
_ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


@dataclass(frozen=True)
class Call:
    """One request of a session's.

    Attributes:
        asked: where it said something: what became of that.
        place: the id of the event before it; None where the answer stood there already.
    """

    viewer: Viewer
    asked: Asked | None = None
    place: str | None = None


class SessionStore(Store[Call]):
    """Reads of the session's thread alone; any other is not found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def generate_thread_id(self, context: Call) -> str:
        return context.viewer.thread_id

    @override
    def generate_item_id(
        self, item_type: StoreItemType, thread: ThreadMetadata, context: Call
    ) -> str:
        assert context.asked is not None  # the one item that a call makes is what was said
        return context.asked.item_id

    @override
    async def load_thread(self, thread_id: str, context: Call) -> ThreadMetadata:
        found = None
        if thread_id == context.viewer.thread_id:
            tenant_id = context.viewer.tenant.id
            found = await self._database.read(threads.by_id, tenant_id, thread_id)
        if found is None:
            raise NotFoundError
        return _metadata(found)

    @override
    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Call
    ) -> Page[ThreadMetadata]:
        thread_id = context.viewer.thread_id
        if after == thread_id:
            return Page()
        return Page(data=[await self.load_thread(thread_id, context)])

    @override
    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Call
    ) -> Page[ThreadItem]:
        page = await self._database.read(
            watching.items_page, context.viewer, after, min(max(limit, 1), MOST), order
        )
        items = [_ITEM.validate_python(item) for item in page["data"]]
        return Page(data=items, has_more=page["has_more"], after=page["after"])

    @override
    async def load_item(self, thread_id: str, item_id: str, context: Call) -> ThreadItem:
        raise NotFoundError

    @override
    async def load_attachment(self, attachment_id: str, context: Call) -> Attachment:
        raise NotFoundError

    @override
    async def save_thread(self, thread: ThreadMetadata, context: Call) -> None:
        pass

    @override
    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Call) -> None:
        pass

    @override
    async def save_item(self, thread_id: str, item: ThreadItem, context: Call) -> None:
        pass

    @override
    async def delete_thread(self, thread_id: str, context: Call) -> None:
        pass

    @override
    async def delete_thread_item(self, thread_id: str, item_id: str, context: Call) -> None:
        pass

    @override
    async def save_attachment(self, attachment: Attachment, context: Call) -> None:
        pass

    @override
    async def delete_attachment(self, attachment_id: str, context: Call) -> None:
        pass


class SessionServer(ChatKitServer[Call]):
    """See the module."""

    def __init__(self, database: Database, hub: Hub, clock: Clock) -> None:
        super().__init__(SessionStore(database))
        self._database = database
        self._hub = hub
        self._clock = clock

    @override
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Call
    ) -> AsyncGenerator[ThreadStreamEvent, None]:
        """What the log tells of the turn that answers, until the turn is over.

        Raises:
            CustomStreamError: the turn failed; the text says why.
        """
        assert context.asked is not None
        turn_id = context.asked.turn_id
        if context.place is None:
            answer = await self._database.read(_answer_of, context.viewer, turn_id)
            if answer is not None:
                yield _EVENT.validate_python({"type": "thread.item.done", "item": answer})
            return
        if await self._database.read(_answers_elsewhere, context.viewer, turn_id):
            yield NoticeEvent(level="info", message=ELSEWHERE)
            return
        ours: set[str] = set()
        with self._hub.follow(context.viewer, context.place) as follower:
            async for batch in follower:
                for told in batch.events:
                    event = json.loads(told.data)
                    if event.get("turn_id") == turn_id and _is_end(event):
                        return
                    if _is_of(event, turn_id, ours):
                        yield _EVENT.validate_python(event)
                resynced = any(told.type == RESYNC for told in batch.events)
                if resynced and await self._database.read(is_over, context.viewer, turn_id):
                    return  # its end was told in what the log no longer holds

    async def answered_anew(self, call: Call) -> AsyncIterator[bytes]:
        """The stream of a draft that is written anew, as ``process`` would frame it."""
        thread = await self.store.load_thread(call.viewer.thread_id, call)
        options = StreamOptionsEvent(stream_options=self.get_stream_options(thread, call))
        yield self._line(options)
        try:
            async for event in self.respond(thread, None, call):
                yield self._line(event)
        except CustomStreamError as error:
            yield self._line(ErrorEvent(code="custom", message=error.message))

    @override
    def get_stream_options(self, thread: ThreadMetadata, context: Call) -> StreamOptions:
        """Whoever leaves stops nothing, so there is nothing to cancel here."""
        return StreamOptions(allow_cancel=False)

    @override
    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: Call
    ) -> None:
        """The turn goes on: nothing is to be kept."""

    @override
    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback_kind: FeedbackKind, context: Call
    ) -> None:
        for item_id in item_ids[:MOST]:
            await self._database.write(
                feedback.give, context.viewer, item_id, feedback_kind, self._clock.now()
            )

    def _line(self, event: Any) -> bytes:
        return b"data: " + self._serialize(event) + b"\n\n"


def _metadata(thread: Thread) -> ThreadMetadata:
    return ThreadMetadata(
        id=thread.id,
        title=thread.title,
        created_at=thread.created_at,
        metadata={"audience": thread.audience},
    )


def _answers_elsewhere(db: Session, viewer: Viewer, turn_id: str) -> bool:
    turn = turns.by_id(db, viewer.tenant.id, turn_id)
    return turn is not None and turn.reply_thread_id != viewer.thread_id


def _answer_of(db: Session, viewer: Viewer, turn_id: str) -> dict[str, Any] | None:
    """The answer, as far as it stands on the viewer's thread."""
    turn = turns.by_id(db, viewer.tenant.id, turn_id)
    if turn is None or turn.reply_item_id is None:
        return None
    item = threads.item_by_id(db, viewer.tenant.id, viewer.thread_id, turn.reply_item_id)
    return item_json(item) if item is not None and item.state != threads.HIDDEN else None


def is_over(db: Session, viewer: Viewer, turn_id: str) -> bool:
    """Whether the turn has ended."""
    turn = turns.by_id(db, viewer.tenant.id, turn_id)
    return turn is not None and turn.finished_at is not None


def _is_end(event: dict[str, Any]) -> bool:
    """Whether it tells a turn's end.

    Raises:
        CustomStreamError: a failure is told so.
    """
    if event["type"] == "turn.failed":
        raise CustomStreamError(event["message"], allow_retry=False)
    return event["type"] in {"turn.completed", "turn.stopped"}


def _is_of(event: dict[str, Any], turn_id: str, ours: set[str]) -> bool:
    """Whether it belongs to the turn's answer; notes the ids of its items in ``ours``."""
    if not event["type"].startswith("thread.item."):
        return False
    item = event.get("item")
    if item is None:
        return event["item_id"] in ours
    if item["type"] == "assistant_message" and item["meta"]["turn_id"] == turn_id:
        ours.add(item["id"])
    return item["id"] in ours
