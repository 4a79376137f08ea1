"""One call to one tenant's Jira, and what may come of it.

Whatever Jira or the network does, a caller sees decoded JSON or one of the ``JiraError``s. Bodies,
queries and tokens reach neither a log nor an exception.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

import httpx2
import structlog
from stamina import AsyncRetryingCaller

from app.clock import Clock
from app.errors import (
    JiraDenied,
    JiraError,
    JiraNotFound,
    JiraRateLimited,
    JiraRefused,
    JiraTokenMissing,
    JiraUnavailable,
)
from app.jira import answers
from app.jira.auth import Authorizer, BearerAuthorizer, ConnectAuthorizer
from app.jira.limits import Limits, retry_after

log = structlog.get_logger(__name__)

MAX_ANSWER = 5 * 2**20  # bytes, unpacked
TIMEOUT = httpx2.Timeout(20.0, connect=5.0, pool=5.0)
WHOLE_CALL = 45.0  # seconds, however slowly the bytes drip

# One quick second try, and none after a first that was slow to fail.
_quickly = AsyncRetryingCaller(
    attempts=2, timeout=2.0, wait_initial=0.1, wait_max=0.5, wait_jitter=0.4
)

# Nothing was sent when these are raised.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)
_SENDING = (".send_request_headers.started", ".send_request_body.started")
Params = Mapping[str, str | int | Sequence[str]]

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
_ISSUE = re.compile(r"/rest/(?:api/3/issue|servicedeskapi/request)/([^/]+)(?:/|$)")


@dataclass(frozen=True)
class _Call:
    operation: str
    method: str
    path: str
    params: Params | None
    content: bytes | None
    ok: tuple[int, ...]
    repeatable: bool  # done twice, it is as if done once

    @property
    def issue(self) -> str | None:
        """The issue that is written to, as the path has it; None of a read."""
        found = None if self.method == "GET" else _ISSUE.match(self.path)
        return found and found[1]


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: httpx2.Headers
    body: bytes | None  # None: none was read, or it is too long to be read


class JiraClient:
    """Jira as one tenant's app sees it.

    Args:
        base_url: the tenant's, or the API base of its Forge installation.
        http: shared by all tenants; its cookies and redirects are not used.
        limits: shared by all tenants.
        tenant: our id of the tenant, for limits and logs.
    """

    def __init__(
        self,
        base_url: str,
        authorizer: Authorizer,
        *,
        http: httpx2.AsyncClient,
        clock: Clock,
        limits: Limits,
        tenant: str,
    ) -> None:
        self.tenant = tenant
        self._base_url = base_url.rstrip("/")
        self._authorizer = authorizer
        self._http = http
        self._clock = clock
        self._limits = limits
        self._check: Callable[[], None] | None = None

    @property
    def by_bearer(self) -> bool:
        """Whether Jira tells who we call as, and nothing of what anybody else may do."""
        return self._authorizer.bearer

    def checked(self, check: Callable[[], None]) -> JiraClient:
        """This client, calling ``check`` at the last moment before it sends anything.

        That is when the connection stands, before the head of a request and again before its body.
        What ``check`` raises is raised; Jira then has no whole request, and can do nothing.
        """
        client = copy(self)
        client._check = check  # noqa: SLF001  (another of this class)
        return client

    async def request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        ok: tuple[int, ...] = (200, 201, 204),
        idempotent: bool | None = None,
    ) -> object:
        """Decoded JSON, or None where the answer is empty.

        A read that finds Jira unavailable is tried once more within a second; nothing else is
        ever repeated here.

        Args:
            operation: what is done, for logs and errors: fixed words, nobody's data.
            method: in upper case.
            path: from ``/rest``; ids in it have passed ``segment``.
            params: the query; what has several values stands there as often.
            json: the body; None for none.
            ok: the statuses that are success.
            idempotent: whether doing it twice is as doing it once; GET is, unless told.

        Raises:
            JiraRateLimited: 429; or our own share is spent or Jira's pause not over, and nothing
                was sent.
            JiraTokenMissing: there is no token to call with, or Jira takes it no more.
            JiraDenied: 401 or 403.
            JiraNotFound: 404.
            JiraRefused: another 4xx, or a redirect.
            JiraUnavailable: no answer, a 5xx, or an answer that cannot be read.
        """
        call = _Call(
            operation,
            method,
            path,
            params or None,
            None if json is None else answers.encode(json),
            ok,
            repeatable=method == "GET" if idempotent is None else idempotent,
        )
        if method == "GET" and call.repeatable:
            return await _quickly(_may_pass, self._once, call)
        return await self._once(call)

    async def before_write(self, operation: str, issue_id: str) -> None:
        """Wait for one more write to the issue to fit Jira's limit, 2.5 s at most.

        Raises:
            JiraRateLimited: it will not fit within that; nothing was sent.
        """
        await self._limits.before_write(operation, self.tenant, issue_id)

    async def _once(self, call: _Call) -> object:
        most = answers.most_points(call.method, call.params or {})
        held = await self._limits.before_call(
            call.operation, call.method, self.tenant, call.issue, most
        )
        began = perf_counter()
        status, points = None, 1
        try:
            reply = await self._exchange(call)
            status = reply.status
            answer = self._judge(call, reply)
            points = answers.points(call.method, answer)
        except JiraRateLimited as error:
            await self._limits.told(self.tenant, call.issue, error)
            raise
        else:
            return answer
        finally:
            self._limits.settle(call.operation, self.tenant, held, points)
            log.info(
                "jira_request",
                tenant=self.tenant,
                operation=call.operation,
                status=status,
                duration=round(perf_counter() - began, 3),
                points=points,
            )

    async def _exchange(self, call: _Call) -> _Reply:
        """Send and receive; the body is read only where the status is success."""
        try:
            async with asyncio.timeout(WHOLE_CALL):
                request = await self._signed(call)
                response = await self._http.send(
                    request, stream=True, auth=None, follow_redirects=False
                )
                try:
                    body = await _read(response) if response.status_code in call.ok else None
                finally:
                    await response.aclose()
        except _NOT_SENT:
            raise JiraUnavailable(call.operation) from None
        except (httpx2.HTTPError, TimeoutError):
            raise JiraUnavailable(call.operation, maybe_done=not call.repeatable) from None
        return _Reply(response.status_code, response.headers, body)

    async def _signed(self, call: _Call) -> httpx2.Request:
        """Built by hand rather than by the client, which would add other tenants' cookies."""
        url = httpx2.URL(self._base_url + call.path, params=call.params)
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "jira-chatkit",
            **({} if call.content is None else {"Content-Type": "application/json"}),
            **await self._authorizer.headers(call.method, str(url)),
        }
        return httpx2.Request(
            call.method,
            url,
            headers=headers,
            content=call.content,
            extensions={"timeout": TIMEOUT.as_dict(), "trace": self._before_sending},
        )

    async def _before_sending(self, event: str, _: Mapping[str, object]) -> None:
        """Called with each step of the exchange: https://www.python-httpx.org/advanced/extensions."""
        if self._check is not None and event.endswith(_SENDING):
            self._check()

    def _judge(self, call: _Call, reply: _Reply) -> object:
        if reply.status in call.ok and reply.body is not None:
            try:
                return answers.decode(reply.body)
            except ValueError:
                pass
        raise self._error(call, reply)

    def _error(self, call: _Call, reply: _Reply) -> JiraError:
        status = reply.status
        if status == 429:
            wait = retry_after(reply.headers, self._clock.now())
            return JiraRateLimited(call.operation, wait, _reason(reply.headers))
        if status == 401 and self.by_bearer:
            return JiraTokenMissing(call.operation, status)
        if status in {401, 403}:
            return JiraDenied(call.operation, status)
        if status == 404:
            return JiraNotFound(call.operation, status)
        if 300 <= status < 500 and status != 408:
            return JiraRefused(call.operation, status)
        return JiraUnavailable(call.operation, status, maybe_done=not call.repeatable)


