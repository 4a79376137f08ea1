"""Items and threads as ChatKit writes them, with our ``meta``. Pure.

The shapes are those of ``chatkit.types`` (``UserMessageItem``, ``AssistantMessageItem``,
``ThreadMetadata``); the tests hold them against ChatKit's published event schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from app.store.tables import Issue, Item, Thread

_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def item_json(item: Item, text: str | None = None) -> dict[str, Any]:
    """An item as ChatKit's ``ThreadItem``, with ``meta {author, role, comment_id, turn_id}``."""
    shown = item.text if text is None else text
    body: dict[str, Any] = {
        "id": item.id,
        "thread_id": item.thread_id,
        "created_at": item.created_at.isoformat(),
        "type": item.kind,
    }
    if item.kind == "user_message":
        body["content"] = [{"type": "input_text", "text": shown}]
        body["attachments"] = []
        body["quoted_text"] = None
        body["inference_options"] = {}
    else:
        content = [{"type": "output_text", "text": shown, "annotations": []}]
        body["content"] = content if shown or item.state != "streaming" else []
    body["meta"] = {
        "author": item.author_id,
        "role": item.role,
        "comment_id": item.comment_id,
        "turn_id": item.written_by or item.answered_by,
        **item.meta,
    }
    return body


def thread_json(thread: Thread, issue: Issue | None = None) -> dict[str, Any]:
    """A thread as ChatKit's ``Thread``, with its ``audience`` and the assistant's rest.

    Its page of items is empty, as in all that tells of the thread alone.
    """
    resting = issue.resting_until if issue is not None else None
    return {
        "id": thread.id,
        "title": thread.title,
        "created_at": thread.created_at.isoformat(),
        "status": {"type": "active"},
        "items": {"data": [], "has_more": False, "after": None},
        "audience": thread.audience,
        "resting_until": resting.isoformat() if resting else None,
        "rest_cause": issue.rest_cause if issue is not None and resting else None,
    }


def one_line(data: Mapping[str, Any]) -> str:
    """An event's ``data``: JSON without a line break, as server-sent events need it.

    Nor is there anything that a client's reader may take for one (U+2028, U+0085), nor half of a
    surrogate pair, which no encoding takes.
    """
    line = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def without_words(event: Mapping[str, Any]) -> dict[str, Any]:
    """An item's event of the same shape, whose texts are empty."""
    blank = dict(event)
    if isinstance(event.get("item"), Mapping):
        item = dict(event["item"])
        item["content"] = [{**part, "text": ""} for part in item.get("content", [])]
        blank["item"] = item
    if isinstance(event.get("update"), Mapping):
        update = dict(event["update"])
        if "delta" in update:
            update["delta"] = ""
        if isinstance(update.get("content"), Mapping):
            update["content"] = {**update["content"], "text": ""}
        blank["update"] = update
    return blank
