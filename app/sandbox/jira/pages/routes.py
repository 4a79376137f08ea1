"""The pages' addresses and handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jinja2
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.sandbox import places
from app.sandbox.jira import adf
from app.sandbox.jira.directory import Missing
from app.sandbox.jira.installation import InstallRefused
from app.sandbox.jira.model import Issue, User
from app.sandbox.jira.pages import views

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

COOKIE = "sandbox_viewer"
VIEWERS = ("rita", "carlos", "agnes", "adam")
CUSTOMARY_APP_URL = "http://localhost:8080"
Endpoint = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """A page that is not shown, or a form that is not taken."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(status)
        self.status = status
        self.title = title
        self.text = text


def routes(site: JiraSite) -> list[BaseRoute]:
    pages = Pages(site)
    return [
        Route("/", pages.shown(pages.start)),
        Route("/who", pages.taken(pages.who), methods=["POST"]),
        Route("/app/install", pages.taken(pages.install), methods=["POST"]),
        Route("/app/uninstall", pages.taken(pages.uninstall), methods=["POST"]),
        Route("/app/admin", pages.shown(pages.admin)),
        Route("/create", pages.taken(pages.create), methods=["POST"]),
        Route("/browse/{key}", pages.shown(pages.issue)),
        Route("/browse/{key}/revision", pages.shown(pages.revision)),
        Route("/browse/{key}/comment", pages.taken(pages.comment), methods=["POST"]),
        Route("/browse/{key}/assign", pages.taken(pages.assign), methods=["POST"]),
        Route("/browse/{key}/status", pages.taken(pages.status), methods=["POST"]),
        Route("/avatars/{name}.svg", pages.shown(pages.avatar)),
        Mount("/static", StaticFiles(directory=places.STATIC)),
    ]


