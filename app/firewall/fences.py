"""Fenced code blocks, kept so that every CommonMark parser sees them begin and end alike.

What stands inside a fence is shown untouched, so we must never take for code what a parser
takes for text. Which container a line belongs to decides that, and parsers know it from far
above. Three repairs that no reader notices make it certain without looking back:

- a fence is written at most three columns in, where it is a fence in or outside any list;
- its lines are written at least as far in as its first, so that none leaves a list item;
- a fence behind a list marker is written on a line of its own.

In a quotation every line repeats the quotation's marks; the first without them ends the fence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_INDENT = 3
MAX_QUOTES = 20
MAX_RUN = 100
MAX_COLUMN = 200

_MAYBE = re.compile(r"[ \t]*+(?:(?:> ?)++[ \t]*+)?(?:(?:[-+*]|\d{1,9}+[.)]?)[ \t]*+)?(?:`++|~++)?")
_OPENER = re.compile(
    r"(?P<indent>[ \t]*+)(?P<quote>(?:> ?)*+)(?P<inner>[ \t]*+)"
    r"(?P<marker>(?:[-+*]|\d{1,9}+[.)])[ \t]++)?(?P<run>`{3,}+|~{3,}+)"
)


@dataclass(frozen=True)
class Fence:
    """An open fence.

    Args:
        char: backtick or tilde.
        length: of the opening run; the closing one is as long or longer.
        quotes: how many quotation marks every line begins with.
        column: where the model opened it, behind the quotation marks.
        shift: by how many columns its lines are moved to the left.
    """

    char: str
    length: int
    quotes: int
    column: int
    shift: int

    @property
    def indent(self) -> int:
        return self.column - self.shift


@dataclass(frozen=True)
class Opened:
    """A fence was opened: ``lead`` goes before it as text, ``line`` is its first line."""

    fence: Fence
    lead: str
    line: str
    end: int


def may_become_fence(text: str, start: int, end: int) -> bool:
    """Whether all of the line so far is what may stand before or in an opening run."""
    return _MAYBE.fullmatch(text, start, end) is not None


def opener_in(text: str, start: int, end: int) -> re.Match[str] | None:
    return _OPENER.match(text, start, end)


def opened(match: re.Match[str], line_end: int) -> Opened | None:
    """The fence that a whole line opens, or None where parsers would not agree on one.

    Args:
        match: from ``opener_in``.
        line_end: index behind the line's last character.
    """
    indent, quote, inner, marker, run = match.group("indent", "quote", "inner", "marker", "run")
    # markdown-it takes a first line with a pipe for a table's head if the next looks like one.
    info = match.string[match.end() : line_end].replace("|", " ")
    if run[0] == "`" and "`" in info:
        return None
    if quote and (indent or marker or "\t" in inner or quote.count(">") > MAX_QUOTES):
        return None
    before = inner if quote else indent + (marker or "")
    column = columns(before)
    if len(run) > MAX_RUN or column > MAX_COLUMN:
        return None
    shift = max(0, column - MAX_INDENT)
    fence = Fence(run[0], len(run), quote.count(">"), column, shift)
    lead = (indent + marker.rstrip()) if marker else ""
    return Opened(fence, lead, quote + " " * fence.indent + run + info, line_end)


def columns(text: str) -> int:
    """How many columns a line's beginning takes, tabs going to the next multiple of four."""
    return len(text.expandtabs(4))


def quoted_prefix(fence: Fence, text: str, start: int, end: int) -> re.Match[str] | None:
    """The quotation marks that keep a line in the fence."""
    return re.compile(rf"(?: {{0,3}}> ?){{{fence.quotes}}}").match(text, start, end)


def leading(fence: Fence, prefix: str, blanks: str) -> str:
    """A line's leading blanks; behind quotation marks tabs are written as the blanks they are."""
    if not fence.quotes or "\t" not in blanks:
        return blanks
    width = columns(prefix + blanks) - len(prefix)
    return " " * width


def closing_run(fence: Fence, blanks: str, text: str, at: int, end: int) -> tuple[str, int] | None:
    """The run at ``at`` that closes the fence, behind ``blanks``, and where it ends."""
    stop = at
    while stop < end and text[stop] == fence.char:
        stop += 1
    far = columns(blanks) - fence.column > MAX_INDENT
    return None if far or stop - at < fence.length else (text[at:stop], stop)


def moved(fence: Fence, blanks: str) -> str:
    """A content line's leading blanks, moved with the fence and never left of it."""
    width = columns(blanks)
    if not fence.column or (not fence.shift and width >= fence.indent):
        return blanks
    return " " * max(fence.indent, width - fence.shift)
