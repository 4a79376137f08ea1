"""The words of any JSON that claims to be ADF, and the people it mentions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.jira.adf.leaves import INLINE, attr, children, kind, leaf_text

MAX_TEXT = 100_000
"""Characters of Markdown or of text at most."""


def plain_text(adf: object) -> str:
    """The words alone, a line for each block: to look for words in, not to show."""
    parts: list[str] = []
    left = MAX_TEXT
    for node in _walk(adf):
        words = leaf_text(node)
        if kind(node) not in INLINE and (children(node) or not words):
            words = f"\n{words}\n" if words else "\n"
        parts.append(words[:left])
        left -= len(parts[-1])
        if left <= 0:
            break
    lines = (line.strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def mentions(adf: object) -> tuple[str, ...]:
    """The account ids mentioned, each once, in the order in which they stand."""
    found = (attr(node, "id") for node in _walk(adf) if kind(node) == "mention")
    return tuple(dict.fromkeys(account for account in found if account))


def _walk(adf: object) -> Iterator[dict[str, Any]]:
    """Every node in reading order, without recursion."""
    stack = children({"content": adf if isinstance(adf, list) else [adf]})[::-1]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))
