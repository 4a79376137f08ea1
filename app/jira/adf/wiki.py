"""Jira wiki markup, as webhooks of the older kind carry it → ADF nodes → Markdown.

The markup is read into the nodes that the editor would make of it, so that escaping and bounds are
those of `read.py`. Never raises; one pass, linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from app.jira.adf.nodes import Node, block, clean, text
from app.jira.adf.read import mentions, to_markdown
from app.jira.adf.wiki_inline import wiki_inline

_MAX_INPUT = 100_000
_MAX_NESTING = 4
_MAX_LIST = 8
_MACRO = re.compile(r"\{(code|noformat|quote|panel)(?::([^{}\n]{0,400}))?\}")
_HEADING = re.compile(r"[ \t]*h([1-6])\.[ \t]+(.*)")
_QUOTE = re.compile(r"[ \t]*bq\.[ \t]+(.*)")
_ITEM = re.compile(r"[ \t]*([*#]+|-(?![-*#]))[*#-]{0,40}[ \t]+(\S.*)")
_RULE = re.compile(r"[ \t]*-{4,}[ \t]*")
_CELL = re.compile(r"\[[^\[\]\n]*\]|\{\{[^{}\n]*\}\}|![^!\n|]*\|[^!\n|]*!|\\.|\|\|?|[^\[{!\\|]+|.")


def wiki_to_markdown(text: str) -> str:
    """The markup as Markdown; see `read.to_markdown` for what becomes of mentions and images."""
    return to_markdown(wiki_to_adf(text))


def wiki_mentions(text: str) -> tuple[str, ...]:
    """The account ids that `[~accountid:…]` names, each once, in order; none of those in code."""
    return mentions(wiki_to_adf(text))


def wiki_to_adf(text: str) -> dict[str, Any]:
    """The markup as an ADF-like document: to be read by us, not to be sent to Jira."""
    return block("doc", _blocks(clean(text[:_MAX_INPUT]), 0))


def _blocks(source: str, depth: int) -> Iterator[Node]:
    """Text between macros line by line, the macros as code, quotes and panels."""
    at = done = 0
    unclosed: set[str] = set()
    while match := _MACRO.search(source, at):
        name, options = match.group(1), match.group(2) or ""
        end = -1 if name in unclosed else source.find(f"{{{name}}}", match.end())
        at = match.end()
        if end < 0:
            unclosed.add(name)
            continue
        yield from _lines(source[done : match.start()])
        yield from _macro(name, options, source[at:end], depth)
        at = done = end + len(name) + 2
    yield from _lines(source[done:])


def _macro(name: str, options: str, body: str, depth: int) -> Iterator[Node]:
    if name in ("code", "noformat"):
        language = next((o for o in options.split("|") if o and "=" not in o), "")
        words = body.strip("\n")
        attrs = {"language": language} if name == "code" and language else {}
        yield block("codeBlock", [text(words)] if words else [], **attrs)
        return
    content = list(_blocks(body, depth + 1) if depth < _MAX_NESTING else _lines(body))
    titles = (o.removeprefix("title=") for o in options.split("|") if o.startswith("title="))
    for title in titles:
        content.insert(0, block("paragraph", [text(title, [{"type": "strong"}])]))
    yield block("blockquote", content)


def _lines(source: str) -> Iterator[Node]:
    """Paragraphs, headings, lists and tables of a piece without macros."""
    lines = source.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        take: Callable[[list[str]], Node] | None = None
        if heading := _HEADING.fullmatch(line):
            yield block("heading", wiki_inline(heading.group(2)), level=int(heading.group(1)))
        elif quote := _QUOTE.fullmatch(line):
            yield block("blockquote", [block("paragraph", wiki_inline(quote.group(1)))])
        elif _RULE.fullmatch(line):
            yield {"type": "rule"}
        elif line.strip():
            take = _kind(line)
        if take is None:
            at += 1
            continue
        first = at
        while at < len(lines) and lines[at].strip() and _continues(take, lines[at]):
            at += 1
        yield take(lines[first:at])


def _kind(line: str) -> Callable[[list[str]], Node]:
    if _ITEM.fullmatch(line):
        return _list
    return _table if line.lstrip().startswith("|") else _paragraph


def _continues(take: Callable[[list[str]], Node], line: str) -> bool:
    """Whether a line belongs to the block begun; plain lines go on with a list's last item."""
    if any(pattern.fullmatch(line) for pattern in (_HEADING, _QUOTE, _RULE)):
        return False
    return _kind(line) is take or (take is _list and _kind(line) is _paragraph)


def _paragraph(lines: list[str]) -> Node:
    content: list[Node] = []
    for number, line in enumerate(lines):
        if number:
            content.append({"type": "hardBreak"})
        content.extend(wiki_inline(line.strip()))
    return block("paragraph", content)


def _list(lines: list[str]) -> Node:
    """Nested lists from markers such as `*`, `#*`, `**`: the last sign says which kind."""
    root = block("list")
    open_lists: list[tuple[int, Node]] = []
    for line in lines:
        match = _ITEM.fullmatch(line)
        if match is None:
            words = open_lists[-1][1]["content"][-1]["content"][0]
            words["content"] += [{"type": "hardBreak"}, *wiki_inline(line.strip())]
            continue
        marker = match.group(1)[:_MAX_LIST]
        kind = "orderedList" if marker[-1] == "#" else "bulletList"
        while open_lists and _is_left(open_lists[-1], len(marker), kind):
            open_lists.pop()
        if not open_lists or open_lists[-1][0] < len(marker):
            opened = block(kind)
            parent = open_lists[-1][1]["content"][-1] if open_lists else root
            parent["content"].append(opened)
            open_lists.append((len(marker), opened))
        item = block("listItem", [block("paragraph", wiki_inline(match.group(2)))])
        open_lists[-1][1]["content"].append(item)
    return root


def _is_left(opened: tuple[int, Node], level: int, kind: str) -> bool:
    """Whether an item of this level and kind is no longer within this list."""
    return opened[0] > level or (opened[0] == level and opened[1]["type"] != kind)


def _table(lines: list[str]) -> Node:
    return block("table", [block("tableRow", _cells(line.strip())) for line in lines])


def _cells(line: str) -> Iterator[Node]:
    """`||head||head||` and `|cell|cell|`; a bar within a link, an image or code parts nothing."""
    cell = ""
    is_head = line.startswith("||")
    bars = line[2 if is_head else 1 :]
    for match in _CELL.finditer(bars):
        piece = match.group()
        if piece not in ("|", "||"):
            cell += piece
            continue
        yield _cell(cell, is_head=is_head)
        cell, is_head = "", piece == "||"
    if cell.strip():
        yield _cell(cell, is_head=is_head)


def _cell(words: str, *, is_head: bool) -> Node:
    content = [block("paragraph", wiki_inline(words.strip()))]
    return block("tableHeader" if is_head else "tableCell", content)
