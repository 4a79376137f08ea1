"""Markdown as models write it → ADF that Jira takes, whatever comes in.

CommonMark with tables and strikethrough through `markdown-it-py`; HTML is text. Out come only
paragraphs, headings, lists, task lists, tables, code blocks, quotes and rules, with the marks
strong, em, strike, code and link: never a mention, a card or an image.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, paragraph, reference
from markdown_it.token import Token

from app.jira.adf.fit import fit
from app.jira.adf.inline import LinkAllowed, inline_nodes, with_breaks
from app.jira.adf.nodes import JIRA_LIMIT, Node, block, clean, text
from app.jira.adf.shape import admit

MAX_INPUT = 65_536
"""Characters that are read at all: twice what a comment may hold."""

# A list adds two levels to the parser's count: eight lists within each other.
_MAX_LEVEL = 16
_TASK = re.compile(r"\[([ xX])\][ \t]+")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")


def to_adf(
    markdown: str,
    *,
    link_allowed: LinkAllowed,
    limit: int = JIRA_LIMIT,
    header: Sequence[Node] = (),
    footer: Sequence[Node] = (),
) -> dict[str, Any]:
    """The document of a comment, valid against Atlassian's schema and at most `limit` long.

    A link is a link only with http(s) or mailto and if `link_allowed(url)`; else it is the plain
    text `words (url)`. `limit` counts the compact JSON (see `nodes.size` for why). What does not
    fit is cut (see `fit`); `header` and `footer`, blocks of the caller, are always kept whole.

    Raises:
        ValueError: `limit` is too small for header and footer.
    """
    source = clean(markdown)
    blocks = _Blocks(source[:MAX_INPUT], link_allowed).all()
    cut = bool(source[MAX_INPUT:].strip())
    return fit(blocks, limit=limit, header=header, footer=footer, cut=cut)


def _flatten(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    """Below the deepest level everything is a paragraph; markdown-it would drop it."""
    return state.level >= _MAX_LEVEL and paragraph(state, start_line, end_line, silent)


def _reference(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    """Link definitions, but not `[^1]: …`: a footnote would vanish as one."""
    begin = state.bMarks[start_line] + state.tShift[start_line]
    is_note = state.src.startswith("[^", begin)
    return not is_note and reference(state, start_line, end_line, silent)


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802, ARG002 - markdown-it's hook
        """Every link is one here: a refused one is later written as words with its address."""
        return True

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - markdown-it's hook
        """An address stands in the text as it was written, not decoded into a nicer one."""
        return link


@functools.cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.block.ruler.before("table", "flatten", _flatten)
    parser.block.ruler.at("reference", _reference)
    return parser


@dataclass(frozen=True)
class _Item:
    blocks: list[Node]
    task: str | None

    @property
    def is_simple(self) -> bool:
        """Whether a taskItem can hold it: inline content, and task lists below."""
        kinds = [node["type"] for node in self.blocks]
        return kinds[:1] == ["paragraph"] and set(kinds[1:]) <= {"taskList"}


class _Blocks:
    """One document's block tokens, read once from first to last."""

    def __init__(self, source: str, link_allowed: LinkAllowed) -> None:
        self._tokens = _parser().parse(source)
        self._at = 0
        self._link_allowed = link_allowed
        # Unique within a site's comments, and the same for the same answer.
        self._id = hashlib.sha256(source.encode()).hexdigest()[:12]
        self._ids = 0

    def all(self) -> list[Node]:
        return self._until("")

    def _until(self, close: str) -> list[Node]:
        """The blocks up to the closing token of this type, which is consumed."""
        blocks: list[Node] = []
        while self._at < len(self._tokens):
            token = self._next()
            if token.type == close:
                break
            blocks.extend(self._block(token))
        return blocks

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _block(self, token: Token) -> list[Node]:
        match token.type:
            case "paragraph_open" | "heading_open":
                return self._words(token)
            case "fence" | "code_block":
                return [_code(token)]
            case "bullet_list_open" | "ordered_list_open":
                return self._list(token)
            case "blockquote_open":
                content = admit("blockquote", self._until("blockquote_close"))
                return [block("blockquote", content)] if content else []
            case "table_open":
                return [block("table", self._rows())]
            case _:
                return [{"type": "rule"}] if token.type == "hr" else []

    def _inline(self) -> list[Node]:
        """Consumes the inline token that follows every opening of words, and the closing one."""
        children = self._next().children or []
        self._at += 1
        return inline_nodes(children, self._link_allowed)

    def _words(self, token: Token) -> list[Node]:
        content = self._inline()
        if not content:
            return []
        if token.type == "heading_open":
            return [block("heading", content, level=int(token.tag[1:]))]
        return [block("paragraph", content)]

    def _list(self, opening: Token) -> list[Node]:
        close = opening.type.replace("open", "close")
        items: list[_Item] = []
        while self._next().type != close:
            task = self._task()
            items.append(_Item(admit("listItem", self._until("list_item_close")), task))
        if opening.type == "ordered_list_open":
            start = int(opening.attrs.get("start", 1))
            attrs = {} if start == 1 else {"order": start}
            return [block("orderedList", [_list_item(item) for item in items], **attrs)]
        lists: list[Node] = []
        for is_task, run in groupby(items, lambda item: bool(item.task) and item.is_simple):
            if is_task:
                lists.append(block("taskList", self._task_items(run), localId=self._local_id()))
            else:
                lists.append(block("bulletList", [_list_item(item) for item in run]))
        return lists

    def _task(self) -> str | None:
        """`TODO` or `DONE` if the item ahead begins with a checkbox, which is taken off.

        The task-list plugin looks for each item's list from the item backwards: quadratic time.
        """
        ahead = self._tokens[self._at : self._at + 2]
        if [token.type for token in ahead] != ["paragraph_open", "inline"]:
            return None
        first = next(iter(ahead[1].children or []), None)
        # Looked for in the source too: an escaped bracket is a bracket, not a box.
        box = _TASK.match(ahead[1].content)
        if first is None or box is None or not first.content.startswith(box.group()):
            return None
        first.content = first.content[box.end() :]
        return "TODO" if box.group(1) == " " else "DONE"

    def _task_items(self, items: Iterator[_Item]) -> Iterator[Node]:
        for item in items:
            words, *below = item.blocks
            yield block(
                "taskItem", words["content"], localId=self._local_id(), state=item.task or "TODO"
            )
            yield from below

    def _local_id(self) -> str:
        self._ids += 1
        return f"{self._id}-{self._ids}"

    def _rows(self) -> list[Node]:
        rows: list[Node] = []
        while (token := self._next()).type != "table_close":
            if token.type == "tr_open":
                rows.append(block("tableRow"))
            elif token.type in ("th_open", "td_open"):
                kind = "tableHeader" if token.type == "th_open" else "tableCell"
                words = block("paragraph", with_breaks(self._inline()))
                rows[-1]["content"].append(block(kind, [words]))
        return rows


def _code(token: Token) -> Node:
    words = clean(token.content).removesuffix("\n")
    language = _LANGUAGE.match(token.info.strip())
    attrs = {"language": language.group()} if language else {}
    return block("codeBlock", [text(words)] if words else [], **attrs)


def _list_item(item: _Item) -> Node:
    """A list item; one with a checkbox that no taskItem can hold keeps the box as text."""
    blocks = list(item.blocks)
    if not blocks or blocks[0]["type"] not in ("paragraph", "codeBlock"):
        # Jira's editor wants words before a nested list.
        blocks.insert(0, block("paragraph"))
    if item.task:
        box = text("[ ] " if item.task == "TODO" else "[x] ")
        first = blocks[0]
        if first["type"] == "paragraph":
            blocks[0] = block("paragraph", [box, *first["content"]])
    return block("listItem", blocks)
