"""From errors to answers, in one table; the limits and headers that every answer shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import i18n
from app.doors.connect.install_keys import InstallKeysUnavailable
from app.doors.forge.keys import InvocationKeysUnavailable
from app.errors import (
    AppError,
    AuthError,
    BadRequest,
    BodyTooLarge,
    Conflict,
    Forbidden,
    Invalid,
    JiraError,
    JiraRateLimited,
    ModelError,
    NotFound,
    SealBroken,
    SessionRefused,
)
from app.i18n import Text, t
from app.store.schema import SchemaChanged
from app.stream.encoding import one_line
from app.web.wiring import wiring_of

log = structlog.get_logger(__name__)

MAX_BODY = 1024 * 1024
ONE_YEAR = 365 * 24 * 60 * 60
RETRY_AFTER = 5
PROBLEM = "application/problem+json"
CACHEABLE = ("/static/", "/widget.js", "/atlassian-connect.json")

API = ("/api/", "/chatkit")
"""Below these, programs read our errors; elsewhere Jira does, which wants a bare 401."""
UNAUTHORIZED, FORBIDDEN = t("Unauthorized"), t("Forbidden")
NOT_FOUND, NOT_ALLOWED = t("Not found"), t("Method not allowed")
API_401 = t(
    "Send Jira's own token for this page: Authorization: JWT, then what AP.context.getToken gave;"
    " or, from a Forge page, call it by invokeRemote. This version opens sessions by no site_key."
)

RIGHTS: dict[str, Text] = {
    "SIGNED_OUT": t("Nobody is signed in to Jira here. Sign in, then reload the page."),
    "BROWSE_PROJECTS": t("You may not see this issue in Jira (permission: Browse Projects)."),
    "ADD_COMMENTS": t("You may not comment on this issue in Jira (permission: Add Comments)."),
    "WORK": t(
        "This is for those who work the issue: agents in a service project (permission: Service"
        " Project Agent), elsewhere who may edit it (permission: Edit Issues)."
    ),
    "KEPT": t("A thread is kept as long as its issue: nobody deletes it here."),
    "ADMINISTER": t("This is for administrators of Jira (permission: Administer Jira)."),
}
"""What a person is told of the right that is missing."""

Answer = Callable[[Request, Any], Response]


class JsonAnswer(Response):
    """JSON whose texts are said in the language that the request's ``Accept-Language`` asks for.

    Every answer of the API leaves through here, so no handler knows of languages. It takes also
    what no encoding does, such as half of a surrogate pair.
    """

    def __init__(self, content: Mapping[str, Any], status: int, media_type: str) -> None:
        super().__init__(None, status, media_type=media_type)
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        language = i18n.language_of(Headers(scope=scope).get("accept-language", ""))
        self.body = one_line(i18n.said(self._content, language)).encode()
        self.headers["Content-Length"] = str(len(self.body))
        self.headers["Content-Language"] = language
        await super().__call__(scope, receive, send)


def json_response(content: Mapping[str, Any], status: int = 200) -> Response:
    """What was asked for, in the language of who asked."""
    return JsonAnswer(content, status, "application/json")


def problem(status: int, title: Text, detail: str | None = None, **more: object) -> Response:
    """RFC 9457: what went wrong, for a program and for a person. Nothing in it quotes anybody."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    told = {name: value for name, value in content.items() if value is not None}
    return JsonAnswer(told, status, PROBLEM)


def is_api(path: str, base_path: str) -> bool:
    """Whether a path, with or without our public URL's in front, is the chat API's."""
    below = path.removeprefix(base_path) if path.startswith(f"{base_path}/") else path
    return below.startswith(API) or below == "/api"


def _is_api(request: Request) -> bool:
    base_path = urlsplit(wiring_of(request).settings.app_base_url).path
    return is_api(request.scope["path"], base_path)


def _unauthentic(request: Request, _: AuthError) -> Response:
    if not _is_api(request):
        return Response(status_code=401)
    return _challenged(problem(401, UNAUTHORIZED, API_401))


def _session_refused(_: Request, error: SessionRefused) -> Response:
    if error.code == "WRONG_THREAD":
        return problem(403, FORBIDDEN, error.text, code=error.code)
    return _challenged(problem(401, UNAUTHORIZED, error.text, code=error.code))


def _challenged(response: Response) -> Response:
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _forbidden(_: Request, error: Forbidden) -> Response:
    return problem(403, FORBIDDEN, RIGHTS.get(error.code), code=error.code)


