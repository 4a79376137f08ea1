"""Events on their way to an app's remote: at least once, up to four times more 60 s apart.

Unlike Jira's own webhooks any answer but success is told again, and each further try says so in
its body.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence

from app.sandbox.jira.courier import Courier, Delivery

RETRY_DELAYS = (0.1, 0.1, 0.1, 0.1)
"""Seconds; on the real platform 60 each."""

Headers = Callable[[], dict[str, str]]


class Triggers(Courier):
    """See the module; ``headers`` makes those of each try, tokens included."""

    def __init__(self, headers: Headers, retry_delays: Sequence[float] = RETRY_DELAYS) -> None:
        super().__init__(lambda _method, _url: "", retry_delays)
        self._make_headers = headers

    def _headers(self, delivery: Delivery, retry: int) -> dict[str, str]:  # noqa: ARG002  (Jira's do)
        return {
            "Content-Type": "application/json",
            "x-b3-traceid": secrets.token_hex(16),
            "x-b3-spanid": secrets.token_hex(8),
            **self._make_headers(),
        }

    def _content(self, delivery: Delivery, retry: int) -> bytes:
        if not retry:
            return delivery.body
        context = {"retryCount": retry, "retryReason": "UPSTREAM_ERROR"}
        told = {**json.loads(delivery.body), "retryContext": context}
        return json.dumps(told, ensure_ascii=False).encode()

    def _is_settled(self, status: int | None) -> bool:
        return status is not None and 200 <= status < 300
