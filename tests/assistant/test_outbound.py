"""Where a tenant's base URL may lead: judged, looked up, pinned."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from app.assistant import outbound
from app.assistant.catalogue import listed_models
from app.assistant.models import ModelAccess, ModelClients
from app.assistant.outbound import (
    Carriers,
    OutboundRefused,
    PinnedTransport,
    allowed_url,
    is_public,
)
from app.errors import ModelError
from tests.support.clock import FakeClock

HOSTS = ("api.example.com", "*.gateway.example")
PUBLIC = "93.184.216.34"
OTHER = "2606:2800:220:1:248:1893:25c8:1946"
ACCESS = ModelAccess("sk-canary", "https://api.example.com/v1", "gpt-5.4", guarded=True)


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("HTTPS://API.Example.com/v1/", "https://api.example.com/v1"),
        ("https://api.example.com", "https://api.example.com"),
        ("https://eu.gateway.example/openai/v1", "https://eu.gateway.example/openai/v1"),
    ],
)
def test_an_allowed_host_may_be_named(typed: str, taken: str) -> None:
    assert allowed_url(typed, HOSTS) == taken


@pytest.mark.parametrize(
    "typed",
    [
        "http://api.example.com/v1",
        "https://api.example.com:8443/v1",
        "https://api.example.com:443/v1",
        "https://user@api.example.com/v1",
        "https://api.example.com@evil.test/v1",
        "https://evil.test#api.example.com",
        "https://evil.test/api.example.com",
        "https://api.example.com.evil.test/v1",
        "https://notapi.example.com/v1",
        "https://gateway.example/v1",
        "https://api.example.com./v1",
        "https://api.example.com/v1?x=1",
        "https://api.example.com/../v1",
        "https://api.example.com/v1\\@evil.test",
        "https://api.example.com/v1\n",
        "https://127.0.0.1/v1",
        "https://[::1]/v1",
        "https://2130706433/v1",
        "https://ap\u0131.example.com/v1",
        "https:///v1",
        "//api.example.com/v1",
        "api.example.com",
        "",
    ],
)
def test_nothing_else_may_be_named(typed: str) -> None:
    assert allowed_url(typed, HOSTS) is None


def test_no_address_is_a_host_even_where_a_pattern_would_let_it_in() -> None:
    assert allowed_url("https://127.0.0.1/v1", ("127.0.0.1", "*.0.0.1", "*.1")) is None


@given(st.text(max_size=40))
def test_what_is_taken_begins_as_it_must(rest: str) -> None:
    taken = allowed_url(f"https://api.example.com{rest}", HOSTS)
    assert taken is None or taken.partition("/v")[0].startswith("https://api.example.com")
    if taken is not None:
        assert httpx2.URL(taken).host == "api.example.com"


@pytest.mark.parametrize("address", [PUBLIC, OTHER, "1.1.1.1", "64:ff9b::101:101"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fec0::1", "ff0e::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "2002:7f00:1::",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2001:db8::1", "2001:0:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe", "", "localhost",
    ],
)  # fmt: skip
def test_addresses_that_are_not(address: str) -> None:
    assert not is_public(address)


# --- pinned ---------------------------------------------------------------------------------


class Dns:
    """Answers one after another; the last one again and again."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Wire:
    """What was connected to; ``down`` are addresses where nobody answers."""

    def __init__(self, *down: str) -> None:
        self.sent: list[httpx2.Request] = []
        self._down = down

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host in self._down:
            raise httpx2.ConnectError("nobody there")
        self.sent.append(request)
        return httpx2.Response(200, json={"data": []})

    @property
    def addresses(self) -> list[str]:
        return [request.url.host for request in self.sent]


def carrier(dns: Dns, wire: Callable[[httpx2.Request], httpx2.Response]) -> httpx2.AsyncClient:
    below = httpx2.MockTransport(wire)
    return httpx2.AsyncClient(transport=PinnedTransport(HOSTS, resolve=dns, below=below))


