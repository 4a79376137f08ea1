"""One call, and all that may come of it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.errors import (
    JiraDenied,
    JiraError,
    JiraNotFound,
    JiraRateLimited,
    JiraRefused,
    JiraUnavailable,
)
from app.jira.auth import ConnectAuthorizer
from app.jira.client import MAX_ANSWER, JiraClient, segment
from app.jira.limits import Limits
from tests.jira.doubles import (
    APP_KEY,
    BASE,
    JSON_VALUES,
    SECRET,
    FakeJira,
    LedgerInMemory,
    ok,
    page,
    status,
)
from tests.support.clock import FakeClock

PATH = "/rest/api/3/thing"


async def get(jira: FakeJira, **more: Any) -> object:
    return await jira.client.request("read thing", "GET", PATH, **more)


async def post(jira: FakeJira, **more: Any) -> object:
    return await jira.client.request("write thing", "POST", PATH, json={"word": "secret"}, **more)


async def test_an_answer_is_its_json(jira: FakeJira) -> None:
    jira.on("GET", PATH, ok({"a": [1]}))
    assert await get(jira, params={"expand": "properties", "startAt": 0}) == {"a": [1]}
    assert jira.query() == {"expand": "properties", "startAt": "0"}
    assert jira.requests[0].headers["accept"] == "application/json"


async def test_no_content_is_none(jira: FakeJira) -> None:
    jira.on("POST", PATH, httpx2.Response(204))
    assert await post(jira) is None
    assert jira.sent() == {"word": "secret"}
    assert jira.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, JiraRefused),
        (401, JiraDenied),
        (403, JiraDenied),
        (404, JiraNotFound),
        (408, JiraUnavailable),
        (409, JiraRefused),
        (413, JiraRefused),
        (500, JiraUnavailable),
        (503, JiraUnavailable),
    ],
)
async def test_each_status_has_its_error(jira: FakeJira, code: int, error: type[JiraError]) -> None:
    jira.on("GET", PATH, status(code))
    with pytest.raises(error) as caught:
        await get(jira)
    assert type(caught.value) is error
    assert (caught.value.status, caught.value.operation) == (code, "read thing")
    assert not caught.value.maybe_done


async def test_a_rate_limit_says_how_long_and_why_and_is_never_repeated(jira: FakeJira) -> None:
    headers = {"Retry-After": "11", "RateLimit-Reason": "jira-burst-based"}
    jira.on("GET", PATH, status(429, headers))
    with pytest.raises(JiraRateLimited) as caught:
        await get(jira)
    assert (caught.value.retry_after, caught.value.reason) == (11.0, "jira-burst-based")
    assert len(jira.requests) == 1


async def test_a_reason_that_is_no_plain_word_is_dropped(jira: FakeJira) -> None:
    jira.on("GET", PATH, status(429, {"RateLimit-Reason": "Ask Rita Reyes!"}))
    with pytest.raises(JiraRateLimited) as caught:
        await get(jira)
    assert caught.value.reason is None


@pytest.mark.parametrize(
    "first", [status(503), httpx2.ConnectError("down"), httpx2.ReadError("cut")]
)
async def test_a_read_is_tried_once_more(
    jira: FakeJira, first: httpx2.Response | Exception
) -> None:
    jira.on("GET", PATH, first, ok({"a": 1}))
    assert await get(jira) == {"a": 1}
    assert len(jira.requests) == 2


async def test_a_read_is_tried_twice_at_most(jira: FakeJira) -> None:
    jira.on("GET", PATH, status(502))
    with pytest.raises(JiraUnavailable):
        await get(jira)
    assert len(jira.requests) == 2


async def test_each_try_is_signed(jira: FakeJira, clock: FakeClock) -> None:
    def later(_: httpx2.Request) -> httpx2.Response:
        clock.advance(60)
        return status(502)

    jira.on("GET", PATH, later)
    with pytest.raises(JiraUnavailable):
        await get(jira)
    first, second = (request.headers["authorization"] for request in jira.requests)
    assert first != second


@pytest.mark.parametrize("code", [404, 403, 400])
async def test_a_plain_no_is_not_repeated(jira: FakeJira, code: int) -> None:
    jira.on("GET", PATH, status(code))
    with pytest.raises(JiraError):
        await get(jira)
    assert len(jira.requests) == 1


@pytest.mark.parametrize(
    ("answer", "maybe"),
    [
        (httpx2.ConnectError("refused"), False),
        (httpx2.ConnectTimeout("slow"), False),
        (httpx2.PoolTimeout("busy"), False),
        (httpx2.WriteError("cut"), True),
        (httpx2.WriteTimeout("slow"), True),
        (httpx2.ReadTimeout("slow"), True),
        (httpx2.ReadError("cut"), True),
        (httpx2.RemoteProtocolError("gone"), True),
        (TimeoutError(), True),
        (status(500), True),
        (status(504), True),
        (httpx2.Response(201, content=b"<html>"), True),
        (httpx2.Response(200, content=b"x" * (MAX_ANSWER + 1)), True),
        (httpx2.Response(202, content=b"{}"), True),
        (status(400), False),
        (status(404), False),
        (status(429), False),
    ],
)
async def test_a_write_is_never_repeated_and_says_whether_it_may_be_done(
    jira: FakeJira, answer: httpx2.Response | Exception, *, maybe: bool
) -> None:
    jira.on("POST", PATH, answer)
    with pytest.raises(JiraError) as caught:
        await post(jira)
    assert caught.value.maybe_done is maybe
    assert len(jira.requests) == 1


async def test_a_question_that_is_posted_leaves_nothing_in_doubt(jira: FakeJira) -> None:
    jira.on("POST", PATH, status(503))
    with pytest.raises(JiraUnavailable) as caught:
        await post(jira, idempotent=True)
    assert not caught.value.maybe_done
    assert len(jira.requests) == 1


async def test_redirects_are_not_followed(jira: FakeJira) -> None:
    jira.on("GET", PATH, httpx2.Response(302, headers={"location": f"{BASE}/login"}))
    with pytest.raises(JiraRefused):
        await get(jira)
    assert jira.calls == [f"GET {PATH}"]


async def test_cookies_do_not_travel_to_the_next_call(jira: FakeJira) -> None:
    kept = httpx2.Response(200, headers={"set-cookie": "session=1; Path=/"}, json={})
    jira.on("GET", PATH, kept)
    await get(jira)
    await get(jira)
    assert "cookie" not in jira.requests[1].headers


@pytest.mark.parametrize("size", [MAX_ANSWER - 2, MAX_ANSWER - 1])
async def test_an_answer_has_a_greatest_size(jira: FakeJira, size: int) -> None:
    jira.on("GET", PATH, httpx2.Response(200, content=b'"' + b"x" * size + b'"'))
    if size + 2 <= MAX_ANSWER:
        assert await get(jira) == "x" * size
    else:
        with pytest.raises(JiraUnavailable):
            await get(jira)


async def test_a_packed_answer_is_measured_unpacked(jira: FakeJira) -> None:
    bomb = gzip.compress(b"[" + b" " * (MAX_ANSWER * 20) + b"]")
    jira.on("GET", PATH, httpx2.Response(200, headers={"content-encoding": "gzip"}, content=bomb))
    with pytest.raises(JiraUnavailable):
        await get(jira)


async def test_points_are_counted_for_the_tenant(jira: FakeJira) -> None:
    jira.on("GET", PATH, ok({"comments": [{}, {}, {}]}))
    jira.on("POST", PATH, status(400))
    await get(jira)
    with pytest.raises(JiraRefused):
        await post(jira)
    assert jira.limits.snapshot() == {"tenant-1": 5}


async def test_the_log_tells_what_was_done_and_nothing_that_was_said(jira: FakeJira) -> None:
    jira.on("POST", PATH, status(400))
    with capture_logs() as logs, pytest.raises(JiraRefused) as caught:
        await post(jira, params={"q": "whispered"})
    (line,) = logs
    assert line.pop("duration") >= 0
    assert line == {
        "event": "jira_request",
        "log_level": "info",
        "tenant": "tenant-1",
        "operation": "write thing",
        "status": 400,
        "points": 1,
    }
    assert str(caught.value) == "Jira: write thing: 400"


async def test_an_error_of_the_network_brings_no_address_along(jira: FakeJira) -> None:
    jira.on("GET", PATH, httpx2.ConnectError(f"{BASE}{PATH}?q=whispered"))
    with capture_logs() as logs, pytest.raises(JiraUnavailable) as caught:
        await get(jira, params={"q": "whispered"})
    assert str(caught.value) == "Jira: read thing: no answer"
    assert caught.value.__suppress_context__
    assert "whispered" not in json.dumps(logs)


async def test_a_base_url_that_is_none_is_no_answer(jira: FakeJira) -> None:
    with pytest.raises(JiraUnavailable):
        await jira.connected("http://acme:port").request("read thing", "GET", PATH)


async def test_the_twenty_first_write_to_an_issue_waits(jira: FakeJira, clock: FakeClock) -> None:
    for _ in range(20):
        await jira.client.before_write("write thing", "1")
    waiting = asyncio.create_task(jira.client.before_write("write thing", "1"))
    await clock.asleep()
    assert not waiting.done()
    clock.advance(2.5)
    await waiting


async def test_a_write_that_would_wait_long_is_put_off(jira: FakeJira, clock: FakeClock) -> None:
    for _ in range(5):
        for _ in range(20):
            await jira.client.before_write("write thing", "1")
        clock.advance(3)
    with pytest.raises(JiraRateLimited) as caught:
        await jira.client.before_write("write thing", "1")
    assert caught.value.retry_after == 16.0
    assert caught.value.reason == "jira-per-issue-on-write"


@pytest.mark.parametrize(
    "value", ["..", "", "a/b", "1?x=1", "1#", "-1", "a b", "%2e", "é", "1" * 300]
)
def test_what_is_no_id_never_reaches_a_path(value: str) -> None:
    with pytest.raises(JiraNotFound):
        segment("read thing", value)


@given(
    code=st.integers(200, 599),
    body=st.binary(max_size=30) | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
)
async def test_whatever_comes_it_is_json_or_one_of_our_errors(code: int, body: bytes) -> None:
    jira = FakeJira(FakeClock())
    jira.on("GET", PATH, httpx2.Response(code, content=body))
    jira.on("POST", PATH, httpx2.Response(code, content=body))
    for call in (get, post):
        try:
            answer = await call(jira)
        except JiraError:
            continue
        assert code in {200, 201, 204}
        json.dumps(answer, ensure_ascii=False).encode()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def over_a_socket(serve: Serve, clock: FakeClock) -> AsyncIterator[JiraClient]:
    """A client that talks to ``serve`` over a real connection of the loopback."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, httpx2.AsyncClient() as http:
        signer = ConnectAuthorizer(APP_KEY, SECRET, base, clock)
        limits = Limits(clock, LedgerInMemory())
        yield JiraClient(base, signer, http=http, clock=clock, limits=limits, tenant="t")


async def test_a_connection_cut_before_the_answer_leaves_a_write_in_doubt(
    clock: FakeClock,
) -> None:
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with over_a_socket(cut, clock) as client:
        with pytest.raises(JiraUnavailable) as caught:
            await client.request("write thing", "POST", PATH, json={})
    assert caught.value.maybe_done


async def test_a_connection_cut_within_the_answer_leaves_a_write_in_doubt(
    clock: FakeClock,
) -> None:
    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{")
        await writer.drain()

    async with over_a_socket(half, clock) as client:
        with pytest.raises(JiraUnavailable) as caught:
            await client.request("write thing", "POST", PATH, json={})
    assert caught.value.maybe_done


async def test_nobody_listening_means_nothing_was_done(clock: FakeClock) -> None:
    async def never(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        """Not called."""

    async with over_a_socket(never, clock) as client:
        pass
    async with httpx2.AsyncClient() as http:
        client._http = http
        with pytest.raises(JiraUnavailable) as caught:
            await client.request("write thing", "POST", PATH, json={})
    assert not caught.value.maybe_done


async def test_a_page_over_a_socket_is_read(clock: FakeClock) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(page()).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    async with over_a_socket(answer, clock) as client:
        assert await client.request("read thing", "GET", PATH) == page()
