"""A simulated Jira Cloud site: REST, webhooks, lifecycle and pages over state in memory."""

from app.sandbox.jira.site import JiraSite

__all__ = ["JiraSite"]
