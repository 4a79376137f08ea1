"""ChatKit's Store over our tables, for one turn: it reads its own thread, and writes nothing.

What a turn makes is written by the turn, operation by operation, under its lease. Were the
answer saved here too it would be stored twice, and once without the fence. So every write is
refused aloud, and ``respond`` never asks for one.
"""

from __future__ import annotations

from typing import NoReturn

from chatkit.store import NotFoundError, Store, StoreItemType
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    Attachment,
    InferenceOptions,
    Page,
    ThreadItem,
    ThreadMetadata,
    UserMessageContent,
    UserMessageItem,
    UserMessageTextContent,
)
from sqlmodel import Session
from typing_extensions import override

from app.assistant.context import TurnContext
from app.store import threads
from app.store.database import Database
from app.store.ids import new_id
from app.store.tables import Item

SAID = frozenset({"done", "draft"})
"""States of items that have been said. A partial one, or one that still streams, has not."""


class UserMessage(UserMessageItem):
    """A person's message; ``role`` is the item's: customer, agent, person or visitor."""

    content: list[UserMessageContent]
    role: str


class ThreadStore(Store[TurnContext]):
    """Reads of the context's tenant and thread alone; any other thread is not found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def generate_thread_id(self, context: TurnContext) -> str:
        return new_id("thr")

    @override
    def generate_item_id(
        self, item_type: StoreItemType, thread: ThreadMetadata, context: TurnContext
    ) -> str:
        return new_id("item")

    @override
    async def load_thread(self, thread_id: str, context: TurnContext) -> ThreadMetadata:
        _own(thread_id, context)
        found = await self._database.read(threads.by_id, context.tenant_id, thread_id)
        if found is None:
            raise NotFoundError
        return ThreadMetadata(id=found.id, title=found.title, created_at=found.created_at)

    @override
    async def load_threads(
        self, limit: int, after: str | None, order: str, context: TurnContext
    ) -> Page[ThreadMetadata]:
        """The one thread, as long as it is not the one to begin behind."""
        if after == context.thread_id or limit < 1:
            return Page()
        return Page(data=[await self.load_thread(context.thread_id, context)])

    @override
    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: TurnContext
    ) -> Page[ThreadItem]:
        """Up to what the turn has read. ``after`` is the id of an item, ``order`` asc or desc."""
        _own(thread_id, context)
        rows, has_more = await self._database.read(_page, context, after, limit, order)
        return Page(
            data=[_to_chatkit(row) for row in rows if _is_readable(row, context)],
            has_more=has_more,
            after=rows[-1].id if has_more and rows else None,
        )

    @override
    async def load_item(self, thread_id: str, item_id: str, context: TurnContext) -> ThreadItem:
        _own(thread_id, context)
        found = await self._database.read(threads.item_by_id, context.tenant_id, thread_id, item_id)
        if found is None:
            raise NotFoundError
        return _to_chatkit(found)

    @override
    async def load_attachment(self, attachment_id: str, context: TurnContext) -> Attachment:
        raise NotFoundError

    @override
    async def save_thread(self, thread: ThreadMetadata, context: TurnContext) -> None:
        _refuse()

    @override
    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: TurnContext) -> None:
        _refuse()

    @override
    async def save_item(self, thread_id: str, item: ThreadItem, context: TurnContext) -> None:
        _refuse()

    @override
    async def delete_thread(self, thread_id: str, context: TurnContext) -> None:
        _refuse()

    @override
    async def delete_thread_item(self, thread_id: str, item_id: str, context: TurnContext) -> None:
        _refuse()

    @override
    async def save_attachment(self, attachment: Attachment, context: TurnContext) -> None:
        _refuse()

    @override
    async def delete_attachment(self, attachment_id: str, context: TurnContext) -> None:
        _refuse()


def _own(thread_id: str, context: TurnContext) -> None:
    if thread_id != context.thread_id:
        raise NotFoundError


def _refuse() -> NoReturn:
    raise PermissionError("what a turn makes is written by the turn itself, under its lease")


def _page(
    db: Session, context: TurnContext, after: str | None, limit: int, order: str
) -> tuple[list[Item], bool]:
    tenant_id, thread_id = context.tenant_id, context.thread_id
    key = None
    if after is not None:
        behind = threads.item_by_id(db, tenant_id, thread_id, after)
        if behind is None:
            raise NotFoundError
        key = behind.sort_key
    return threads.items_page(
        db,
        tenant_id,
        thread_id,
        after=key,
        limit=limit,
        order=order,
        through=context.read_through,
    )


def _is_readable(item: Item, context: TurnContext) -> bool:
    if item.id in context.left_out:
        return False
    return item.state in SAID and (context.notes or not item.meta.get("note"))


def _to_chatkit(item: Item) -> ThreadItem:
    if item.kind == "assistant_message":
        return AssistantMessageItem(
            id=item.id,
            thread_id=item.thread_id,
            created_at=item.created_at,
            content=[AssistantMessageContent(text=item.text)],
        )
    return UserMessage(
        id=item.id,
        thread_id=item.thread_id,
        created_at=item.created_at,
        content=[UserMessageTextContent(text=item.text)],
        inference_options=InferenceOptions(),
        role=item.role,
    )
