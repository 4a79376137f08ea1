"""Inline Markdown tokens → ADF inline nodes: marks, links that may be shown, images as words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from markdown_it.token import Token

from app.jira.adf.nodes import Node, clean, join_texts, text

LinkAllowed = Callable[[str], bool]

_MARKS = {"strong": "strong", "em": "em", "s": "strike"}
_URL = re.compile(r"(?:https?://|mailto:)[!#-;=?-\[\]^_a-z{|}~]+", re.IGNORECASE)
_BARE_URL = re.compile(r"https?://[!#-;=?-\[\]^_a-z{|}~]+", re.IGNORECASE)
_MAX_URL = 2_000
_TRAILING = ".,:;!?'*_~"
_BREAK = re.compile(r"<br[ \t]*/?>", re.IGNORECASE)


def is_link(url: str, link_allowed: LinkAllowed) -> bool:
    """Whether this URL may become a link mark.

    Only http(s) with a host and no user name before it, and mailto; only printable ASCII without
    backslashes, quotes and angle brackets, so that nobody reads another host out of it than
    `link_allowed` did; and then only what `link_allowed` lets through.
    """
    if not _URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme != "mailto" and (not host or "@" in parts.netloc):
        return False
    return link_allowed(url)


def inline_nodes(tokens: Sequence[Token], link_allowed: LinkAllowed) -> list[Node]:
    """The nodes of one paragraph, heading or cell. No text in them is empty or unclean."""
    writer = _Inline(link_allowed)
    for token in tokens:
        writer.take(token)
    return list(_with_bare_links(join_texts(writer.nodes), link_allowed))


def with_breaks(nodes: Sequence[Node]) -> Iterator[Node]:
    """The same nodes where a literal `<br>` is a hard break.

    In a table cell there is no other way to write one, and models do; elsewhere HTML is text.
    """
    for node in nodes:
        if node["type"] != "text" or {"type": "code"} in node.get("marks", []):
            yield node
            continue
        for number, part in enumerate(_BREAK.split(node["text"])):
            if number:
                yield {"type": "hardBreak"}
            if part:
                yield {**node, "text": part}


class _Inline:
    """Takes one paragraph's tokens in order; `nodes` is what they made."""

    def __init__(self, link_allowed: LinkAllowed) -> None:
        self.nodes: list[Node] = []
        self._link_allowed = link_allowed
        self._open: list[str] = []
        self._href: str | None = None
        self._link: Node | None = None
        self._link_start = 0
        self._is_auto = False

    def take(self, token: Token) -> None:
        kind, _, edge = token.type.partition("_")
        if kind == "link":
            self._open_link(token) if edge == "open" else self._close_link()
        elif kind in _MARKS and edge == "open":
            self._open.append(_MARKS[kind])
        elif kind in _MARKS and edge == "close":
            self._open.remove(_MARKS[kind])
        elif token.type == "code_inline":
            # The schema lets code combine with a link and with nothing else.
            self._say(token.content, [{"type": "code"}])
        elif token.type == "hardbreak":
            self.nodes.append({"type": "hardBreak"})
        elif token.type == "softbreak":
            self._say(" ", self._marks())
        else:
            self._say(_words(token), self._marks())

    def _marks(self) -> list[Node]:
        return [{"type": name} for name in dict.fromkeys(self._open)]

    def _say(self, words: str, marks: list[Node]) -> None:
        words = clean(words).replace("\n", " ")
        if words:
            self.nodes.append(text(words, [*marks, self._link] if self._link else marks))

    def _open_link(self, token: Token) -> None:
        self._href = clean(str(token.attrs.get("href", "")))
        self._is_auto = token.info == "auto"
        self._link_start = len(self.nodes)
        if is_link(self._href, self._link_allowed):
            self._link = {"type": "link", "attrs": {"href": self._href}}

    def _close_link(self) -> None:
        href, self._href = self._href or "", None
        label = "".join(node.get("text", "") for node in self.nodes[self._link_start :])
        if not label.strip():
            self._say(href, self._marks())
        elif self._link is None and not self._is_auto and href not in ("", label):
            self._say(f" ({href})", self._marks())
        self._link = None


def _words(token: Token) -> str:
    """The words of a text token; of an image its alt text, never its address."""
    if token.type != "image":
        return token.content
    return "".join(
        " " if child.type in ("softbreak", "hardbreak") else _words(child)
        for child in token.children or []
    )


def _with_bare_links(nodes: Sequence[Node], link_allowed: LinkAllowed) -> Iterator[Node]:
    """The same nodes where an allowed URL that stands in the text bare is a link."""
    for node in nodes:
        marks = node.get("marks", [])
        if node["type"] != "text" or any(mark["type"] in ("link", "code") for mark in marks):
            yield node
            continue
        words, done = node["text"], 0
        for match in _BARE_URL.finditer(words):
            start = match.start()
            is_part = words[max(start - 1, 0) : start].isalnum() or words[match.end() :][:1] == "\\"
            if is_part or match.end() - start > _MAX_URL:
                continue
            url = _trimmed(match.group())
            if not is_link(url, link_allowed):
                continue
            if start > done:
                yield text(words[done:start], marks)
            yield text(url, [*marks, {"type": "link", "attrs": {"href": url}}])
            done = start + len(url)
        if done < len(words):
            yield text(words[done:], marks)


def _trimmed(url: str) -> str:
    """The URL without the punctuation of the sentence around it."""
    while url:
        last = url[-1]
        opening = {")": "(", "]": "["}.get(last)
        if last not in _TRAILING and (not opening or url.count(last) <= url.count(opening)):
            break
        url = url[:-1]
    return url
