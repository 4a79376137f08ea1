"""Which links may stay in a model's words, and how the others are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html.entities import html5
from urllib.parse import quote, urlsplit

LinkAllowed = Callable[[str], bool]

URL_CHARS = r"A-Za-z0-9;/?:@&=+$,\-_.!~*'()#%"
SHOWN_URL = 400
_ASCII = "".join(map(chr, range(33, 127)))

_PLAIN_URL = re.compile(rf"(?:[hH][tT][tT][pP][sS]?://|[mM][aA][iI][lL][tT][oO]:)[{URL_CHARS}]+")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENTITY_LIKE = re.compile(r"&#?[A-Za-z0-9]+;")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?)*")
_ESCAPED = re.compile(
    r"\\([!-/:-@\[-`{-~])|&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]{0,31}));"
)


def link_policy(source_urls: Iterable[str], allowed_hosts: Iterable[str]) -> LinkAllowed:
    """A function that says whether a link may stay a link.

    It may where it is a source to the letter, or where it is http(s) to one of the hosts.
    An entry ``*.example.com`` means every host below example.com. User names, ports, hosts
    beyond ASCII and anything that programs might read in two ways pass only as exact sources.
    """
    sources = {canonical(url) for url in source_urls if _scheme(url) in {"http", "https"}}
    entries = [host.strip().lower() for host in allowed_hosts]
    hosts = frozenset(entry for entry in entries if _HOST.fullmatch(entry))
    above = tuple(
        entry[1:] for entry in entries if entry.startswith("*.") and _HOST.fullmatch(entry[2:])
    )

    def allowed(url: str) -> bool:
        if canonical(url) in sources:
            return True
        host = _plain_host(url)
        return host is not None and (host in hosts or host.endswith(above))

    return allowed


def _scheme(url: str) -> str:
    return url.partition(":")[0].lower()


def _plain_host(url: str) -> str | None:
    """The host of an http(s) URL that every program reads alike, else None."""
    if _scheme(url) == "mailto" or not _PLAIN_URL.fullmatch(url):
        return None
    netloc = urlsplit(url).netloc.lower()
    return netloc if _HOST.fullmatch(netloc) else None


def canonical(url: str) -> str:
    """The URL with all that is not ASCII percent-encoded, as Markdown renderers write it."""
    return url if url.isascii() else quote(url, safe=_ASCII, errors="replace")


def linkable(url: str, link_allowed: LinkAllowed) -> str | None:
    """The URL to write as a link's destination, where it may be one; else None.

    Only http, https and mailto, only characters that no Markdown renderer reads in another
    way: no escapes, no entities, no blanks, no brackets.
    """
    if any(ord(char) > 127 and not char.isalnum() for char in url):
        return None
    url = canonical(url)
    plain = _PLAIN_URL.fullmatch(url) and not _BAD_PERCENT.search(url)
    return url if plain and not _ENTITY_LIKE.search(url) and link_allowed(url) else None


def destination(written: str) -> str:
    """What a Markdown renderer makes of a destination: escapes and entities resolved."""
    return _ESCAPED.sub(_resolved, written)


def _resolved(match: re.Match[str]) -> str:
    mark, decimal, hexadecimal, name = match.groups()
    if mark is not None:
        return str(mark)
    if name is not None:
        return html5.get(f"{name};", match.group())
    return _character(int(decimal) if decimal is not None else int(hexadecimal, 16))


def _character(number: int) -> str:
    return chr(number) if 0 < number <= 0x10FFFF else "\ufffd"


def hides_letters(entity: str) -> bool:
    """Whether an entity (``&…;``) stands for what addresses and mentions are written with."""
    text = destination(entity)
    return text != entity and any(
        char in ":/.~@" or (char.isascii() and char.isalnum()) for char in text
    )


def as_code(url: str) -> str:
    """The URL as a code span, which nothing turns into a link. It holds no pipe, no backtick."""
    shown = re.sub(
        rf"[^{URL_CHARS}]",
        lambda match: (
            match.group()
            if not match.group().isascii() and match.group().isalnum()
            else quote(match.group(), safe="", errors="replace")
        ),
        url[:SHOWN_URL],
    )
    return f"`{shown}{'…' if len(url) > SHOWN_URL else ''}`"
