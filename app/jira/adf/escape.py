"""Writes inline nodes as Markdown that reads back as the same words.

Rather a mark is lost than a word changed: a mark whose delimiters CommonMark would not take as
such at that place (`**(a)**b`) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from string import punctuation

_OPEN = frozenset(punctuation + " \t\n")
_SPECIAL = re.compile(
    r"""[\\`*\[\]]                            # always
    | (?<![^\W_])_ | _(?![^\W_])              # an underscore, unless within a word
    | ~(?=~|\Z) | (?<=~)~ | \A~               # strikethrough
    | <(?=[A-Za-z/!?]|\Z)                     # HTML and autolinks
    | &(?=\#?\w{1,32};|\#?\w{0,32}\Z)         # entities
    | !(?=\[|\Z)                              # an image, if a link follows
    """,
    re.VERBOSE,
)
_LINE_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_LINE_START = re.compile(
    r"""^(?:(\d{1,9})(?=[.)](?:[ \t]|$))      # an ordered list
    | (?=\#{1,6}(?:[ \t]|$)                  # a heading
       | > | [-+](?:[ \t]|$)                 # a quote, a bullet
       | =+[ \t]*$ | [-:|][-:|\ \t]*$))      # the line under a heading or a table's head
    """,
    re.MULTILINE | re.VERBOSE,
)
_BACKTICKS = re.compile(r"`+")
_URL = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)
_URL_UNSAFE = re.compile(r"[<>()\\\[\]`]")
_DELIMITERS = {"strong": "**", "em": "_", "strike": "~~"}


@dataclass(frozen=True)
class Run:
    """A piece of a line: words with the names of their marks, or Markdown as it stands (`raw`)."""

    words: str
    marks: frozenset[str] = frozenset()
    href: str = ""
    raw: bool = False

    @property
    def keys(self) -> frozenset[str]:
        return self.marks | {"link"} if self.href else self.marks


def escape(words: str, *, ends: bool = False) -> str:
    """Words as Markdown text, on one line, that means nothing but themselves.

    `ends`: nothing follows on the line, so a sign such as `!` or `&` at the end cannot begin
    anything.
    """
    words = words.replace("\n", " ")
    return _SPECIAL.sub(r"\\\g<0>", words + "\n")[:-1] if ends else _SPECIAL.sub(r"\\\g<0>", words)


def inline(runs: Sequence[Run]) -> str:
    """The runs as Markdown; line starts are not yet safe (see `paragraph`)."""
    return _nested(_merged(runs), "", "")


def paragraph(markdown: str) -> str:
    """Inline Markdown as a paragraph: no line of it begins a list, a heading, a quote, a rule."""
    markdown = _LINE_INDENT.sub("", markdown).strip(" \t\n")
    return _LINE_START.sub(r"\1\\", markdown)


def code_span(words: str) -> str:
    words = words.replace("\n", " ")
    fence = "`" * (_longest_backticks(words) + 1)
    pad = " " if words[0] in "` " or words[-1] in "` " else ""
    return f"{fence}{pad}{words}{pad}{fence}"


def code_block(words: str, language: str) -> str:
    """A fenced block that its content cannot close."""
    fence = "`" * max(3, _longest_backticks(words) + 1)
    return f"{fence}{language}\n{words}\n{fence}"


def _longest_backticks(words: str) -> int:
    return max((len(match) for match in _BACKTICKS.findall(words)), default=0)


def _merged(runs: Sequence[Run]) -> list[Run]:
    merged: list[Run] = []
    for (raw, marks, href), group in groupby(runs, lambda run: (run.raw, run.marks, run.href)):
        if raw:
            merged.extend(group)
        elif words := "".join(run.words for run in group):
            merged.append(Run(words, marks, href))
    return merged


def _nested(runs: Sequence[Run], before: str, after: str) -> str:
    """The runs between two neighbouring characters, the longest-lasting mark outermost."""
    written: list[str] = []
    at = 0
    while at < len(runs):
        mark, end = _longest_mark(runs, at)
        previous = written[-1][-1] if written else before
        following = runs[end].words[:1] if end < len(runs) else after
        if not mark:
            part = _leaf(runs[at], previous, following)
        else:
            inner = [_without(run, mark) for run in runs[at:end]]
            part = _wrap(inner, mark, runs[at].href, previous, following)
        if part:
            written.append(part)
        at = end
    return "".join(written)


def _longest_mark(runs: Sequence[Run], at: int) -> tuple[str, int]:
    """The mark to open here and where it ends; a link goes before all, code is for the leaf."""
    best, best_end = "", at + 1
    for mark in ("link", *_DELIMITERS):
        end = at
        while end < len(runs) and mark in runs[end].keys and runs[end].href == runs[at].href:
            end += 1
        if end > at and (not best or end > best_end):
            best, best_end = mark, end
        if best == "link":
            break
    return best, best_end


def _without(run: Run, mark: str) -> Run:
    return Run(run.words, run.marks - {mark}, "" if mark == "link" else run.href, run.raw)


def _wrap(inner: Sequence[Run], mark: str, href: str, before: str, after: str) -> str:
    if mark == "link":
        return _link(inner, href, before)
    delimiter = _DELIMITERS[mark]
    written = _nested(inner, delimiter[0], delimiter[0])
    core = written.strip()
    lead, _, tail = written.partition(core) if core else (written, "", "")
    before, after = (lead[-1:] or before), (tail[:1] or after)
    opens = not before or before in _OPEN
    closes = not after or after in _OPEN
    fits = core and before != delimiter[0] and after != delimiter[0]
    if mark == "em":
        fits = fits and opens and closes
    else:
        fits = fits and (opens or core[0].isalnum()) and (closes or core[-1].isalnum())
    return f"{lead}{delimiter}{core}{delimiter}{tail}" if fits else _nested(inner, before, after)


def _link(inner: Sequence[Run], href: str, before: str) -> str:
    """A Markdown link for http(s) and mailto; any other address stands in brackets behind."""
    label = _nested(inner, "[", "]")
    if not _URL.fullmatch(href):
        return _nested(inner, before, " ") + escape(f" ({href})")
    address = _URL_UNSAFE.sub(lambda match: f"%{ord(match.group()):02X}", href)
    if "".join(run.words for run in inner) == address:
        return f"<{address}>"
    return f"[{label}]({address})" if label.strip() else label


def _leaf(run: Run, before: str, after: str) -> str:
    if run.raw:
        return run.words
    if "code" in run.marks and before != "`" and run.words.strip():
        return code_span(run.words)
    if before == "]" and run.words[0] in "(:":
        # After a bracketed word these would make it a link.
        return "\\" + run.words[0] + escape(run.words[1:], ends=not after)
    return escape(run.words, ends=not after)
