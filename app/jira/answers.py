"""Bytes to JSON and back, and what an answer costs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

# The list that each kind of page holds its objects in.
_LISTS = ("comments", "values", "issues")
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def decode(raw: bytes) -> object:
    """The JSON in ``raw``; None where it is empty.

    Halves of surrogate pairs and NUL, which JSON can spell but neither UTF-8 nor PostgreSQL can
    keep, become U+FFFD: one such comment must not stop its issue for ever.

    Raises:
        ValueError: it is no JSON, or nested too deep to read.
    """
    if not raw.strip():
        return None
    try:
        value = json.loads(raw.decode("utf-8-sig", "replace"))
        return _storable(value) if _SUSPECT.search(raw) else value
    except RecursionError:
        raise ValueError("nested too deep") from None


def points(method: str, answer: object) -> int:
    """What Jira charges: a read 1 and 1 for each object in it, a write 1."""
    if method != "GET":
        return 1
    if isinstance(answer, dict):
        lists = [answer[name] for name in _LISTS if isinstance(answer.get(name), list)]
        return 1 + (len(lists[0]) if lists else 1)
    return 1 + (len(answer) if isinstance(answer, list) else 0)


def most_points(method: str, params: Mapping[str, object]) -> int:
    """What a call may cost at most, by the page that it asks for."""
    page = params.get("maxResults", params.get("limit", 1))
    return 1 + page if method == "GET" and isinstance(page, int) else points(method, {})


def _storable(value: object) -> object:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(part) for part in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(part) for key, part in value.items()}
    return value
