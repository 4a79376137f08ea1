"""What may be shown of a model's words: Markdown that loads, mentions and links nothing.

``ReplyCleaner`` reads Markdown in pieces of any size and writes Markdown. It does not parse as
a renderer does; it writes only what every CommonMark and GFM renderer reads in one way:

- a link keeps its brackets only with an allowed destination in plain characters; no other
  ``](`` and no ``]:`` is ever written without a backslash, so nothing else can become a link
  or a definition of one, and no ``!`` ever stands before a bracket;
- ``<`` before a letter, ``/``, ``!`` or ``?`` is written with a backslash;
- a code span is left as it is only where it closes on its own line; any other backtick is
  written with a backslash, so no code span begins or ends anywhere else;
- a fenced block is left as it is (``fences`` tells how both sides agree where it ends).

What it changes beyond that is not seen by a reader, save in indented code blocks, which are
taken for text. A prefix of the output is as safe as all of it.
"""

from __future__ import annotations

import re

from app.firewall import fences
from app.firewall.inline import Inline, View
from app.firewall.junction import INVISIBLE, Junction
from app.firewall.links import LinkAllowed

MAX_HOLD = 2_000

_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r"}
_CONTROLS_AND_LINES = {**_CONTROLS, 0x2028: " ", 0x2029: " "}
_BLANKS = re.compile(r"[ \t]*+")
_QUOTED = re.compile(r"[ >]*+")
_DELIMITERS = re.compile(r"[ \t>|:\-]*+")


