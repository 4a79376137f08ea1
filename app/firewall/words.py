"""Words, and the bare addresses among them that a renderer may turn into links by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.firewall.links import URL_CHARS

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.\-]{0,63}+")
_SCHEME = re.compile(r"\\?:\\?/\\?/")
_MAYBE_SCHEME = re.compile(r"\\?(?::\\?(?:/\\?)?)?")
_EXTENT = re.compile(rf"(?:[{URL_CHARS}\\]|[^\W_])*+")
_TAIL = re.compile(r"[^\s<]*+")
_SENTENCE_END = re.compile(r"[?!.,:;*_~'\")]*+")
_WWW = re.compile(r"(?<![a-z0-9])www\.")
_ENTITY_LIKE = re.compile(r"&#?[A-Za-z0-9]+;")
_TRIMMED = "?!.,:;*_~'\"\\"


@dataclass(frozen=True)
class Word:
    """A word, or an address.

    Args:
        text: as written; of an address without the marks that end a sentence.
        address: whether a renderer may take it for one.
        alone: whether what follows cannot be taken for part of the address.
    """

    text: str
    address: bool = False
    alone: bool = True


def word_at(text: str, at: int, end: int, *, more: bool, last: bool) -> Word | None:
    """The word at ``at``; None where text behind ``end`` could change it and ``more`` may come.

    ``last`` says that nothing stands behind ``end``.
    """
    match = _WORD.match(text, at, end)
    assert match is not None, "words begin with a letter or a digit"
    stop = match.end()
    if more and _MAYBE_SCHEME.fullmatch(text, stop, end):
        return None
    if not _begins_address(match.group().lower(), text, stop, end):
        return Word(match.group())
    extent = _EXTENT.match(text, stop, end)
    tail = _TAIL.match(text, extent.end() if extent else stop, end)
    assert extent is not None
    assert tail is not None
    if tail.end() == end and more:
        return None
    body = _without_tail(text[at : extent.end()])
    if len(body) <= stop - at and not _WWW.search(body.lower() + " "):
        return Word(match.group())
    whole = text[at : tail.end()]
    alone = (
        (tail.end() < end or last)
        and _SENTENCE_END.fullmatch(whole, len(body)) is not None
        and _ENTITY_LIKE.search(whole) is None
        and text[tail.end() : tail.end() + 1] != "<"
    )
    return Word(body, address=True, alone=alone)


def _begins_address(word: str, text: str, stop: int, end: int) -> bool:
    if _SCHEME.match(text, stop, end):
        return True
    behind = text[stop : min(stop + 2, end)]
    if word in {"mailto", "xmpp"}:
        return behind[:1] == ":" and bool(behind[1:].strip())
    if word == "www":
        return behind == "\\."
    found = _WWW.search(word)
    return found is not None and (found.end() < len(word) or bool(behind[:1].strip()))


def _without_tail(body: str) -> str:
    """Without the marks and the unmatched brackets that end a sentence, as GFM leaves them out."""
    open_brackets, close_brackets = body.count("("), body.count(")")
    stop = len(body)
    while stop:
        if body[stop - 1] == ")" and close_brackets > open_brackets:
            close_brackets -= 1
        elif body[stop - 1] not in _TRIMMED:
            break
        stop -= 1
    return body[:stop]
