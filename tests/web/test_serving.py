"""The server itself, over real connections: what it takes before the app is asked."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app import serving
from tests.support.world import until

WHOLE = b"POST / HTTP/1.1\r\nHost: x\r\n"
MORE = b"x" * 65_536


async def length(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers how long the body is, and by which loop."""
    body = await Request(scope, receive).body()
    loop = type(asyncio.get_running_loop()).__module__
    await PlainTextResponse(f"{len(body)} {loop}")(scope, receive, send)


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    over = threading.Event()
    config = uvicorn.Config(
        length, http=serving.Protocol, loop=serving.LOOP, log_config=None, lifespan="off", ws="none"
    )
    server = serving.Server(config, lambda: None, over.is_set)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started, "the server to come up")
        with socket.create_connection(listener.getsockname()) as connection:
            connection.settimeout(10)
            yield connection
        over.set()
        thread.join()


def answer(connection: socket.socket) -> str:
    """The body of the next answer."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65_536)
    head, _, body = got.partition(b"\r\n\r\n")
    long = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < long:
        body += connection.recv(65_536)
    return body.decode()


@pytest.mark.parametrize("one", [MORE, b"X-Another: header\r\n" * 3_000], ids=["one", "many"])
@pytest.mark.parametrize(
    "begun",
    [WHOLE + b"X: ", WHOLE + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: "],
    ids=["head", "trailer"],
)
def test_headers_without_an_end_are_refused(
    connection: socket.socket, begun: bytes, one: bytes
) -> None:
    connection.sendall(begun)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        connection.sendall(one * 1_000)


def test_a_long_head_and_a_longer_body_are_taken(connection: socket.socket) -> None:
    connection.sendall(WHOLE + b"X: " + MORE[:60_000] + b"\r\nContent-Length: 1048576\r\n\r\n")
    connection.sendall(MORE * 16)
    assert answer(connection).startswith("1048576 ")


def test_a_body_in_small_pieces_is_taken_one_request_after_another(
    connection: socket.socket,
) -> None:
    for _ in range(2):
        connection.sendall(WHOLE + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
        assert answer(connection).startswith("50000 ")


def test_the_loop_is_uvloops_where_there_is_one(
    connection: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.sendall(WHOLE + b"Content-Length: 0\r\n\r\n")
    assert answer(connection) == "0 uvloop"
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loop = serving.new_loop()
    loop.close()
    assert isinstance(loop, asyncio.SelectorEventLoop)
