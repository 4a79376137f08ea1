"""Small constructors for Atlassian Document Format (ADF), and the one measure of its size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

Node = dict[str, Any]
"""One ADF node or mark as JSON: `type`, and by type `attrs`, `content`, `marks`, `text`."""

JIRA_LIMIT = 32_767
"""What a Jira comment may hold, in characters (Atlassian's limit of the stored text)."""

_LINE_END = re.compile(r"\r\n?")
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """The text without NUL, control characters, lone surrogates and noncharacters.

    Line ends become line feeds; tabs stay. Jira refuses a body that holds any of the rest.
    """
    return _UNWANTED.sub("", _LINE_END.sub("\n", text))


def size(node: Node) -> int:
    """Length of the compact JSON in UTF-16 units.

    Jira's limit is 32,767 characters *after conversion* and does not say of what. The JSON is the
    longest form the text takes, and Jira counts as Java does (an emoji is two), so this measure
    can only be too careful. It is never less than `len(json.dumps(node, …))`.
    """
    packed = json.dumps(node, separators=(",", ":"), ensure_ascii=False)
    return len(packed.encode("utf-16-le", "surrogatepass")) // 2


def doc(content: Iterable[Node]) -> Node:
    """A whole document. An empty one is a single empty paragraph: Jira refuses none at all."""
    blocks = list(content)
    return {"version": 1, "type": "doc", "content": blocks or [block("paragraph")]}


def block(kind: str, content: Iterable[Node] = (), **attrs: Any) -> Node:
    """A node that holds others; `attrs` is left out when there are none."""
    node: Node = {"type": kind}
    if attrs:
        node["attrs"] = attrs
    node["content"] = list(content)
    return node


def text(words: str, marks: Sequence[Node] = ()) -> Node:
    """A text node. The schema wants at least one character: callers check."""
    node: Node = {"type": "text", "text": words}
    if marks:
        node["marks"] = list(marks)
    return node


def lines(words: str, marks: Sequence[Node] = ()) -> list[Node]:
    """Inline nodes of a text in which a line end is a hard break."""
    nodes: list[Node] = []
    for number, line in enumerate(words.split("\n")):
        if number:
            nodes.append({"type": "hardBreak"})
        if line:
            nodes.append(text(line, marks))
    return nodes


def join_texts(nodes: Iterable[Node]) -> list[Node]:
    """The same inline nodes with neighbouring texts of equal marks made one, empty ones gone."""
    joined: list[Node] = []
    for marks, group in groupby(nodes, _marks_of_text):
        if marks is None:
            joined.extend(group)
            continue
        words = "".join(node["text"] for node in group)
        if words:
            joined.append(text(words, marks))
    return joined


def _marks_of_text(node: Node) -> list[Node] | None:
    return node.get("marks", []) if node["type"] == "text" else None
