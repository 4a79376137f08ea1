"""How a call to Jira proves who makes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

import jwt

from app.clock import Clock
from app.doors.connect.qsh import query_string_hash

TOKEN_LIFE = timedelta(minutes=3)


class Authorizer(Protocol):
    async def headers(self, method: str, url: str) -> dict[str, str]:
        """The headers that prove a call of ``method`` to the whole ``url``, query included.

        Raises:
            JiraDenied: there is nothing to prove it with.
        """


class ConnectAuthorizer:
    """Signs each call with the tenant's shared secret: HS256, bound to method, path and query.

    Source: Atlassian, "Understanding JWT for Connect apps".
    """

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
