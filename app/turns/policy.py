"""What an admin set, as the decisions see it. Pure.

A tenant's settings, its project's, and where set the request or issue type's are laid over
each other; what nobody set has the contract's default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["off", "draft", "auto"]
AnswerTo = Literal["reporter", "everyone", "mention"]
ReplyAs = Literal["public", "internal", "draft", "private"]

SETTLE_AT_MOST = timedelta(seconds=10)
FILL = 50
"""How many comments a thread is first filled with."""


class Policy(BaseModel):
    """What holds for one issue."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mode: Mode = "off"
    mode_since: datetime
    answer_to: AnswerTo = "reporter"
    trigger_word: str = "!assistant"
    reply_audience: Literal["internal", "public"] = "internal"
    answer_within: timedelta = timedelta(hours=1)
    settle_for: timedelta = timedelta(seconds=2)
    resume_after: timedelta = timedelta(hours=24)
    max_replies: int = Field(default=20, ge=1)
    attribution: bool = True

    def reply_as(self, *, service_project: bool | None) -> ReplyAs:
        """What becomes of an answer. Where the project's kind is unknown: a note, if at all."""
        return self.stands(service_project=service_project) if self.mode == "auto" else "draft"

    def stands(self, *, service_project: bool | None) -> Literal["public", "internal"]:
        """How an answer stands in Jira once it is posted, whoever decides that it is."""
        if service_project is False or self.reply_audience == "public":
            return "public"
        return "internal"


def lay_over(mode: Mode, mode_since: datetime, *layers: Mapping[str, Any]) -> Policy:
    """The policy of layers of settings, the later ones above the earlier."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    return Policy.model_validate({**merged, "mode": mode, "mode_since": mode_since})
