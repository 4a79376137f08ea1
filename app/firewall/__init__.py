"""What a model may be given, and what may be shown of its words. Pure.

``given`` tells public from internal and picks what a turn may read; ``shown`` takes from a
model's Markdown everything that loads, mentions or leads astray; ``links`` says which links
may stay.
"""

from __future__ import annotations

from app.firewall.given import (
    Audience,
    CommentMarks,
    IssueFacts,
    TurnAudience,
    audience_of,
    issue_facts,
    readable,
)
from app.firewall.links import LinkAllowed, link_policy
from app.firewall.shown import ReplyCleaner, clean

__all__ = [
    "Audience",
    "CommentMarks",
    "IssueFacts",
    "LinkAllowed",
    "ReplyCleaner",
    "TurnAudience",
    "audience_of",
    "clean",
    "issue_facts",
    "link_policy",
    "readable",
]