class ReplyCleaner:
    """Cleans a reply while it streams.

    The pieces given back, joined, are the same however the reply was cut into deltas. At most
    about ``MAX_HOLD`` characters are held back until it is clear what they are.

    Args:
        link_allowed: whether a URL (http, https or mailto) may stay a link.
    """

    def __init__(self, link_allowed: LinkAllowed) -> None:
        self._text = ""
        self._final = False
        self._after_return = False
        self._fence: fences.Fence | None = None
        self._at_line_start = True
        self._out = Junction()
        self._parts = Inline(self._out, link_allowed)

    def feed(self, delta: str) -> str:
        """Take more of the reply; give back what may be shown now."""
        self._text += self._normal(delta)
        self._advance()
        return self._out.take()

    def close(self) -> str:
        """Give back the rest. The cleaner is done then."""
        self._final = True
        self._advance()
        return self._out.close()

    def _normal(self, delta: str) -> str:
        """One kind of line end, no control characters."""
        if not delta:
            return ""
        if self._after_return and delta[0] == "\n":
            delta = delta[1:]
            self._after_return = False
        if delta:
            self._after_return = delta[-1] == "\r"
        return delta.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS_AND_LINES)

    def _advance(self) -> None:
        at = 0
        while at < len(self._text):
            after = self._step(at)
            if after is None:
                break
            at = after
        self._text = self._text[at:]

    # Every step below looks at no more than MAX_HOLD characters from ``at`` on. It gives back
    # where the next step begins, or None where more text could change what this one does.

    def _end(self, at: int) -> int:
        return min(len(self._text), at + MAX_HOLD)

    def _may_wait(self, at: int) -> bool:
        return not self._final and len(self._text) - at < MAX_HOLD

    def _step(self, at: int) -> int | None:
        if self._fence is not None:
            return self._fence_line(self._fence, at) if self._at_line_start else self._code(at)
        if self._at_line_start:
            return self._line_start(at)
        return self._inline(at)

    def _line_start(self, at: int) -> int | None:
        text, end = self._text, self._end(at)
        if self._out.split_code_above:
            match = _DELIMITERS.match(text, at, end)
            stop = match.end() if match else at
            if stop == end and self._may_wait(at):
                return None
            if "-" in text[at:stop] and "|" in text[at:stop]:
                return self._no_table(at, stop)
        if fences.may_become_fence(text, at, end) and self._may_wait(at):
            return None
        match = fences.opener_in(text, at, end)
        if match:
            line_end = text.find("\n", match.end(), end)
            no_fence = match["run"][0] == "`" and "`" in text[match.end() : end]
            if line_end == -1 and not no_fence and self._may_wait(at):
                return None
            if line_end != -1 or (self._final and end == len(text)):
                opened = fences.opened(match, line_end if line_end != -1 else end)
                if opened:
                    return self._open(opened)
        self._at_line_start = False
        return at

    def _no_table(self, at: int, stop: int) -> int:
        """A row above holds a pipe in a code span: as a table's head it would not be code."""
        line = self._text[at:stop]
        first = next(index for index, char in enumerate(line) if char in "|:-")
        self._out.put(line[:first])
        self._out.put("\\" + line[first:])
        self._at_line_start = False
        return stop

    def _open(self, opened: fences.Opened) -> int:
        if opened.lead:
            # Not an empty item: that could not interrupt a paragraph, or would underline one.
            self._out.put(f"{opened.lead} {INVISIBLE}")
            self._out.put("\n")
        self._out.put_raw(opened.line)
        self._fence = opened.fence
        return self._line_end(opened.end)

    def _line_end(self, at: int) -> int:
        """Pass the line end at ``at`` of a fence's line, if the text has one."""
        self._at_line_start = False
        if at < len(self._text) and self._text[at] == "\n":
            self._out.put_raw("\n")
            self._at_line_start = True
            return at + 1
        return at

    def _fence_line(self, fence: fences.Fence, at: int) -> int | None:
        text, end = self._text, self._end(at)
        start, prefix = at, ""
        if fence.quotes:
            marks = _QUOTED.match(text, at, end)
            if marks and marks.end() == end and self._may_wait(at):
                return None
            match = fences.quoted_prefix(fence, text, at, end)
            if not match:
                self._fence = None
                return at
            prefix, start = match.group(), match.end()
            if prefix[-1] == ">" and text[start:end].startswith("\t"):
                prefix += " "  # the column of the tab that belongs to the mark
        blanks = _BLANKS.match(text, start, end)
        stop = blanks.end() if blanks else start
        lead = fences.leading(fence, prefix, text[start:stop])
        run = fences.closing_run(fence, lead, text, stop, end)
        after = _BLANKS.match(text, run[1] if run else stop, end)
        behind = after.end() if after else stop
        if self._fence_undecided(fence, stop, behind, end) and self._may_wait(at):
            return None
        if run and (behind == end or text[behind] == "\n"):
            cut = behind == end and not (self._final and end == len(text))
            return self._close_fence(prefix + " " * fence.indent + run[0], behind, cut=cut)
        if stop == end or text[stop] != "\n":
            prefix += fences.moved(fence, lead)
        self._out.put_raw(prefix)
        self._at_line_start = False
        return stop

    def _fence_undecided(self, fence: fences.Fence, stop: int, behind: int, end: int) -> bool:
        """Whether the line has so far only blanks and what may be a closing run."""
        return behind == end or not self._text[stop:end].strip(fence.char)

    def _close_fence(self, line: str, behind: int, *, cut: bool) -> int:
        self._out.put_raw(line)
        self._fence = None
        if not cut:
            return self._line_end(behind)
        # More blanks than are held back: what follows stands on a line of its own.
        self._out.put_raw("\n")
        self._at_line_start = True
        return behind

    def _code(self, at: int) -> int:
        line_end = self._text.find("\n", at)
        if line_end == -1:
            self._out.put_raw(self._text[at:])
            return len(self._text)
        self._out.put_raw(self._text[at:line_end])
        return self._line_end(line_end)

    def _inline(self, at: int) -> int | None:
        if self._text[at] == "\n":
            self._out.put("\n")
            self._at_line_start = True
            return at + 1
        end = self._end(at)
        last = self._final and end == len(self._text)
        return self._parts.step(View(self._text, end, self._may_wait(at), last), at)


def clean(text: str, link_allowed: LinkAllowed) -> str:
    """The whole of a reply, cleaned."""
    cleaner = ReplyCleaner(link_allowed)
    return cleaner.feed(text) + cleaner.close()
