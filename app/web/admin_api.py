"""The admin API: what the admin page asks and sets, for who administers the tenant's Jira.

The tenant is the session's own; no address and no body names one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator
from starlette.requests import Request
from starlette.responses import Response

from app import doctor
from app.assistant.workflow import parse_workflow
from app.i18n import t
from app.turns import administration, playground, project_settings, tenant_key, workflows
from app.turns.policy import AnswerTo, Mode
from app.turns.project_settings import Change
from app.turns.talking import Said
from app.turns.tenant_key import Entered
from app.web.bodies import (
    Body,
    ClientId,
    Words,
    ours,
    read_json,
    read_nothing,
    read_query,
)
from app.web.forge_guards import require_admin_viewer
from app.web.guards import require_admin
from app.web.responses import json_response
from app.web.wiring import wiring_of

MOST_TOKENS = 10**15


# --- what is taken --------------------------------------------------------------------------


def _one_word(text: str) -> str:
    if not text.isprintable() or len(text.split()) != 1:
        raise ours(t("must be one word, such as !assistant"))
    return text


def _a_key(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ours(t("must be the key alone, as OpenAI shows it: sk-…"))
    return text


Key = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=512),
    AfterValidator(_a_key),
]
TriggerWord = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=50),
    AfterValidator(_one_word),
]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class KeyGiven(Body):
    key: Key = Field(repr=False)
    base_url: Annotated[str, StringConstraints(max_length=500)] | None = None


class DefinitionGiven(Body):
    definition: dict[str, Any]


class ProjectsWanted(Body):
    query: Annotated[str, StringConstraints(max_length=200)] = ""


class ProjectGiven(Body):
    mode: Mode | Literal["inherit"]
    answer_to: AnswerTo | None = None
    reply_audience: Literal["internal", "public"] | None = None
    trigger_word: TriggerWord | None = None
    type_id: Id | None = None
    understood: bool = Field(default=False, strict=True)

    def change(self) -> Change:
        named = self.model_dump(
            include={"answer_to", "reply_audience", "trigger_word"}, exclude_none=True
        )
        return Change(self.mode, self.type_id or "", named, understood=self.understood)


class LimitGiven(Body):
    daily_tokens: int | None = Field(ge=0, le=MOST_TOKENS)

    @field_validator("daily_tokens", mode="before")
    @classmethod
    def _no_yes_or_no(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ours(t("must be a whole number, or null for no cap"))
        return value


class TrialGiven(Body):
    text: Words
    client_id: ClientId
    thread_id: Id | None = None


class TurnsWanted(Body):
    limit: int = Field(default=20, ge=1, le=100)


# --- handlers -------------------------------------------------------------------------------


async def open_session(request: Request) -> Response:
    principal = await require_admin_viewer(request)
    wiring = wiring_of(request)
    await read_nothing(request)
    opened = await administration.open_session(
        principal, wiring.rights, wiring.vault, wiring.clock.now()
    )
    return json_response(opened.shown())


async def overview(request: Request) -> Response:
    admin = await require_admin(request)
    wiring = wiring_of(request)
    return json_response(
        await wiring.database.read(
            administration.overview, admin.tenant, wiring.settings, wiring.clock.now()
        )
    )


async def set_key(request: Request) -> Response:
    admin = await require_admin(request)
    given = await read_json(request, KeyGiven)
    entered = Entered(given.key, given.base_url)
    await tenant_key.set_key(admin.tenant.id, entered, wiring_of(request).collaborators)
    return Response(status_code=204)


async def remove_key(request: Request) -> Response:
    admin = await require_admin(request)
    await tenant_key.remove_key(admin.tenant.id, wiring_of(request).collaborators)
    return Response(status_code=204)


async def show_workflow(request: Request) -> Response:
    admin = await require_admin(request)
    collaborators = wiring_of(request).collaborators
    return json_response(await administration.workflow_page(admin.tenant.id, collaborators))


async def save_workflow(request: Request) -> Response:
    admin = await require_admin(request)
    wiring = wiring_of(request)
    definition = parse_workflow((await read_json(request, DefinitionGiven)).definition)
    version = await wiring.database.write(
        workflows.save_draft, admin.tenant.id, definition, wiring.clock.now()
    )
    return json_response({"version": version})


async def publish_workflow(request: Request) -> Response:
    admin = await require_admin(request)
    wiring = wiring_of(request)
    await read_nothing(request)
    version = await wiring.database.write(workflows.publish, admin.tenant.id, wiring.clock.now())
    return json_response({"version": version})


async def find_projects(request: Request) -> Response:
    admin = await require_admin(request)
    wanted = read_query(request, ProjectsWanted)
    collaborators = wiring_of(request).collaborators
    return json_response(
        await project_settings.find_projects(admin.tenant.id, wanted.query, collaborators)
    )


async def set_project(request: Request) -> Response:
    admin = await require_admin(request)
    given = await read_json(request, ProjectGiven)
    return json_response(
        await project_settings.change_project(
            admin.tenant.id,
            request.path_params["project_id"],
            given.change(),
            wiring_of(request).collaborators,
        )
    )


async def set_limits(request: Request) -> Response:
    admin = await require_admin(request)
    given = await read_json(request, LimitGiven)
    await wiring_of(request).database.write(
        administration.set_limit, admin.tenant.id, given.daily_tokens
    )
    return Response(status_code=204)


async def try_out(request: Request) -> Response:
    admin = await require_admin(request)
    wiring = wiring_of(request)
    given = await read_json(request, TrialGiven)
    now = wiring.clock.now()
    said = Said(given.client_id, given.text, admin.account_id)
    trial = await wiring.database.write(
        playground.try_out, admin.tenant.id, said, given.thread_id, now
    )
    opened = administration.open_playground(admin, trial.thread_id, wiring.vault, now)
    return json_response({**trial.shown(), **opened.shown()}, 202)


async def examine(request: Request) -> Response:
    admin = await require_admin(request)
    found = await doctor.examine_tenant(admin.tenant.id, wiring_of(request).collaborators)
    return json_response({"findings": [finding.shown() for finding in found]})


async def recent_turns(request: Request) -> Response:
    admin = await require_admin(request)
    wanted = read_query(request, TurnsWanted)
    found = await wiring_of(request).database.read(
        administration.recent_turns, admin.tenant.id, wanted.limit
    )
    return json_response({"turns": found})
