"""Where cleaned pieces meet. Pieces that are harmless alone must stay so side by side."""

from __future__ import annotations

import re
import string

INVISIBLE = "\u2060"  # WORD JOINER: no width, no break; it keeps two texts from reading as one

_HELD = "]\\<@"
_TAG_START = frozenset(string.ascii_letters + "/!?")
_PUNCTUATION = frozenset(string.punctuation)
_CONTAINER = re.compile(r"[\s>\-+*\d.)]*")
_DELIMITERS = re.compile(r"[ \t>|:\-]*")
_AFTER_ALT = frozenset(" \t\n,;)")


class Junction:
    """Joins pieces of Markdown; the last character waits where the next might change it.

    Attributes:
        opening: whether the line so far holds only what lists and quotes begin with.
        in_table: whether a row of a table may stand here.
        split_code: whether this line holds a code span with a pipe in it.
        split_code_above: the same of the line above.
    """

    def __init__(self) -> None:
        self._done: list[str] = []
        self._wait = ""
        self._last = ""
        self.opening = True
        self.in_table = False
        self.split_code = False
        self.split_code_above = False
        self._blank = True
        self._delimiter = True
        self._dashes = False

    def put(self, piece: str) -> None:
        """Add a piece of text: a line end, or something within one line."""
        if not piece:
            return
        self._release(piece)
        if piece == "\n":
            self._append(piece)
            self._end_line()
            return
        if self._last == "`" and piece[0] == "`":
            # Two code spans side by side would read as one, or as none.
            self._append(INVISIBLE)
        if piece[-1] in _HELD and not _is_escaped(piece):
            self._wait = piece[-1]
            piece = piece[:-1]
        if piece:
            self._append(piece)

    def put_alt(self, text: str) -> None:
        """Add what stands for an image, so that it joins with neither neighbour."""
        self._release(text[:1])
        apart = self._last in {"", " ", "\t", "\n", "("}
        if not (apart and text[:1].isalnum()):
            self._append(INVISIBLE)
        if text:
            self._append(text)
            self._wait = INVISIBLE

    def put_raw(self, text: str) -> None:
        """Add part of a fenced code block as it is; a line end leads to a line's beginning."""
        self._release("\n")
        self._done.append(text)
        self._last = text[-1:] or self._last
        self._begin_line()
        self.in_table = self.split_code = self.split_code_above = False

    def take(self) -> str:
        """What has been joined since the last call."""
        text = "".join(self._done)
        self._done.clear()
        return text

    def close(self) -> str:
        self._release("\n")
        return self.take()

    def _release(self, piece: str) -> None:
        held, self._wait = self._wait, ""
        if not held:
            return
        first = piece[:1]
        if held == INVISIBLE:
            held = "" if first in _AFTER_ALT else held
        elif held == "@":
            held = "@" + INVISIBLE if first == "[" else held
        elif (
            (held == "]" and first in {"(", ":"})
            or (held == "\\" and first in _PUNCTUATION)
            or (held == "<" and first in _TAG_START)
        ):
            held = "\\" + held
        self._append(held)

    def _append(self, text: str) -> None:
        if not text:
            return
        self._done.append(text)
        self._last = text[-1]
        if self.opening:
            self.opening = _CONTAINER.fullmatch(text) is not None
        if self._blank:
            self._blank = not text.strip(" \t\n")
        if self._delimiter and text != "\n":
            self._delimiter = _DELIMITERS.fullmatch(text) is not None
            self._dashes = self._dashes or "-" in text

    def _end_line(self) -> None:
        if self._blank:
            self.in_table = False
        elif self._delimiter and self._dashes:
            self.in_table = True
        self.split_code_above, self.split_code = self.split_code, False
        self._begin_line()

    def _begin_line(self) -> None:
        self.opening = self._blank = self._delimiter = True
        self._dashes = False


def _is_escaped(piece: str) -> bool:
    """Whether the last character belongs to a pair with a backslash before it."""
    before = piece[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
