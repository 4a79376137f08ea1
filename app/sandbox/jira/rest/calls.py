"""From a request to a checked call, and from what came of it to an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.sandbox.jira import limits, tokens
from app.sandbox.jira.adf import BadDocument
from app.sandbox.jira.directory import Missing
from app.sandbox.jira.forge.tokens import BadToken
from app.sandbox.jira.model import Issue, Project, User

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

Scope = Literal["READ", "WRITE"]
NO_ISSUE = "Issue does not exist or you do not have permission to see it."
UNAUTHENTICATED = "Client must be authenticated to access this resource."


class Refused(Exception):
    """An answer that is no success, in the words of Jira."""

    def __init__(
        self,
        status: int,
        *messages: str,
        errors: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.messages = messages
        self.errors = errors or {}
        self.headers = headers


@dataclass(frozen=True)
class Answer:
    """``objects`` is how many things a GET has returned; each costs a point."""

    body: Any = None
    status: int = 200
    objects: int = 1


@dataclass(frozen=True)
class Call:
    """A request that was proved to come from the app and may do what it asks.

    ``me`` is the app's account, or through Forge the person whose token the app has.
    """

    site: JiraSite
    path: dict[str, str]
    query: QueryParams
    body: Any = field(repr=False)
    me: User
    by_connect: bool

    def object(self) -> dict[str, Any]:
        if not isinstance(self.body, dict):
            raise Refused(400, "Invalid request payload. Refer to the REST API documentation.")
        return self.body

    def number(self, name: str, default: int, most: int) -> int:
        text = self.query.get(name, str(default))
        if not text.isdecimal():
            raise Refused(400, f"{name} must be a whole number")
        return min(int(text), most)

    def issue(self, name: str = "issue") -> Issue:
        """The issue of the path, if the app may see it.

        Raises:
            Refused: 404, for one that is not there and for one that is hidden alike.
        """
        return self.visible_issue(self.path[name])

    def visible_issue(self, key_or_id: str) -> Issue:
        try:
            issue = self.site.tracker.issue(key_or_id)
        except Missing:
            raise Refused(404, NO_ISSUE) from None
        if not self.site.permissions.sees(self.me, issue):
            raise Refused(404, NO_ISSUE)
        return issue

    def visible_project(self, key_or_id: str) -> Project:
        for project in self.site.directory.projects:
            if key_or_id in (project.id, project.key):
                held = self.site.permissions.on_project(self.me, project)
                if "BROWSE_PROJECTS" in held:
                    return project
        raise Refused(404, f"No project could be found with key or id '{key_or_id}'.")

    def need(self, issue: Issue, permission: str) -> None:
        if permission not in self.site.permissions.on_issue(self.me, issue):
            raise Refused(403, f"You need the permission {permission} to do that.")

    def need_global(self, permission: str) -> None:
        if permission not in self.site.permissions.global_of(self.me):
            raise Refused(403, f"You need the permission {permission} to do that.")


Handler = Callable[[Call], Answer]


def route(site: JiraSite, path: str, methods: dict[str, tuple[Handler, Scope]]) -> Route:
    """Serve ``handler`` for each method to an app that has ``scope``."""

    async def endpoint(request: Request) -> Response:
        handler, scope = methods["GET" if request.method == "HEAD" else request.method]
        raw = await request.body()
        try:
            me, by_connect = _authenticate(site, request, scope)
            body = _json(raw)
            with site.tracker.lock:
                call = Call(
                    site, dict(request.path_params), request.query_params, body, me, by_connect
                )
                _spend_write(call, request.method)
                answer = handler(call)
        except Refused as refused:
            return refusal(refused)
        except BadDocument as error:
            return refusal(Refused(400, errors={"comment": str(error)}))
        is_get = request.method == "GET"
        site.limits.spend(1 + answer.objects if is_get else 1)
        if answer.body is None:
            return Response(status_code=answer.status)
        return JSONResponse(answer.body, answer.status)

    return Route(path, endpoint, methods=list(methods))


def refusal(refused: Refused) -> JSONResponse:
    body = {"errorMessages": list(refused.messages), "errors": refused.errors}
    return JSONResponse(body, refused.status, refused.headers)


def _authenticate(site: JiraSite, request: Request, scope: Scope) -> tuple[User, bool]:
    """Who calls, and whether by Connect: only the app, or through Forge one of its people."""
    if "cloud_id" in request.path_params:
        return _by_forge(site, request), False
    _by_connect(site, request, scope)
    return site.app_account, True


def _by_forge(site: JiraSite, request: Request) -> User:
    try:
        return site.forge.account_of(
            request.headers.get("authorization", ""), request.path_params["cloud_id"]
        )
    except BadToken as error:
        site.refused_tokens.append(str(error))
        raise Refused(401, UNAUTHENTICATED) from None


def _by_connect(site: JiraSite, request: Request, scope: Scope) -> None:
    """Only the app, with its own request token, and only within its scopes."""
    installation = site.link.current
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if installation is None or not installation.enabled or kind != "JWT" or not token:
        raise Refused(401, UNAUTHENTICATED)
    path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
    url = f"{path}?{query}"
    try:
        tokens.verify(
            token,
            installation.shared_secret,
            issuer=installation.descriptor.key,
            method=request.method,
            url=url,
            now=site.clock.now(),
        )
    except tokens.BadToken as error:
        site.refused_tokens.append(str(error))
        raise Refused(401, UNAUTHENTICATED) from None
    granted = installation.descriptor.scopes
    if scope not in granted and not (scope == "READ" and "WRITE" in granted):
        raise Refused(403, f"The app does not have the scope {scope}.")


def _json(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        raise Refused(400, "There was an error parsing JSON. Check that it is valid.") from None


def _spend_write(call: Call, method: str) -> None:
    if method == "GET":
        return
    try:
        if "issue" in call.path:
            issue_id = call.issue().id
        elif "comment" in call.path:
            issue_id = call.site.tracker.comment(call.path["comment"]).issue_id
        else:
            return
        call.site.limits.write(issue_id, call.site.clock.now())
    except Missing:
        return
    except limits.TooManyWrites as error:
        headers = {"Retry-After": str(error.retry_after), "RateLimit-Reason": limits.REASON}
        raise Refused(429, "Rate limit exceeded.", headers=headers) from None
