"""Links and images with square brackets, as a model may write them on one line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

# Text between brackets: no bracket but escaped ones, and only code spans that are closed.
_TEXT = re.compile(r"(?:[^\[\]\n`\\]++|\\[^\n]|(`++)[^\n]*?(?<!`)\1(?!`))*+")
_TARGET = re.compile(
    r"""\([ \t]*+
    (?:<(?P<angled>[^<>\n]*+)>
      |(?P<bare>(?!<)(?:[^\s()\\]|\\[^\n]|\((?:[^\s()\\]|\\[^\n])*+\))*+))
    (?:[ \t]++  # a title, which is dropped
      (?:"(?:[^"\\\n]|\\[^\n])*+"|'(?:[^'\\\n]|\\[^\n])*+'|\((?:[^()\\\n]|\\[^\n])*+\)))?
    [ \t]*+\)""",
    re.VERBOSE,
)
_REFERENCE = re.compile(r"\[[^\[\]\n]*+\]")
# Jira's own: [text|address] and [text|address|smart-link].
_CARD = re.compile(
    r"(?P<text>[^|]*)\|[ \t]*(?P<target>(?:[A-Za-z][A-Za-z0-9+.\-]*:|www\.)[^|]*?)[ \t]*"
    r"(?:\|[^|]*)?"
)


class Verdict(Enum):
    """Why there is no link: it is none, or its end is not in sight."""

    TEXT = "text"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Link:
    """A link or image: its text, its destination as written (None: by reference), its end."""

    text: str
    target: str | None
    end: int
    card: bool = False


def link_at(text: str, start: int, end: int, *, more: bool, image: bool = False) -> Link | Verdict:
    """What the bracket before ``start`` begins, looking no further than ``end``.

    ``UNDECIDED`` where text behind ``end`` could still make it a link, if ``more`` may come.
    """
    match = _TEXT.match(text, start, end)
    stop = match.end() if match else start
    if stop == end:
        return Verdict.UNDECIDED
    char = text[stop]
    if char == "]":
        if stop + 1 == end and more:
            return Verdict.UNDECIDED
        return _behind_text(text, start, stop, end, image=image)
    if char == "`":
        return _unless_line_ends(text, stop, end)
    if char == "\\" and stop + 1 == end:
        return Verdict.UNDECIDED
    return Verdict.TEXT


def _behind_text(text: str, start: int, stop: int, end: int, *, image: bool) -> Link | Verdict:
    after, label = stop + 1, text[start:stop]
    behind = text[after : min(after + 1, end)]
    if behind == "(":
        match = _TARGET.match(text, after, end)
        if not match:
            return _unless_line_ends(text, after, end)
        angled, bare = match.group("angled", "bare")
        return Link(label, bare if angled is None else angled, match.end())
    if image and behind == "[":
        match = _REFERENCE.match(text, after, end)
        return Link(label, None, match.end()) if match else _unless_line_ends(text, after, end)
    card = None if image else _CARD.fullmatch(label)
    return Link(card["text"], card["target"], after, card=True) if card else Verdict.TEXT


def _unless_line_ends(text: str, start: int, end: int) -> Verdict:
    return Verdict.UNDECIDED if text.find("\n", start, end) == -1 else Verdict.TEXT
