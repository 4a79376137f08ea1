"""The guards of the Forge door: from an invocation token to who calls, or an ``AuthError``.

The platform's own calls (events, the schedule, uninstalling) name no person; a page's calls name
who looks at it. Neither kind passes for the other: a person's browser may come to hold a token of
the second kind, and must not end an installation with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request

from app.doors.connect import qsh
from app.doors.forge import lifecycle, tokens
from app.doors.forge.events import AppEvent
from app.doors.forge.tokens import Bearer, Invocation
from app.doors.principal import Principal, TenantRef
from app.errors import AuthError
from app.store.tables import Tenant
from app.turns import persons
from app.web.guards import require_context_token
from app.web.wiring import wiring_of

SYSTEM, USER = "x-forge-oauth-system", "x-forge-oauth-user"
PANEL, ADMIN = "jira-chatkit-panel", "jira-chatkit-admin"
"""Keys of our pages' modules, as ``forge/manifest.yml`` has them."""

_BEARER = re.compile(r"Bearer +([A-Za-z0-9._-]+)", re.IGNORECASE | re.ASCII)
_IN_QUERY = {qsh.TOKEN_PARAMETER, "token", "access_token"}


@dataclass(frozen=True, slots=True)
class PlatformCall:
    """A verified call of the platform's own, and the system token that came along."""

    invocation: Invocation
    system_token: Bearer | None


async def require_platform_call(request: Request) -> PlatformCall:
    """Events, the schedule, uninstalling: nobody looks at a page. Nothing is changed yet."""
    invocation = await _invocation(request)
    if invocation.account_id is not None or invocation.module_key in {PANEL, ADMIN}:
        raise AuthError("TOKEN_OF_A_PAGE")
    return PlatformCall(invocation, _oauth(request, SYSTEM))


async def tenant_of(call: PlatformCall, request: Request, told: AppEvent | None = None) -> Tenant:
    """The call's tenant, made known; see ``lifecycle.recognised``."""
    wiring = wiring_of(request)
    return await lifecycle.recognised(
        call.invocation,
        call.system_token,
        database=wiring.database,
        vault=wiring.vault,
        on_first_install=wiring.on_first_install,
        clock=wiring.clock,
        told=told,
    )


async def require_panel_viewer(request: Request) -> Principal:
    """``POST /api/sessions``: who looks at any page of ours, through either door."""
    return await _viewer(request)


async def require_admin_viewer(request: Request) -> Principal:
    """``POST /api/admin/sessions``: who looks at the admin page, through either door."""
    return await _viewer(request, ADMIN)


async def _viewer(request: Request, *modules: str) -> Principal:
    """With ``modules``, who looks at a page of one of them."""
    if not _bears(request):
        return await require_context_token(request)
    invocation = await _invocation(request)
    if invocation.account_id is None:
        raise AuthError("TOKEN_OF_NO_PAGE")
    if modules and invocation.module_key not in {None, *modules}:
        raise AuthError("TOKEN_OF_ANOTHER_PAGE")
    own = _oauth(request, USER)
    tenant = await tenant_of(PlatformCall(invocation, _oauth(request, SYSTEM)), request)
    until = await persons.known(
        tenant, invocation.account_id, own, wiring_of(request).collaborators
    )
    return Principal(TenantRef.of(tenant), invocation.account_id, until)


async def _invocation(request: Request) -> Invocation:
    """What the request's one token says, verified."""
    wiring = wiring_of(request)
    settings = wiring.settings
    if settings.forge_app_id is None:
        raise AuthError("FORGE_DOOR_CLOSED")
    raw = _token(request)
    return tokens.verify_invocation(
        raw,
        key=await wiring.invocation_keys.key(tokens.header_kid(raw)),
        app_id=settings.forge_app_id,
        environments=settings.forge_environments,
        tenant_hosts=settings.tenant_hosts,
        now=wiring.clock.now(),
    )


def _bears(request: Request) -> bool:
    return any(
        given.strip().lower().startswith("bearer")
        for given in request.headers.getlist("authorization")
    )


def _token(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    if any(name.lower() in _IN_QUERY for name, _ in qsh.parameters(query)):
        raise AuthError("TOKEN_IN_QUERY")
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise AuthError("TOKEN_TWICE")
    if not given:
        raise AuthError("NO_TOKEN")
    found = _BEARER.fullmatch(given[0].strip())
    if found is None:
        raise AuthError("MALFORMED_HEADER")
    return found[1]


def _oauth(request: Request, name: str) -> Bearer | None:
    given = request.headers.getlist(name)
    if len(given) > 1:
        raise AuthError("TOKEN_TWICE")
    return tokens.read_bearer(given[0], wiring_of(request).clock.now()) if given else None
