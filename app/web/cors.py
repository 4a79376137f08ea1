"""What the app's pages under Forge may ask of us: they stand on another origin than ours.

Atlassian serves a Forge app's pages from a sub-domain of its CDN; which one is an app's, no
document says. So an origin of that form is let in, and each that ``TENANT_HOSTS`` names exactly,
with its scheme: where a site on this machine serves them. An origin proves nothing: there are no
cookies, and every call shows its session.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import Settings
from app.web.responses import is_api

METHODS = "GET, POST, PUT, DELETE"
HEADERS = "Authorization, Content-Type, Last-Event-ID"
EXPOSED = "Retry-After"
MAX_AGE = 600
"""Seconds for which a browser need not ask again."""

_CDN = re.compile(r"https://[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.cdn\.prod\.atlassian-dev\.net")

IsOurs = Callable[[str], bool]


def forge_origins(settings: Settings) -> IsOurs:
    """Whether an origin may be that of a page of ours; none may while the door is closed."""
    exact = {entry.rstrip("/").lower() for entry in settings.tenant_hosts if "://" in entry}
    is_open = settings.forge_app_id is not None

    def is_ours(origin: str) -> bool:
        return is_open and (origin in exact or _CDN.fullmatch(origin) is not None)

    return is_ours


class ForgePages:
    """Answers preflights of the API, and lets our pages read its answers; nobody's cookies."""

    def __init__(self, app: ASGIApp, *, origins: IsOurs, base_path: str) -> None:
        self._app = app
        self._is_ours = origins
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_api(scope["path"], self._base_path):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        allowed = self._is_ours(origin)
        preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if preflight and allowed:
            await _preflight(origin)(scope, receive, send)
            return

        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                told.add_vary_header("Origin")
                if allowed:
                    told["Access-Control-Allow-Origin"] = origin
                    told["Access-Control-Expose-Headers"] = EXPOSED
            await send(message)

        await self._app(scope, receive, readable)


def _preflight(origin: str) -> Response:
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": HEADERS,
            "Access-Control-Max-Age": str(MAX_AGE),
            "Vary": "Origin",
        },
    )
