"""The admin page's frame: a shell, whose script asks the admin API for everything else."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.doors.principal import Principal
from app.turns import overview
from app.web.pages import in_frame, page
from app.web.wiring import wiring_of


@in_frame
async def show(request: Request, principal: Principal) -> Response:
    await overview.require_administrator(principal, wiring_of(request).rights)
    return page(request, principal, "admin.html", site=overview.site_of(principal.tenant))
