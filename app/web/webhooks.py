"""Jira's webhooks, through the Connect door."""

from __future__ import annotations

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from app.doors.arrivals import Arrival
from app.doors.connect import webhooks
from app.doors.connect.credentials import Credential
from app.errors import BadRequest, BodyTooLarge
from app.turns import intake
from app.web.guards import require_sender
from app.web.responses import read_body
from app.web.wiring import Wiring, wiring_of

IDENTIFIER = "X-Atlassian-Webhook-Identifier"
DELIVERIES = Counter("jira_chatkit_deliveries", "Verified webhooks", ["event", "repeated"])


async def receive(request: Request) -> Response:
    """Whatever is answered, the sender was looked up for it, or its secret held at the commit."""
    wiring = wiring_of(request)
    sender = await require_sender(request)
    try:
        arrival = await _arrival(request)
    except (BadRequest, BodyTooLarge):
        await require_sender(request, anew=True)
        raise
    if arrival is None:
        await require_sender(request, anew=True)
        return Response(status_code=204)
    while (fresh := await _taken(arrival, sender, wiring)) is None:
        sender = await require_sender(request, anew=True)
    DELIVERIES.labels(arrival.event, "no" if fresh else "yes").inc()
    return Response(status_code=204)


async def _arrival(request: Request) -> Arrival | None:
    body = await read_body(request)
    return webhooks.parse(body, request.headers.get(IDENTIFIER), wiring_of(request).clock.now())


async def _taken(arrival: Arrival, sender: Credential, wiring: Wiring) -> bool | None:
    return await intake.receive_signed(
        arrival, sender.tenant_id, sender.sealed, database=wiring.database, clock=wiring.clock
    )
