"""The log of a thread: numbered without a gap, read once after a number, forgetful when asked."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.exc import NoResultFound
from sqlmodel import Session

from app.store.database import Database
from app.store.tables import Event, Thread
from app.stream import log
from app.stream.encoding import item_json
from tests.support.clock import START
from tests.support.rows import add_tenant, add_thread, item_of, opened


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    with opened(database_url) as database:
        await database.write(add_tenant)
        yield database


@pytest.fixture
async def thread_id(database: Database) -> str:
    return await database.write(add_thread)


def tell(db: Session, thread_id: str, who: str, count: int = 1) -> int:
    lines = [("notice", {"message": f"{who} {number}"}) for number in range(count)]
    return log.append(db, "acme", thread_id, lines, START)


def numbers(db: Session, thread_id: str) -> list[int]:
    return [event.n for event in log.read_after(db, "acme", thread_id, 0, 10_000)]


def last_n(db: Session, thread_id: str) -> int:
    return db.get_one(Thread, thread_id).last_n


async def test_events_are_numbered_from_one_and_bear_their_type(
    database: Database, thread_id: str
) -> None:
    assert await database.write(tell, thread_id, "a", 2) == 2
    assert await database.write(tell, thread_id, "b") == 3
    events = await database.read(log.read_after, "acme", thread_id, 0)
    assert [event.n for event in events] == [1, 2, 3]
    assert [json.loads(event.data) for event in events] == [
        {"type": "notice", "message": message} for message in ("a 0", "a 1", "b 0")
    ]
    assert {event.type for event in events} == {"notice"}
    assert await database.read(last_n, thread_id) == 3


async def test_nothing_to_tell_is_no_event(database: Database, thread_id: str) -> None:
    heard: list[str] = []
    database.on_commit(heard.extend)
    assert await database.write(tell, thread_id, "a", 0) == 0
    assert heard == []
    await database.write(tell, thread_id, "a", 2)
    assert heard == [f"thread:{thread_id}"]


async def test_an_operation_that_fails_leaves_no_gap(database: Database, thread_id: str) -> None:
    def tell_and_break(db: Session, thread_id: str) -> None:
        tell(db, thread_id, "broken", 3)
        raise LookupError

    results = await asyncio.gather(
        *(
            database.write(tell_and_break, thread_id)
            if number % 3 == 0
            else database.write(tell, thread_id, str(number))
            for number in range(12)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, LookupError) for result in results) == 4
    assert await database.read(numbers, thread_id) == list(range(1, 9))


async def test_a_thread_in_hand_knows_its_new_number(database: Database, thread_id: str) -> None:
    def look(db: Session) -> tuple[int, int]:
        thread = db.get_one(Thread, thread_id)
        before = thread.last_n
        tell(db, thread_id, "a", 2)
        thread.title = "changed"
        db.flush()
        return before, thread.last_n

    assert await database.write(look) == (0, 2)
    assert await database.read(last_n, thread_id) == 2


ANOTHER = """
import asyncio, sys
from app.settings import Settings
from app.store.database import Database
from tests.stream.test_log import tell

async def main(url, thread_id):
    database = Database.open(Settings(database_url=url))
    print("ready", flush=True)
    for number in range(40):
        await database.write(tell, thread_id, "theirs", 1 + number % 3)
    database.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_processes_that_write_at_once_leave_no_gap(
    database: Database, database_url: str, thread_id: str
) -> None:
    other = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-c", ANOTHER, database_url, thread_id],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout is not None
    await asyncio.to_thread(other.stdout.readline)
    answers = [
        await asyncio.gather(*(database.write(tell, thread_id, "ours", 2) for _ in range(4)))
        for _ in range(10)
    ]
    assert await asyncio.to_thread(other.wait) == 0
    other.stdout.close()
    told = [number for group in answers for number in group]
    assert len(set(told)) == len(told) == 40
    assert await database.read(numbers, thread_id) == list(range(1, 80 + 79 + 1))


