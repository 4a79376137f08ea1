"""Pages in Jira's frame: rendered whole, allowed in that tenant's frames alone."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app import resources
from app.doors.principal import Principal
from app.web.wiring import wiring_of


def environment() -> Environment:
    """Templates that escape everything and forgive nothing."""
    pages = Environment(
        loader=FileSystemLoader(resources.root() / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
    )
    pages.filters["clock"] = _clock
    return pages


def page(request: Request, principal: Principal, template: str, **values: object) -> Response:
    """A page for a verified viewer, which only the viewer's own site may frame."""
    wiring = wiring_of(request)
    base = urlsplit(wiring.settings.app_base_url).path
    content = wiring.pages.get_template(template).render(base=base, **values)
    return HTMLResponse(content, headers={"Content-Security-Policy": _policy(principal)})


def _policy(principal: Principal) -> str:
    urls = (principal.tenant.base_url, principal.tenant.display_url or "")
    origins = sorted({_origin(url) for url in urls if url})
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
        f" form-action 'none'; frame-ancestors {' '.join(origins)}"
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _clock(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M UTC")
