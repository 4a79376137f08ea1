"""The way to a model: whose key, which client, and what its refusals mean for us."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httpx2
import openai
from openai import AsyncOpenAI

from app.assistant.outbound import OutboundRefused
from app.clock import Clock
from app.errors import ModelError

CONNECT_SECONDS = 10.0
RATE_LIMIT_SECONDS = 20.0
RETRY_SECONDS = 5.0
LONGEST_WAIT = 3600.0

BY_STATUS = {401: "key_refused", 403: "key_refused", 404: "model_unknown", 413: "too_long"}
BY_CODE = {
    "insufficient_quota": "quota",
    "invalid_api_key": "key_refused",
    "model_not_found": "model_unknown",
    "context_length_exceeded": "too_long",
    "string_above_max_length": "too_long",
}
"""Of errors that no waiting heals."""


@dataclass(frozen=True)
class ModelAccess:
    """A tenant's own key, or the operator's, and the model where the workflow names none.

    ``guarded`` where a tenant named the base URL: then ``OUTBOUND_HOSTS`` is asked, see
    ``outbound.py``.
    """

    api_key: str = field(repr=False)
    base_url: str
    model: str
    guarded: bool = False


Carrier = Callable[[ModelAccess], httpx2.AsyncClient | None]
"""Makes what carries a client's requests; None takes a plain one."""


def make_client(
    access: ModelAccess, *, timeout: float, http_client: httpx2.AsyncClient | None = None
) -> AsyncOpenAI:
    """A client that asks once: retries belong to the turn.

    Args:
        access: whose key, and where to.
        timeout: seconds of silence that are borne, before the answer and within it.
        http_client: carries the requests instead of a plain one; the client closes it.
    """
    return AsyncOpenAI(
        api_key=access.api_key,
        base_url=access.base_url,
        timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
        max_retries=0,
        http_client=http_client,
    )


@dataclass
class _Kept:
    client: AsyncOpenAI
    users: int = 0


class ModelClients:
    """One client a tenant and key, so that connections are reused and never shared.

    Args:
        timeout: as of `make_client`.
        most_idle: clients that are kept while nobody uses them.
        http_client: makes what carries a client's requests.
    """

    def __init__(
        self,
        *,
        timeout: float,
        most_idle: int = 64,
        http_client: Carrier | None = None,
    ) -> None:
        self._timeout = timeout
        self._most_idle = most_idle
        self._http_client = http_client
        self._kept: dict[tuple[str, str], _Kept] = {}  # the one used last stands last

    @asynccontextmanager
    async def use(self, tenant_id: str, access: ModelAccess) -> AsyncIterator[AsyncOpenAI]:
        """The tenant's client, open at least until the block ends."""
        key = (tenant_id, _digest(access.base_url, access.api_key))
        kept = self._kept.pop(key, None) or _Kept(self._make(access))
        self._kept[key] = kept
        kept.users += 1
        try:
            yield kept.client
        finally:
            kept.users -= 1
            await self._close_surplus(tenant_id)

    async def close(self) -> None:
        """Close all. Nothing may be under way."""
        while self._kept:
            _, kept = self._kept.popitem()
            await kept.client.close()

    def _make(self, access: ModelAccess) -> AsyncOpenAI:
        carrier = self._http_client(access) if self._http_client else None
        return make_client(access, timeout=self._timeout, http_client=carrier)

    async def _close_surplus(self, tenant_id: str) -> None:
        """Idle clients: of a key that this tenant has replaced, and the oldest beyond the cap."""
        newest = next(key for key in reversed(self._kept) if key[0] == tenant_id)
        idle = [key for key, kept in self._kept.items() if kept.users == 0]
        surplus = [key for key in idle if key[0] == tenant_id and key != newest]
        rest = [key for key in idle if key not in surplus]
        for key in [*surplus, *rest[: max(0, len(rest) - self._most_idle)]]:
            await self._kept.pop(key).client.close()


def explain(error: BaseException, clock: Clock) -> ModelError:
    """What an error of the client or of the Agents SDK means; nothing of its text is kept."""
    if isinstance(error, openai.APIStatusError):
        return _by_status(error, clock)
    if isinstance(error.__cause__, OutboundRefused):
        return ModelError("host_refused", retry_after=None)
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError):
        return ModelError("unreachable", retry_after=RETRY_SECONDS)
    if isinstance(error, openai.APIError):  # an error event within a stream
        return explain_code(error.code)
    return ModelError("internal", retry_after=None)


def may_have_cost(error: BaseException) -> bool:
    """Whether the model may have worked before this; not where it refused, or was not reached."""
    if isinstance(error, openai.APIStatusError):
        return False
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    return not isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def explain_code(code: str | None) -> ModelError:
    """What an error that came within a stream means, by OpenAI's ``code``."""
    if code == "rate_limit_exceeded":
        return ModelError("rate_limited", retry_after=RATE_LIMIT_SECONDS)
    if code in {None, "server_error"}:
        return ModelError("unreachable", retry_after=RETRY_SECONDS)
    return ModelError(BY_CODE.get(str(code), "refused"), retry_after=None)


def _by_status(error: openai.APIStatusError, clock: Clock) -> ModelError:
    status = error.status_code
    if "insufficient_quota" in {error.code, error.type}:
        return ModelError("quota", retry_after=None)
    if status == 429:
        return ModelError("rate_limited", retry_after=_wait(error, clock, RATE_LIMIT_SECONDS))
    if status in {408, 409} or status >= 500:
        return ModelError("unreachable", retry_after=_wait(error, clock, RETRY_SECONDS))
    if status in BY_STATUS:
        return ModelError(BY_STATUS[status], retry_after=None)
    if error.code in BY_CODE:
        return ModelError(BY_CODE[error.code], retry_after=None)
    return ModelError("refused", retry_after=None)


def _wait(error: openai.APIStatusError, clock: Clock, otherwise: float) -> float:
    """Seconds, from either form of ``Retry-After``."""
    value = error.response.headers.get("retry-after", "")
    if value.isdecimal():
        return min(float(value), LONGEST_WAIT)
    try:
        seconds = (parsedate_to_datetime(value) - clock.now()).total_seconds()
    except (ValueError, TypeError):
        return otherwise
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
