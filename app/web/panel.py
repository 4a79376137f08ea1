"""The issue panel's frame: a shell, whose script opens the conversations."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.doors.principal import Principal
from app.turns import overview
from app.web.pages import in_frame, page
from app.web.wiring import wiring_of


@in_frame
async def show(request: Request, principal: Principal) -> Response:
    wiring = wiring_of(request)
    shell = await overview.issue_for(
        principal,
        request.query_params.get("issue", ""),
        database=wiring.database,
        jira=wiring.jira,
        rights=wiring.rights,
        settings=wiring.settings,
    )
    return page(request, principal, "panel.html", issue=shell)
