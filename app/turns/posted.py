"""What Jira answered to a comment of ours, and where its item then stands in the thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.store.statements import sort_key


@dataclass(frozen=True)
class Posted:
    """What Jira answered."""

    comment_id: str
    created: datetime
    gone: bool = False  # somebody has deleted it already

    @property
    def sort_key(self) -> str:
        """The comment's place among the public ones: in Jira's order of ``created``."""
        tie = int(self.comment_id) if self.comment_id.isdigit() else 0
        return sort_key(self.created, tie)
