"""Text in and out of Jira: Atlassian Document Format (ADF), wiki markup, Markdown. Pure.

`to_adf` and `plain_adf` make what we write; `body_to_markdown`, `body_mentions` and `body_text`
read what people wrote, in either of the forms in which Jira hands it over.
"""

from __future__ import annotations

from app.jira.adf.nodes import JIRA_LIMIT, Node
from app.jira.adf.plain import paragraph, plain_adf
from app.jira.adf.read import mentions, plain_text, to_markdown
from app.jira.adf.render import to_adf
from app.jira.adf.wiki import wiki_mentions, wiki_to_adf, wiki_to_markdown

__all__ = [
    "JIRA_LIMIT",
    "Node",
    "body_mentions",
    "body_text",
    "body_to_markdown",
    "mentions",
    "paragraph",
    "plain_adf",
    "plain_text",
    "to_adf",
    "to_markdown",
    "wiki_mentions",
    "wiki_to_markdown",
]


def body_to_markdown(body: object) -> str:
    """A comment's or description's body as Markdown: ADF is an object, wiki markup a string."""
    return to_markdown(_as_adf(body))


def body_mentions(body: object) -> tuple[str, ...]:
    """The account ids a body mentions, each once, in order."""
    return mentions(_as_adf(body))


def body_text(body: object) -> str:
    """The words of a body alone, a line for each block."""
    return plain_text(_as_adf(body))


def _as_adf(body: object) -> object:
    if isinstance(body, str):
        return wiki_to_adf(body)
    return body if isinstance(body, dict) else None
