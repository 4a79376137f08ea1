"""The admin page: what is set, what was done lately, and what is wrong."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.turns import overview
from app.web.guards import require_request_token
from app.web.pages import page
from app.web.wiring import wiring_of


async def show(request: Request) -> Response:
    principal = await require_request_token(request)
    wiring = wiring_of(request)
    seen = await overview.tenant_for(
        principal,
        database=wiring.database,
        jira=wiring.jira,
        settings=wiring.settings,
        clock=wiring.clock,
    )
    return page(request, principal, "admin.html", tenant=seen)
