"""Streams over processes that end and begin again: the same events, none twice, none missing."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlmodel import Session, select

from app.clock import SystemClock
from app.store.tables import Thread
from app.stream import log
from tests.cli.program import Ended, Program, Programs, programs
from tests.support.events import EventSource, Told, watching
from tests.support.talks import Chat
from tests.support.world import World, free_port, until, world_of_processes

ANSWER = "It swaps, since it was given half of the memory that it needs. " * 3
SAID_BEFORE = "It swaps, since it was given half of the memory "
"""Ten words."""


@dataclass
class Apps:
    """Processes of the app around one world."""

    here: World
    values: Mapping[str, str]
    programs: Programs

    def start(self, *arguments: str, **values: str) -> Program:
        """Start one and wait until it serves."""
        environ = {**self.values, **values}
        program = self.programs.start("serve", *arguments, **environ)

        def ready() -> bool:
            assert program.running, program.said
            with suppress(httpx2.TransportError):
                answer = httpx2.get(f"{environ['APP_BASE_URL']}/readyz", trust_env=False)
                return answer.status_code == 200
            return False

        until(ready, "the app to come up", 60)
        return program


@pytest.fixture
def apps(database_url: str, tmp_path: Path) -> Iterator[Apps]:
    with world_of_processes(database_url) as (here, app), programs(tmp_path) as made:
        yield Apps(here, app.values, made)


def end(program: Program, number: signal.Signals = signal.SIGTERM) -> Ended:
    program.signal(number)
    return program.end()


def is_answered(source: EventSource) -> bool:
    return "turn.completed" in source.types()


def names(told: list[Told]) -> list[tuple[str, str]]:
    return [(one.id, one.type) for one in told]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_in_mid_stream_changes_no_event(apps: Apps, number: signal.Signals) -> None:
    app, here = apps.start(), apps.here
    here.install()
    here.openai.answers(ANSWER)
    here.openai.hold(after=10)
    chat = Chat(here, "SUP-1", "agnes", "internal")
    before = chat.thread()["last_event_id"]
    chat.say("Why is it slow?")
    seen = EventSource(f"{chat.url}/events", chat.token, before)
    seen.read(lambda source: source.texts() == SAID_BEFORE)
    early = len(seen.events)

    end(app, number)
    apps.start()
    here.openai.release()
    while not is_answered(seen):
        seen.read(is_answered)

    assert seen.numbers() == list(range(1, len(seen.events) + 1))
    assert "stream.resync" not in seen.types()
    removed = seen.types().index("thread.item.removed")
    assert removed < seen.types().index("turn.started", removed)  # begun again
    assert seen.texts().endswith(ANSWER)

    again = EventSource(f"{chat.url}/events", chat.token, before)
    again.read(is_answered)
    assert names(again.events) == names(seen.events)  # what was abandoned has lost its words
    assert again.events[early:] == seen.events[early:]


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_what_one_process_writes_is_watched_at_another(apps: Apps) -> None:
    port = free_port()
    elsewhere = {"PORT": str(port), "APP_BASE_URL": f"http://127.0.0.1:{port}"}
    apps.start()
    watched, here = apps.start("--no-worker", **elsewhere), apps.here
    here.install()
    here.openai.answers(ANSWER)
    here.openai.hold(after=10)
    chat = Chat(here, "SUP-1", "agnes", "internal")
    address = chat.url.replace(here.url, elsewhere["APP_BASE_URL"])
    with watching(f"{address}/events", chat.token) as seen:
        chat.say("Why is it slow?")
        until(seen.texts, "the first words")
        assert not is_answered(seen)
        assert end(watched).code == 0
        apps.start("--no-worker", **elsewhere)
        here.openai.release()
        seen.until("turn.completed")
    assert seen.texts() == ANSWER
    assert seen.numbers() == list(range(len(seen.events)))
    assert seen.types().count("stream.resync") == 1
    assert seen.connections > 1


# --- the end of a process -------------------------------------------------------------------


MUCH = 60


def tell_much(db: Session) -> None:
    """More than any connection holds for a client that takes nothing."""
    thread = db.exec(select(Thread).where(Thread.audience == "internal")).one()
    lines = [("notice", {"message": "x" * 200_000})] * MUCH
    log.append(db, thread.tenant_id, thread.id, lines, SystemClock().now())


def opened(chat: Chat, **options: int) -> socket.socket:
    """A stream of the thread, over a bare socket; its first bytes have come."""
    address = urlsplit(chat.url)
    raw = socket.socket()
    for name, value in options.items():
        raw.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    raw.settimeout(20)
    raw.connect((address.hostname, address.port))
    raw.sendall(
        f"GET {address.path}/events HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {chat.token}\r\n\r\n".encode()
    )
    raw.recv(16)
    return raw


def rest_of(raw: socket.socket) -> bytes:
    found = bytearray()
    while chunk := raw.recv(1 << 16):
        found += chunk
    return bytes(found)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_sigterm_ends_every_stream_whole_and_waits_for_nobody(apps: Apps) -> None:
    app, here = apps.start(), apps.here
    here.install()
    chat = Chat(here, "SUP-1", "agnes", "internal")
    public = Chat(here, "SUP-1", "agnes", "public")
    with ExitStack() as stack:
        streams = [stack.enter_context(opened(public)) for _ in range(40)]
        stack.enter_context(opened(chat, SO_RCVBUF=4096))  # and never read
        reader = EventSource(f"{chat.url}/events", chat.token, chat.thread()["last_event_id"])
        here.write(tell_much)
        reader.read(lambda source: len(source.events) == MUCH)

        ended = end(app)
        ends = {rest_of(raw)[-5:] for raw in streams}
    assert ends == {b"0\r\n\r\n"}
    assert ended.code == 0
    assert "graceful shutdown exceeded" not in ended.said