def _unavailable(_: Request, error: AppError) -> Response:
    wait = error.retry_after if isinstance(error, JiraRateLimited | ModelError) else None
    response = problem(503, t("Unavailable"), t("Try again later."))
    response.headers["Retry-After"] = str(max(1, round(wait or RETRY_AFTER)))
    return response


ANSWERS: dict[type[AppError], Answer] = {
    AuthError: _unauthentic,
    SessionRefused: _session_refused,
    Forbidden: _forbidden,
    NotFound: lambda _, error: problem(404, NOT_FOUND, error.text),
    BadRequest: lambda _, error: problem(400, t("Bad request"), error.text),
    Invalid: lambda _, error: problem(
        422, t("Unprocessable content"), error.text, fields=error.fields
    ),
    Conflict: lambda _, error: problem(409, t("Conflict"), error.text, code=error.code),
    BodyTooLarge: lambda _, __: problem(413, t("Content too large"), t("Send 1 MiB or less.")),
    InstallKeysUnavailable: _unavailable,
    InvocationKeysUnavailable: _unavailable,
    SealBroken: _unavailable,
    JiraError: _unavailable,
    ModelError: _unavailable,
}
"""The nearest class of an error decides."""


async def answer_error(request: Request, error: Exception) -> Response:
    """The answer to an error that we raised; its code goes to the log, nothing else does."""
    if not isinstance(error, AppError):
        raise error
    answer = next((ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS), None)
    if answer is None:
        raise error
    response = answer(request, error)
    write = log.error if response.status_code >= 500 else log.warning
    write(
        "request_refused",
        status=response.status_code,
        method=request.method,
        path=request.url.path,
        error=type(error).__name__,
        code=getattr(error, "code", None),
    )
    return response


async def answer_no_route(request: Request, error: Exception) -> Response:
    """The answer to an address or a method that nobody has: 404 or 405."""
    if not isinstance(error, HTTPException):
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    if not _is_api(request):
        return PlainTextResponse(phrase, error.status_code, error.headers)
    allowed = (error.headers or {}).get("Allow")
    if allowed:
        detail = t("This address takes {methods}.", methods=allowed)
    else:
        detail = t("There is no such address.")
    response = problem(error.status_code, NOT_ALLOWED if allowed else NOT_FOUND, detail)
    response.headers.update(error.headers or {})
    return response


async def answer_other_schema(request: Request, _: Exception) -> Response:
    """The answer where a newer version has migrated the database: Jira, and clients, try again."""
    log.warning("request_refused", status=503, path=request.url.path, error="SchemaChanged")
    return _unavailable(request, AppError())


EXCEPTION_HANDLERS = {
    AppError: answer_error,
    HTTPException: answer_no_route,
    SchemaChanged: answer_other_schema,
}
"""For ``Starlette(exception_handlers=…)``."""


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The body, of which no more than ``limit`` bytes are ever held.

    Raises:
        BodyTooLarge: it is longer, whether or not its header says so.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 12 or int(declared) > limit):
        raise BodyTooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge
    return bytes(body)


class Unexpected:
    """Answers what nobody foresaw with a 500 that tells nothing; the log holds the trace.

    It stands within ``SecurityHeaders``: the framework's own answer would lack them. Once an
    answer has begun it can only break off, and the error goes on to the server, which does that.
    """

    def __init__(self, app: ASGIApp, *, base_path: str) -> None:
        self._app = app
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception as error:
            if begun:
                raise
            method, path = scope["method"], scope["path"]
            log.exception("request_broke", method=method, path=path, error=type(error).__name__)
            await self._answer(path)(scope, receive, send)

    def _answer(self, path: str) -> Response:
        if is_api(path, self._base_path):
            detail = t("Something unexpected went wrong here. Try again later.")
            return problem(500, t("Internal server error"), detail)
        return PlainTextResponse("Internal Server Error", 500)


class SecurityHeaders:
    """Puts on every answer what keeps it out of caches, frames of others and referrers.

    An answer that sets one of these itself keeps its own.
    """

    def __init__(self, app: ASGIApp, *, hsts: bool) -> None:
        self._app = app
        self._hsts = hsts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cacheable = scope["path"].startswith(CACHEABLE)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                # What is kept is asked about each time, so that no old part meets a new one.
                headers.setdefault("Cache-Control", "no-cache" if cacheable else "no-store")
                if self._hsts:
                    headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR}")
            await send(message)

        await self._app(scope, receive, send_with_headers)
