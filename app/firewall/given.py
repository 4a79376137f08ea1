"""What a model may be given: public from internal, and three fields of an issue.

What the platform does not clearly mark as public is internal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Audience = Literal["public", "internal", "restricted"]
TurnAudience = Literal["public", "internal"]

MAX_SUMMARY = 500
MAX_DESCRIPTION = 32_767
MAX_STATUS = 100
CUT = " […]"


@dataclass(frozen=True)
class CommentMarks:
    """How Jira marks a comment, as fetched through REST, never as a webhook tells it.

    Args:
        jsd_public: the comment's ``jsdPublic``; None where Jira sends none.
        internal_property: the value of its property ``sd.public.comment``; None without one.
        restricted: whether it has any ``visibility``.
        service_project: whether its project is a service project; None where that is unknown.
    """

    jsd_public: bool | None
    internal_property: object
    restricted: bool
    service_project: bool | None


def audience_of(marks: CommentMarks) -> Audience:
    """Who may read a comment.

    Outside service projects Jira knows no internal comments and may leave ``jsdPublic`` out.
    Everywhere else only an explicit True makes a comment public.
    """
    if marks.restricted is not False:
        return "restricted"
    if _marked_internal(marks.internal_property):
        return "internal"
    if marks.jsd_public is True:
        return "public"
    if marks.jsd_public is None and marks.service_project is False:
        return "public"
    return "internal"


def _marked_internal(value: object) -> bool:
    """Whether the property says internal, or says something we do not understand."""
    if value is None:
        return False
    if not isinstance(value, Mapping):
        return True
    return value.get("internal", False) is not False


def readable(marks: CommentMarks, audience: TurnAudience) -> bool:
    """Whether a turn of this audience may read the comment; no turn reads a restricted one."""
    found = audience_of(marks)
    if audience == "internal":
        return found in {"public", "internal"}
    return audience == "public" and found == "public"


@dataclass(frozen=True)
class IssueFacts:
    """All that a model is told of an issue beside its comments. Each text is bounded."""

    summary: str
    description: str
    status: str


def issue_facts(fields: Mapping[str, object], *, markdown: Callable[[object], str]) -> IssueFacts:
    """Summary, description and the status' name out of Jira's ``fields``; nothing else.

    Args:
        fields: ``fields`` of an issue as REST v3 gives them; what is missing reads as empty.
        markdown: turns the description's ADF document into Markdown; called for it alone.
    """
    status = fields.get("status")
    description = fields.get("description")
    return IssueFacts(
        summary=_bounded(fields.get("summary"), MAX_SUMMARY),
        description=_bounded(
            description
            if description is None or isinstance(description, str)
            else markdown(description),
            MAX_DESCRIPTION,
        ),
        status=_bounded(status.get("name") if isinstance(status, Mapping) else None, MAX_STATUS),
    )


def _bounded(text: object, limit: int) -> str:
    if not isinstance(text, str):
        return ""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT
