"""The chat API's part for drafts: the team approves, edits, rejects, or asks for another one."""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import Response

from app.doors.principal import Viewer
from app.turns import drafts
from app.web.bodies import Body, Remark, Words, read_json, read_nothing
from app.web.guards import require_team
from app.web.responses import json_response
from app.web.wiring import wiring_of

log = structlog.get_logger(__name__)


class Edit(Body):
    """The draft's words from now on, in Markdown."""

    text: Words


class Rejection(Body):
    """Why, for the team."""

    reason: Remark | None = None


class Wish(Body):
    """What the next draft is to be like, for the model."""

    hint: Remark | None = None


async def approve(request: Request) -> Response:
    viewer = await require_team(request)
    await read_nothing(request)
    wiring, item_id = wiring_of(request), request.path_params["item_id"]
    took_effect = await wiring.database.write(
        drafts.approve, viewer, item_id, wiring.settings, wiring.clock.now()
    )
    _note("approved" if took_effect else "approved_again", viewer, item_id)
    return json_response({}, 202)


async def edit(request: Request) -> Response:
    viewer = await require_team(request)
    wanted = await read_json(request, Edit)
    wiring, item_id = wiring_of(request), request.path_params["item_id"]
    await wiring.database.write(drafts.edit, viewer, item_id, wanted.text, wiring.clock.now())
    _note("edited", viewer, item_id)
    return json_response({}, 202)


async def reject(request: Request) -> Response:
    viewer = await require_team(request)
    wanted = await read_json(request, Rejection)
    wiring, item_id = wiring_of(request), request.path_params["item_id"]
    await wiring.database.write(drafts.reject, viewer, item_id, wanted.reason, wiring.clock.now())
    _note("rejected", viewer, item_id)
    return json_response({}, 202)


async def regenerate(request: Request) -> Response:
    viewer = await require_team(request)
    wanted = await read_json(request, Wish)
    wiring, item_id = wiring_of(request), request.path_params["item_id"]
    turn_id = await wiring.database.write(
        drafts.regenerate, viewer, item_id, wanted.hint, wiring.settings, wiring.clock.now()
    )
    _note("regenerated", viewer, item_id)
    return json_response({"turn_id": turn_id}, 202)


def _note(decision: str, viewer: Viewer, item_id: str) -> None:
    """For whoever asks later who decided it; ids alone."""
    log.info(
        "draft_decided",
        decision=decision,
        tenant=viewer.tenant.id,
        thread=viewer.thread_id,
        item=item_id,
        by=viewer.account_id,
    )