async def test_only_what_follows_is_read_in_order_and_not_too_much(
    database: Database, thread_id: str
) -> None:
    await database.write(tell, thread_id, "a", 9)
    for after, limit, expected in ((0, 3, [1, 2, 3]), (3, 3, [4, 5, 6]), (8, 3, [9]), (9, 3, [])):
        events = await database.read(log.read_after, "acme", thread_id, after, limit)
        assert [event.n for event in events] == expected


async def test_no_other_tenant_reads_or_writes_it(database: Database, thread_id: str) -> None:
    await database.write(tell, thread_id, "a", 2)

    def intrude(db: Session) -> int:
        return log.append(db, "umbrella", thread_id, [("notice", {})], START)

    assert await database.read(log.read_after, "umbrella", thread_id, 0) == []
    with pytest.raises(NoResultFound):
        await database.write(intrude)
    assert await database.read(numbers, thread_id) == [1, 2]


# --- words taken back -----------------------------------------------------------------------


def tell_of_items(db: Session, thread_id: str) -> list[str]:
    """One item of each kind, told whole and bit by bit; their ids."""
    thread = db.get_one(Thread, thread_id)
    ids = []
    for kind in ("user_message", "assistant_message"):
        item = item_of(thread, kind=kind, text=f"CANARY of {kind}")
        update = {"type": "assistant_message.content_part.text_delta", "content_index": 0}
        part = {"type": "output_text", "text": item.text, "annotations": []}
        done = {"type": "assistant_message.content_part.done", "content_index": 0, "content": part}
        lines: list[log.Line] = [
            ("thread.item.added", {"item": item_json(item, "")}),
            ("thread.item.updated", {"item_id": item.id, "update": {**update, "delta": item.text}}),
            ("thread.item.updated", {"item_id": item.id, "update": done}),
            ("thread.item.done", {"item": item_json(item)}),
            ("thread.item.replaced", {"item": item_json(item)}),
            ("turn.completed", {"turn_id": "t", "item_id": item.id, "comment_id": None}),
        ]
        log.append(db, "acme", thread_id, lines, START)
        ids.append(item.id)
    return ids


def shape(value: object) -> object:
    """A JSON value with every text blank except what tells the kind and the place of things."""
    if isinstance(value, dict):
        return {
            key: inner if key in {"type", "id", "item_id", "thread_id"} else shape(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return "" if isinstance(value, str) else value


async def test_words_that_are_taken_back_leave_the_log_and_nothing_else_does(
    database: Database, thread_id: str
) -> None:
    for item_id in await database.write(tell_of_items, thread_id):
        before = await database.read(log.read_after, "acme", thread_id, 0)
        await database.write(log.redact, "acme", thread_id, item_id)
        after = await database.read(log.read_after, "acme", thread_id, 0)

        assert [(event.n, event.type) for event in after] == [
            (event.n, event.type) for event in before
        ]
        assert [shape(json.loads(event.data)) for event in after] == [
            shape(json.loads(event.data)) for event in before
        ]
        own = [event for event in after if item_id in event.data]
        assert len(own) == 6
        assert all("CANARY" not in event.data for event in own)
        untouched = [event.data for event in before if item_id not in event.data]
        assert [event.data for event in after if item_id not in event.data] == untouched


async def test_an_item_that_only_speaks_of_another_keeps_its_words(
    database: Database, thread_id: str
) -> None:
    def tell_of_another(db: Session) -> tuple[str, str]:
        thread = db.get_one(Thread, thread_id)
        one = item_of(thread)
        other = item_of(thread, text=f"I mean {one.id}.")
        lines = [("thread.item.done", {"item": item_json(item)}) for item in (one, other)]
        log.append(db, "acme", thread_id, lines, START)
        return one.id, other.text

    one_id, words = await database.write(tell_of_another)
    await database.write(log.redact, "acme", thread_id, one_id)
    one, other = await database.read(log.read_after, "acme", thread_id, 0)
    assert "Why?" not in one.data
    assert words in other.data


async def test_no_other_tenant_takes_words_back(database: Database, thread_id: str) -> None:
    item_id, _ = await database.write(tell_of_items, thread_id)
    await database.write(log.redact, "umbrella", thread_id, item_id)

    def own(db: Session) -> list[Event]:
        return log.read_after(db, "acme", thread_id, 0)

    assert any("CANARY of user_message" in event.data for event in await database.read(own))
