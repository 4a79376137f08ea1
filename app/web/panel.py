"""The issue panel: a shell, whose script opens the conversations.

In Connect's frame it is a page of ours; in Forge's the page comes from Atlassian, with nothing
filled in, and asks for the same.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.doors.principal import Principal
from app.turns import overview
from app.web.guards import require_session
from app.web.pages import in_frame, page
from app.web.responses import json_response
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


async def describe(request: Request) -> Response:
    viewer = await require_session(request)
    wiring = wiring_of(request)
    return json_response(
        await overview.described_to(
            viewer, database=wiring.database, jira=wiring.jira, rights=wiring.rights
        )
    )
