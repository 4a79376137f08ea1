"""Looks into ADF for the tests: valid, what kinds of nodes, what words, what links."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft4Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from app.jira.adf import to_adf

Node = dict[str, Any]

DATA = Path(__file__).parents[2] / "data"
MAY_APPEAR = {
    *("doc", "paragraph", "heading", "bulletList", "orderedList", "listItem", "taskList"),
    *("taskItem", "table", "tableRow", "tableHeader", "tableCell", "codeBlock", "blockquote"),
    *("rule", "text", "hardBreak"),
}


def _any_of(
    validator: Validator, branches: list[Node], instance: Any, _schema: object
) -> Iterator[ValidationError]:
    """As jsonschema's own, but a branch is left at its first error: else time is exponential."""
    if not any(validator.evolve(schema=branch).is_valid(instance) for branch in branches):
        yield ValidationError("no branch fits")


@cache
def _validator() -> Validator:
    schema = json.loads((DATA / "adf-full-57.7.22.json").read_text())
    quick = extend(Draft4Validator, {"anyOf": _any_of})  # type: ignore[no-untyped-call]  # its stub
    validator: Validator = quick(schema)
    return validator


def is_valid(adf: Node) -> bool:
    """By Atlassian's schema; only ever yes or no, a full list of errors can fill the memory."""
    return _validator().is_valid(adf)


def written(markdown: str, *, links: bool = True) -> Node:
    """The document of this Markdown, valid and of none but the allowed kinds."""
    adf = to_adf(markdown, link_allowed=lambda _url: links)
    assert is_valid(adf)
    assert {node["type"] for node in nodes(adf)} <= MAY_APPEAR
    return adf


def nodes(adf: Node, *kinds: str) -> list[Node]:
    """All nodes in reading order, or those of the kinds named."""
    return [node for node in _walk(adf) if not kinds or node["type"] in kinds]


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("content", ()):
        yield from _walk(child)


def words(adf: Node) -> str:
    """The text of all nodes in order; breaks are line ends."""
    texts = (node.get("text", "\n") for node in _walk(adf) if node["type"] in ("text", "hardBreak"))
    return "".join(texts)


def only(adf: Node, kind: str) -> Node:
    (node,) = nodes(adf, kind)
    return node


def kinds(adf: Node) -> list[str]:
    return [node["type"] for node in adf["content"]]


def marked(adf: Node, mark: str) -> list[str]:
    """The texts that bear this mark."""
    return [
        node["text"]
        for node in nodes(adf, "text")
        if any(m["type"] == mark for m in node.get("marks", ()))
    ]


def hrefs(adf: Node) -> list[str]:
    marks = (mark for node in nodes(adf, "text") for mark in node.get("marks", ()))
    return [mark["attrs"]["href"] for mark in marks if mark["type"] == "link"]


def length(adf: Node) -> int:
    return len(json.dumps(adf, separators=(",", ":"), ensure_ascii=False))


PIECES = st.sampled_from(
    [
        *("# ", "## ", "- ", "* ", "1. ", "17) ", "> ", ">", "    ", "\t", "\n", "\n\n", "  \n"),
        *("```", "```py\n", "~~~", "`", "``", "|", "| a | b |\n|---|---|\n", "|-|\n", "---\n"),
        *("===\n", "**", "__", "*", "_", "~~", "[", "]", "(", ")", "](", "![", "[ ] ", "[x] "),
        *("- [ ] ", "[^1]", "[^1]: ", "[a]: ", "<br>", "<b>", "</", "<!-- ", "&amp;", "&#0;"),
        *("&#x202e;", "\\", "\\\n", "$x_1$", "\\[", "http://a.example/", "https://b.example/c_(d)"),
        *("javascript:alert(1)", "<data:text/html,x>", "mailto:x@y.example", "me@y.example", "@"),
        *("\x00", "\x0b", "\x1b", "\u0085", "\ud800", "\udfff", "\ufffe", "\u200d", "\u202e"),
        *(
            "שלום",
            "مرحبا",
            "日本語。",
            "🙂",
            "👩\u200d👩\u200d👧",
            "é",
            "e\u0301",
            "\u00a0",
            "\u2028",
        ),
        *("word", "a sentence. ", '"quoted"', "x" * 60, "\r\n", "\r"),
    ]
)
SOUP = st.lists(PIECES | st.text(max_size=8), max_size=40).map("".join)
"""Text that looks like Markdown and is none, or hardly."""
