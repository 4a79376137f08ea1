"""Plain paragraphs: the form that stands in where Jira refuses the rich one, and small lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from app.jira.adf.fit import fit
from app.jira.adf.nodes import JIRA_LIMIT, Node, block, clean, lines

_BLANK_LINES = re.compile(r"\n[ \t]*\n[ \t\n]*")
_MAX_INPUT = 100_000


def paragraph(text: str, *marks: str) -> dict[str, Any]:
    """One paragraph for a header or footer; line ends are breaks, `marks` such as `"em"` on all."""
    words = clean(text).strip()
    return block("paragraph", lines(words, [{"type": mark} for mark in marks]))


def plain_adf(
    text: str,
    *,
    limit: int = JIRA_LIMIT,
    header: Sequence[Node] = (),
    footer: Sequence[Node] = (),
) -> dict[str, Any]:
    """The text as it stands, a paragraph for each, cut to `limit` as `to_adf` cuts.

    Raises:
        ValueError: `limit` is too small for header and footer.
    """
    source = clean(text)
    parts = _BLANK_LINES.split(source[:_MAX_INPUT])
    blocks = [paragraph(part) for part in parts if part.strip()]
    cut = bool(source[_MAX_INPUT:].strip())
    return fit(blocks, limit=limit, header=header, footer=footer, cut=cut)
