"""The markup within a line of Jira wiki text → inline nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from app.jira.adf.nodes import Node, join_texts, text

_MAX_NESTING = 5
_URL = re.compile(r"(?:https?://|mailto:|ftp://|www\.)\S+", re.IGNORECASE)

# Each branch stops at its own closing sign or at the next opening one: no text is read twice.
_TOKEN = re.compile(
    r"""(?P<break>\\\\(?!\\))
    | \\(?P<escaped>[\\*_\-+{}\[\]!|^~?#@])
    | \{\{(?P<mono>[^{}\n]+)\}\}
    | \[~(?:accountid:)?(?P<mention>[^\[\]\s]+)\]
    | \[(?P<bracket>[^\[\]\n]+)\]
    | !(?P<image>[^\s!|][^!|\n]*\.\w{2,5})(?:\|(?P<options>[^!\n]*))?!
    | \{(?:color|anchor)(?::[^{}\n]{0,80})?\}
    | (?P<url>https?://[^\s|\[\]{}<>"]+)
    | (?<![\w*])\*(?=[^\s*])(?P<strong>[^*\n]*[^\s*])\*(?![\w*])
    | (?<![\w_])_(?=[^\s_])(?P<em>[^_\n]*[^\s_])_(?![\w_])
    | (?<![\w-])-(?=[^\s-])(?P<strike>[^\n-]*[^\s-])-(?![\w-])
    | (?<![\w+])\+(?=[^\s+])(?P<underline>[^+\n]*[^\s+])\+(?![\w+])
    """,
    re.VERBOSE,
)
_STYLES = ("strong", "em", "strike", "underline")


def wiki_inline(line: str) -> list[Node]:
    """The nodes of one line: text with marks, mentions, links, media, hard breaks."""
    return join_texts(_nodes(line, (), 0))


def _nodes(line: str, marks: Sequence[Node], depth: int) -> Iterator[Node]:
    at = 0
    for match in _TOKEN.finditer(line):
        if match.start() > at:
            yield text(line[at : match.start()], marks)
        at = match.end()
        yield from _token(match, marks, depth)
    if at < len(line):
        yield text(line[at:], marks)


def _token(match: re.Match[str], marks: Sequence[Node], depth: int) -> Iterator[Node]:
    name, value = match.lastgroup or "", match.group(match.lastgroup or 0)
    if name in _STYLES and depth < _MAX_NESTING:
        yield from _nodes(value, [*marks, {"type": name}], depth + 1)
    elif name == "break":
        yield {"type": "hardBreak"}
    elif name == "mono":
        yield text(value, [*marks, {"type": "code"}])
    elif name == "mention":
        yield {"type": "mention", "attrs": {"id": value}}
    elif name == "bracket":
        yield from _bracket(value, marks, depth)
    elif name in ("image", "options"):
        yield _image(match.group("options") or "")
    elif name in ("escaped", "url"):
        yield text(value, marks)
    elif name:
        yield text(match.group(), marks)


def _bracket(value: str, marks: Sequence[Node], depth: int) -> Iterator[Node]:
    """`[words|url]`, `[url]`, `[^file]`, `[#anchor]`; anything else is words in brackets."""
    words, bar, rest = value.partition("|")
    url = rest.split("|")[0].strip() if bar else words.strip()
    if value.startswith("^"):
        yield {"type": "mediaInline", "attrs": {"alt": words[1:].strip()}}
    elif _URL.fullmatch(url) or (bar and url):
        link: Node = {"type": "link", "attrs": {"href": url}}
        inner = [*marks, link]
        is_bare = not bar or words.strip() == url or depth >= _MAX_NESTING
        yield from [text(url, inner)] if is_bare else _nodes(words, inner, depth + 1)
    else:
        yield text(f"[{value}]", marks)


def _image(options: str) -> Node:
    """An image as its alt text, if it names one; never its address."""
    alts = (o.strip() for o in re.split(r"[|,]", options) if o.strip().startswith("alt="))
    alt = next(alts, "").removeprefix("alt=").strip("\"' ")
    return {"type": "mediaInline", "attrs": {"alt": alt}}
