"""What every page of the simulated site has around it: who looks and how, and who may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.sandbox import html
from app.sandbox.jira.directory import Missing
from app.sandbox.jira.model import Issue, User
from app.sandbox.jira.pages import views

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

VIEWER_COOKIE = "sandbox_viewer"
THEME_COOKIE = "sandbox_theme"
LOCALE_COOKIE = "sandbox_locale_{name}"
VIEWERS = ("rita", "carlos", "agnes", "adam")
THEMES = ("light", "dark", "system")
LOCALES = {"en_US": "English", "es_ES": "Español"}
LOOPBACK = frozenset({"localhost", "127.0.0.1"})


class Refusal(Exception):
    """A page that is not shown, or a form that is not taken."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(status)
        self.status = status
        self.title = title
        self.text = text


@dataclass(frozen=True)
class Visit:
    """One request: who looks, and how; with the fields of a form that was sent.

    ``?as=agnes``, or a form's field ``as``, looks at one page as somebody, whoever was chosen
    for the others: so two windows may be two people.
    """

    request: Request
    viewer: User
    chosen: User
    theme: str
    locale: str
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return str(self.request.path_params.get("key", ""))

    @property
    def back(self) -> str:
        """The page of this site that a form names to go back to."""
        path = self.form.get("back", "/")
        return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"

    def text(self, name: str) -> str:
        """What somebody wrote into a field, with plain line ends."""
        return self.form.get(name, "").replace("\r\n", "\n").strip()

    def to(self, path: str) -> RedirectResponse:
        """Onwards, as the same person."""
        return RedirectResponse(path + self.keep, 303)

    @property
    def keep(self) -> str:
        """What an address of this site ends with, for the next page to be for the same person."""
        return "" if self.viewer == self.chosen else f"?as={self.viewer.name}"


Handler = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


class Shell:
    """Wraps handlers into endpoints, and templates into answers."""

    def __init__(self, site: JiraSite) -> None:
        self._site = site

    # Wrappers

    def shown(self, handler: Handler) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if moved := self._elsewhere(request):
                return RedirectResponse(moved, 307)
            visit = self._visit(request, request.query_params)
            try:
                return handler(visit)
            except (Missing, Refusal) as refused:
                return self._refuse(visit, refused)

        return endpoint

    def taken(self, handler: Handler) -> Endpoint:
        """A form, from a page of this site and no other."""

        async def endpoint(request: Request) -> Response:
            if not html.from_this_site(request):
                refusal = Refusal(403, "Not from here", "A form must come from this site.")
                return self._refuse(self._visit(request, {}), refusal)
            form = {name: str(value) for name, value in (await request.form()).items()}
            visit = self._visit(request, form)
            try:
                return await run_in_threadpool(handler, visit)
            except (Missing, Refusal) as refused:
                return self._refuse(visit, refused)

        return endpoint

    # What handlers ask for

    def issue(self, visit: Visit, key: str) -> Issue:
        """The issue, for who may see it."""
        stored = self._site.issue(key)
        if not self._site.permissions.sees(visit.viewer, stored):
            text = (
                f"{visit.viewer.display_name} has no access to {key}. Choose somebody else above."
            )
            raise Refusal(404, "You can't see this issue", text)
        return stored

    def is_admin(self, visit: Visit) -> bool:
        return "ADMINISTER" in self._site.permissions.global_of(visit.viewer)

    def need_admin(self, visit: Visit) -> None:
        if not self.is_admin(visit):
            raise Refusal(403, "Only for administrators", "Choose Adam above to go on.")

    def page(self, visit: Visit, template: str, **values: Any) -> HTMLResponse:
        people = [views.person(self._site.directory.person(name)) for name in VIEWERS]
        return html.page(
            template,
            framed=self._framed(),
            me=views.person(visit.viewer),
            people=people,
            look=views.look(visit.theme, visit.locale, LOCALES),
            here=_path(visit.request),
            keep=visit.keep,
            faults=len(self._site.switches.active),
            **values,
        )

    def _visit(self, request: Request, named: Mapping[str, str]) -> Visit:
        cookies = request.cookies
        chosen = self._person(cookies.get(VIEWER_COOKIE)) or self._site.directory.person(VIEWERS[0])
        viewer = self._person(named.get("as")) or chosen
        locale = cookies.get(LOCALE_COOKIE.format(name=viewer.name))
        theme = cookies.get(THEME_COOKIE, "")
        return Visit(
            request,
            viewer,
            chosen,
            theme if theme in THEMES else "system",
            locale if locale in LOCALES else viewer.locale,
            named,
        )

    def _person(self, name: str | None) -> User | None:
        return self._site.directory.person(name) if name in VIEWERS else None

    def _elsewhere(self, request: Request) -> str | None:
        """Where a page is to be seen that was asked for by this machine's other name: frames
        and cookies know the site by one.
        """
        own = urlsplit(self._site.base_url)
        other = own.hostname in LOOPBACK and request.url.hostname in LOOPBACK - {own.hostname}
        if not other or own.port != request.url.port:
            return None
        return str(request.url.replace(hostname=own.hostname))

    def _refuse(self, visit: Visit, refused: Missing | Refusal) -> Response:
        if isinstance(refused, Missing):
            refused = Refusal(404, "Nothing here", "There is no such thing on this site.")
        page = self.page(visit, "refusal.html", title=refused.title, text=refused.text)
        page.status_code = refused.status
        return page

    def _framed(self) -> str:
        """The origin of the app: nothing else is framed."""
        if self._site.forge_pages is not None:
            return self._site.forge_pages.base_url
        installation = self._site.link.current
        if installation is None:
            return "'none'"
        parts = urlsplit(installation.descriptor.base_url)
        return f"{parts.scheme}://{parts.netloc}"


def _path(request: Request) -> str:
    return request.url.path if request.method == "GET" else "/"
