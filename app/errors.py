"""Every error that crosses a room's threshold, each saying what to do next.

Nothing here knows HTTP or SQL. ``web/responses.py`` holds the one table that turns these
into answers, ``turns/outcomes.py`` the one that turns them into what becomes of a turn.
"""

from __future__ import annotations


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


class NotFound(AppError):
    """Nothing by that name within the caller's tenant."""


class BadRequest(AppError):
    """The body cannot be read. The text says which part, never what it held."""


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
