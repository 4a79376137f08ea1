"""Makes a document fit Jira's limit: cut where a reader would, say so, keep the caller's lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from app.jira.adf.nodes import Node, block, doc, size, text

MORE = "…"
_LEAVES = ("paragraph", "heading", "codeBlock", "taskItem")
_WHOLE = ("tableRow", "hardBreak", "rule")
_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？]|\n")  # noqa: RUF001 - CJK full stops are meant
_SPACE = re.compile(r"\s")


def fit(
    blocks: Sequence[Node],
    *,
    limit: int,
    header: Sequence[Node] = (),
    footer: Sequence[Node] = (),
    cut: bool = False,
) -> Node:
    """A document of header, blocks and footer whose `size` is at most `limit`.

    Header and footer are kept whole. What of the blocks does not fit is left out from the end, at
    the border of a block, item or row; only a text that alone would fill more than half of the
    room is cut within, after a sentence or a word. Then, and whenever `cut` says that the blocks
    are not all there was, a paragraph `…` stands last before the footer.

    Raises:
        ValueError: `limit` has no room for header, footer and `…`.
    """
    if not cut:
        whole = doc([*header, *blocks, *footer])
        if size(whole) <= limit:
            return whole
    more = block("paragraph", [text(MORE)])
    room = limit - size(doc([*header, more, *footer]))
    if room < 0:
        raise ValueError("limit leaves no room for header and footer")
    kept = _take(blocks, room, overlong=room // 2)
    if not kept and blocks:
        kept = _as_words(blocks[0], room)
    return doc([*header, *kept, more, *footer])


def _take(children: Sequence[Node], room: int, *, overlong: int) -> list[Node]:
    """As many children as fit, each with its comma, the last perhaps shortened."""
    kept: list[Node] = []
    for child in children:
        cost = size(child) + 1
        if cost <= room:
            kept.append(child)
            room -= cost
            continue
        shorter = _shorten(child, cost - 1, room - 1, overlong=overlong)
        if shorter is not None:
            kept.append(shorter)
        break
    return kept


def _shorten(node: Node, whole: int, room: int, *, overlong: int) -> Node | None:
    """The node within `room`, or None where nothing sensible of it fits."""
    content = node.get("content")
    if not content or node["type"] in _WHOLE:
        return None
    inner = room - size({**node, "content": []})
    if node["type"] not in _LEAVES:
        kept = _take(content, inner, overlong=overlong)
    elif whole > overlong:
        kept = _cut_inlines(content, inner, code=node["type"] == "codeBlock")
    else:
        return None
    return {**node, "content": kept} if kept else None


def _as_words(node: Node, room: int) -> list[Node]:
    """The last resort, such as one enormous table row: its words, cut."""
    words = " ".join(_texts(node))
    inner = room - 1 - size(block("paragraph"))
    kept = _cut_inlines([text(words)], inner, code=False) if words else []
    return [block("paragraph", kept)] if kept else []


def _texts(node: Node) -> Iterator[str]:
    if "text" in node:
        yield node["text"]
    for child in node.get("content", ()):
        yield from _texts(child)


def _cut_inlines(nodes: Sequence[Node], room: int, *, code: bool) -> list[Node]:
    kept: list[Node] = []
    for node in nodes:
        cost = size(node) + 1
        if cost <= room:
            kept.append(node)
            room -= cost
            continue
        if node["type"] == "text":
            words = _cut_text(node["text"], room - 1 - size({**node, "text": ""}), code=code)
            if words:
                kept.append({**node, "text": words})
        break
    while kept and kept[-1]["type"] == "hardBreak":
        kept.pop()
    return kept


def _cut_text(words: str, room: int, *, code: bool) -> str:
    """The longest beginning within `room` JSON units that ends well, perhaps empty."""
    end = 0
    for char in words:
        room -= 2 if char in '"\\\n\t' or char > "\uffff" else 1
        if room < 0:
            break
        end += 1
    if end == len(words):
        return words
    if code:
        line_end = words.rfind("\n", 0, end)
        return words[: line_end if line_end > 0 else end]
    half = end // 2
    ends = [match.end() for match in _SENTENCE_END.finditer(words, half, end + 1)]
    if not ends or ends[-1] > end:
        ends = ends[:-1] or [match.start() for match in _SPACE.finditer(words, half, end + 1)]
    return words[: ends[-1] if ends else _whole_character(words, end)].rstrip()


def _whole_character(words: str, end: int) -> int:
    """Steps back where the cut would part a letter from its accents or an emoji from its rest."""
    for back in range(end, max(end - 8, 0), -1):
        joined = words[back - 1] == "\u200d" or words[back] in "\u200d\ufe0f"
        if not joined and not unicodedata.combining(words[back]):
            return back
    return end
