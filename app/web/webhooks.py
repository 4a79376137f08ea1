"""Jira's webhooks, through the Connect door."""

from __future__ import annotations

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from app.doors.connect import webhooks
from app.turns import intake
from app.web.guards import require_request_token
from app.web.responses import read_body
from app.web.wiring import wiring_of

IDENTIFIER = "X-Atlassian-Webhook-Identifier"
DELIVERIES = Counter("jira_chatkit_deliveries", "Verified webhooks", ["event", "repeated"])


async def receive(request: Request) -> Response:
    principal = await require_request_token(request)
    wiring = wiring_of(request)
    body = await read_body(request)
    arrival = webhooks.parse(body, request.headers.get(IDENTIFIER), wiring.clock.now())
    if arrival is not None:
        fresh = await intake.receive(
            arrival, principal.tenant.id, database=wiring.database, clock=wiring.clock
        )
        DELIVERIES.labels(arrival.event, "no" if fresh else "yes").inc()
    return Response(status_code=204)
