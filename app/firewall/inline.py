"""The parts of a line: each is written in a form that every renderer reads in one way."""

from __future__ import annotations

import re
from typing import NamedTuple

from app.firewall.brackets import Link, Verdict, link_at
from app.firewall.junction import INVISIBLE, Junction
from app.firewall.links import LinkAllowed, as_code, destination, hides_letters, linkable
from app.firewall.words import word_at

_BACKTICKS = re.compile(r"`++")
_TILDES = re.compile(r"~++")
_SPLITTING_PIPE = re.compile(r"(?<!\\)\||\\\\\|")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_TASK = re.compile(r"\[[ xX]\][ \t]")
_ANGLED = re.compile(r"<[^\s<>]*+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,31}:[^\s<>]*")
_MAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+")
_TAG_START = re.compile(r"[A-Za-z/!?]")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});")
_MAYBE_ENTITY = re.compile(r"&(?:#[xX]?[0-9A-Fa-f]{0,7}|[A-Za-z][A-Za-z0-9]{0,31})?")
_OTHER = re.compile(r"[^A-Za-z0-9\\`~!\[\]<&|\n]++")
_EVEN_BRACKETS = re.compile(r"[^()]*+(?:\([^()]*+\)[^()]*+)*+")


class View(NamedTuple):
    """What a step may look at.

    Args:
        text: of which the step looks at what stands before ``end``.
        end: an index.
        more: whether the step may wait for text behind ``end``.
        last: whether nothing will ever stand behind ``end``.
    """

    text: str
    end: int
    more: bool
    last: bool


