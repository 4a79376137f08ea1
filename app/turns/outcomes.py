"""What becomes of a turn that did not simply succeed: one table.

A cause is a word that is stored and counted; beside it stands what a person is told, and what
helps. None of it is ever written to Jira.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.errors import (
    AppError,
    JiraDenied,
    JiraError,
    JiraNotFound,
    JiraRateLimited,
    JiraRefused,
    ModelError,
)
from app.jira.comments import ADD_COMMENT

CAUSES: dict[str, str] = {
    "rate_limited": "OpenAI asked us to slow down. It is tried again by itself.",
    "unreachable": "OpenAI could not be reached. It is tried again by itself.",
    "quota": "OpenAI's account has no credit left. Add credit at OpenAI, then run it again.",
    "key_refused": "OpenAI refused the key. Enter a valid key, then run it again.",
    "no_key": "No OpenAI key is set. Set OPENAI_API_KEY, or the tenant's own key.",
    "no_workflow": "No workflow is published. Publish one, then run it again.",
    "model_unknown": "OpenAI does not know the workflow's model. Choose another model.",
    "too_long": "The conversation is longer than the model can read.",
    "refused": "OpenAI refused the request. Check the workflow's model and instructions.",
    "incomplete": "The model ended without an answer. Raise the limit of its answer's length.",
    "empty": "The model answered with nothing.",
    "jira_unreachable": "Jira could not be reached. It is tried again by itself.",
    "jira_denied": "Jira refused the app's access. Reinstall the app, or grant it the project.",
    "jira_refused": "Jira would not take the comment.",
    "comment_cap": "The issue holds as many comments as Jira allows.",
    "not_internal": "Jira did not keep the note internal, so it was taken back at once.",
    "crashed": "The work on it ended unexpectedly several times.",
    "internal": "Something unexpected went wrong here. The log holds its trace.",
    "takeover": "A person took over.",
    "too_many_replies": "The issue had as many replies in an hour as are allowed.",
    "question_gone": "What was asked was taken back.",
    "switched_off": "The assistant was switched off here.",
    "uninstalled": "The app was disabled or uninstalled.",
    "stopped": "A person stopped it.",
    "moved": "Its answer will stand on the issue's other thread.",
}

MAX_ATTEMPTS = 5
MAX_POSTINGS = 12
"""About half an hour, by the waits below: Jira may be down for that long."""

WAITS = (1.0, 5.0, 20.0, 60.0, 300.0)
"""Seconds before the next try, by the number of tries made."""


def cause_of(error: Exception) -> str:
    """The word for what went wrong."""
    if isinstance(error, ModelError):
        return error.cause if error.cause in CAUSES else "internal"
    if isinstance(error, JiraRefused) and error.status == 413:
        return "comment_cap"
    return next((cause for kind, cause in BY_KIND.items() if isinstance(error, kind)), "internal")


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed, and what becomes of the turn.

    Attributes:
        until: try again then; None: no other try will help.
        sure: Jira, if it was asked to take the comment, has certainly done with it.
        counts: as one of the tries that a turn has.
    """

    cause: str
    until: datetime | None
    sure: bool
    counts: bool = True


def failure_of(error: Exception, tries: int, now: datetime, *, posting: bool) -> Failure:
    """What an error means for its turn.

    Args:
        error: what ended the attempt.
        tries: how many failed at this step, this one included.
        now: by our clock.
        posting: the answer is written; so it is worth more patience.
    """
    if isinstance(error, TooSoon):
        return Failure("jira_unreachable", error.until, sure=False, counts=False)
    patient = posting or isinstance(error, JiraError)  # nothing was spent on it, or all was
    wait = _wait(error, tries, MAX_POSTINGS if patient else MAX_ATTEMPTS)
    until = None if wait is None else now + wait
    return Failure(cause_of(error), until, sure=_has_certainly_not_posted(error))


def _has_certainly_not_posted(error: Exception) -> bool:
    """Whether Jira itself refused the comment; a gateway's word, or none, says nothing."""
    return isinstance(error, JiraError) and error.operation == ADD_COMMENT and not error.maybe_done


def _wait(error: Exception, tries: int, most: int) -> timedelta | None:
    if tries >= most or isinstance(error, NotInternal | JiraDenied | JiraRefused | JiraNotFound):
        return None
    asked = 0.0
    if isinstance(error, ModelError):
        if error.retry_after is None:
            return None
        asked = error.retry_after
    elif isinstance(error, JiraRateLimited):
        asked = error.retry_after
    wait = WAITS[min(tries - 1, len(WAITS) - 1)]
    jitter = random.uniform(0.8, 1.2)  # noqa: S311  (spreads retries; nothing secret)
    return timedelta(seconds=max(asked, wait * jitter))


class NotInternal(AppError):
    """Jira shows the note to customers. Its words were taken back at once."""


class TooSoon(AppError):
    """An earlier request to take the comment may still be under way: look again at ``until``."""

    def __init__(self, until: datetime) -> None:
        super().__init__("an earlier request may still be under way")
        self.until = until


class Interrupted(AppError):
    """The turn was stopped, restarted or ended beside its own work: leave everything as it is."""


BY_KIND: dict[type[Exception], str] = {
    NotInternal: "not_internal",
    JiraDenied: "jira_denied",
    JiraRefused: "jira_refused",
    JiraNotFound: "question_gone",
    JiraError: "jira_unreachable",
}
"""The first that fits; so the special stands before the general."""
