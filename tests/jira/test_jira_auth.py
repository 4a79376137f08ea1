"""The tokens that we sign."""

from __future__ import annotations

import hashlib

import httpx2
import jwt
import pytest

from app.jira.auth import ConnectAuthorizer
from app.jira.client import client_for
from app.jira.limits import Limits
from app.sandbox.jira.qsh import query_string_hash as witness
from tests.jira.doubles import APP_KEY, BASE, SECRET, FakeJira, LedgerInMemory, ok
from tests.support.clock import FakeClock


async def claims(url: str, clock: FakeClock, *, base_url: str = BASE) -> dict[str, object]:
    signer = ConnectAuthorizer(APP_KEY, SECRET, base_url, clock)
    kind, _, token = (await signer.headers("GET", url))["Authorization"].partition(" ")
    assert kind == "JWT"
    read: dict[str, object] = jwt.decode(
        token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False}
    )
    return read


async def test_a_token_lives_three_minutes_in_the_apps_name(clock: FakeClock) -> None:
    read = await claims(f"{BASE}/rest/api/3/myself", clock)
    now = int(clock.now().timestamp())
    assert (read["iss"], read["iat"], read["exp"]) == (APP_KEY, now, now + 180)


@pytest.mark.parametrize(
    ("base_url", "url", "canonical"),
    [
        (BASE, "/rest/api/3/myself", "GET&/rest/api/3/myself&"),
        (BASE, "/rest/x?b=2&a=1,2&a=%2Bz", "GET&/rest/x&a=%2Bz,1%2C2&b=2"),
        (f"{BASE}/jira", "/rest/x?orderBy=-created", "GET&/rest/x&orderBy=-created"),
        (f"{BASE}/jira/", "/rest/x", "GET&/rest/x&"),
    ],
)
async def test_a_token_is_bound_to_path_and_query(
    clock: FakeClock, base_url: str, url: str, canonical: str
) -> None:
    read = await claims(base_url.rstrip("/") + url, clock, base_url=base_url)
    assert read["qsh"] == hashlib.sha256(canonical.encode()).hexdigest()


async def test_what_goes_over_the_wire_is_what_was_signed(jira: FakeJira, clock: FakeClock) -> None:
    jira.on("POST", "/jira/rest/api/3/x", ok({}))
    client = jira.connected(f"{BASE}/jira")
    await client.request(
        "test", "POST", "/rest/api/3/x", params={"fields": "*all,-a b", "n": 1}, json={"a": 1}
    )
    request = jira.requests[0]
    token = request.headers["authorization"].removeprefix("JWT ")
    read = jwt.decode(
        token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert read["qsh"] == witness("POST", str(request.url), f"{BASE}/jira")


class Row:
    id = "tenant-7"
    base_url = BASE


async def test_a_tenants_client_signs_with_the_tenants_secret(clock: FakeClock) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return ok({})

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    limits = Limits(clock, LedgerInMemory())
    client = client_for(Row(), APP_KEY, SECRET, http=http, clock=clock, limits=limits)
    await client.request("test", "GET", "/rest/api/3/myself")
    token = seen[0].headers["authorization"].removeprefix("JWT ")
    jwt.decode(
        token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert limits.snapshot() == {"tenant-7": 2}
