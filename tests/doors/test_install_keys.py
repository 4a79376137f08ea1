"""Where the keys of install tokens come from, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.doors.connect.install_keys import InstallKeys, InstallKeysUnavailable
from app.errors import AuthError
from tests.doors.signing import key_pair
from tests.support.clock import FakeClock

PEM = key_pair().public_pem


class KeyHost(ThreadingHTTPServer):
    """Answers ``/<kid>`` as it is told, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), KeyHandler)
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def has(self, kid: str, body: bytes = PEM, status: int = 200, **headers: str) -> None:
        self.answers[kid] = (status, body, headers)


class KeyHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, KeyHost)
        kid = self.path.removeprefix("/")
        self.server.asked.append(kid)
        status, body, headers = self.server.answers.get(kid, (404, b"", {}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def running() -> Iterator[KeyHost]:
    with KeyHost() as host:
        thread = Thread(target=host.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield host
        host.shutdown()
        thread.join()


first = pytest.fixture(running, name="first")
second = pytest.fixture(running, name="second")


@pytest.fixture
def nowhere() -> str:
    """A host that was there a moment ago."""
    with KeyHost() as host:
        return host.url


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


@pytest.fixture
def keys(
    first: KeyHost, second: KeyHost, http: httpx2.AsyncClient, clock: FakeClock
) -> InstallKeys:
    return InstallKeys([first.url, second.url], http=http, clock=clock)


async def test_a_key_is_asked_for_once_an_hour(
    keys: InstallKeys, first: KeyHost, second: KeyHost, clock: FakeClock
) -> None:
    first.has("k1")
    assert [await keys.pem("k1"), await keys.pem("k1")] == [PEM, PEM]
    assert (first.asked, second.asked) == (["k1"], [])

    clock.advance(3600)
    await keys.pem("k1")
    assert first.asked == ["k1", "k1"]


@pytest.mark.parametrize("status", [404, 403, 500])
async def test_the_second_host_is_asked_where_the_first_has_no_answer(
    keys: InstallKeys, first: KeyHost, second: KeyHost, status: int
) -> None:
    first.has("k1", b"no", status)
    second.has("k1")
    assert await keys.pem("k1") == PEM


async def test_the_second_host_is_asked_where_the_first_is_out_of_reach(
    nowhere: str, second: KeyHost, http: httpx2.AsyncClient, clock: FakeClock
) -> None:
    second.has("k1")
    keys = InstallKeys([nowhere, second.url], http=http, clock=clock)
    assert await keys.pem("k1") == PEM


async def test_a_key_that_no_host_has_is_not_authentic_and_not_asked_for_again_soon(
    keys: InstallKeys, first: KeyHost, second: KeyHost, clock: FakeClock
) -> None:
    for _ in range(3):
        with pytest.raises(AuthError, match="UNKNOWN_KID"):
            await keys.pem("k1")
    assert (first.asked, second.asked) == (["k1"], ["k1"])

    first.has("k1")
    clock.advance(30)
    assert await keys.pem("k1") == PEM


async def test_hosts_out_of_reach_are_a_reason_to_try_again(
    nowhere: str, first: KeyHost, http: httpx2.AsyncClient, clock: FakeClock
) -> None:
    keys = InstallKeys([nowhere, first.url], http=http, clock=clock)
    with pytest.raises(InstallKeysUnavailable):
        await keys.pem("k1")

    first.has("k1")
    assert await keys.pem("k1") == PEM


async def test_a_host_that_never_answers_is_given_up(first: KeyHost, clock: FakeClock) -> None:
    def never(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("no answer")

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(never)) as http:
        with pytest.raises(InstallKeysUnavailable):
            await InstallKeys([first.url], http=http, clock=clock).pem("k1")


EC_KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        (b"", 200, {}),
        (b"<html>", 200, {}),
        (b"\xff\xfe", 200, {}),
        (EC_KEY, 200, {}),
        (PEM + b" " * 17_000, 200, {}),
        (PEM, 500, {}),
        (PEM, 203, {}),
        (b"", 302, {"Location": "/k2"}),
        (PEM, 200, {"Content-Encoding": "gzip"}),
    ],
    ids=["empty", "a page", "bytes", "not RSA", "too long", "500", "203", "redirect", "bad gzip"],
)
async def test_only_a_plain_answer_with_a_public_key_is_believed(
    first: KeyHost,
    http: httpx2.AsyncClient,
    clock: FakeClock,
    body: bytes,
    status: int,
    headers: dict[str, str],
) -> None:
    first.has("k1", body, status, **headers)
    first.has("k2")
    with pytest.raises(InstallKeysUnavailable):
        await InstallKeys([first.url], http=http, clock=clock).pem("k1")
    assert first.asked == ["k1"]


async def test_made_up_ids_do_not_push_a_real_key_out(keys: InstallKeys, first: KeyHost) -> None:
    first.has("k1")
    await keys.pem("k1")
    for number in range(101):
        with pytest.raises(AuthError):
            await keys.pem(f"made-up-{number}")
    await keys.pem("k1")
    assert first.asked.count("k1") == 1


async def test_a_hundred_keys_are_remembered_and_no_more(keys: InstallKeys, first: KeyHost) -> None:
    for number in range(101):
        first.has(f"k{number}")
        await keys.pem(f"k{number}")
    await keys.pem("k100")
    await keys.pem("k0")
    assert first.asked.count("k100") == 1
    assert first.asked.count("k0") == 2
