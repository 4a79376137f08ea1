"""The stream over real HTTP: seen while it is written, cut anywhere, ended when it must end."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from tests.support.clock import ShiftedClock
from tests.support.events import EventSource, watching
from tests.support.talks import Chat
from tests.support.world import World, until, world

ANSWER = "It swaps, since it was given half of the memory that it needs. " * 3


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def here(sqlite_template: Path, tmp_path: Path, clock: ShiftedClock) -> Iterator[World]:
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    with world(f"sqlite:///{tmp_path / 'app.db'}", clock=clock) as made:
        made.openai.answers(ANSWER)
        yield made


@pytest.fixture
def chat(here: World) -> Chat:
    """Agnes on the team's own thread of an issue."""
    return Chat(here, "SUP-1", "agnes", "internal")


def stream_of(chat: Chat, last_id: str | None = None) -> EventSource:
    return EventSource(f"{chat.url}/events", chat.token, last_id)


def is_answered(source: EventSource) -> bool:
    return "turn.completed" in source.types()


def ask(chat: Chat) -> str:
    """Ask, have it answered; the id of before."""
    before: str = chat.thread()["last_event_id"]
    chat.say("Why is it slow?")
    chat.here.run_until_idle()
    return before


# --- what is told ---------------------------------------------------------------------------


def test_an_answer_is_watched_while_the_model_writes_it(here: World, chat: Chat) -> None:
    here.openai.hold(after=10)
    with watching(f"{chat.url}/events", chat.token) as seen:
        chat.say("Why is it slow?")
        until(seen.texts, "the first words")
        assert ANSWER.startswith(seen.texts())
        assert not is_answered(seen)
        here.openai.release()
        seen.until("turn.completed")

    assert seen.texts() == ANSWER
    assert seen.types()[0] == "stream.resync"
    assert seen.events[0].body["thread"]["last_event_id"] == seen.events[0].id
    assert all(told.body["type"] == told.type for told in seen.events)
    first = seen.numbers()[0]
    assert seen.numbers() == list(range(first, first + len(seen.events)))
    assert len({told.id.partition("-")[0] for told in seen.events}) == 1


def test_a_reader_of_lines_sees_what_an_event_source_sees(chat: Chat) -> None:
    before = ask(chat)
    seen = stream_of(chat, before)
    seen.read(is_answered)

    lines, blocks = list[str](), list[list[str]]()
    headers = {**chat.headers, "Last-Event-ID": before}
    with httpx2.stream("GET", f"{chat.url}/events", headers=headers, trust_env=False) as answer:
        for line in answer.iter_lines():
            if line:
                lines.append(line)
            elif lines:
                blocks.append(lines)
                lines = []
            if len(blocks) == len(seen.events) + 1:
                break
    assert blocks[0] == ["retry: 1000"]
    assert blocks[1:] == [
        [f"id: {told.id}", f"event: {told.type}", f"data: {told.data}"] for told in seen.events
    ]
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"


def test_cuts_at_any_byte_lose_nothing_and_double_nothing(chat: Chat) -> None:
    before = ask(chat)
    whole = stream_of(chat, before)
    whole.read(is_answered)
    longest = max(len(told.data) for told in whole.events)
    dice = random.Random(4711)
    for _ in range(4):
        cut = stream_of(chat, before)
        while not is_answered(cut):
            cut.read(is_answered, most_bytes=dice.randint(1, 2 * longest))
        assert cut.connections > 1
        assert cut.events == whole.events


def test_a_snapshot_begins_where_the_id_means_nothing(chat: Chat) -> None:
    ask(chat)
    newest = chat.thread()["last_event_id"]
    epoch, _, n = newest.partition("-")
    for last_id in (None, "nonsense", f"zzzzzzzz-{n}", f"{epoch}-{int(n) + 1}"):
        source = stream_of(chat, last_id)
        source.read(lambda seen: bool(seen.events))
        assert [(told.type, told.id) for told in source.events] == [("stream.resync", newest)]
        held = source.events[0].body["thread"]
        assert {name: held[name] for name in held} == {
            name: value for name, value in chat.thread().items() if name in held
        }


