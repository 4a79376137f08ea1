"""What webhooks carry: https://developer.atlassian.com/cloud/jira/platform/webhooks/.

As on the real site a comment's body is wiki or plain text here, never a document, and
``jsdPublic`` is true whatever the comment is: nobody may decide confidentiality from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.sandbox.jira import adf, representations
from app.sandbox.jira.model import Comment, Issue, User
from app.sandbox.jira.representations import JSON


@dataclass(frozen=True)
class Change:
    """One line of a changelog; ``source`` and ``target`` are pairs of id and shown text."""

    field: str
    source: tuple[str | None, str | None]
    target: tuple[str | None, str | None]


@dataclass(frozen=True)
class Event:
    """Something that happened and that an app may have asked to be told of."""

    name: str
    moment: datetime
    actor: User
    issue: Issue
    comment: Comment | None = None
    changes: tuple[Change, ...] = ()
    change_id: str = ""
    kind: str | None = None


def body(base: str, event: Event, *, with_issue: bool = True) -> JSON:
    """The envelope. ``with_issue`` decides for comments alone; the real site's habit is not
    documented.
    """
    payload: JSON = {
        "timestamp": int(event.moment.timestamp() * 1000),
        "webhookEvent": event.name,
    }
    if event.kind is not None:
        payload["issue_event_type_name"] = event.kind
    payload["user"] = representations.user(base, event.actor)
    if event.comment is None or with_issue:
        payload["issue"] = _issue(base, event)
    if event.comment is not None:
        payload["comment"] = _comment(base, event.comment)
    if event.changes:
        payload["changelog"] = {
            "id": event.change_id,
            "items": [_change(change) for change in event.changes],
        }
    return payload


def _comment(base: str, comment: Comment) -> JSON:
    shown = representations.comment(base, comment)
    shown["self"] = f"{base}/rest/api/2/issue/{comment.issue_id}/comment/{comment.id}"
    shown["body"] = adf.wiki_text(comment.body)
    shown["jsdPublic"] = True
    return shown


def _issue(base: str, event: Event) -> JSON:
    issue = event.issue
    if event.comment is None:
        shown = representations.issue(base, issue)
        shown["fields"]["description"] = adf.wiki_text(issue.description)
    else:
        brief = ("summary", "issuetype", "project", "assignee", "status")
        shown = representations.issue(base, issue, brief)
    shown["self"] = f"{base}/rest/api/2/{issue.id}"
    return shown


def _change(change: Change) -> JSON:
    return {
        "field": change.field,
        "fieldtype": "jira",
        "fieldId": change.field,
        "from": change.source[0],
        "fromString": change.source[1],
        "to": change.target[0],
        "toString": change.target[1],
    }
