"""Server-sent events: the bytes of an event, and the id that it bears. Pure.

Source: the HTML standard, "Server-sent events", https://html.spec.whatwg.org/#server-sent-events
"""

from __future__ import annotations

import re
from typing import NamedTuple

MEDIA_TYPE = "text/event-stream"
RETRY = b"retry: 1000\n\n"
"""How many milliseconds a browser waits before it comes back; it is no event."""
COMMENT = b":\n\n"
"""Keeps a quiet stream alive through proxies; no client takes it for an event."""

_ID = re.compile(r"([a-z0-9]{8})-(0|[1-9][0-9]{0,17})", re.ASCII)


class EventId(NamedTuple):
    """Where an event stands: the ``n``-th of its thread, in that history of it. Written
    ``<epoch>-<n>``; ``n`` is 0 where nothing was told yet.
    """

    epoch: str
    n: int

    @classmethod
    def parse(cls, text: str | None) -> EventId | None:
        """The id that a client sends back; None for anything that is none of ours."""
        found = _ID.fullmatch(text or "")
        return cls(found[1], int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.epoch}-{self.n}"


def frame(event_id: EventId, kind: str, data: str) -> bytes:
    """One event. ``kind`` and ``data`` hold no line break (``encoding.one_line``)."""
    return f"id: {event_id}\nevent: {kind}\ndata: {data}\n\n".encode()
