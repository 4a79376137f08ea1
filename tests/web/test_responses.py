"""What every answer shares: the table of errors, the limit of a body, the headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from app.doors.connect.install_keys import InstallKeysUnavailable
from app.errors import (
    AppError,
    AuthError,
    BadRequest,
    BodyTooLarge,
    Forbidden,
    JiraRateLimited,
    JiraUnavailable,
    ModelError,
    NotFound,
    SealBroken,
    SettingsError,
)
from app.web.responses import EXCEPTION_HANDLERS, SecurityHeaders, read_body
from tests.doors.door import Door, standing
from tests.support.clock import FakeClock

LIMIT = 100


@pytest.fixture
async def door(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Door]:
    async with standing(f"sqlite:///{tmp_path / 'door.db'}", clock) as door:
        yield door


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (AuthError("INVALID_QSH"), 401, None),
        (Forbidden("ADD_COMMENTS"), 403, "ADD_COMMENTS"),
        (NotFound(), 404, None),
        (BadRequest("issue_id is missing"), 400, "issue_id is missing"),
        (BodyTooLarge(), 413, None),
        (SealBroken("its key is gone"), 503, "Try again later."),
        (InstallKeysUnavailable(), 503, "Try again later."),
        (JiraUnavailable("add comment", 502), 503, "Try again later."),
        (ModelError("quota", retry_after=None), 503, "Try again later."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, AppError) else "",
)
async def test_an_error_of_ours_has_its_answer(
    door: Door, error: AppError, status: int, detail: str | None
) -> None:
    door.app.state.failure = error
    answer = await door.http.get("/failing")
    assert answer.status_code == status
    if status == 401:
        assert answer.content == b""
        assert "content-type" not in answer.headers
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json().get("detail") == detail


async def test_the_code_of_a_refusal_goes_to_the_log_alone(door: Door) -> None:
    door.app.state.failure = AuthError("INVALID_QSH")
    with capture_logs() as logs:
        answer = await door.http.get("/failing?jwt=canary")
    assert "INVALID_QSH" not in answer.text + str(answer.headers)
    [line] = [line for line in logs if line["event"] == "request_refused"]
    assert line["code"] == "INVALID_QSH"
    assert "canary" not in repr(logs)


@pytest.mark.parametrize(("wait", "header"), [(30.4, "30"), (0.1, "1")])
async def test_how_long_to_wait_is_told(door: Door, wait: float, header: str) -> None:
    door.app.state.failure = JiraRateLimited("add comment", wait)
    answer = await door.http.get("/failing")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, header)


@pytest.mark.parametrize("error", [RuntimeError("bug"), SettingsError("never here")])
async def test_what_is_nobodys_fault_but_ours_is_not_hidden(door: Door, error: Exception) -> None:
    door.app.state.failure = error
    with pytest.raises(type(error)):
        await door.http.get("/failing")


# --- bodies ---------------------------------------------------------------------------------


async def echo(request: Request) -> Response:
    return Response(await read_body(request, LIMIT))


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(
        routes=[Route("/", echo, methods=["POST"])], exception_handlers=EXCEPTION_HANDLERS
    )
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://app.example"
    ) as client:
        yield client


@pytest.mark.parametrize(("length", "status"), [(0, 200), (LIMIT, 200), (LIMIT + 1, 413)])
async def test_a_body_has_its_limit(http: httpx2.AsyncClient, length: int, status: int) -> None:
    answer = await http.post("/", content=b"x" * length)
    assert answer.status_code == status
    assert status == 413 or answer.content == b"x" * length


async def test_a_body_that_tells_no_length_is_not_read_beyond_the_limit(
    http: httpx2.AsyncClient,
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 10
            yield b"x" * 10

    # The transport hands over chunk by chunk: an endless body ends where reading does.
    assert (await http.post("/", content=endless())).status_code == 413
    assert sent <= LIMIT + 20


@pytest.mark.parametrize("declared", ["1", "-1", "no number", "\xb2"])
async def test_a_length_that_lies_is_not_believed(http: httpx2.AsyncClient, declared: str) -> None:
    headers = {b"Content-Length": declared.encode("latin-1")}
    answer = await http.post("/", content=b"x" * (LIMIT + 1), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("declared", ["101", "9" * 5000])
async def test_a_body_that_announces_too_much_is_not_read_at_all(
    http: httpx2.AsyncClient, declared: str
) -> None:
    read: list[bytes] = []

    async def watched() -> AsyncIterator[bytes]:
        for _ in range(LIMIT):
            read.append(b"x")
            yield b"x"

    answer = await http.post("/", content=watched(), headers={"Content-Length": declared})
    assert (answer.status_code, read) == (413, [])


# --- headers --------------------------------------------------------------------------------


async def test_every_answer_keeps_out_of_caches_and_referrers(door: Door) -> None:
    for path in ("/connect/panel", "/nowhere", "/failing"):
        door.app.state.failure = NotFound()
        headers = (await door.http.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"] == "max-age=31536000"


async def test_a_browser_is_bound_to_https_only_where_there_is_https() -> None:
    async def page(_: Request) -> Response:
        return Response("x", headers={"Cache-Control": "private"})

    middleware = [Middleware(SecurityHeaders, hsts=False)]
    app = Starlette(routes=[Route("/", page), Route("/static/a.js", page)], middleware=middleware)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://localhost"
    ) as http:
        answer = await http.get("/")
        assert "strict-transport-security" not in answer.headers
        assert answer.headers["cache-control"] == "private"
