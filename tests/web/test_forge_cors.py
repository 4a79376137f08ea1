"""Which pages may read our answers: those of the app under Forge, and none with cookies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.settings import Settings
from app.web.cors import ForgePages, forge_origins
from tests.doors.forge.minting import APP_ID

CDN = "https://3a5c1f0e-9d2b-4f5e-8a61-0c1d2e3f4a5b.cdn.prod.atlassian-dev.net"
LOCAL = "http://127.0.0.1:8081"
OPEN = Settings(forge_app_id=APP_ID, tenant_hosts=("*.atlassian.net", LOCAL))
CLOSED = Settings(tenant_hosts=("*.atlassian.net", LOCAL))
WANTED = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,last-event-id",
}


async def told(_: Request) -> Response:
    return PlainTextResponse("told", headers={"Vary": "Accept"})


@asynccontextmanager
async def serving(settings: Settings = OPEN) -> AsyncIterator[httpx2.AsyncClient]:
    ways = {"methods": ["GET", "POST"]}
    app = Starlette(
        routes=[Route(path, told, **ways) for path in ("/api/x", "/chatkit", "/connect/x")],  # type: ignore[arg-type]
        middleware=[Middleware(ForgePages, origins=forge_origins(settings), base_path="")],
    )
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as http:
        yield http


def cors_of(answer: httpx2.Response) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k.startswith("access-control")}


@pytest.mark.parametrize("origin", [CDN, LOCAL])
@pytest.mark.parametrize("path", ["/api/x", "/chatkit"])
async def test_a_page_of_ours_reads_answers_and_sends_its_session(origin: str, path: str) -> None:
    async with serving() as http:
        asked = await http.options(path, headers={"Origin": origin, **WANTED})
        assert asked.status_code == 204
        assert cors_of(asked) == {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "GET, POST, PUT, DELETE",
            "access-control-allow-headers": "Authorization, Content-Type, Last-Event-ID",
            "access-control-max-age": "600",
        }
        answer = await http.get(path, headers={"Origin": origin})
        assert cors_of(answer) == {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": "Retry-After",
        }
        assert answer.headers["vary"] == "Accept, Origin"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "*",
        "",
        "http://3a5c1f0e.cdn.prod.atlassian-dev.net",
        "https://cdn.prod.atlassian-dev.net",
        "https://a.b.cdn.prod.atlassian-dev.net",
        "https://-.cdn.prod.atlassian-dev.net",
        "https://a.cdn.prod.atlassian-dev.net:8443",
        "https://a.cdn.prod.atlassian-dev.net.evil.example",
        "https://a.cdn.prod.atlassian-dev.net@evil.example",
        "https://a.cdn.prodxatlassian-dev.net",
        "https://evil.example/.cdn.prod.atlassian-dev.net",
        "https://acme.atlassian.net",
        "http://127.0.0.1:8082",
        "https://127.0.0.1:8081",
        f"{LOCAL}/",
    ],
)
async def test_no_other_page_does(origin: str) -> None:
    async with serving() as http:
        asked = await http.options("/api/x", headers={"Origin": origin, **WANTED})
        assert (asked.status_code, cors_of(asked)) == (405, {})
        answer = await http.get("/api/x", headers={"Origin": origin})
        assert (answer.status_code, cors_of(answer)) == (200, {})
        assert answer.headers["vary"] == "Accept, Origin"


@pytest.mark.parametrize("origin", [CDN, LOCAL])
async def test_nor_does_any_while_the_door_is_closed(origin: str) -> None:
    async with serving(CLOSED) as http:
        assert cors_of(await http.options("/api/x", headers={"Origin": origin, **WANTED})) == {}
        assert cors_of(await http.get("/api/x", headers={"Origin": origin})) == {}


async def test_what_jira_calls_is_read_by_no_page() -> None:
    async with serving() as http:
        asked = await http.options("/connect/x", headers={"Origin": CDN, **WANTED})
        assert (asked.status_code, cors_of(asked)) == (405, {})
        assert cors_of(await http.get("/connect/x", headers={"Origin": CDN})) == {}


async def test_without_an_origin_nothing_changes() -> None:
    async with serving() as http:
        assert cors_of(await http.get("/api/x")) == {}
        assert (await http.options("/api/x")).status_code == 405
