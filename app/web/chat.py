"""The chat API: a session, its thread, and what may be said and done there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from app.doors.principal import Audience
from app.i18n import t
from app.jira.people import MOST
from app.turns import feedback, resting, retrying, talking, watching
from app.turns.talking import Said
from app.web.bodies import (
    Body,
    ClientId,
    Words,
    ours,
    read_json,
    read_nothing,
    read_query,
)
from app.web.forge_guards import require_panel_viewer
from app.web.guards import require_session, require_team, require_writer
from app.web.responses import json_response
from app.web.wiring import wiring_of

NO_WIDGET = t("is not taken: this version opens no sessions for widgets. Send an issue_id alone.")


def _no_widget(_: object) -> None:
    raise ours(NO_WIDGET)


def _account_ids(text: object) -> list[str]:
    ids = sorted({each for each in str(text).split(",") if each})
    if len(ids) > MOST:
        raise ours(t("must be at most {most} account ids, by commas", most=MOST))
    return ids


Widgets = Annotated[None, BeforeValidator(_no_widget)]


class Opening(Body):
    """Which thread of which issue. An id may come as a number."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    issue_id: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    audience: Audience = "public"
    site_key: Widgets = None
    visitor_token: Widgets = None
    identity: Widgets = None


class Message(Body):
    """What somebody says. The same ``client_id`` again is the same message."""

    text: Words
    client_id: ClientId


class Judgement(Body):
    """What somebody thinks of an answer."""

    kind: feedback.Kind


class Paging(Body):
    """Which items: behind which one, how many, the newest first unless told."""

    after: str | None = None
    limit: int = Field(default=20, ge=1, le=100)
    order: Literal["asc", "desc"] = "desc"


class People(Body):
    """Account ids, by commas."""

    ids: Annotated[list[str], BeforeValidator(_account_ids)]


async def open_session(request: Request) -> Response:
    principal = await require_panel_viewer(request)
    wanted = await read_json(request, Opening)
    wiring = wiring_of(request)
    opened = await watching.open_thread(
        principal,
        wanted.issue_id,
        wanted.audience,
        database=wiring.database,
        jira=wiring.jira,
        rights=wiring.rights,
        vault=wiring.vault,
        clock=wiring.clock,
    )
    return json_response(
        {
            "token": opened.token,
            "expires_at": opened.expires_at.isoformat(),
            "thread_id": opened.thread_id,
        }
    )


async def show_thread(request: Request) -> Response:
    viewer = await require_session(request)
    wiring = wiring_of(request)
    rights = await wiring.rights.of(viewer)
    view = await wiring.database.read(
        watching.view_for, viewer, rights, wiring.settings, wiring.clock.now()
    )
    return json_response(view)


async def show_items(request: Request) -> Response:
    viewer = await require_session(request)
    asked = read_query(request, Paging)
    page = await wiring_of(request).database.read(
        watching.items_page, viewer, asked.after, asked.limit, asked.order
    )
    return json_response(page)


async def show_people(request: Request) -> Response:
    viewer = await require_session(request)
    asked = read_query(request, People)
    names = await wiring_of(request).names.on_thread(viewer, asked.ids)
    return json_response({account_id: {"name": name} for account_id, name in names.items()})


async def say(request: Request) -> Response:
    viewer = await require_writer(request)
    message = await read_json(request, Message)
    wiring = wiring_of(request)
    said = Said(message.client_id, message.text, viewer.account_id)
    asked = await wiring.database.write(
        talking.say, viewer, said, wiring.settings, wiring.clock.now()
    )
    return json_response({"item_id": asked.item_id, "turn_id": asked.turn_id}, 202)


async def stop(request: Request) -> Response:
    viewer = await require_writer(request)
    await read_nothing(request)
    wiring = wiring_of(request)
    await wiring.database.write(talking.ask_stop, viewer, wiring.clock.now())
    return json_response({}, 202)


async def retry(request: Request) -> Response:
    viewer = await require_writer(request)
    await read_nothing(request)
    wiring = wiring_of(request)
    turn_id = await wiring.database.write(
        retrying.ask_again,
        viewer,
        request.path_params["turn_id"],
        wiring.settings,
        wiring.clock.now(),
    )
    return json_response({"turn_id": turn_id}, 202)


async def pause(request: Request) -> Response:
    viewer = await require_team(request)
    await read_nothing(request)
    wiring = wiring_of(request)
    await wiring.database.write(resting.pause, viewer, wiring.settings, wiring.clock.now())
    return json_response({}, 202)


async def resume(request: Request) -> Response:
    viewer = await require_team(request)
    await read_nothing(request)
    wiring = wiring_of(request)
    await wiring.database.write(resting.resume, viewer, wiring.settings, wiring.clock.now())
    return json_response({}, 202)


async def judge(request: Request) -> Response:
    viewer = await require_session(request)
    judged = await read_json(request, Judgement)
    wiring = wiring_of(request)
    item_id = request.path_params["item_id"]
    await wiring.database.write(feedback.give, viewer, item_id, judged.kind, wiring.clock.now())
    return Response(status_code=204)