async def test_a_request_goes_to_the_address_that_was_looked_at() -> None:
    dns, wire = Dns([PUBLIC]), Wire()
    async with carrier(dns, wire) as client:
        answer = await client.post("https://api.example.com/v1/responses?x=1", json={"a": 1})

    [sent] = wire.sent
    assert str(sent.url) == f"https://{PUBLIC}/v1/responses?x=1"
    assert sent.headers["host"] == "api.example.com"
    assert sent.extensions["sni_hostname"] == "api.example.com"
    assert sent.read() == b'{"a":1}'
    assert dns.asked == ["api.example.com"]
    assert str(answer.request.url).startswith("https://api.example.com/")


async def test_an_answer_that_changes_is_looked_at_again() -> None:
    dns, wire = Dns([PUBLIC], ["127.0.0.1"], [PUBLIC, "10.0.0.1"], []), Wire()
    async with carrier(dns, wire) as client:
        await client.get("https://api.example.com/v1/models")
        for _ in range(3):
            with pytest.raises(OutboundRefused):
                await client.get("https://api.example.com/v1/models")

    assert wire.addresses == [PUBLIC]


async def test_another_address_is_tried_where_nobody_answers() -> None:
    wire = Wire(OTHER)
    async with carrier(Dns([OTHER, PUBLIC]), wire) as client:
        await client.get("https://api.example.com/v1/models")
        with pytest.raises(httpx2.ConnectError):
            async with carrier(Dns([OTHER]), wire) as alone:
                await alone.get("https://api.example.com/v1/models")

    assert wire.addresses == [PUBLIC]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/v1/models",
        "http://api.example.com/v1/models",
        "https://api.example.com:8443/v1/models",
        "https://user:word@api.example.com/v1/models",
        f"https://{PUBLIC}/v1/models",
    ],
)
async def test_what_is_not_allowed_is_not_even_looked_up(url: str) -> None:
    dns, wire = Dns([PUBLIC]), Wire()
    async with carrier(dns, wire) as client:
        with pytest.raises(OutboundRefused):
            await client.get(url)

    assert (dns.asked, wire.sent) == ([], [])


async def test_only_a_tenants_own_address_is_guarded() -> None:
    carriers = Carriers(HOSTS)
    operators = ModelAccess("sk-one", "http://127.0.0.1:9/v1", "gpt-5.4")

    assert carriers(operators) is None
    made = carriers(ACCESS)
    assert made is not None
    assert made.follow_redirects is False
    await made.aclose()


async def test_a_turn_and_a_test_of_a_key_are_refused_alike(clock: FakeClock) -> None:
    carriers = Carriers(HOSTS, resolve=Dns(["192.168.0.10"]))
    with pytest.raises(ModelError) as refused:
        await listed_models(ACCESS, carriers, clock)
    assert (refused.value.cause, refused.value.retry_after) == ("host_refused", None)

    clients = ModelClients(timeout=1, http_client=carriers)
    async with clients.use("acme", ACCESS) as client:
        with pytest.raises(Exception, match="Connection error") as failed:
            await client.responses.create(model="gpt-5.4", input="Why?")
        assert isinstance(failed.value.__cause__, OutboundRefused)
    await clients.close()


async def test_a_host_without_an_address_is_not_reached() -> None:
    with pytest.raises(httpx2.ConnectError) as failed:
        await outbound.look_up("there-is.invalid")
    assert not isinstance(failed.value, OutboundRefused)
    assert await outbound.look_up("localhost")


# --- over TLS -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for api.example.com, signed by nobody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api.example.com")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("api.example.com")]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@asynccontextmanager
async def tls_server(certificate: Path) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


class AtPort(httpx2.AsyncHTTPTransport):
    """Port 443 of this machine is another one here."""

    def __init__(self, port: int, verify: ssl.SSLContext) -> None:
        super().__init__(verify=verify, trust_env=False)
        self._port = port

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(port=self._port)
        return await super().handle_async_request(request)


async def test_the_certificate_is_the_hosts_and_not_the_addresss(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "is_public", lambda _: True)
    trusted = ssl.create_default_context(cafile=str(certificate))
    hosts = (*HOSTS, "b.gateway.example")
    async with tls_server(certificate) as port:
        transport = PinnedTransport(hosts, resolve=Dns(["127.0.0.1"]), below=AtPort(port, trusted))
        async with httpx2.AsyncClient(transport=transport) as client:
            answer = await client.get("https://api.example.com/v1/models")
            assert answer.text == "ok"
            with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get("https://b.gateway.example/v1/models")
