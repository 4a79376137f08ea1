"""What the page around an app's frame needs of the site: see static/sandbox/host.js."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from app.sandbox import places
from app.sandbox.jira import forge_pages
from app.sandbox.jira.pages.shell import (
    LOCALE_COOKIE,
    LOCALES,
    THEME_COOKIE,
    THEMES,
    Refusal,
    Shell,
    Visit,
)

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite


class Frames:
    """Handlers for frames, and for how people want to see the site."""

    def __init__(self, site: JiraSite, shell: Shell) -> None:
        self._site = site
        self._shell = shell

    async def script(self, _request: Request) -> Response:
        """Jira's frame script, which the frames of apps load from this site."""
        headers = {
            "Cache-Control": "no-cache",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return FileResponse(places.STATIC / "all.js", headers=headers)

    def token(self, visit: Visit) -> Response:
        """A fresh context token for who looks, with the issue that the frame stands on."""
        key = visit.form.get("issue") or None
        if key is not None:
            self._shell.issue(visit, key)
        if self._site.link.current is None:
            raise Refusal(404, "No app", "No app is installed.")
        token = self._site.context_token(visit.viewer.name, key)
        return JSONResponse({"token": token}, headers={"Cache-Control": "no-store"})

    def invoke(self, visit: Visit) -> Response:
        """A remote call of a page that Forge frames, for who looks."""
        if self._site.forge_pages is None:
            raise Refusal(404, "No app", "No app is installed through Forge.")
        return forge_pages.invoked(self._site, visit.viewer, visit.form)

    def look(self, visit: Visit) -> Response:
        """Keep a theme for this browser, or a language for who looks."""
        theme, locale = visit.form.get("theme"), visit.form.get("locale")
        answer = visit.to(visit.back)
        if theme in THEMES:
            answer.set_cookie(THEME_COOKIE, str(theme), httponly=True, samesite="lax")
        elif locale in LOCALES:
            name = LOCALE_COOKIE.format(name=visit.viewer.name)
            answer.set_cookie(name, str(locale), httponly=True, samesite="lax")
        else:
            raise Refusal(400, "Not changed", "Choose a theme or a language of the menu.")
        return answer
