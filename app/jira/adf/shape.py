"""What ADF lets stand inside a quote or a list item, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.jira.adf.nodes import Node, block, join_texts, text

_MAY_HOLD = {
    "blockquote": {"paragraph", "bulletList", "orderedList", "codeBlock"},
    "listItem": {"paragraph", "bulletList", "orderedList", "codeBlock", "taskList"},
}


def admit(parent: str, blocks: Sequence[Node]) -> list[Node]:
    """The blocks as `parent` (`blockquote` or `listItem`) may hold them, no word lost.

    A heading becomes a strong paragraph, a quote its content, a table a paragraph per row, task
    items in a quote bullets with a checkbox in text. A rule, which has no words, goes.
    """
    admitted: list[Node] = []
    for node in blocks:
        if node["type"] in _MAY_HOLD[parent]:
            admitted.append(node)
        elif node["type"] == "heading":
            admitted.append(block("paragraph", _strong(node["content"])))
        elif node["type"] == "blockquote":
            admitted.extend(node["content"])
        elif node["type"] == "table":
            admitted.extend(_row_as_words(row) for row in node["content"])
        elif node["type"] == "taskList":
            admitted.append(block("bulletList", _bullets(node["content"])))
    return admitted


def _strong(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        marks = node.get("marks", [])
        plain = node["type"] != "text" or any(m["type"] in ("code", "strong") for m in marks)
        yield node if plain else text(node["text"], [{"type": "strong"}, *marks])


def _row_as_words(row: Node) -> Node:
    words: list[Node] = []
    for number, cell in enumerate(row["content"]):
        if number:
            words.append(text(" | "))
        for paragraph in cell["content"]:
            words.extend(paragraph["content"])
    return block("paragraph", join_texts(words))


def _bullets(items: Sequence[Node]) -> Iterator[Node]:
    for item in items:
        if item["type"] == "taskList":
            yield from _bullets(item["content"])
            continue
        box = text("[x] " if item["attrs"]["state"] == "DONE" else "[ ] ")
        yield block("listItem", [block("paragraph", join_texts([box, *item["content"]]))])
