"""The app's pages as Forge serves and frames them: its files from an origin of their own, under
its content security policy, with its bridge before them; and what the page around them knows.

https://developer.atlassian.com/platform/forge/custom-ui/ ; the policy is that of npm's
``@forge/csp``, with this machine's names for Atlassian's.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from app.sandbox import serving
from app.sandbox.jira.forge.link import ADMIN, MODULE_TYPES, PANEL
from app.sandbox.jira.model import Issue, User
from app.sandbox.jira.pages.views import FrameView

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

RESOURCES = {PANEL: "panel", ADMIN: "admin"}
"""The folder of each module's page."""
TITLES = {PANEL: "Assistant", ADMIN: "ChatKit assistant"}
BRIDGE = "/static/forge-bridge.js"


class Deployed:
    """A folder as ``forge deploy`` takes it, served as an ASGI app.

    Args:
        folder: with the manifest's resources in it.

    Attributes:
        base_url: where it is served; known once it is.
        egress: origins that the manifest lets the pages call.
        site: the one that frames it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.base_url = ""
        self.egress: Sequence[str] = ()
        self.site: JiraSite | None = None

    def show_on(self, site: JiraSite, egress: Sequence[str]) -> None:
        """Let a site frame the pages, and them call ``egress``."""
        self.site, self.egress = site, egress
        site.forge_pages = self

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        extension = scope.get("extensions", {}).get(serving.EXTENSION, {})
        self.base_url = self.base_url or extension.get("url", "")
        if scope["type"] == "http":
            await self._answer(Request(scope))(scope, receive, send)
            return
        while (message := await receive())["type"].startswith("lifespan."):
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    def frame(self, viewer: User, module: str, locale: str, stored: Issue | None) -> FrameView:
        """A page of the app in its frame."""
        facts = {
            "url": f"{self.base_url}/{RESOURCES[module]}/index.html",
            "viewer": viewer.name,
            "module": module,
            "issue": stored.key if stored else "",
            "context": self._context(viewer, module, locale, stored),
        }
        return FrameView(TITLES[module], json.dumps(facts), "forge")

    def _context(
        self, viewer: User, module: str, locale: str, stored: Issue | None
    ) -> dict[str, object]:
        assert self.site is not None
        extension: dict[str, object] = {"type": MODULE_TYPES[module]}
        if stored is not None:
            extension |= {
                "issue": {"id": stored.id, "key": stored.key},
                "project": {"id": stored.project.id, "key": stored.project.key},
            }
        return {
            "accountId": viewer.account_id,
            "cloudId": self.site.forge.cloud_id,
            "extension": extension,
            "environmentId": "sandbox",
            "environmentType": self.site.forge.environment,
            "localId": f"{module}-{stored.id if stored else 'page'}",
            "locale": locale.replace("_", "-"),
            "moduleKey": module,
            "siteUrl": self.site.base_url,
            "timezone": "Etc/UTC",
        }

    def _answer(self, request: Request) -> Response:
        path = (self._folder / request.url.path.lstrip("/")).resolve()
        served = path.is_relative_to(self._folder) and path.parent != self._folder
        if not served or not path.is_file() or request.method not in {"GET", "HEAD"}:
            return Response(status_code=404)
        headers = {"Content-Security-Policy": self._policy(), "Cache-Control": "no-store"}
        if path.suffix == ".html":
            bridge = f'<head><script src="{self._site_origin}{BRIDGE}"></script>'
            page = path.read_text(encoding="utf-8").replace("<head>", bridge, 1)
            return HTMLResponse(page, headers=headers)
        kind, _ = mimetypes.guess_type(path.name)
        return Response(path.read_bytes(), media_type=kind, headers=headers)

    @property
    def _site_origin(self) -> str:
        parts = urlsplit(self.site.base_url if self.site else "")
        return f"{parts.scheme}://{parts.netloc}"

    def _policy(self) -> str:
        site = self._site_origin
        connect = " ".join(("'self'", site, *self.egress))
        return (
            f"default-src 'self'; frame-ancestors 'self' {site}; frame-src 'self' {site};"
            f" font-src 'self'; img-src 'self' data: blob: {site}; media-src 'self' data: blob:;"
            f" connect-src {connect}; script-src 'self' {site}; style-src 'self' {site};"
            " form-action 'self'; sandbox allow-downloads allow-forms allow-modals"
            " allow-pointer-lock allow-same-origin allow-scripts"
        )


def invoked(site: JiraSite, viewer: User, form: Mapping[str, str]) -> Response:
    """What ``invokeRemote`` gives to a page: an answer whole, with its headers as lists."""
    module, issue = form["module"], form.get("issue") or None
    answer = site.forge.invoke_remote(
        viewer.name,
        module,
        issue,
        form["method"],
        form["path"],
        json.loads(form.get("headers") or "{}"),
        form.get("body", "").encode(),
    )
    told = {
        "status": answer.status,
        "headers": {name: [value] for name, value in answer.headers.items()},
        "body": _read(answer.body),
    }
    success = 200 <= answer.status < 300
    shown = {"success": success, "payload" if success else "error": told}
    return JSONResponse(shown, headers={"Cache-Control": "no-store"})


def _read(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
