"""Who is to be answered, by the product's contract. Pure.

Written down from it a second time, so that the product is not judged by its own word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from app.sandbox.jira import adf
from app.sandbox.tour.witness import Message, Standing, Story

MOST_REPLIES = 20
AN_HOUR = timedelta(hours=1)
_AUTOMATIC = re.compile(
    r"\W*(?:auto(?:matic|mated)?[ -]?(?:reply|response)|out of (?:the )?office"
    r"|respuesta autom[áa]tica|fuera de la oficina|abwesenheit|automatische antwort)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rules:
    """What people have set for an issue: whom the assistant answers there, and since when."""

    mode: Literal["off", "draft", "auto"]
    since: datetime
    answer_to: Literal["reporter", "everyone", "mention"] = "reporter"
    trigger_word: str = "!assistant"
    paused: bool = False


def wants_an_answer(
    message: Message, rules: Rules, story: Story, standing: Standing, app_account: str
) -> bool:
    """Whether a message is a question to the assistant, at the moment when it was said."""
    if rules.mode == "off" or message.at < rules.since:
        return False
    if message.brought is not None:
        return True  # said in the panel, to nobody else
    if standing == "app" or not message.texts[-1].strip():
        return False
    if _AUTOMATIC.match(message.texts[-1]):
        return False
    if not _is_addressed(message, rules, standing, app_account):
        return False
    rests = rules.answer_to == "reporter" and story.rests_at(message.at)
    return not rests and not _had_too_many(story, message.at)


def _is_addressed(message: Message, rules: Rules, standing: Standing, app_account: str) -> bool:
    named = list(adf.mentions(message.body))
    if any(account != app_account for account in named):
        return False
    if rules.answer_to == "mention":
        word = rules.trigger_word.casefold()
        return bool(named) or message.texts[-1].lstrip().casefold().startswith(word)
    return rules.answer_to == "everyone" or standing == "customer"


def _had_too_many(story: Story, at: datetime) -> bool:
    return sum(at - AN_HOUR < reply.at <= at for reply in story.replies.values()) >= MOST_REPLIES
