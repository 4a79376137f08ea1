"""What a door brings in: something happened on an issue. Ids and times; nobody's words.

Both doors end here, so that what follows knows neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Happening = Literal[
    "comment_created",
    "comment_updated",
    "comment_deleted",
    "issue_created",
    "issue_updated",
    "issue_deleted",
]


@dataclass(frozen=True)
class Arrival:
    """One delivery, as told by Jira. Nothing in it is believed before it was fetched again.

    Attributes:
        identifier: the same over repeated deliveries; what is deduplicated on.
        actor_id: account id of whoever did it; None where the delivery does not tell.
        author_id: account id of the comment's writer.
        changed: names of the issue's fields that were changed.
    """

    identifier: str
    event: Happening
    issue_id: str
    occurred_at: datetime
    comment_id: str | None = None
    actor_id: str | None = None
    author_id: str | None = None
    changed: tuple[str, ...] = ()
