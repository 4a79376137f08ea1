"""The public keys of install tokens, from Atlassian's key hosts."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.clock import Clock
from app.errors import AppError, AuthError

log = structlog.get_logger(__name__)

TIMEOUT = 5.0
MAX_BYTES = 16 * 1024
KEPT = 100
KEPT_FOR = timedelta(hours=1)
UNKNOWN_FOR = timedelta(seconds=30)
AT_ONCE = 8


class InstallKeysUnavailable(AppError):
    """No key host could say whether it has the key. Answered 503: the install may be repeated."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A key, or None: every host said it has none, or (``unsure``) one of them did not say."""

    pem: bytes | None
    unsure: bool = False


class _Kept:
    """The newest answers, each until its time is over."""

    def __init__(self, lifetime: timedelta) -> None:
        self._lifetime = lifetime
        self._answers: OrderedDict[str, tuple[datetime, _Answer]] = OrderedDict()

    def get(self, kid: str, now: datetime) -> _Answer | None:
        since, answer = self._answers.get(kid, (None, None))
        if since is None or not since <= now < since + self._lifetime:
            return None
        self._answers.move_to_end(kid)
        return answer

    def put(self, kid: str, answer: _Answer, now: datetime) -> None:
        self._answers[kid] = (now, answer)
        self._answers.move_to_end(kid)
        if len(self._answers) > KEPT:
            self._answers.popitem(last=False)


class InstallKeys:
    """``<host>/<kid>``, host by host, remembered.

    Known and unknown ids are remembered apart: made-up ones cannot push the real keys out. That
    a host was out of reach is not remembered, so that an install goes on as soon as it is back;
    ``AT_ONCE`` bounds what a flood can ask of the hosts.
    """

    def __init__(self, hosts: Sequence[str], *, http: httpx2.AsyncClient, clock: Clock) -> None:
        self._hosts = tuple(hosts)
        self._http = http
        self._clock = clock
        self._found = _Kept(KEPT_FOR)
        self._unknown = _Kept(UNKNOWN_FOR)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def pem(self, kid: str) -> bytes:
        """The RSA public key with that id (see ``tokens.header_kid`` for what an id may be).

        Raises:
            AuthError: no host has it.
            InstallKeysUnavailable: a host did not answer as one that has or lacks a key.
        """
        async with self._slots:
            answer = self._remembered(kid) or await self._ask(kid)
        if answer.pem is not None:
            return answer.pem
        if answer.unsure:
            raise InstallKeysUnavailable("the hosts of install keys cannot be reached")
        raise AuthError("UNKNOWN_KID")

    def _remembered(self, kid: str) -> _Answer | None:
        now = self._clock.now()
        return self._found.get(kid, now) or self._unknown.get(kid, now)

    async def _ask(self, kid: str) -> _Answer:
        unsure = False
        for host in self._hosts:
            answer = await self._fetch(f"{host}/{kid}")
            if answer.pem is not None:
                self._found.put(kid, answer, self._clock.now())
                return answer
            unsure = unsure or answer.unsure
        answer = _Answer(None, unsure)
        if not unsure:
            self._unknown.put(kid, answer, self._clock.now())
        return answer

    async def _fetch(self, url: str) -> _Answer:
        try:
            async with (
                asyncio.timeout(TIMEOUT),
                self._http.stream("GET", url, follow_redirects=False, timeout=TIMEOUT) as response,
            ):
                if response.status_code in {403, 404, 410}:
                    return _Answer(None)
                body = await _bounded(response) if response.status_code == 200 else b""
        except (httpx2.HTTPError, TimeoutError) as error:
            log.warning("install_key_host_unreachable", cause=type(error).__name__)
            return _Answer(None, unsure=True)
        if not _is_rsa_public_key(body):
            log.warning("install_key_host_odd", status=response.status_code)
            return _Answer(None, unsure=True)
        return _Answer(body)


async def _bounded(response: httpx2.Response) -> bytes:
    """The body, or nothing where it is longer than any key."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            return b""
    return body


def _is_rsa_public_key(body: bytes) -> bool:
    try:
        return isinstance(load_pem_public_key(body), RSAPublicKey)
    except (ValueError, UnsupportedAlgorithm):
        return False
