"""Every error that crosses a room's threshold, each saying what to do next.

Nothing here knows HTTP or SQL. ``web/responses.py`` holds the one table that turns these
into answers, ``turns/outcomes.py`` the one that turns them into what becomes of a turn.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.i18n import Text, t

GONE = t("There is nothing of that name here, or not any more.")


class AppError(Exception):
    """Base of all errors that the product raises on purpose."""


class SettingsError(AppError):
    """A setting is missing or bad. The text is the one line an operator reads."""


class AuthError(AppError):
    """A request is not authentic. The answer is a bare 401; ``code`` goes to the log alone.

    Args:
        code: upper-case and stable, such as ``INVALID_QSH``; it never holds what was sent.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Forbidden(AppError):
    """The caller is known but lacks the right. ``code`` names the right that is missing."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Told(AppError):
    """Base of the errors whose text is for people, in their language.

    Args:
        text: why, and what helps; it repeats nothing of what was sent.
    """

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text


class NotFound(Told):
    """Nothing by that name within the caller's tenant."""

    def __init__(self, text: Text = GONE) -> None:
        super().__init__(text)


class BadRequest(AppError):
    """The body cannot be read. The text says which part, never what it held.

    Mostly Jira's programs are told so; a text by ``t`` is said in the caller's language.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Invalid(Told):
    """The body is readable and not to be taken. Answered 422.

    Args:
        text: what to write instead; never what was written.
        fields: the same by the name of each field that is wrong, for the form beside it.
    """

    def __init__(self, text: Text, fields: Mapping[str, Text] | None = None) -> None:
        super().__init__(text)
        self.fields = fields or {}


class Conflict(Told):
    """It cannot be done as things stand now. Answered 409.

    Args:
        code: stable and lower-case, such as ``switched_off``.
        text: why, and what helps.
    """

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(text)
        self.code = code


class SessionRefused(Told):
    """A session of ours is over, forged, or for something else. Answered 401 or 403.

    Args:
        code: upper-case and stable, such as ``SESSION_EXPIRED``.
        text: what to do; no secret and nothing that was sent.
    """

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(text)
        self.code = code


class BodyTooLarge(AppError):
    """More bytes than a door takes. Answered 413."""


class SealBroken(AppError):
    """A sealed secret does not open: wrong tenant, wrong field, or its key is gone.

    Restore the key in ``SECRET_KEYS`` that sealed it.
    """


class LeaseLost(AppError):
    """Another worker holds the thread now: stop at once and write nothing more."""


class JiraError(AppError):
    """Jira did not do what was asked.

    Args:
        status: the HTTP status, or None where no answer came.
        operation: what was tried, such as ``add comment``; no address and no content.
        maybe_done: True where the request may have taken effect although no answer came.
    """

    def __init__(
        self, operation: str, status: int | None = None, *, maybe_done: bool = False
    ) -> None:
        super().__init__(f"Jira: {operation}: {status if status is not None else 'no answer'}")
        self.operation = operation
        self.status = status
        self.maybe_done = maybe_done


class JiraUnavailable(JiraError):
    """No answer, or a 5xx: worth another try later."""


class JiraTokenMissing(JiraUnavailable):
    """No token to call Jira with is held, or Jira takes it no more. The hourly schedule brings
    one, a person's own comes with the next session.
    """


class JiraRateLimited(JiraError):
    """429. ``retry_after`` is in seconds; ``reason`` is Jira's ``RateLimit-Reason`` or None."""

    def __init__(self, operation: str, retry_after: float, reason: str | None = None) -> None:
        super().__init__(operation, 429)
        self.retry_after = retry_after
        self.reason = reason


class JiraDenied(JiraError):
    """401 or 403: the app's access was taken away. Reinstall it, or grant what is missing."""


class JiraNotFound(JiraError):
    """404: deleted, moved out of sight, or never there."""


class JiraRefused(JiraError):
    """Another 4xx: Jira will not take this, however often it is asked (413: comment cap)."""


class ModelError(AppError):
    """The model gave no answer.

    Args:
        cause: one of ``causes`` in ``turns/outcomes.py``: what a person is told.
        retry_after: seconds to wait, or None where no other try will help.
    """

    def __init__(self, cause: str, *, retry_after: float | None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.retry_after = retry_after
