"""What becomes of a turn that did not simply succeed: one table.

A cause is a word that is stored and counted; beside it stands what a person is told, and what
helps. None of it is ever written to Jira.
"""

from __future__ import annotations

import random
from datetime import timedelta

from app.errors import (
    AppError,
    JiraDenied,
    JiraError,
    JiraNotFound,
    JiraRateLimited,
    JiraRefused,
    ModelError,
)

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
}

MAX_ATTEMPTS = 5
WAITS = (1.0, 5.0, 20.0, 60.0, 300.0)
"""Seconds before the next try, by the number of tries made."""


def cause_of(error: Exception) -> str:
    """The word for what went wrong."""
    if isinstance(error, ModelError):
        return error.cause if error.cause in CAUSES else "internal"
    if isinstance(error, JiraDenied):
        return "jira_denied"
    if isinstance(error, JiraRefused):
        return "comment_cap" if error.status == 413 else "jira_refused"
    if isinstance(error, JiraNotFound):
        return "question_gone"
    if isinstance(error, JiraError):
        return "jira_unreachable"
    return "internal"


def wait_before_retry(error: Exception, tries: int) -> timedelta | None:
    """How long to wait before another try, or None where none will help.

    Args:
        tries: how many were made, this one included.
    """
    if tries >= MAX_ATTEMPTS:
        return None
    asked = 0.0
    if isinstance(error, ModelError):
        if error.retry_after is None:
            return None
        asked = error.retry_after
    elif isinstance(error, JiraRateLimited):
        asked = error.retry_after
    elif isinstance(error, JiraDenied | JiraRefused | JiraNotFound):
        return None
    wait = WAITS[min(tries - 1, len(WAITS) - 1)]
    jitter = random.uniform(0.8, 1.2)  # noqa: S311  (spreads retries; nothing secret)
    return timedelta(seconds=max(asked, wait * jitter))


class Interrupted(AppError):
    """The turn was stopped, restarted or ended beside its own work: leave everything as it is."""
