"""ChatKit's Store over our tables: one tenant, one thread, read only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from chatkit.store import NotFoundError
from chatkit.types import AssistantMessageItem, ThreadItem

from app.assistant.context import TurnContext
from app.assistant.store import ThreadStore, UserMessage
from tests.assistant.conftest import Desk


@pytest.fixture
def store(desk: Desk) -> ThreadStore:
    return ThreadStore(desk.database)


def texts(items: list[ThreadItem]) -> list[str]:
    return [
        "".join(part.text for part in item.content)
        for item in items
        if isinstance(item, UserMessage | AssistantMessageItem)
    ]


async def test_items_come_in_pages_in_either_order(desk: Desk, store: ThreadStore) -> None:
    for number in range(5):
        await desk.add(f"m{number}")
    turn = desk.turn()
    first = await store.load_thread_items(desk.thread_id, None, 2, "asc", turn)
    assert (texts(first.data), first.has_more) == (["m0", "m1"], True)
    second = await store.load_thread_items(desk.thread_id, first.after, 2, "asc", turn)
    third = await store.load_thread_items(desk.thread_id, second.after, 2, "asc", turn)
    assert (texts(second.data), texts(third.data)) == (["m2", "m3"], ["m4"])
    assert (third.has_more, third.after) == (False, None)
    newest = await store.load_thread_items(desk.thread_id, None, 2, "desc", turn)
    older = await store.load_thread_items(desk.thread_id, newest.after, 10, "desc", turn)
    assert (texts(newest.data), texts(older.data)) == (["m4", "m3"], ["m2", "m1", "m0"])


async def test_an_item_is_who_said_it_and_what(desk: Desk, store: ThreadStore) -> None:
    question = await desk.add("Why?", role="agent")
    answer = await desk.add("Because.", kind="assistant_message", role="assistant")
    turn = desk.turn()
    asked = await store.load_item(desk.thread_id, question, turn)
    told = await store.load_item(desk.thread_id, answer, turn)
    assert isinstance(asked, UserMessage)
    assert (asked.id, asked.role, texts([asked])) == (question, "agent", ["Why?"])
    assert isinstance(told, AssistantMessageItem)
    assert (told.id, told.thread_id, texts([told])) == (answer, desk.thread_id, ["Because."])


async def test_the_one_thread_is_found_and_listed(desk: Desk, store: ThreadStore) -> None:
    turn = desk.turn()
    thread = await store.load_thread(desk.thread_id, turn)
    assert thread.id == desk.thread_id
    listed = await store.load_threads(20, None, "desc", turn)
    assert [thread.id for thread in listed.data] == [desk.thread_id]
    assert (await store.load_threads(20, desk.thread_id, "desc", turn)).data == []


async def test_another_thread_and_another_tenant_are_not_found(
    desks: tuple[Desk, Desk], store: ThreadStore
) -> None:
    here, there = desks
    theirs = await there.add("Another tenant's question")
    turn = here.turn()
    for reading in (
        store.load_thread(there.thread_id, turn),
        store.load_thread_items(there.thread_id, None, 20, "asc", turn),
        store.load_thread_items(here.thread_id, theirs, 20, "asc", turn),
        store.load_item(there.thread_id, theirs, turn),
        store.load_item(here.thread_id, theirs, turn),
        store.load_attachment("atc_1", turn),
    ):
        with pytest.raises(NotFoundError):
            await reading
    forged = here.turn()
    forged.thread_id = there.thread_id
    with pytest.raises(NotFoundError):
        await store.load_thread(there.thread_id, forged)
    assert (await store.load_thread_items(there.thread_id, None, 20, "asc", forged)).data == []


async def test_every_write_is_refused_and_leaves_the_thread_as_it_was(
    desk: Desk, store: ThreadStore
) -> None:
    item_id = await desk.add("Why?")
    turn, thread_id = desk.turn(), desk.thread_id
    item = await store.load_item(thread_id, item_id, turn)
    writes: list[Callable[[TurnContext], Awaitable[None]]] = [
        lambda turn: store.save_thread(desk.thread, turn),
        lambda turn: store.add_thread_item(thread_id, item, turn),
        lambda turn: store.save_item(thread_id, item, turn),
        lambda turn: store.delete_thread_item(thread_id, item_id, turn),
        lambda turn: store.delete_thread(thread_id, turn),
        lambda turn: store.delete_attachment("atc_1", turn),
    ]
    for write in writes:
        with pytest.raises(PermissionError):
            await write(turn)
    left = await store.load_thread_items(thread_id, None, 20, "asc", turn)
    assert texts(left.data) == ["Why?"]


def test_ids_are_ours_and_unguessable(desk: Desk, store: ThreadStore) -> None:
    turn = desk.turn()
    items = {store.generate_item_id("message", desk.thread, turn) for _ in range(100)}
    assert len(items) == 100
    assert all(made.startswith("item_") and len(made) == 5 + 32 for made in items)
    assert store.generate_thread_id(turn).startswith("thr_")
