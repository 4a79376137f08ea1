"""The pages that are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from app.sandbox.jira.forge.link import ADMIN
from app.sandbox.jira.pages import issue_views, views
from app.sandbox.jira.pages.shell import Refusal, Shell, Visit

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

CUSTOMARY_APP_URL = "http://localhost:8080"


class Browsing:
    """Handlers of pages."""

    def __init__(self, site: JiraSite, shell: Shell) -> None:
        self._site = site
        self._shell = shell

    def start(self, visit: Visit) -> Response:
        return self._shell.page(
            visit,
            "start.html",
            projects=views.projects(self._site, visit.viewer),
            installation=self._site.link.current,
            forge=self._site.forge if self._site.forge.app_url else None,
            app_url=CUSTOMARY_APP_URL,
            is_admin=self._shell.is_admin(visit),
            tour=self._site.section and self._site.section.shown(),
        )

    def issue(self, visit: Visit) -> Response:
        stored = self._shell.issue(visit, visit.key)
        if stored.key != visit.key:
            return visit.to(f"/browse/{stored.key}")
        with self._site.tracker.lock:
            view = issue_views.issue(self._site, visit.viewer, stored, visit.locale)
        tour = self._site.section and self._site.section.shown(stored.key)
        return self._shell.page(visit, "issue.html", issue=view, tour=tour)

    def revision(self, visit: Visit) -> Response:
        stored = self._shell.issue(visit, visit.key)
        shown = {"revision": self._site.tracker.revision(stored)}
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})

    def admin(self, visit: Visit) -> Response:
        self._shell.need_admin(visit)
        if (forge := self._site.forge_pages) is not None:
            frame = forge.frame(visit.viewer, ADMIN, visit.locale, None)
            return self._shell.page(visit, "admin.html", frame=frame)
        installation = self._site.link.current
        module = installation.descriptor.admin_page() if installation else None
        if module is None:
            raise Refusal(404, "No admin page", "No app with an admin page is installed.")
        url = self._site.admin_url(visit.viewer.name)
        frame = views.frame(self._site, visit.viewer, module, url, visit.locale)
        return self._shell.page(visit, "admin.html", frame=frame)

    def avatar(self, visit: Visit) -> Response:
        found = self._site.directory.person(visit.request.path_params["name"])
        page = self._shell.page(visit, "avatar.svg", who=views.person(found))
        page.headers["content-type"] = "image/svg+xml"
        return page
