"""What can go wrong at OpenAI, asked for by tests and the demo."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Literal

from app.sandbox.mischief import Mischief, Waiting

Kind = Literal[
    "rate_limited",  # 429 with Retry-After
    "insufficient_quota",  # 429 that no waiting heals
    "key_refused",  # 401
    "model_unknown",  # 404
    "too_long",  # 400, context_length_exceeded
    "refused",  # 400, for a reason of their own
    "server_error",  # 500
    "unavailable",  # 503
    "drop",  # the connection is cut after some deltas
    "hang",  # no byte comes
    "slow",  # so many seconds before each delta
    "fail",  # a response.failed event after some deltas
    "incomplete",  # cut off as if by max_output_tokens
    "filtered",  # cut off by the content filter
]
BY_STATUS: dict[int, Kind] = {
    429: "rate_limited",
    401: "key_refused",
    404: "model_unknown",
    400: "refused",
    500: "server_error",
    503: "unavailable",
}


@dataclass(frozen=True)
class Fault(Mischief):
    """One thing that goes wrong.

    Attributes:
        retry_after: seconds, the header of ``rate_limited`` and ``unavailable``; None omits it.
        after: deltas that are sent before ``drop``, ``fail``, ``incomplete`` and ``filtered``.
        seconds: before each delta, of ``slow``.
        code: of the error in ``fail``.
    """

    kind: Kind
    retry_after: int | None = 20
    after: int = 3
    seconds: float = 0.0
    code: str = "server_error"


@dataclass(frozen=True)
class ErrorAnswer:
    """An answer in OpenAI's error shape."""

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }


ANSWERS: dict[Kind, ErrorAnswer] = {
    "rate_limited": ErrorAnswer(
        429, "Rate limit reached for requests (simulated).", "requests", "rate_limit_exceeded"
    ),
    "insufficient_quota": ErrorAnswer(
        429,
        "You exceeded your current quota, please check your plan (simulated).",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "key_refused": ErrorAnswer(
        401, "Incorrect API key provided (simulated).", "invalid_request_error", "invalid_api_key"
    ),
    "model_unknown": ErrorAnswer(
        404, "The model does not exist (simulated).", "invalid_request_error", "model_not_found"
    ),
    "too_long": ErrorAnswer(
        400,
        "Your input exceeds the context window of this model (simulated).",
        "invalid_request_error",
        "context_length_exceeded",
        "input",
    ),
    "refused": ErrorAnswer(
        400, "Invalid prompt (simulated).", "invalid_request_error", "invalid_prompt"
    ),
    "server_error": ErrorAnswer(
        500, "The server had an error (simulated).", "server_error", "server_error"
    ),
    "unavailable": ErrorAnswer(503, "The engine is overloaded (simulated).", "server_error"),
}
# What every endpoint suffers, not only the answering of questions.
EVERYWHERE: frozenset[Kind] = frozenset({"key_refused", "server_error", "unavailable"})


def unknown_model(model_id: str) -> ErrorAnswer:
    return ErrorAnswer(
        404,
        f"The model '{model_id}' does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
        "model",
    )


class Faults(Waiting[Fault]):
    """The faults that still await their request."""

    def add(self, kind: Kind | int, times: int | None = 1, **details: Any) -> None:
        """Let something go wrong for the next ``times`` requests; ``details`` as in `Fault`.

        An HTTP status stands for its plainest fault: 429, 401, 404, 400, 500 or 503.
        """
        known: Kind = BY_STATUS[kind] if isinstance(kind, int) else kind
        self._put(Fault(known, times=times, **details))

    def take(self, kinds: Container[str] | None = None) -> Fault | None:
        """The fault that strikes this request, if any; of ``kinds``, when they are given."""
        return self._take(lambda fault: kinds is None or fault.kind in kinds)
