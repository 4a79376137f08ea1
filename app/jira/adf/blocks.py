"""Writes ADF blocks as Markdown blocks: quotes, lists, tables, code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from app.jira.adf import escape
from app.jira.adf.escape import Run
from app.jira.adf.leaves import INLINE, attr, children, code_text, kind, leaf_text, runs
from app.jira.adf.words import plain_text

_MAX_DEPTH = 16
_LISTS = frozenset(["bulletList", "orderedList", "taskList", "decisionList"])
_BLOCK_LEAVES = frozenset(
    (
        "paragraph",
        "heading",
        "codeBlock",
        "rule",
        "media",
        "blockCard",
        "embedCard",
        "extension",
        "syncBlock",
    )
)
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_TIGHT = re.compile(r"(?:[-*]|1\.) \S")
_CLOSING_HASHES = re.compile(r"#+$")

Node = dict[str, Any]


class BlockWriter:
    """Writes one document; `budget` is how many characters of its words are taken."""

    def __init__(self, budget: int) -> None:
        self._left = budget
        self._line_break = "\\\n"

    def blocks(self, node: Node, depth: int) -> Iterator[str]:
        """The children of a node as Markdown blocks; loose inline nodes become paragraphs."""
        line: list[Node] = []
        for child in children(node):
            is_leaf = kind(child) not in _BLOCK_LEAVES and not children(child)
            if kind(child) in INLINE or is_leaf:
                line.append(child)
                continue
            yield from self._paragraph(line)
            line = []
            yield from self._block(child, depth)
        yield from self._paragraph(line)

    def _block(self, node: Node, depth: int) -> Iterator[str]:
        if depth >= _MAX_DEPTH:
            yield from self._too_deep(node)
            return
        match kind(node):
            case "heading":
                yield from self._heading(node)
            case "codeBlock":
                yield self._code(node)
            case "rule":
                yield "---"
            case "blockquote" | "panel":
                yield from _quoted(self.blocks(node, depth + 1))
            case "table":
                yield from self._table(node, depth + 1)
            case name if name in _LISTS:
                yield from self._list(node, depth + 1)
            case _:
                yield from self._own_words(node)
                yield from self.blocks(node, depth + 1)

    def _take(self, words: str) -> str:
        taken = words[: self._left]
        self._left -= len(taken)
        return taken

    def _inline(self, nodes: Iterable[Node], line_break: str) -> str:
        """Inline nodes as one piece of Markdown; blocks that stray in here give their words."""
        pieces: list[Run] = []
        for node in nodes:
            for run in runs(node, line_break):
                words = run.words if run.raw else self._take(run.words)
                pieces.append(Run(words, run.marks, run.href, run.raw))
        # A break at either end, also one beside mere spaces, would be read as a backslash.
        spoken = [
            at for at, run in enumerate(pieces) if run.words.strip() and run.words != line_break
        ]
        return escape.inline(pieces[spoken[0] : spoken[-1] + 1]) if spoken else ""

    def _paragraph(self, line: list[Node]) -> Iterator[str]:
        words = escape.paragraph(self._inline(line, self._line_break)) if line else ""
        if words:
            yield words

    def _own_words(self, node: Node) -> Iterator[str]:
        """What a card, an attachment, an extension or an expand's title says by itself."""
        title = attr(node, "title")
        if title and children(node):
            yield from self._paragraph(
                [{"type": "text", "text": title, "marks": [{"type": "strong"}]}]
            )
        elif kind(node) != "paragraph" and leaf_text(node):
            yield from self._paragraph([node])

    def _too_deep(self, node: Node) -> Iterator[str]:
        words = self._take(plain_text(node))
        if words:
            yield from self._paragraph([{"type": "text", "text": words}])

    def _heading(self, node: Node) -> Iterator[str]:
        level = attr(node, "level")
        words = self._inline(_inlines(node), " ").strip()
        if words:
            hashes = "#" * (int(level) if level in ("1", "2", "3", "4", "5", "6") else 6)
            yield f"{hashes} {_CLOSING_HASHES.sub(_escaped, words)}"

    def _code(self, node: Node) -> str:
        words = self._take(code_text(_inlines(node)))
        if self._line_break != "\\\n":
            lines = (line for line in words.split("\n") if line.strip())
            return self._line_break.join(escape.code_span(line) for line in lines)
        language = _LANGUAGE.match(attr(node, "language"))
        return escape.code_block(words, language.group() if language else "")

    def _list(self, node: Node, depth: int) -> Iterator[str]:
        items: list[str] = []
        number = _start(node)
        for child in children(node):
            if kind(child) in _LISTS:
                # A task list within a task list stands beside the item it belongs to.
                items.extend(_indented(part, 2) for part in self._block(child, depth))
                continue
            marker = f"{number}." if kind(node) == "orderedList" else "-"
            number += 1
            content = child if kind(child) not in INLINE else {"content": [child]}
            body = _item(list(self.blocks(content, depth + 1)))
            if not body:
                # `-` alone has no words, and a few of them on a line are a rule.
                continue
            if kind(node) == "taskList":
                box = "[x]" if attr(child, "state") == "DONE" else "[ ]"
                body = f"{box} {body}" if _begins_inline(child) else f"{box}\n\n{body}"
            items.append(f"{marker} {_indented(body, len(marker) + 1).lstrip(' ')}".rstrip(" "))
        if items:
            yield ("\n\n" if any("\n\n" in item for item in items) else "\n").join(items)

    def _table(self, node: Node, depth: int) -> Iterator[str]:
        """A table with its first row as the head, which Markdown must have."""
        line_break, self._line_break = self._line_break, "<br>"
        rows = [[self._cell(c, depth) for c in children(row)] for row in children(node)]
        self._line_break = line_break
        width = max((len(row) for row in rows), default=0)
        if not width:
            return
        head, *rest = rows
        head += [""] * (width - len(head))
        yield "\n".join([_row(head), _row(["---"] * width), *(_row(row) for row in rest)])

    def _cell(self, cell: Node, depth: int) -> str:
        content = cell if kind(cell) not in INLINE else {"content": [cell]}
        parts = (part.replace("\n", "<br>") for part in self.blocks(content, depth + 1))
        return "<br>".join(parts).replace("|", "\\|")


def _inlines(node: Node) -> Iterator[Node]:
    """The inline nodes of a block that should hold nothing else, however deep they are."""
    stack = children(node)[::-1]
    while stack:
        child = stack.pop()
        below = children(child)
        if not below or leaf_text(child):
            yield child
        stack.extend(reversed(below))


def _begins_inline(node: Node) -> bool:
    first = next(iter(children(node)), None)
    return first is None or kind(first) in INLINE or kind(first) == "paragraph"


def _start(node: Node) -> int:
    order = attr(node, "order")
    return int(order) if order.isdecimal() and len(order) < 7 else 1


def _escaped(match: re.Match[str]) -> str:
    return "\\" + match.group()


def _quoted(blocks: Iterable[str]) -> Iterator[str]:
    words = "\n\n".join(blocks)
    if words:
        yield "\n".join(f"> {line}" if line else ">" for line in words.split("\n"))


def _item(blocks: list[str]) -> str:
    """An item's blocks; a list right below its words needs no blank line."""
    body = blocks[0] if blocks else ""
    if body == "---":
        # `- ---` would be a rule by itself, not an item with one.
        body = "***"
    for part in blocks[1:]:
        body += ("\n" if _TIGHT.match(part) else "\n\n") + part
    return body


def _indented(words: str, width: int) -> str:
    pad = " " * width
    return "\n".join(pad + line if line else "" for line in words.split("\n"))


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
