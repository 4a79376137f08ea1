"""What a CommonMark and GFM parser with HTML on makes of a text: the judge of the cleaner."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.firewall import LinkAllowed

# As GFM and linkify-it find addresses in plain text, and a little wider.
_BARE = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:https?|ftp)://|www\.(?=[A-Za-z0-9]))[^\s<]+", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[?!.,:;*_~'\")\\]+$")


class _Judge(MarkdownIt):
    """A parser that, unlike markdown-it, takes ``javascript:`` and ``data:`` for links too."""

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802  (markdown-it's)
        return True


def parser() -> MarkdownIt:
    return _Judge("commonmark", {"html": True}).enable(["table", "strikethrough"])


_PARSER = parser()


def tokens(text: str) -> Iterator[Token]:
    yield from _all(_PARSER.parse(text))


def _all(some: Sequence[Token]) -> Iterator[Token]:
    for token in some:
        yield token
        yield from _all(token.children or [])


def dangers(text: str, allowed: LinkAllowed) -> list[str]:
    """Every image, piece of HTML, and link that is not allowed; of bare addresses too."""
    found = [
        f"{token.type}: {token.content}"
        for token in tokens(text)
        if token.type in {"image", "html_inline", "html_block"}
    ]
    links = [str(token.attrs["href"]) for token in tokens(text) if token.type == "link_open"]
    found += [f"link: {link}" for link in links if not allowed(link)]
    for token in _PARSER.parse(text):
        if token.type == "inline":
            bare = [match.group() for match in _BARE.finditer(_unlinked(token.children or []))]
            found += [f"bare: {address}" for address in bare if not _may_stand(address, allowed)]
    return found


def _unlinked(children: Sequence[Token]) -> str:
    """The plain text that is neither a link's nor code."""
    within, text = 0, ""
    for child in children:
        within += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        text += child.content if child.type == "text" and not within else "\n"
    return text


def _may_stand(address: str, allowed: LinkAllowed) -> bool:
    trimmed = _SENTENCE_END.sub("", address)
    if trimmed.lower().startswith("www."):
        trimmed = f"http://{trimmed}"
    # A scheme without a host is no address; a bracket may belong to it or to the sentence.
    return trimmed.endswith((":/", "://")) or allowed(trimmed) or allowed(f"{trimmed})")
