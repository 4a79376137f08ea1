"""What people write in these pages, as documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.sandbox.jira import adf
from app.sandbox.jira.directory import Missing
from app.sandbox.jira.model import Document, User

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

_NAME = re.compile(r"(?<!\w)@(\w+)")


def document(site: JiraSite, text: str) -> Document:
    """A paragraph for each line, where ``@agnes`` mentions her; ``@assistant`` is the app.

    Raises:
        adf.BadDocument: nothing was written, or too much.
    """
    made = adf.document(text)
    for paragraph in made["content"]:
        paragraph["content"] = [
            part for node in paragraph["content"] for part in _with_mentions(site, node["text"])
        ]
    return adf.check(made)


def _with_mentions(site: JiraSite, line: str) -> list[Document]:
    parts: list[Document] = []
    end = 0
    for found in _NAME.finditer(line):
        person = _person(site, found[1])
        if person is not None:
            parts += _words(line[end : found.start()])
            attrs = {"id": person.account_id, "text": f"@{person.display_name}"}
            parts.append({"type": "mention", "attrs": attrs})
            end = found.end()
    return parts + _words(line[end:])


def _words(text: str) -> list[Document]:
    return [{"type": "text", "text": text}] if text else []


def _person(site: JiraSite, name: str) -> User | None:
    if name.lower() == "assistant":
        return site.app_account
    try:
        return site.directory.person(name.lower())
    except Missing:
        return None
