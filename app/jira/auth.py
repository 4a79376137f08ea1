"""How a call to Jira proves who makes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

import jwt

from app.clock import Clock
from app.doors.connect.qsh import query_string_hash
from app.errors import JiraTokenMissing

TOKEN_LIFE = timedelta(minutes=3)
SPENT_BEFORE = timedelta(seconds=30)
"""A token that ends sooner is not sent any more: the call takes a while."""


class Authorizer(Protocol):
    """``bearer``: what it proves a call with was given to us, ends, and cannot be made anew."""

    bearer: ClassVar[bool]

    async def headers(self, method: str, url: str) -> dict[str, str]:
        """The headers that prove a call of ``method`` to the whole ``url``, query included.

        Raises:
            JiraTokenMissing: there is nothing to prove it with now.
        """


class ConnectAuthorizer:
    """Signs each call with the tenant's shared secret: HS256, bound to method, path and query.

    Source: Atlassian, "Understanding JWT for Connect apps".
    """

    bearer: ClassVar[bool] = False

    def __init__(self, app_key: str, shared_secret: str, base_url: str, clock: Clock) -> None:
        """``base_url`` is the tenant's; a path that it ends in is no part of the hash."""
        self._app_key = app_key
        self._shared_secret = shared_secret
        self._base_path = urlsplit(base_url).path
        self._clock = clock

    async def headers(self, method: str, url: str) -> dict[str, str]:
        parts = urlsplit(url)
        now = self._clock.now()
        claims = {
            "iss": self._app_key,
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFE).timestamp()),
            "qsh": query_string_hash(method, parts.path, parts.query, base_path=self._base_path),
        }
        token = jwt.encode(claims, self._shared_secret, algorithm="HS256")
        return {"Authorization": f"JWT {token}"}


class BearerAuthorizer:
    """Sends a token that Forge handed to us, as long as it lasts.

    Source: Atlassian, "Calling Atlassian app APIs from a remote".
    """

    bearer: ClassVar[bool] = True

    def __init__(self, token: str | None, expires_at: datetime | None, clock: Clock) -> None:
        """Both None where none ever came."""
        self._token = token
        self._expires_at = expires_at
        self._clock = clock

    async def headers(self, method: str, url: str) -> dict[str, str]:  # noqa: ARG002  (any call)
        now = self._clock.now()
        if self._token is None or self._expires_at is None or self._expires_at - now < SPENT_BEFORE:
            raise JiraTokenMissing("authorize")
        return {"Authorization": f"Bearer {self._token}"}
