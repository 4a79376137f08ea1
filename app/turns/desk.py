"""One filing under way: the rows it works on, and what it has noted for a live turn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlmodel import Session

from app.store import threads
from app.store.tables import Issue, Item, Thread
from app.stream import log
from app.stream.encoding import item_json
from app.turns.acting import Caught
from app.turns.policy import Policy

RESOLVED = "resolved"


@dataclass
class Desk:
    """See the module. Lives as long as one transaction."""

    db: Session
    thread: Thread
    issue: Issue
    policy: Policy
    app_account: str
    now: datetime
    caught: Caught = field(default_factory=Caught)

    def note_asked(self) -> None:
        """Something waits for an answer now."""
        self.caught = replace(self.caught, asked=True)

    def note_changed(self) -> None:
        """Something that a turn may have read is another text now, or none."""
        self.caught = replace(self.caught, changed=True)

    def tell(self, kind: str, item: Item) -> None:
        """Put an item's event on the thread's stream."""
        line = (kind, {"item": item_json(item)})
        log.append(self.db, self.thread.tenant_id, self.thread.id, [line], self.now)

    def take_over(self, at: datetime) -> None:
        """A person has it since then: the assistant rests. Late news shortens no rest."""
        issue, until = self.issue, at + self.policy.resume_after
        issue.spoken_at = max(issue.spoken_at, at) if issue.spoken_at else at
        issue.resting_until = max(issue.resting_until, until) if issue.resting_until else until
        issue.rested_at = max(issue.rested_at, at) if issue.rested_at else at
        issue.rest_cause = "takeover"

    def rest_for_now(self) -> None:
        """It was resolved and nobody has told us by whom: it may have been a person of the team."""
        self.issue.resting_until = self.now + self.policy.resume_after
        self.issue.rested_at, self.issue.rest_cause = self.now, RESOLVED

    def rest_no_more(self) -> None:
        """It was the customer who resolved it: what was asked beside that is answered."""
        if self.issue.rest_cause == RESOLVED:
            self.issue.resting_until, self.issue.rest_cause = None, None
            if threads.asking(self.db, self.thread.id):
                self.note_asked()
