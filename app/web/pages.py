"""Pages in Jira's frame: rendered whole, allowed in that tenant's frames alone."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app import i18n, resources
from app.doors.principal import Principal, TenantRef
from app.errors import Forbidden, JiraError, NotFound
from app.i18n import Text, t
from app.web.guards import require_request_token
from app.web.responses import answer_error
from app.web.wiring import wiring_of

ATLASSIANS_HOSTS = (".atlassian.net", ".jira.com")
ATLASSIANS_SCRIPT = "https://connect-cdn.atl-paas.net/all.js"
SCRIPT_BESIDE_THE_SITE = "/atlassian-connect/all.js"

NO_SCRIPT = t("This page needs JavaScript. Allow it for this site, then load the page again.")
"""Said by us: whatever else a page says, its script says in the viewer's language."""

FRAME, FORGE = "frame.html", "forge.html"
"""What is around a page: in Connect's frame, from our server; in Forge's, from Atlassian."""

Shown = Callable[[Request, Principal], Awaitable[Response]]


@dataclass(frozen=True)
class Refusal:
    """A page that says why there is nothing to see, and what helps."""

    kind: str
    title: Text
    text: Text


REFUSALS: dict[str, Refusal] = {
    "BROWSE_PROJECTS": Refusal(
        "warning",
        t("You may not see this issue"),
        t(
            "Jira says that you may not see this issue, so nothing of it is shown here. Ask an"
            " administrator of the project for access."
        ),
    ),
    "ADMINISTER": Refusal(
        "warning",
        t("Only for Jira administrators"),
        t("Setting up the assistant takes the right to administer Jira. Ask a Jira administrator."),
    ),
    "NOT_FOUND": Refusal(
        "warning",
        t("This issue is not there"),
        t("It was deleted or moved. Go back and open it again."),
    ),
    "OUTSIDE": Refusal(
        "warning",
        t("Open this page in Jira"),
        t("It shows what Jira lets you see, and here it stands alone."),
    ),
    "JIRA_AWAY": Refusal(
        "danger",
        t("Jira does not answer"),
        t("Nothing is lost. Reload this page in a minute."),
    ),
}


def environment() -> Environment:
    """Templates that escape everything and forgive nothing."""
    return Environment(
        loader=FileSystemLoader(resources.root() / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
    )


def in_frame(show: Shown) -> Callable[[Request], Awaitable[Response]]:
    """A handler of a frame's URL, given who looks.

    Who is not to see the page, or cannot now, is told so in the frame, with the error's own
    status. A request that is not authentic gets the bare 401.
    """

    @functools.wraps(show)
    async def shown(request: Request) -> Response:
        principal = await require_request_token(request)
        try:
            return await show(request, principal)
        except (Forbidden, NotFound, JiraError) as error:
            told = await answer_error(request, error)
            refused = page(request, principal, "refusal.html", refusal=_refusal(error))
            refused.status_code = told.status_code
            if "retry-after" in told.headers:
                refused.headers["Retry-After"] = told.headers["retry-after"]
            return refused

    return shown


def page(request: Request, principal: Principal, template: str, **values: object) -> Response:
    """A page for a verified viewer, which only the viewer's own site may frame."""
    wiring = wiring_of(request)
    base = urlsplit(wiring.settings.app_base_url).path
    script = frame_script(principal.tenant)
    language = i18n.language_of(request.headers.get("accept-language", ""))
    content = wiring.pages.get_template(template).render(
        layout=FRAME,
        base=base,
        frame_script=script,
        no_script=i18n.said(NO_SCRIPT, language),
        **values,
    )
    return HTMLResponse(content, headers={"Content-Security-Policy": _policy(principal, script)})


_ORIGIN = re.compile(
    r"(https?://[a-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?#].*)?", re.ASCII | re.IGNORECASE
)
"""What may stand in a policy: a host with another sign in it could begin a directive of its own."""


def frame_script(tenant: TenantRef) -> str:
    """Where Connect's frame script is for a tenant; a site not of Atlassian's brings its own."""
    site = urlsplit(tenant.base_url)
    if site.scheme == "https" and (site.hostname or "").endswith(ATLASSIANS_HOSTS):
        return ATLASSIANS_SCRIPT
    return tenant.base_url.rstrip("/") + SCRIPT_BESIDE_THE_SITE


def _refusal(error: Exception) -> Refusal:
    code = error.code if isinstance(error, Forbidden) else ""
    if isinstance(error, NotFound):
        code = "NOT_FOUND"
    return REFUSALS.get(code, REFUSALS["JIRA_AWAY"])


def _policy(principal: Principal, script: str) -> str:
    urls = (principal.tenant.base_url, principal.tenant.display_url or "")
    framing = sorted({origin for url in urls if (origin := _origin(url))})
    running = " ".join(filter(None, ("'self'", _origin(script))))
    return (
        f"default-src 'none'; script-src {running}; style-src 'self';"
        " img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
        f" frame-ancestors {' '.join(framing)}"
    )


def _origin(url: str) -> str | None:
    """The address's origin; None where it holds anything that could not stand in a policy."""
    found = _ORIGIN.fullmatch(url)
    return found[1] if found else None
