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
    JiraTokenMissing,
    ModelError,
)
from app.i18n import Text, t
from app.jira.comments import ADD_COMMENT

CAUSES: dict[str, Text] = {
    "rate_limited": t("OpenAI asked us to slow down. It is tried again by itself."),
    "unreachable": t("OpenAI could not be reached. It is tried again by itself."),
    "quota": t("OpenAI's account has no credit left. Add credit at OpenAI, then run it again."),
    "key_refused": t("OpenAI refused the key. Enter a valid key, then run it again."),
    "host_refused": t(
        "OUTBOUND_HOSTS does not allow the key's base URL, or it leads to an address that is not"
        " public. Enter another base URL."
    ),
    "no_key": t("No OpenAI key is set. Set OPENAI_API_KEY, or the tenant's own key."),
    "no_workflow": t("No workflow is published. Publish one, then run it again."),
    "model_unknown": t("OpenAI does not know the workflow's model. Choose another model."),
    "too_long": t("The conversation is longer than the model can read."),
    "refused": t("OpenAI refused the request. Check the workflow's model and instructions."),
    "incomplete": t("The model ended without an answer. Raise the limit of its answer's length."),
    "empty": t("The model answered with nothing."),
    "jira_unreachable": t("Jira could not be reached. It is tried again by itself."),
    "jira_token_missing": t(
        "Jira has sent no token to call it with. The hourly schedule brings one; it goes on by"
        " itself."
    ),
    "jira_denied": t("Jira refused the app's access. Reinstall the app, or grant it the project."),
    "jira_refused": t("Jira would not take the comment."),
    "comment_cap": t("The issue holds as many comments as Jira allows."),
    "not_internal": t("Jira did not keep the note internal, so it was taken back at once."),
    "crashed": t("The work on it ended unexpectedly several times."),
    "internal": t("Something unexpected went wrong here. The log holds its trace."),
    "takeover": t("A person took over."),
    "paused": t("A person paused the assistant."),
    "too_many_replies": t("The issue had as many replies in an hour as are allowed."),
    "question_gone": t("What was asked was taken back."),
    "issue_gone": t("The issue was deleted, or the app may not see it any more."),
    "issue_moved": t("The issue moved, or other people may see it now."),
    "switched_off": t("The assistant was switched off here."),
    "uninstalled": t("The app was disabled or uninstalled."),
    "stopped": t("A person stopped it."),
    "moved": t("Its answer will stand on the issue's other thread."),
}

MAX_ATTEMPTS = 5
MAX_POSTINGS = 12
"""Twenty to thirty-five minutes, by the waits below: Jira may be down for that long."""

WAITS = (1.0, 5.0, 20.0, 60.0, 300.0)
"""Seconds before the next try, by the number of tries made; :func:`wait_before` spreads them."""

TOKEN_WAIT = 20.0
"""Seconds between looks for a token that Jira has not sent yet; Jira is not asked by that."""
SPREAD = 0.1
LONGEST_SPREAD = 10.0  # seconds


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


def failure_of(
    error: Exception, tries: int, now: datetime, *, posting: bool, unsure: bool = False
) -> Failure:
    """What an error means for its turn.

    Args:
        error: what ended the attempt.
        tries: how many failed at this step, this one included.
        now: by our clock.
        posting: the answer is written; so it is worth more patience.
        unsure: Jira may have it already; so not to be let in is no reason to give up.
    """
    if isinstance(error, TooSoon):
        return Failure("jira_unreachable", error.until, sure=False, counts=False)
    patient = posting or isinstance(error, JiraError)  # nothing was spent on it, or all was
    if unsure and isinstance(error, JiraDenied) and error.operation != ADD_COMMENT:
        error = JiraError(error.operation, error.status)
    wait = _wait(error, tries, MAX_POSTINGS if patient else MAX_ATTEMPTS)
    return Failure(
        cause_of(error),
        None if wait is None else now + timedelta(seconds=wait),
        sure=_has_certainly_not_posted(error),
        # Nothing is wrong with a turn that Jira has no room for yet, or sent no token for.
        counts=not isinstance(error, JiraRateLimited | JiraTokenMissing),
    )


def _has_certainly_not_posted(error: Exception) -> bool:
    """Whether Jira itself refused the comment; a gateway's word, or none, says nothing."""
    return isinstance(error, JiraError) and error.operation == ADD_COMMENT and not error.maybe_done


def _wait(error: Exception, tries: int, most: int) -> float | None:
    """Seconds until the next try; None: there is none."""
    if isinstance(error, JiraRateLimited):
        return wait_before(1, error.retry_after)
    if isinstance(error, JiraTokenMissing):
        return wait_before(1, TOKEN_WAIT)
    if tries >= most or isinstance(error, NotInternal | JiraDenied | JiraRefused | JiraNotFound):
        return None
    if isinstance(error, ModelError):
        return None if error.retry_after is None else wait_before(tries, error.retry_after)
    return wait_before(tries)


def wait_before(tries: int, asked: float = 0.0) -> float:
    """Seconds before the next of ``tries`` that failed, at least what was ``asked`` for.

    Between half and the whole of what is due, so that what failed together is not tried again
    together; and for the same reason up to a tenth, but 10 s at most, beyond what was asked.
    """
    due = WAITS[min(tries, len(WAITS)) - 1]
    spread = random.random()  # noqa: S311  (spreads retries; nothing secret)
    return max(due * (1 + spread) / 2, asked + min(asked * SPREAD, LONGEST_SPREAD) * spread)


def wait_for_jira(error: Exception, tries: int) -> float:
    """Seconds before Jira is asked again for what is unseen; it is given up by nobody."""
    if isinstance(error, JiraRateLimited):
        return wait_before(1, error.retry_after)
    if isinstance(error, JiraTokenMissing):
        return wait_before(1, TOKEN_WAIT)
    return wait_before(len(WAITS) if isinstance(error, JiraDenied) else tries)


class NotInternal(AppError):
    """Jira shows the note to customers. Its words were taken back at once."""


class TooSoon(AppError):
    """Something of ours that comes first is still under way to Jira: look again at ``until``."""

    def __init__(self, until: datetime) -> None:
        super().__init__("an earlier request is still under way")
        self.until = until


class Interrupted(AppError):
    """The turn was stopped, restarted or ended beside its own work: leave everything as it is."""


BY_KIND: dict[type[Exception], str] = {
    NotInternal: "not_internal",
    JiraTokenMissing: "jira_token_missing",
    JiraDenied: "jira_denied",
    JiraRefused: "jira_refused",
    JiraNotFound: "question_gone",
    JiraError: "jira_unreachable",
}
"""The first that fits; so the special stands before the general."""
