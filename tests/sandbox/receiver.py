"""A tiny app for the simulated Jira site to install, and the app's side of its REST calls."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from app.sandbox.jira import JiraSite, outbound
from app.sandbox.jira.qsh import query_string_hash
from app.sandbox.serving import serve

KEY = "tiny-app"
LIFECYCLE = ("installed", "enabled", "disabled", "uninstalled")
EVENTS = (
    "comment_created",
    "comment_updated",
    "comment_deleted",
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
)
FRAME = """<!doctype html>
<title>Tiny</title>
<script src="{site}/atlassian-connect/all.js"></script>
<div class="ac-content"><p>frame {path} {site}</p></div>
"""


@dataclass(frozen=True)
class Received:
    """One POST that came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def claims(self) -> dict[str, Any]:
        token = self.headers["authorization"].removeprefix("JWT ")
        found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        return found


@dataclass
class TinyApp:
    """Answers what it is told to; 204 when it was told nothing."""

    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    scopes: tuple[str, ...] = ("READ", "WRITE")
    url: str = ""
    may_answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def got(self, path: str) -> list[Received]:
        return [one for one in self.received if one.path == path]

    @property
    def webhooks(self) -> list[Received]:
        return self.got("/webhooks")

    def asgi(self) -> Starlette:
        frames = [Route("/panel", self._frame), Route("/admin", self._frame)]
        return Starlette(
            routes=[
                Route("/atlassian-connect.json", self._descriptor),
                *frames,
                Route("/{path:path}", self._receive, methods=["POST"]),
            ]
        )

    def descriptor(self) -> dict[str, Any]:
        return {
            "key": KEY,
            "name": "Tiny",
            "baseUrl": self.url,
            "authentication": {"type": "jwt"},
            "lifecycle": {name: f"/{name}" for name in LIFECYCLE},
            "scopes": list(self.scopes),
            "apiMigrations": {"signed-install": True, "context-qsh": True, "gdpr": True},
            "modules": {
                "webhooks": [{"event": event, "url": "/webhooks"} for event in EVENTS],
                "jiraIssueContents": [
                    {
                        "key": "panel",
                        "name": {"value": "Assistant"},
                        "target": {"type": "web_panel", "url": "/panel?issue={issue.id}"},
                    }
                ],
                "adminPages": [{"key": "admin", "name": {"value": "Admin"}, "url": "/admin"}],
            },
        }

    async def _descriptor(self, _request: Request) -> Response:
        return JSONResponse(self.descriptor())

    async def _frame(self, request: Request) -> Response:
        """A page in Jira's frame, under a policy as strict as a real app's."""
        site = request.query_params["xdm_e"]
        html = FRAME.format(site=site, path=request.url.path)
        policy = f"default-src 'none'; script-src {site}; style-src 'self'"
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    async def _receive(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.received.append(Received(request.url.path, dict(request.headers), body))
        await asyncio.to_thread(self.may_answer.wait)
        return Response(status_code=self.answers.pop(0) if self.answers else 204)


@contextmanager
def served_app(**how: Any) -> Iterator[TinyApp]:
    app = TinyApp(**how)
    with serve(app.asgi()) as served:
        app.url = served.url
        try:
            yield app
        finally:
            app.may_answer.set()


@contextmanager
def installed(site: JiraSite | None = None, **how: Any) -> Iterator[tuple[JiraSite, TinyApp]]:
    """A site that is being served, with a tiny app installed on it."""
    with served_app(**how) as app, (site or JiraSite()).serve() as jira:
        jira.install(app.url)
        yield jira, app


def request_token(jira: JiraSite, method: str, path: str, **claims: Any) -> str:
    """The app's own, for one call of Jira; claims given as None are left out."""
    now = int(jira.clock.now().timestamp())
    signed = {
        "iss": KEY,
        "iat": now,
        "exp": now + 60,
        "qsh": query_string_hash(method, path),
        **claims,
    }
    kept = {name: value for name, value in signed.items() if value is not None}
    return jwt.encode(kept, jira.link.installed.shared_secret, algorithm="HS256")


def call(
    jira: JiraSite, method: str, path: str, body: Any = None, **claims: Any
) -> httpx2.Response:
    """Call Jira as the app."""
    headers = {"Authorization": f"JWT {request_token(jira, method, path, **claims)}"}
    with outbound.client() as client:
        return client.request(method, jira.base_url + path, json=body, headers=headers)


def get(url: str, token: str | None = None) -> httpx2.Response:
    """Fetch an address as anybody, or with a request token."""
    with outbound.client() as client:
        return client.get(url, headers={"Authorization": f"JWT {token}"} if token else {})


def paragraph(text: str) -> dict[str, Any]:
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }
