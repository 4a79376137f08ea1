"""What Forge tells an app of: https://developer.atlassian.com/platform/forge/events-reference/jira/.

The payload stands at the top level. A comment created and one edited are one event.
"""

from __future__ import annotations

from app.sandbox.jira import events
from app.sandbox.jira.events import Event
from app.sandbox.jira.representations import JSON

NAMES = {
    "comment_created": "avi:jira:commented:issue",
    "comment_updated": "avi:jira:commented:issue",
    "comment_deleted": "avi:jira:deleted:comment",
    "jira:issue_created": "avi:jira:created:issue",
    "jira:issue_updated": "avi:jira:updated:issue",
    "jira:issue_deleted": "avi:jira:deleted:issue",
}


def payload(base: str, event: Event) -> JSON:
    """One event, as the body of a call has it."""
    told = events.body(base, event)
    names = ("issue", "comment", "changelog")
    parts: JSON = {name: told[name] for name in names if name in told}
    return {"eventType": NAMES[event.name], "atlassianId": event.actor.account_id, **parts}


def lifecycle(kind: str, installation_id: str, app_id: str, installer: str) -> JSON:
    """``installed``, ``upgraded`` or ``uninstalled``."""
    return {
        "eventType": f"avi:forge:{kind}:app",
        "id": installation_id,
        "installerAccountId": installer,
        "app": {"id": app_id, "version": "1.0.0"},
        "environment": {"id": "ari:cloud:ecosystem::environment/sandbox"},
    }