def test_nobody_on_the_public_thread_hears_of_the_internal_one(here: World, chat: Chat) -> None:
    public = Chat(here, "SUP-1", "agnes", "public")
    with watching(f"{public.url}/events", public.token) as seen:
        ask(chat)
        here.jira.comment("SUP-1", "Thank you!", by="agnes")
        here.run_until_idle()
        seen.until("thread.item.done")
    assert all("It swaps" not in told.data and "slow" not in told.data for told in seen.events)


# --- who is let in --------------------------------------------------------------------------


def test_only_the_session_of_this_thread_opens_its_stream(here: World, chat: Chat) -> None:
    public = Chat(here, "SUP-1", "agnes", "public")
    address = f"{chat.url}/events"
    refused = {
        401: [{}, {"Authorization": "Bearer x"}, {"Authorization": chat.token}],
        403: [public.headers],
    }
    for status, tries in refused.items():
        for headers in tries:
            answer = httpx2.get(address, headers=headers, trust_env=False)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]
    in_query = httpx2.get(address, params={"token": chat.token}, trust_env=False)
    assert in_query.status_code == 401


def test_a_head_request_is_told_that_there_is_a_stream(chat: Chat) -> None:
    answer = httpx2.head(f"{chat.url}/events", headers=chat.headers, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"


# --- by the clock ---------------------------------------------------------------------------


def read_on(chat: Chat, then: Callable[[], None]) -> EventSource:
    """Watch; once it has begun, something happens; come back when the stream has ended."""
    source = stream_of(chat)
    pieces = source.chunks()
    next(pieces)
    then()
    for _ in pieces:
        pass
    return source


def test_a_quiet_stream_beats(chat: Chat, clock: ShiftedClock) -> None:
    source = stream_of(chat)
    pieces = source.chunks()
    next(pieces)
    clock.ahead += timedelta(seconds=15)
    while not source.comments:
        next(pieces)
    pieces.close()


def test_a_stream_ends_with_its_session_and_goes_on_with_a_new_one(
    here: World, chat: Chat, clock: ShiftedClock
) -> None:
    source = read_on(chat, lambda: setattr(clock, "ahead", timedelta(minutes=15)))
    assert source.types() == ["stream.resync"]

    source.read()
    assert source.refused is not None
    assert source.refused.status_code == 401
    assert source.refused.json()["code"] == "SESSION_EXPIRED"

    again = Chat(here, "SUP-1", "agnes", "internal")
    ask(again)
    resumed = stream_of(again, source.last_id)
    resumed.read(is_answered)
    assert "stream.resync" not in resumed.types()
    assert resumed.numbers()[0] == source.numbers()[-1] + 1


def test_a_stream_ends_when_the_right_to_read_is_lost(
    here: World, chat: Chat, clock: ShiftedClock
) -> None:
    def lose_it() -> None:
        here.jira.revoke("agnes", "SUP", "SERVICEDESK_AGENT")
        clock.ahead += timedelta(seconds=45)

    read_on(chat, lose_it)
    source = stream_of(chat)
    source.read()
    assert source.refused is not None
    assert source.refused.status_code == 403


@pytest.mark.parametrize("leave", ["uninstall", "disable"])
def test_a_stream_ends_when_the_app_leaves_the_site(here: World, chat: Chat, leave: str) -> None:
    read_on(chat, getattr(here.jira, leave))
    source = stream_of(chat)
    source.read()
    assert source.refused is not None
    assert source.refused.status_code == 401


def test_a_stream_ends_with_its_issue(here: World, chat: Chat) -> None:
    read_on(chat, lambda: here.jira.delete_issue("SUP-1"))
    source = stream_of(chat)
    source.read()
    assert source.refused is not None
    assert source.refused.status_code in {403, 404}
