"""The Forge door: events, the hourly schedule, and the app's leaving.

Each is answered within the platform's 5 s: what an event tells is taken in and nothing is asked.
"""

from __future__ import annotations

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from app.doors.forge import events, lifecycle
from app.doors.forge.events import AppEvent
from app.turns import intake
from app.web.forge_guards import PlatformCall, require_platform_call, tenant_of
from app.web.responses import read_body
from app.web.wiring import wiring_of

EVENTS = Counter("jira_chatkit_forge_events", "Verified Forge events", ["event", "repeated"])


async def receive(request: Request) -> Response:
    call = await require_platform_call(request)
    body = await read_body(request)
    about_us = events.about_the_app(body)
    if about_us is not None:
        await _heed(call, about_us, request)
    else:
        await _take_in(call, body, request)
    return Response(status_code=204)


async def pre_uninstall(request: Request) -> Response:
    call = await require_platform_call(request)
    await read_body(request)
    await _leave(call, request)
    return Response(status_code=204)


async def run_schedule(request: Request) -> Response:
    """The system token that comes along is all that the call is for."""
    call = await require_platform_call(request)
    await read_body(request)
    await tenant_of(call, request)
    return Response(status_code=204)


async def _heed(call: PlatformCall, told: AppEvent, request: Request) -> None:
    if told.kind == "uninstalled":
        await _leave(call, request, told)
    else:
        await tenant_of(call, request, told)


async def _leave(call: PlatformCall, request: Request, told: AppEvent | None = None) -> None:
    wiring = wiring_of(request)
    await lifecycle.left(
        call.invocation,
        database=wiring.database,
        on_uninstall=wiring.on_uninstall,
        clock=wiring.clock,
        told=told,
    )


async def _take_in(call: PlatformCall, body: bytes, request: Request) -> None:
    wiring = wiring_of(request)
    tenant = await tenant_of(call, request)
    arrival = events.parse(body, wiring.clock.now())
    if arrival is None:
        return
    fresh = await intake.receive(arrival, tenant.id, database=wiring.database, clock=wiring.clock)
    EVENTS.labels(arrival.event, "no" if fresh else "yes").inc()
