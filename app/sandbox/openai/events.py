"""The events of a streamed response, and the response object that they carry. Pure.

Shapes: OpenAI's reference of ``/v1/responses`` and its streaming events. A token is a word
with the blank after it, which makes usage something that a test can count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.sandbox.openai.requests import ResponseRequest

JsonObject = dict[str, Any]
_WORD = re.compile(r"\s*\S+\s?|\s+")


def words(text: str) -> list[str]:
    """Cut a text into deltas: nothing is lost, ``"".join`` gives it back."""
    return _WORD.findall(text)


def encode(event: JsonObject) -> bytes:
    """One event as it goes over the wire."""
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


@dataclass
class Reply:
    """One response under way: numbers its events and remembers what has been said.

    Attributes:
        begun, ended: by the site's clock; ``ended`` is None while it is under way.
        cut: there was more to say than ``max_output_tokens`` allows.
        end: said to its end, given up by the client, or failed here; None while under way.
    """

    request: ResponseRequest
    response_id: str
    message_id: str
    begun: datetime
    said: str = ""
    deltas: int = 0
    cut: bool = False
    end: Literal["answered", "closed", "broken"] | None = None
    ended: datetime | None = None
    _sequence: int = 0

    def opening(self) -> Iterator[JsonObject]:
        yield self._event("response.created", response=self.response("in_progress"))
        yield self._event("response.in_progress", response=self.response("in_progress"))
        yield self._event(
            "response.output_item.added", output_index=0, item=self._item("in_progress", [])
        )
        yield self._event(
            "response.content_part.added",
            item_id=self.message_id,
            output_index=0,
            content_index=0,
            part=_part(""),
        )

    def delta(self, text: str) -> JsonObject:
        self.said += text
        self.deltas += 1
        return self._event(
            "response.output_text.delta",
            item_id=self.message_id,
            output_index=0,
            content_index=0,
            delta=text,
            logprobs=[],
        )

    def closing(self, incomplete: str | None = None) -> Iterator[JsonObject]:
        """The end, complete or cut off for the reason given (``max_output_tokens``, …)."""
        status = "incomplete" if incomplete else "completed"
        place = {"item_id": self.message_id, "output_index": 0, "content_index": 0}
        yield self._event("response.output_text.done", **place, text=self.said, logprobs=[])
        yield self._event("response.content_part.done", **place, part=_part(self.said))
        item = self._item(status, [_part(self.said)])
        yield self._event("response.output_item.done", output_index=0, item=item)
        yield self._event(f"response.{status}", response=self.whole(incomplete))

    def failure(self, code: str) -> JsonObject:
        return self._event("response.failed", response=self.failed(code))

    def failed(self, code: str) -> JsonObject:
        """The response object of an answer that came to nothing."""
        self.end = "broken"
        error = {"code": code, "message": "The model failed (simulated)."}
        return self.response("failed") | {"error": error}

    def whole(self, incomplete: str | None = None) -> JsonObject:
        """The finished response object, usage included."""
        status = "incomplete" if incomplete else "completed"
        self.end = "answered"
        return self.response(status) | {
            "output": [self._item(status, [_part(self.said)])],
            "usage": self._usage(),
            "incomplete_details": {"reason": incomplete} if incomplete else None,
        }

    def response(self, status: str) -> JsonObject:
        asked = self.request.body
        return {
            "id": self.response_id,
            "object": "response",
            "created_at": int(self.begun.timestamp()),
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": asked.get("instructions"),
            "max_output_tokens": asked.get("max_output_tokens"),
            "metadata": asked.get("metadata") or {},
            "model": asked["model"],
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "prompt_cache_key": asked.get("prompt_cache_key"),
            "safety_identifier": asked.get("safety_identifier"),
            "store": asked.get("store", True),
            "temperature": asked.get("temperature", 1.0),
            "text": {"format": {"type": "text"}},
            "tool_choice": asked.get("tool_choice", "auto"),
            "tools": asked.get("tools") or [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": None,
        }

    def _event(self, kind: str, **fields: Any) -> JsonObject:
        event = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return event

    def _item(self, status: str, content: list[JsonObject]) -> JsonObject:
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }

    def _usage(self) -> JsonObject:
        given, said = len(words(self.request.text)), self.deltas
        return {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": said,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": given + said,
        }


def _part(text: str) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
