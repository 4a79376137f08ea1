"""The Connect door: the descriptor, and the four calls of the app's lifecycle."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.doors.connect import descriptor, lifecycle
from app.web.guards import require_install_token, require_lifecycle_token
from app.web.responses import read_body
from app.web.wiring import wiring_of


async def show_descriptor(request: Request) -> Response:
    base_url = wiring_of(request).settings.app_base_url
    return Response(descriptor.render(base_url), media_type="application/json")


async def installed(request: Request) -> Response:
    claims = await require_install_token(request)
    wiring = wiring_of(request)
    await lifecycle.installed(
        await read_body(request),
        claims,
        database=wiring.database,
        vault=wiring.vault,
        tenant_hosts=wiring.settings.tenant_hosts,
        on_first_install=wiring.on_first_install,
        clock=wiring.clock,
    )
    return Response(status_code=204)


async def uninstalled(request: Request) -> Response:
    claims = await require_install_token(request)
    wiring = wiring_of(request)
    body = await read_body(request)
    await lifecycle.uninstalled(
        body,
        claims,
        database=wiring.database,
        on_uninstall=wiring.on_uninstall,
        clock=wiring.clock,
    )
    return Response(status_code=204)


async def enabled(request: Request) -> Response:
    claims = await require_lifecycle_token(request)
    body = await read_body(request)
    await lifecycle.enabled(body, claims, database=wiring_of(request).database)
    return Response(status_code=204)


async def disabled(request: Request) -> Response:
    claims = await require_lifecycle_token(request)
    body = await read_body(request)
    await lifecycle.disabled(body, claims, database=wiring_of(request).database)
    return Response(status_code=204)
