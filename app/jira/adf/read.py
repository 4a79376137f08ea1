"""ADF as people write it → Markdown for the model, plain text, and who is mentioned.

Made for what a webhook may hold: any JSON at all. Unknown nodes give the text in them, nothing
raises, depth and size are bounded. The package `marklas` was tried for this: of 33 small documents
it raised on 11, lost the words of 5 more, and wrote HTML, unescaped `#` and `>` and `javascript:`
links in others.
"""

from __future__ import annotations

from app.jira.adf import escape
from app.jira.adf.blocks import BlockWriter
from app.jira.adf.words import MAX_TEXT, mentions, plain_text

__all__ = ["MAX_TEXT", "mentions", "plain_text", "to_markdown"]


def to_markdown(adf: object) -> str:
    """The document as Markdown that reads back as the same words; "" for what is no document.

    Mentions are `@name`, dates ISO, cards their address, media their alt text or `[attachment]`,
    panels quotes, an expand its title and content. A link other than http(s) and mailto is words
    with the address behind. No image, no HTML except `<br>` in a table cell.
    """
    root = {"content": adf if isinstance(adf, list) else [adf]}
    written: list[str] = []
    left = MAX_TEXT
    for part in BlockWriter(MAX_TEXT).blocks(root, 0):
        if len(part) > left:
            # Cut open, a fence would swallow what the caller writes after it.
            rest = escape.escape(part[: left // 2])
            written.append(escape.paragraph(rest))
            break
        written.append(part)
        left -= len(part) + 2
    return "\n\n".join(written)[:MAX_TEXT]