class Pages:
    """Handlers that know who looks: each is given the request and the viewer."""

    def __init__(self, site: JiraSite) -> None:
        self._site = site
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(places.TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    # Wrappers

    def shown(self, handler: Callable[[Request, User], Response]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            viewer = self._viewer(request)
            try:
                return handler(request, viewer)
            except Missing:
                return self._refuse(viewer, Refusal(404, "Nothing here", "No such page."))
            except Refusal as refusal:
                return self._refuse(viewer, refusal)

        return endpoint

    def taken(self, handler: Callable[[dict[str, str], User, str], Response]) -> Endpoint:
        """A form, from a page of this site and no other."""

        async def endpoint(request: Request) -> Response:
            viewer = self._viewer(request)
            host = request.headers.get("host", "")
            origin = urlsplit(request.headers.get("origin", "")).netloc
            if not host or origin != host:
                refusal = Refusal(403, "Not from here", "A form must come from this site.")
                return self._refuse(viewer, refusal)
            form = {name: str(value) for name, value in (await request.form()).items()}
            key = request.path_params.get("key", "")
            try:
                return await run_in_threadpool(handler, form, viewer, key)
            except Missing:
                return self._refuse(viewer, Refusal(404, "Nothing here", "No such thing."))
            except Refusal as refusal:
                return self._refuse(viewer, refusal)

        return endpoint

    # Pages

    def start(self, _request: Request, viewer: User) -> Response:
        return self._page(
            "start.html",
            viewer,
            projects=views.projects(self._site, viewer),
            installation=self._site.link.current,
            app_url=CUSTOMARY_APP_URL,
            is_admin=self._is_admin(viewer),
        )

    def issue(self, request: Request, viewer: User) -> Response:
        stored = self._issue(viewer, request.path_params["key"])
        if stored.key != request.path_params["key"]:
            return RedirectResponse(f"/browse/{stored.key}", 302)
        with self._site.tracker.lock:
            view = views.issue(self._site, viewer, stored)
        return self._page("issue.html", viewer, issue=view)

    def revision(self, request: Request, viewer: User) -> Response:
        stored = self._issue(viewer, request.path_params["key"])
        shown = {"revision": self._site.tracker.revision(stored)}
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})

    def admin(self, _request: Request, viewer: User) -> Response:
        self._need_admin(viewer)
        installation = self._site.link.current
        module = installation.descriptor.admin_page() if installation else None
        if module is None:
            raise Refusal(404, "No admin page", "No app with an admin page is installed.")
        name = str(module["name"]["value"])
        return self._page("admin.html", viewer, name=name, url=self._site.admin_url(viewer.name))

    def avatar(self, request: Request, viewer: User) -> Response:
        who = views.person(self._site.directory.person(request.path_params["name"]))
        page = self._page("avatar.svg", viewer, who=who)
        page.headers["content-type"] = "image/svg+xml"
        return page

    # Forms

    def who(self, form: dict[str, str], _viewer: User, _key: str) -> Response:
        name, back = form.get("who", ""), form.get("back", "/")
        if name not in VIEWERS:
            raise Missing(name)
        path = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
        answer = RedirectResponse(path, 303)
        answer.set_cookie(COOKIE, name, httponly=True, samesite="lax")
        return answer

    def install(self, form: dict[str, str], viewer: User, _key: str) -> Response:
        self._need_admin(viewer)
        try:
            self._site.install(form.get("url", "").rstrip("/"))
        except InstallRefused as error:
            raise Refusal(502, "The app was not installed", str(error)) from error
        return RedirectResponse("/", 303)

    def uninstall(self, _form: dict[str, str], viewer: User, _key: str) -> Response:
        self._need_admin(viewer)
        try:
            self._site.uninstall()
        except InstallRefused as error:
            raise Refusal(502, "Uninstalled, but the app did not agree", str(error)) from error
        return RedirectResponse("/", 303)

    def create(self, form: dict[str, str], viewer: User, _key: str) -> Response:
        allowed = {one.key for one in views.projects(self._site, viewer) if one.may_create}
        if form.get("project") not in allowed or not form.get("summary", "").strip():
            raise Refusal(400, "Not created", "A summary is needed, and the right to create.")
        summary, description = form["summary"].strip(), form.get("description", "").strip()
        made = self._site.create_issue(form["project"], summary, description, by=viewer.name)
        return RedirectResponse(f"/browse/{made.key}", 303)

    def comment(self, form: dict[str, str], viewer: User, key: str) -> Response:
        stored = self._issue(viewer, key)
        kind, text = form.get("kind", ""), form.get("text", "").replace("\r\n", "\n").strip()
        if kind not in {one.value for one in views.composer(self._site, viewer, stored)}:
            raise Refusal(403, "Not allowed", "You may not comment here in that way.")
        try:
            body = adf.check(adf.document(text))
        except adf.BadDocument as error:
            raise Refusal(400, "Not added", str(error)) from error
        self._site.comment(key, body, by=viewer.name, internal=kind == "internal")
        return RedirectResponse(f"/browse/{stored.key}", 303)

    def assign(self, _form: dict[str, str], viewer: User, key: str) -> Response:
        stored = self._worked(viewer, key)
        self._site.assign(stored.key, viewer.name)
        return RedirectResponse(f"/browse/{stored.key}", 303)

    def status(self, form: dict[str, str], viewer: User, key: str) -> Response:
        stored = self._worked(viewer, key)
        change = self._site.reopen if form.get("to") == "open" else self._site.resolve
        change(stored.key, viewer.name)
        return RedirectResponse(f"/browse/{stored.key}", 303)

    # Who looks, and how it is shown

    def _viewer(self, request: Request) -> User:
        name = request.cookies.get(COOKIE, "")
        return self._site.directory.person(name if name in VIEWERS else VIEWERS[0])

    def _issue(self, viewer: User, key: str) -> Issue:
        stored = self._site.issue(key)
        if not self._site.permissions.sees(viewer, stored):
            text = f"{viewer.display_name} has no access to {key}. Choose somebody else above."
            raise Refusal(404, "You can't see this issue", text)
        return stored

    def _worked(self, viewer: User, key: str) -> Issue:
        stored = self._issue(viewer, key)
        if not self._site.permissions.works(viewer, stored):
            raise Refusal(403, "Not allowed", "Only who works on the issue may do that.")
        return stored

    def _is_admin(self, viewer: User) -> bool:
        return "ADMINISTER" in self._site.permissions.global_of(viewer)

    def _need_admin(self, viewer: User) -> None:
        if not self._is_admin(viewer):
            raise Refusal(403, "Only for administrators", "Choose Adam above to go on.")

    def _refuse(self, viewer: User, refusal: Refusal) -> Response:
        page = self._page("refusal.html", viewer, title=refusal.title, text=refusal.text)
        page.status_code = refusal.status
        return page

    def _page(self, template: str, viewer: User, **values: Any) -> HTMLResponse:
        people = [views.person(self._site.directory.person(name)) for name in VIEWERS]
        html = self._templates.get_template(template).render(
            me=views.person(viewer), people=people, **values
        )
        headers = {
            "Content-Security-Policy": self._policy(),
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",  # with no-referrer a form's Origin is "null"
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(html, headers=headers)

    def _policy(self) -> str:
        """Nothing inline, nothing from elsewhere, and only the app in frames."""
        installation = self._site.link.current
        framed = "'none'"
        if installation is not None:
            parts = urlsplit(installation.descriptor.base_url)
            framed = f"{parts.scheme}://{parts.netloc}"
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self'",
                "connect-src 'self'",
                f"frame-src {framed}",
                "form-action 'self'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        )
