"""Safe looks into one ADF node of any JSON shape: its attributes, its children, its words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from app.jira.adf.escape import Run
from app.jira.adf.nodes import clean

ATTACHMENT = "[attachment]"

INLINE = frozenset(
    (
        "text",
        "hardBreak",
        "mention",
        "emoji",
        "date",
        "status",
        "inlineCard",
        "placeholder",
        "mediaInline",
        "inlineExtension",
    )
)
_MARKS = frozenset(["strong", "em", "strike", "code"])


def kind(node: dict[str, Any]) -> str:
    """The node's type; "" if it is none or no text."""
    value = node.get("type")
    return value if isinstance(value, str) else ""


def attr(node: dict[str, Any], name: str) -> str:
    """An attribute as clean text; a whole number as its digits; anything else is ""."""
    attrs = node.get("attrs")
    value = attrs.get(name) if isinstance(attrs, dict) else None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return clean(value) if isinstance(value, str) else ""


def children(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes in its content; a bare string there counts as a text node."""
    content = node.get("content")
    if not isinstance(content, list):
        return []
    nodes = ({"type": "text", "text": c} if isinstance(c, str) else c for c in content)
    return [node for node in nodes if isinstance(node, dict)]


def leaf_text(node: dict[str, Any]) -> str:
    """What a node says by itself, without its children."""
    match kind(node):
        case "hardBreak":
            return "\n"
        case "mention":
            return "@" + (attr(node, "text").lstrip("@") or attr(node, "id"))
        case "date":
            return _day(attr(node, "timestamp"))
        case "inlineCard" | "blockCard" | "embedCard":
            return address(node)
        case "media" | "mediaInline":
            return attr(node, "alt") or ATTACHMENT
        case _:
            own = node.get("text")
            named = (attr(node, name) for name in ("text", "shortName", "title"))
            return clean(own) if isinstance(own, str) else next(filter(None, named), "")


def address(node: dict[str, Any]) -> str:
    """The URL of a card, which may stand in its JSON-LD data."""
    attrs = node.get("attrs")
    data = attrs.get("data") if isinstance(attrs, dict) else None
    within = data if isinstance(data, dict) else {}
    found = (within.get(name) for name in ("url", "@id", "name"))
    return attr(node, "url") or next((clean(u) for u in found if isinstance(u, str)), "")


def runs(node: dict[str, Any], line_break: str) -> list[Run]:
    """One inline node as pieces of a line; `line_break` is the Markdown that ends a line."""
    words = leaf_text(node)
    if words == ATTACHMENT and kind(node) in ("media", "mediaInline"):
        return [Run(ATTACHMENT, raw=True)]
    marks, href = _marks(node.get("marks"))
    pieces: list[Run] = []
    for number, line in enumerate(words.split("\n")):
        if number:
            pieces.append(Run(line_break, raw=True))
        if line:
            pieces.append(Run(line, marks, href))
    return pieces


def _marks(marks: object) -> tuple[frozenset[str], str]:
    found = [mark for mark in marks if isinstance(mark, dict)] if isinstance(marks, list) else []
    links = (attr(mark, "href").strip() for mark in found if mark.get("type") == "link")
    return _MARKS & {kind(mark) for mark in found}, next(links, "")


def _day(timestamp: str) -> str:
    """A date node's milliseconds since 1970 as an ISO day, in UTC as Jira shows it."""
    try:
        return datetime.fromtimestamp(int(timestamp) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return timestamp


def code_text(nodes: Iterable[dict[str, Any]]) -> str:
    """The words of a code block's children, as they stand."""
    return "".join(leaf_text(node) for node in nodes)