class Inline:
    """Cleans what stands within a line and puts it out.

    Args:
        within: the text is part of another part, such as a link's text: what could join with
            its surroundings is written with a backslash.
    """

    def __init__(self, out: Junction, link_allowed: LinkAllowed, *, within: bool = False) -> None:
        self._out = out
        self._link_allowed = link_allowed
        self._within = within
        self._steps = {
            "\\": self._backslash,
            "`": self._backticks,
            "~": self._tildes,
            "!": self._bang,
            "[": self._bracket,
            "]": self._single,
            "|": self._single,
            "<": self._angle,
            "&": self._entity,
        }

    def step(self, view: View, at: int) -> int | None:
        """Clean the part at ``at``, which is no line end.

        Returns:
            Where the next part begins, or None where more text could change this one.
        """
        char = view.text[at]
        step = self._steps.get(char)
        if step is not None:
            return step(view, at)
        if char.isascii() and char.isalnum():
            return self._word(view, at)
        match = _OTHER.match(view.text, at, view.end)
        assert match is not None, "every other character has a step"
        return self._put(match.group(), match.end())

    def _put(self, piece: str, after: int) -> int:
        self._out.put(piece)
        return after

    def _plain(self, text: str, link_allowed: LinkAllowed) -> str:
        """A part of a part, cleaned; it holds no bracket that is not escaped."""
        out = Junction()
        inner = Inline(out, link_allowed, within=True)
        view = View(text, len(text), more=False, last=True)
        at: int | None = 0
        while at is not None and at < len(text):
            at = inner.step(view, at)
        cleaned = out.close()
        lone = (len(cleaned) - len(cleaned.rstrip("\\"))) % 2
        return cleaned + "\\" * lone

    def _single(self, view: View, at: int) -> int:
        char = view.text[at]
        return self._put("\\" + char if self._within else char, at + 1)

    def _backslash(self, view: View, at: int) -> int | None:
        text, end, more, _ = view
        if more and at + 2 >= end:
            return None
        char = text[at + 1 : min(at + 2, end)]
        if char == "[":
            return self._put("\\[" + _unless_mention(text, at + 2), at + 2)
        if char == "@":
            return self._put("@", at + 2)
        if char and _PUNCTUATION.match(char):
            return self._put("\\" + char, at + 2)
        return self._put("\\", at + 1)

    def _backticks(self, view: View, at: int) -> int | None:
        text, end, more, _ = view
        run = _BACKTICKS.match(text, at, end)
        assert run is not None
        if run.end() == end and more:
            return None
        length = run.end() - at
        line_end = text.find("\n", at, end)
        limit = end if line_end == -1 else line_end
        for closing in _BACKTICKS.finditer(text, run.end(), limit):
            if closing.end() == end and not view.last:
                break
            if closing.end() - closing.start() == length:
                return self._code_span(text[at : closing.end()], length, at)
        if line_end == -1 and more:
            return None
        return self._put("\\`" * length, run.end())

    def _code_span(self, span: str, length: int, at: int) -> int:
        if _SPLITTING_PIPE.search(span):
            if self._out.in_table or self._within:
                # In a table the pipe ends the cell, and with it the code.
                return self._put("\\`" * length, at + length)
            self._out.split_code = True
        return self._put(span, at + len(span))

    def _tildes(self, view: View, at: int) -> int | None:
        match = _TILDES.match(view.text, at, view.end)
        assert match is not None
        if match.end() == view.end and view.more:
            return None
        run = match.group()
        if self._within:
            return self._put("\\~" * len(run), match.end())
        fence = self._out.opening and len(run) >= 3
        return self._put("\\" + run if fence else run, match.end())

    def _bang(self, view: View, at: int) -> int | None:
        text, end, more, _ = view
        if at + 1 == end and more:
            return None
        if text[at + 1 : min(at + 2, end)] != "[":
            return self._put("!", at + 1)
        link = link_at(text, at + 2, end, more=more, image=True)
        if link is Verdict.UNDECIDED and more:
            return None
        if isinstance(link, Verdict):
            return self._put("\\!", at + 1)
        # No blank may follow it, so an address in it could be read together with what does.
        self._out.put_alt(self._plain(link.text.strip(), _no_link))
        return link.end

    def _bracket(self, view: View, at: int) -> int | None:
        text, end, more, _ = view
        link = link_at(text, at + 1, end, more=more)
        if link is Verdict.UNDECIDED and more:
            return None
        if isinstance(link, Link) and link.target:
            return self._put(self._link(link, link.target), link.end)
        if self._out.opening or self._within:
            task = _TASK.match(text, at, end)
            if task and not self._within:
                return self._put(text[at : at + 3], at + 3)
            return self._put("\\[" + _unless_mention(text, at + 1), at + 1)
        return self._put("[" + _unless_mention(text, at + 1), at + 1)

    def _link(self, link: Link, target: str) -> str:
        url = destination(target.strip())
        kept = linkable(url, self._link_allowed)
        label = self._plain(link.text, self._link_allowed)
        if not kept:
            code = as_code(url.removeprefix("mailto:"))
            same = link.text.strip() in {url, target}
            return code if same or not label.strip() else f"{label.rstrip()} ({code})"
        if not label.strip():
            return f"<{kept}>"
        if link.card:
            return f"{label.rstrip()} (<{kept}>)"
        return f"[{label}]({kept})" if _EVEN_BRACKETS.fullmatch(kept) else f"[{label}](<{kept}>)"

    def _angle(self, view: View, at: int) -> int | None:
        text, end, more, _ = view
        match = _ANGLED.match(text, at, end)
        assert match is not None
        stop = match.end()
        if stop == end and more:
            return None
        inner = text[at + 1 : stop]
        closed = stop < end and text[stop] == ">"
        if closed and _ADDRESS.fullmatch(inner):
            kept = linkable(inner, self._link_allowed)
            return self._put(f"<{kept}>" if kept else as_code(inner), stop + 1)
        if closed and _MAIL.fullmatch(inner) and linkable(f"mailto:{inner}", self._link_allowed):
            return self._put(f"<{inner}>", stop + 1)
        inert = not _TAG_START.match(inner) and not (closed and "@" in inner)
        return self._put("<" if inert else "\\<", at + 1)

    def _entity(self, view: View, at: int) -> int | None:
        text, end, more, _ = view
        match = _ENTITY.match(text, at, end)
        if match:
            hidden = hides_letters(match.group())
            return self._put("\\" + match.group() if hidden else match.group(), match.end())
        if more and _MAYBE_ENTITY.fullmatch(text, at, end):
            return None
        return self._put("&", at + 1)

    def _word(self, view: View, at: int) -> int | None:
        word = word_at(view.text, at, view.end, more=view.more, last=view.last)
        if word is None:
            return None
        if not word.address:
            return self._put(word.text, at + len(word.text))
        stays = word.alone and self._stays(word.text)
        shown = word.text.replace("\\", "")
        return self._put(word.text if stays else as_code(shown), at + len(word.text))

    def _stays(self, address: str) -> bool:
        if not address.isascii():
            return False
        if address.lower().startswith("www."):
            schemes = ("http://", "https://")
            return all(linkable(scheme + address, self._link_allowed) for scheme in schemes)
        return linkable(address, self._link_allowed) is not None


def _no_link(_url: str) -> bool:
    return False


def _unless_mention(text: str, at: int) -> str:
    """What breaks Jira's ``[~account]`` where a bracket stands before ``at``."""
    return INVISIBLE if text.startswith(("~", "\\~"), at) else ""
