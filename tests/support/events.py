"""A plain client of event streams: what a browser's EventSource does, with a header to come in by.

One connection: ``source.read(...)``. One that comes back until it is told enough::

    with watching(f"{chat.url}/events", chat.token) as seen:
        chat.say("Why?")
        seen.until("turn.completed")

Source: the HTML standard, "Interpreting an event stream".
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx2

from tests.support.world import PATIENCE, until


class Told(NamedTuple):
    """One event, as it was dispatched."""

    id: str
    type: str
    data: str

    @property
    def body(self) -> dict[str, Any]:
        """What the data says."""
        said: dict[str, Any] = json.loads(self.data)
        return said


class Parser:
    """Takes bytes as they come, cut anywhere; gives the events that are whole.

    Lines end with LF or CRLF; a lone CR, which the standard allows too, we never send.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.comments = 0
        self._rest = b""
        self._buffered_id = ""
        self._type = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Told]:
        text = self._rest + chunk
        lines = text.replace(b"\r\n", b"\n").split(b"\n")
        self._rest = lines.pop()
        return [told for line in lines if (told := self._take(line.decode())) is not None]

    def _take(self, line: str) -> Told | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments += 1
        elif name == "id":
            self._buffered_id = value
        elif name == "event":
            self._type = value
        elif name == "data":
            self._data.append(value)
        return None

    def _dispatch(self) -> Told | None:
        self.last_id = self._buffered_id
        kind, data = self._type or "message", self._data
        self._type, self._data = "", []
        return Told(self.last_id, kind, "\n".join(data)) if data else None


@dataclass
class EventSource:
    """Somebody who reads a stream, goes away, and comes back with the last id.

    Attributes:
        events: all that it was ever told.
        comments: how many comment lines came.
        refused: the last answer that was no stream.
    """

    url: str
    token: str
    last_id: str | None = None
    events: list[Told] = field(default_factory=list)
    comments: int = 0
    connections: int = 0
    refused: httpx2.Response | None = None

    def read(
        self,
        enough: Callable[[EventSource], bool] = lambda _: False,
        *,
        most_bytes: int | None = None,
    ) -> list[Told]:
        """One connection, until it ends, ``enough(self)``, or so many bytes of it have come.

        The rest of what came is thrown away, as a cut does. Returns the new events.
        """
        before = len(self.events)
        for _ in self.chunks(most_bytes):
            if enough(self):
                break
        return self.events[before:]

    def chunks(self, most_bytes: int | None = None) -> Generator[bytes]:
        """The same, piece by piece; whoever stops iterating leaves."""
        left = most_bytes
        parser = Parser()
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        with (
            httpx2.Client(trust_env=False, timeout=PATIENCE, verify=False) as http,
            http.stream("GET", self.url, headers=headers) as answer,
        ):
            self.connections += 1
            if answer.status_code != 200:
                answer.read()
                self.refused = answer
                return
            for chunk in answer.iter_raw():
                taken = chunk if left is None else chunk[:left]
                self.events += parser.feed(taken)
                self.comments += parser.comments
                parser.comments = 0
                self.last_id = parser.last_id or self.last_id
                yield taken
                if left is not None:
                    left -= len(taken)
                    if left <= 0:
                        return

    def types(self) -> list[str]:
        return [told.type for told in self.events]

    def numbers(self) -> list[int]:
        """The ``n`` of each event's id."""
        return [int(told.id.partition("-")[2]) for told in self.events]

    def texts(self) -> str:
        """What grew before the reader's eyes: all deltas, joined."""
        updates = [told.body["update"] for told in self.events if "update" in told.body]
        return "".join(update.get("delta", "") for update in updates)

    def until(self, kind: str, count: int = 1) -> Told:
        """Wait, while somebody reads in the background, for the ``count``-th event of that type."""

        def found() -> Told | None:
            of_kind = [told for told in self.events if told.type == kind]
            return of_kind[count - 1] if len(of_kind) >= count else None

        told = until(found, f"an event {kind}; it has been told {self.types()}")
        assert told is not None
        return told


@contextmanager
def watching(url: str, token: str, last_id: str | None = None) -> Iterator[EventSource]:
    """Somebody who reads in the background, and comes back whenever the stream ends."""
    source = EventSource(url, token, last_id)
    left = threading.Event()

    def read() -> None:
        while not left.is_set():
            with suppress(httpx2.TransportError):  # cut, or nobody listens for a moment
                source.read(lambda _: left.is_set())
            left.wait(0.05)

    thread = threading.Thread(target=read, name="watching", daemon=True)
    thread.start()
    try:
        until(lambda: source.connections or left.is_set(), "the stream to begin")
        yield source
    finally:
        left.set()  # it leaves with what comes next, a heartbeat at the latest
