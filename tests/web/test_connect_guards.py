"""Webhooks, frames and browser calls: who is let in, and as whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import Mount

from app.store.secrets import Vault
from tests.doors import signing
from tests.doors.door import ACME, ROUTES, UMBRELLA, Door, DoorWiring, lifecycle_body, standing
from tests.doors.signing import BASE_URL, OTHER_SECRET, SECRET, hs256, key_pair, rs256
from tests.support.clock import FakeClock

FRAME = "issue=10001&lic=active&cp=&xdm_e=https%3A%2F%2Facme.atlassian.net&cv=1001"


@pytest.fixture
async def door(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Door]:
    """Acme and umbrella have installed a minute ago."""
    async with standing(f"sqlite:///{tmp_path / 'door.db'}", clock) as door:
        assert await door.lifecycle("installed") == 204
        assert await door.lifecycle("installed", UMBRELLA, sharedSecret=OTHER_SECRET) == 204
        clock.advance(60)
        yield door


async def frame(door: Door, query: str, token: str) -> httpx2.Response:
    return await door.http.get(f"/connect/panel?{query}&jwt={token}")


def context_token(door: Door, **changes: Any) -> str:
    claims = signing.claims_of(ACME, door.now, "GET", "/", qsh="context-qsh", sub="5b10")
    return hs256({**claims, **changes})


async def test_a_frame_is_opened_by_the_one_whom_the_token_names(door: Door) -> None:
    token = door.token("/connect/panel", method="GET", query=FRAME, sub="5b10")
    answer = await frame(door, FRAME, token)
    assert answer.json() == {"tenant": (await door.tenant()).id, "account_id": "5b10"}


async def test_a_parameter_cannot_be_changed_added_or_left_out(door: Door) -> None:
    token = door.token("/connect/panel", method="GET", query=FRAME)
    for query in (
        FRAME.replace("10001", "10002"),
        FRAME + "&issue=10002",
        FRAME + "&admin",
        FRAME.removesuffix("&cv=1001"),
    ):
        answer = await frame(door, query, token)
        assert (answer.status_code, answer.content) == (401, b"")


async def test_a_token_for_one_route_opens_no_other(door: Door) -> None:
    token = door.token("/connect/panel", method="GET")
    assert (await door.send("/connect/webhooks", b"{}", token)).status_code == 401
    posted = door.token("/connect/webhooks", method="GET")
    assert (await door.send("/connect/webhooks", b"{}", posted)).status_code == 401


async def test_a_context_token_opens_browser_calls_and_nothing_else(door: Door) -> None:
    token = context_token(door)
    answer = await door.send("/api/sessions", b"{}", token)
    assert answer.json() == {"tenant": (await door.tenant()).id, "account_id": "5b10"}

    assert (await frame(door, FRAME, token)).status_code == 401
    for event in ("webhooks", "installed", "uninstalled", "enabled", "disabled"):
        assert (await door.send(f"/connect/{event}", b"{}", token)).status_code == 401


async def test_a_browser_call_takes_no_request_token_and_none_from_the_query(door: Door) -> None:
    request_token = door.token("/api/sessions")
    assert (await door.send("/api/sessions", b"{}", request_token)).status_code == 401
    answer = await door.http.post(f"/api/sessions?jwt={context_token(door)}")
    assert answer.status_code == 401


async def test_no_tenant_speaks_for_another(door: Door) -> None:
    assert await door.webhook(UMBRELLA, OTHER_SECRET) == 200
    assert await door.webhook(UMBRELLA, SECRET) == 401
    assert await door.webhook(ACME, OTHER_SECRET) == 401
    assert await door.webhook("nobody", SECRET) == 401
    assert (
        await door.send("/api/sessions", b"{}", context_token(door, iss=UMBRELLA))
    ).status_code == 401


@pytest.mark.parametrize("path", ["/connect/webhooks", "/api/sessions"])
async def test_what_only_looks_signed_is_refused(door: Door, path: str) -> None:
    qsh = "context-qsh" if path == "/api/sessions" else None
    claims = signing.claims_of(ACME, door.now, "POST", path)
    claims = {**claims, "qsh": qsh or claims["qsh"]}
    assert (await door.send(path, b"{}", hs256(claims))).status_code == 200
    forged = [
        None,
        "",
        "a.b.c",
        signing.unsigned(claims),
        signing.unsigned(claims, "HS256"),
        signing.by_hand(claims, b""),
        signing.by_hand(claims, key_pair().public_pem),
        signing.by_hand(claims, SECRET.encode(), alg="HS384"),
        rs256(claims),
        rs256({**claims, "aud": [BASE_URL]}),
        signing.with_payload(hs256(claims), {**claims, "sub": "admin"}),
        hs256({**claims, "exp": door.now}),
        hs256({**claims, "iat": door.now + 60, "exp": door.now + 90}),
        hs256({**claims, "padding": "x" * 9000}),
    ]
    for token in forged:
        answer = await door.send(path, b"{}", token)
        assert answer.status_code == 401
        assert (answer.content == b"") == (path == "/connect/webhooks")


@pytest.mark.parametrize("value", ["{}", "Bearer {}", "JWT{}", "jwt  {}  x", "JWT {} ,", "JWT"])
async def test_a_header_of_another_shape_is_refused(door: Door, value: str) -> None:
    header = value.format(door.token("/connect/webhooks"))
    answer = await door.http.post("/connect/webhooks", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_the_scheme_may_be_written_in_small_letters(door: Door) -> None:
    header = "jwt " + door.token("/connect/webhooks")
    answer = await door.http.post("/connect/webhooks", headers={"Authorization": header})
    assert answer.status_code == 200


async def test_a_token_given_twice_is_refused(door: Door) -> None:
    token = door.token("/connect/webhooks")
    both = {"Authorization": f"JWT {token}"}
    for path, headers in (
        (f"/connect/webhooks?jwt={token}", both),
        (f"/connect/webhooks?jwt={token}&jwt={token}", {}),
    ):
        answer = await door.http.post(path, headers=headers)
        assert (answer.status_code, answer.content) == (401, b"")
    context = {"Authorization": f"JWT {context_token(door)}"}
    answer = await door.http.post(f"/api/sessions?jwt={context_token(door)}", headers=context)
    assert answer.status_code == 401


@pytest.mark.parametrize("event", ["disabled", "uninstalled"])
async def test_who_is_disabled_or_gone_is_refused_everywhere(door: Door, event: str) -> None:
    assert await door.lifecycle(event) == 204
    assert await door.webhook() == 401
    assert (await door.send("/api/sessions", b"{}", context_token(door))).status_code == 401
    assert await door.webhook(UMBRELLA, OTHER_SECRET) == 200


@pytest.mark.parametrize("kept", [True, False], ids=["path kept", "path stripped by a proxy"])
async def test_the_path_of_our_own_base_url_is_no_part_of_what_is_signed(
    tmp_path: Path, clock: FakeClock, *, kept: bool
) -> None:
    url, base_url = f"sqlite:///{tmp_path / 'door.db'}", f"{BASE_URL}/app"
    routes = [Mount("/app", routes=ROUTES)] if kept else ROUTES
    async with standing(url, clock, routes=routes, app_base_url=base_url) as door:
        path = "/app/connect/installed" if kept else "/connect/installed"
        token = door.token("/connect/installed", aud=[base_url])
        answer = await door.send(path, lifecycle_body("installed"), token)
        assert answer.status_code == 204


async def test_a_path_is_signed_as_it_was_sent(door: Door) -> None:
    token = door.token("/connect/panel", method="GET")
    for path in ("/connect/panel", "/connect/%70anel"):
        answer = await door.http.get(path, headers={"Authorization": f"JWT {token}"})
        assert answer.status_code == (200 if path == "/connect/panel" else 401)


async def test_a_secret_whose_key_is_gone_is_our_fault_and_tried_again(door: Door) -> None:
    wiring: DoorWiring = door.app.state.wiring
    other = Vault(["another-key-altogether-0123456789abcdef"])
    door.app.state.wiring = replace(wiring, vault=other)
    assert await door.webhook() == 503