class TenantView(Protocol):
    """What a client needs to know of a tenant."""

    @property
    def id(self) -> str: ...

    @property
    def base_url(self) -> str: ...


def client_for(
    tenant: TenantView,
    app_key: str,
    shared_secret: str,
    *,
    http: httpx2.AsyncClient,
    clock: Clock,
    limits: Limits,
) -> JiraClient:
    """A client for a tenant that came through the Connect door."""
    authorizer = ConnectAuthorizer(app_key, shared_secret, tenant.base_url, clock)
    return JiraClient(
        tenant.base_url, authorizer, http=http, clock=clock, limits=limits, tenant=tenant.id
    )


def bearer_client(
    tenant: str,
    api_base_url: str,
    authorizer: BearerAuthorizer,
    *,
    http: httpx2.AsyncClient,
    clock: Clock,
    limits: Limits,
) -> JiraClient:
    """A client by a token that Forge handed to us, for the app or for one person."""
    return JiraClient(
        api_base_url, authorizer, http=http, clock=clock, limits=limits, tenant=tenant
    )


def segment(operation: str, value: str) -> str:
    """``value``, fit to stand in a path.

    Raises:
        JiraNotFound: no id or key is written like that.
    """
    if not _SEGMENT.fullmatch(value):
        raise JiraNotFound(operation, 404)
    return value


def _may_pass(error: Exception) -> bool:
    """Whether a second try within a second may help."""
    return isinstance(error, JiraUnavailable) and not isinstance(error, JiraTokenMissing)


async def _read(response: httpx2.Response) -> bytes | None:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER:
            return None
    return bytes(body)


def _reason(headers: httpx2.Headers) -> str | None:
    """Jira's word for the limit; anything but a plain word is not passed on."""
    reason = headers.get("ratelimit-reason", "")
    return reason if re.fullmatch(r"[a-z-]{1,64}", reason) else None
