"""What every answer shares: the table of errors, the limit of a body, the headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from app.doors.connect.install_keys import InstallKeysUnavailable
from app.errors import (
    GONE,
    AppError,
    AuthError,
    BadRequest,
    BodyTooLarge,
    Conflict,
    Forbidden,
    Invalid,
    JiraRateLimited,
    JiraUnavailable,
    ModelError,
    NotFound,
    SealBroken,
    SessionRefused,
    SettingsError,
)
from app.i18n import t
from app.web.responses import (
    EXCEPTION_HANDLERS,
    RIGHTS,
    SecurityHeaders,
    Unexpected,
    is_api,
    read_body,
)
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
        (Forbidden("ADD_COMMENTS"), 403, RIGHTS["ADD_COMMENTS"]),
        (NotFound(), 404, GONE),
        (NotFound(t("no such item")), 404, "no such item"),
        (Conflict("switched_off", t("it is off")), 409, "it is off"),
        (Invalid(t("text is missing"), {"text": t("is missing")}), 422, "text is missing"),
        (SessionRefused("WRONG_THREAD", t("another thread's")), 403, "another thread's"),
        (BadRequest("issue_id is missing"), 400, "issue_id is missing"),
        (BodyTooLarge(), 413, "Send 1 MiB or less."),
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


async def test_a_program_is_told_the_code_and_the_fields(door: Door) -> None:
    door.app.state.failure = Conflict("switched_off", t("it is off"))
    assert (await door.http.get("/failing")).json()["code"] == "switched_off"
    door.app.state.failure = Forbidden("ADD_COMMENTS")
    assert (await door.http.get("/failing")).json()["code"] == "ADD_COMMENTS"
    door.app.state.failure = Invalid(t("no"), {"text": t("is missing")})
    assert (await door.http.get("/failing")).json()["fields"] == {"text": "is missing"}


@pytest.mark.parametrize(
    ("accepted", "language", "title", "detail", "field"),
    [
        ("es-MX, en;q=0.5", "es", "Contenido no procesable", "falta", "debe ser texto"),
        ("de", "en", "Unprocessable content", "is missing", "must be text"),
    ],
)
async def test_a_person_is_told_in_the_language_that_was_asked_for(
    door: Door, accepted: str, language: str, title: str, detail: str, field: str
) -> None:
    door.app.state.failure = Invalid(t("is missing"), {"text": t("must be text")})
    answer = await door.http.get("/failing", headers={"Accept-Language": accepted})
    told = answer.json()
    assert answer.headers["content-language"] == language
    assert answer.headers["content-length"] == str(len(answer.content))
    assert (told["title"], told["detail"], told["fields"]) == (title, detail, {"text": field})


async def test_a_session_that_is_over_is_told_how_to_go_on(door: Door) -> None:
    door.app.state.failure = SessionRefused("SESSION_EXPIRED", t("ask again"))
    answer = await door.http.get("/failing")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["detail"], answer.json()["code"]) == ("ask again", "SESSION_EXPIRED")


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


# --- what nobody foresaw --------------------------------------------------------------------


async def breaking(_: Request) -> Response:
    raise RuntimeError("CANARY")


async def breaking_off(scope: Scope, _receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("CANARY")


async def left(_: Request) -> Response:
    raise ClientDisconnect


def whole(base_path: str = "") -> Starlette:
    """The middleware of the app, in the app's order, around routes that break."""
    return Starlette(
        routes=[
            Route(f"{base_path}/api/breaking", breaking),
            Route("/breaking", breaking),
            Route("/left", left),
            Mount("/api/half", breaking_off),
        ],
        middleware=[
            Middleware(SecurityHeaders, hsts=True),
            Middleware(Unexpected, base_path=base_path),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )


@pytest.mark.parametrize("base_path", ["", "/app"])
async def test_what_breaks_is_answered_and_tells_nothing(base_path: str) -> None:
    transport = httpx2.ASGITransport(whole(base_path))
    async with httpx2.AsyncClient(transport=transport, base_url="http://app.example") as http:
        with capture_logs() as logs:
            answers = [await http.get(f"{base_path}/api/breaking"), await http.get("/breaking")]
    for answer in answers:
        assert answer.status_code == 500
        assert "CANARY" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert answers[0].json()["status"] == 500
    assert [(line["event"], line["error"], line["exc_info"]) for line in logs] == [
        ("request_broke", "RuntimeError", True)
    ] * 2


async def test_an_answer_that_has_begun_breaks_off() -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(whole()), base_url="http://app.example"
    ) as http:
        with pytest.raises(RuntimeError, match="CANARY"):
            await http.get("/api/half/way")


async def test_who_left_is_no_trouble() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/left", "headers": [], "query_string": b""}
    with capture_logs() as logs:
        await whole()(scope, receive, send)
    assert (sent, logs) == ([], [])


@pytest.mark.parametrize(
    ("path", "api"),
    [
        ("/api/sessions", True),
        ("/app/api/sessions", True),
        ("/api", True),
        ("/chatkit", True),
        ("/apian", False),
        ("/connect/api/x", False),
        ("/static/api/x", False),
        ("/appapi/x", False),
    ],
)
def test_what_is_the_chat_api(path: str, *, api: bool) -> None:
    assert is_api(path, "/app") is api


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
