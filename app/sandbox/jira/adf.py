"""Atlassian Document Format, as far as a Jira site must know it: made from plain text, read as
plain text, and refused where it is none.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

MAX_CHARACTERS = 32_767
MAX_DEPTH = 100
_BLOCKS_IN_ORDER = "\n"

# Raises ValueError on a document that is not right. Tests hand in the whole JSON schema.
Validator = Callable[[dict[str, Any]], None]


class BadDocument(ValueError):
    """What was sent is not a document that Jira stores."""


def document(text: str) -> dict[str, Any]:
    """A document of one paragraph for each line of ``text``."""
    return {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
            for line in text.split("\n")
        ],
    }


def mentioning(account_id: str, display_name: str, text: str) -> dict[str, Any]:
    """A paragraph that begins with a mention of somebody."""
    mention = {"type": "mention", "attrs": {"id": account_id, "text": f"@{display_name}"}}
    words = {"type": "text", "text": f" {text}"}
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [mention, words]}],
    }


def check(body: object, validate: Validator | None = None) -> dict[str, Any]:
    """The document, if Jira would store it.

    The limit is counted on the document as stored, which is the stricter of two readings of
    "32,767 characters": whoever keeps it keeps the other one too.

    Raises:
        BadDocument: with the sentence that Jira answers.
    """
    if not isinstance(body, dict) or body.get("type") != "doc":
        raise BadDocument(
            "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
        )
    if body.get("version") != 1 or not isinstance(body.get("content"), list):
        raise BadDocument("INVALID_INPUT")
    for child in body["content"]:
        _check_node(child, 1)
    if not plain_text(body).strip() and not _has_media(body):
        raise BadDocument("Comment body can not be empty!")
    if len(json.dumps(body, ensure_ascii=False, separators=(",", ":"))) > MAX_CHARACTERS:
        raise BadDocument(
            "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
        )
    if validate is not None:
        try:
            validate(body)
        except ValueError as error:
            raise BadDocument("INVALID_INPUT") from error
    return body


def plain_text(node: dict[str, Any]) -> str:
    """The words alone: blocks on lines of their own, no marks, no bullets."""
    kind = node.get("type")
    attrs = node.get("attrs") or {}
    if kind == "text":
        return str(node.get("text", ""))
    if kind == "hardBreak":
        return "\n"
    if kind in {"mention", "emoji", "status", "date", "inlineCard", "blockCard"}:
        return str(attrs.get("text") or attrs.get("shortName") or attrs.get("url") or "")
    children = [child for child in node.get("content") or [] if isinstance(child, dict)]
    joint = "" if all(_is_inline(child) for child in children) else _BLOCKS_IN_ORDER
    return joint.join(plain_text(child) for child in children)


def mentions(node: dict[str, Any]) -> Iterator[str]:
    """The account ids that a document mentions."""
    if node.get("type") == "mention":
        yield str((node.get("attrs") or {}).get("id", ""))
    for child in node.get("content") or []:
        yield from mentions(child)


def wiki_text(node: dict[str, Any]) -> str:
    """As webhooks carry it: plain text, with mentions the way wiki markup writes them."""
    if node.get("type") == "mention":
        return f"[~accountid:{(node.get('attrs') or {}).get('id', '')}]"
    if not any(True for _ in mentions(node)):
        return plain_text(node)
    children = node.get("content") or []
    joint = "" if all(_is_inline(child) for child in children) else _BLOCKS_IN_ORDER
    return joint.join(wiki_text(child) for child in children)


def _check_node(node: object, depth: int) -> None:
    if depth > MAX_DEPTH or not isinstance(node, dict) or not isinstance(node.get("type"), str):
        raise BadDocument("INVALID_INPUT")
    if node["type"] == "text" and not (isinstance(node.get("text"), str) and node["text"]):
        raise BadDocument("INVALID_INPUT")
    content = node.get("content", [])
    if not isinstance(content, list):
        raise BadDocument("INVALID_INPUT")
    for child in content:
        _check_node(child, depth + 1)


def _is_inline(node: dict[str, Any]) -> bool:
    inline = {"text", "hardBreak", "mention", "emoji", "status", "date", "inlineCard"}
    return node.get("type") in inline


def _has_media(node: dict[str, Any]) -> bool:
    return "media" in str(node.get("type")) or any(map(_has_media, node.get("content") or []))
