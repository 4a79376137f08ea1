"""Whether the process lives, whether it can serve, and what it counts."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.store import schema
from app.web.wiring import wiring_of


async def healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    try:
        found = await wiring_of(request).database.read(schema.found)
    except SQLAlchemyError:
        return PlainTextResponse("the database does not answer\n", 503)
    if found != schema.expected():
        return PlainTextResponse("the database has another schema\n", 503)
    return PlainTextResponse("ready\n")


async def metrics(_: Request) -> Response:
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
