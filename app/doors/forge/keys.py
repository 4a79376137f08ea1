"""The public keys of invocation tokens: one set, from Atlassian's address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx2
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from app.clock import Clock
from app.errors import AppError, AuthError

log = structlog.get_logger(__name__)

TIMEOUT = 3.0
"""Seconds: the platform waits 5 for an answer to an event."""
MAX_BYTES = 256 * 1024
KEPT = 100
FRESH_FOR = timedelta(hours=1)
PAUSE = timedelta(seconds=30)
"""Between two questions for keys, whatever is claimed meanwhile."""
MIN_BITS = 2048

Keys = Mapping[str, RSAPublicKey]


class InvocationKeysUnavailable(AppError):
    """No key is known, and the address of the keys does not answer. The call may be repeated."""


class InvocationKeys:
    """The key set, remembered. One in a process.

    It is asked for anew once it is older than ``FRESH_FOR``, and when a token names a key that is
    not in it; by one question at a time, and after each there is a pause, so that made-up ids
    ask for nothing. What was known stays known where the question fails.
    """

    def __init__(self, url: str, *, http: httpx2.AsyncClient, clock: Clock) -> None:
        self._url = url
        self._http = http
        self._clock = clock
        self._keys: Keys = {}
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._asking: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> RSAPublicKey:
        """The key with that id.

        Raises:
            AuthError: there is none.
            InvocationKeysUnavailable: nobody could say, ever yet.
        """
        if kid not in self._keys or self._is_old():
            await self._refresh()
        found = self._keys.get(kid)
        if found is not None:
            return found
        if self._fetched_at is None:
            raise InvocationKeysUnavailable("the keys of invocation tokens cannot be had")
        raise AuthError("UNKNOWN_KID")

    def _is_old(self) -> bool:
        now = self._clock.now()
        return (
            self._fetched_at is None or not self._fetched_at <= now < self._fetched_at + FRESH_FOR
        )

    def _is_paused(self) -> bool:
        now = self._clock.now()
        return self._asked_at is not None and self._asked_at <= now < self._asked_at + PAUSE

    async def _refresh(self) -> None:
        """Whoever comes while the question is under way waits for the same answer."""
        if self._asking is None:
            if self._is_paused():
                return
            self._asked_at = self._clock.now()
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._answered)
        await asyncio.shield(self._asking)

    def _answered(self, _: asyncio.Task[None]) -> None:
        self._asking = None

    async def _ask(self) -> None:
        try:
            async with (
                asyncio.timeout(TIMEOUT),
                self._http.stream("GET", self._url, follow_redirects=False) as response,
            ):
                body = await _bounded(response) if response.status_code == 200 else b""
        except (httpx2.HTTPError, TimeoutError) as error:
            log.warning("invocation_keys_unreachable", cause=type(error).__name__)
            return
        keys = read_keys(body)
        if not keys:
            log.warning("invocation_keys_odd", status=response.status_code)
            return
        self._keys, self._fetched_at = keys, self._clock.now()


def read_keys(body: bytes) -> Keys:
    """The RSA keys of a JWK set, by their ids; what cannot be one is left out."""
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    found = listed.get("keys") if isinstance(listed, dict) else None
    keys: dict[str, RSAPublicKey] = {}
    for each in found[:KEPT] if isinstance(found, list) else []:
        key = _read_key(each)
        if key is not None and isinstance(each.get("kid"), str):
            keys.setdefault(each["kid"], key)
    return keys


def _read_key(jwk: Any) -> RSAPublicKey | None:
    """A key to verify RS256 with: public, long enough, meant for signatures."""
    if not isinstance(jwk, dict) or jwk.get("kty") != "RSA":
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "RS256") != "RS256":
        return None
    try:
        public = {name: jwk[name] for name in ("kty", "n", "e")}  # never a private part
        key = RSAAlgorithm.from_jwk(public)
    except (KeyError, ValueError, TypeError, AttributeError, jwt.PyJWTError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= MIN_BITS else None


async def _bounded(response: httpx2.Response) -> bytes:
    """The body, or nothing where it is longer than any set of keys."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            return b""
    return body
