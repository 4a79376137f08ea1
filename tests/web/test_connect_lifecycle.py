"""The four lifecycle calls, from the outside: what is let in, and what changes nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import Session

from app.store.tables import Tenant
from app.web.responses import MAX_BODY
from tests.doors import signing
from tests.doors.door import ACME, UMBRELLA, Door, DoorWiring, lifecycle_body, standing
from tests.doors.signing import BASE_URL, OTHER_SECRET, SECRET, hs256, key_pair, rs256
from tests.support.clock import FakeClock


@pytest.fixture
async def door(database_url: str, clock: FakeClock) -> AsyncIterator[Door]:
    """On each kind of database; nobody has installed yet."""
    async with standing(database_url, clock) as standing_door:
        yield standing_door


@pytest.fixture
async def installed(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Door]:
    """On SQLite; acme and umbrella have installed a minute ago."""
    async with standing(f"sqlite:///{tmp_path / 'door.db'}", clock) as door:
        assert await door.lifecycle("installed") == 204
        assert await door.lifecycle("installed", UMBRELLA, sharedSecret=OTHER_SECRET) == 204
        clock.advance(60)
        yield door


# --- what is let in ---------------------------------------------------------------------------


async def test_an_install_makes_the_tenant_known_with_a_first_workflow(door: Door) -> None:
    assert await door.lifecycle("installed", installationId="ari:install/1") == 204

    tenant = await door.tenant()
    assert (tenant.state, tenant.door, tenant.base_url) == (
        "installed", "connect", "https://acme.atlassian.net",
    )  # fmt: skip
    assert tenant.display_url == "https://support.acme.example"
    assert tenant.installation_id == "ari:install/1"
    assert tenant.installed_at == door.clock.now()
    assert door.first_installs == [tenant.id]
    assert [row[0] for row in (await door.dump())["workflow"]] == [tenant.id]
    assert await door.webhook() == 200


async def test_the_secret_is_stored_sealed(door: Door) -> None:
    await door.lifecycle("installed")
    assert SECRET not in repr(await door.dump())


async def test_where_the_first_workflow_fails_there_is_no_tenant(installed: Door) -> None:
    def fail(db: Session, tenant_id: str, now: datetime) -> None:
        assert db.get(Tenant, tenant_id) is not None
        raise RuntimeError("no workflow")

    wiring: DoorWiring = installed.app.state.wiring
    installed.app.state.wiring = replace(wiring, on_first_install=fail)
    before = await installed.dump()
    with pytest.raises(RuntimeError, match="no workflow"):
        await installed.lifecycle("installed", "third-client-key")
    assert await installed.dump() == before


async def test_a_new_secret_replaces_the_old_one_at_once(door: Door) -> None:
    await door.lifecycle("installed")
    tenant = await door.tenant()
    door.clock.advance(1)
    assert await door.lifecycle("installed", sharedSecret=OTHER_SECRET) == 204

    assert await door.webhook(secret=SECRET) == 401
    assert await door.webhook(secret=OTHER_SECRET) == 200
    after = await door.tenant()
    assert (after.id, after.session_generation) == (tenant.id, tenant.session_generation)
    assert door.first_installs == [tenant.id]


async def test_a_renamed_site_stays_the_same_tenant(door: Door) -> None:
    await door.lifecycle("installed")
    door.clock.advance(1)
    await door.lifecycle("installed", baseUrl="https://acme-corp.atlassian.net/", displayUrl="")
    tenant = await door.tenant()
    assert (tenant.base_url, tenant.display_url) == ("https://acme-corp.atlassian.net", None)
    assert door.first_installs == [tenant.id]


async def test_a_repeated_delivery_has_no_second_effect(door: Door) -> None:
    body = lifecycle_body("installed")
    for _ in range(2):
        token = door.token("/connect/installed")
        assert (await door.send("/connect/installed", body, token)).status_code == 204
    before = await door.dump()
    token = door.token("/connect/installed")
    assert (await door.send("/connect/installed", body, token)).status_code == 204
    assert await door.dump() == before


async def test_a_disabled_app_lets_nobody_in_until_it_is_enabled(door: Door) -> None:
    await door.lifecycle("installed")
    assert await door.lifecycle("disabled") == 204
    assert await door.webhook() == 401
    assert await door.lifecycle("disabled") == 204
    assert await door.lifecycle("enabled") == 204
    assert await door.webhook() == 200


async def test_an_install_enables(door: Door) -> None:
    await door.lifecycle("installed")
    await door.lifecycle("disabled")
    door.clock.advance(1)
    await door.lifecycle("installed")
    assert await door.webhook() == 200


async def test_a_replayed_install_does_not_enable(door: Door) -> None:
    token, body = door.token("/connect/installed"), lifecycle_body("installed")
    await door.send("/connect/installed", body, token)
    door.clock.advance(1)
    await door.lifecycle("disabled")
    await door.send("/connect/installed", body, token)
    assert await door.webhook() == 401


async def test_an_uninstall_ends_sessions_and_keeps_the_data(door: Door) -> None:
    await door.lifecycle("installed")
    before = await door.tenant()
    assert await door.lifecycle("uninstalled") == 204

    after = await door.tenant()
    assert after.state == "uninstalled"
    assert after.uninstalled_at == door.clock.now()
    assert after.session_generation == before.session_generation + 1
    assert after.shared_secret is None
    assert len((await door.dump())["workflow"]) == 1
    assert await door.webhook() == 401


async def test_an_uninstall_told_twice_counts_once(door: Door) -> None:
    await door.lifecycle("installed")
    await door.lifecycle("uninstalled")
    first = await door.tenant()
    door.clock.advance(5)
    assert await door.lifecycle("uninstalled") == 204
    second = await door.tenant()
    assert second.uninstalled_at == first.uninstalled_at
    assert second.session_generation == first.session_generation


async def test_a_reinstall_restores_the_tenant_and_no_old_session(door: Door) -> None:
    await door.lifecycle("installed")
    first = await door.tenant()
    door.clock.advance(1)
    await door.lifecycle("uninstalled")
    door.clock.advance(1)
    assert await door.lifecycle("installed", sharedSecret=OTHER_SECRET) == 204

    again = await door.tenant()
    assert (again.id, again.state, again.uninstalled_at) == (first.id, "installed", None)
    assert again.session_generation > first.session_generation
    assert door.first_installs == [first.id]
    assert await door.webhook(secret=OTHER_SECRET) == 200


async def test_an_uninstall_of_a_tenant_that_nobody_knows_is_no_error(door: Door) -> None:
    assert await door.lifecycle("uninstalled") == 204
    assert (await door.dump())["tenant"] == []


async def test_a_tenant_of_the_forge_door_is_found_by_its_installation(door: Door) -> None:
    forge = Tenant(
        id="tenant_forge",
        door="forge",
        installation_id="ari:install/1",
        cloud_id="c1",
        base_url="https://acme.atlassian.net",
        state="installed",
        installed_at=door.clock.now(),
    )
    await door.database.write(lambda db: db.add(forge))
    assert await door.lifecycle("installed", installationId="ari:install/1") == 204

    tenant = await door.tenant()
    assert (tenant.id, tenant.door, tenant.cloud_id) == ("tenant_forge", "connect", "c1")
    assert door.first_installs == []


async def test_no_install_takes_another_tenants_installation(door: Door) -> None:
    await door.lifecycle("installed", installationId="ari:install/1")
    await door.lifecycle("installed", UMBRELLA, installationId="ari:install/1")
    assert (await door.tenant()).installation_id == "ari:install/1"
    assert (await door.tenant(UMBRELLA)).installation_id is None


async def test_the_token_may_stand_in_the_query(installed: Door) -> None:
    token = installed.token("/connect/installed")
    answer = await installed.http.post(
        f"/connect/installed?jwt={token}", content=lifecycle_body("installed")
    )
    assert answer.status_code == 204


async def test_the_descriptor_is_served_for_caches_to_keep(installed: Door) -> None:
    answer = await installed.http.get("/atlassian-connect.json")
    assert answer.json()["baseUrl"] == BASE_URL
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"  # kept, and asked about each time


# --- what changes nothing ---------------------------------------------------------------------


async def refused(door: Door, path: str, body: bytes, token: str | None, status: int = 401) -> None:
    before = await door.dump()
    answer = await door.send(path, body, token)
    assert answer.status_code == status
    if status == 401:
        assert answer.content == b""
    assert await door.dump() == before


@pytest.mark.parametrize("event", ["installed", "uninstalled"])
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://evil.example"},
        {"aud": ["https://evil.example", BASE_URL]},
        {"iss": UMBRELLA},
        {"iss": None},
        {"qsh": None},
        {"qsh": "context-qsh"},
        {"qsh": "0" * 64},
        {"exp": None},
        {"iat": None},
        {"iat": 1, "exp": 2},
        {"iat": 99_999_999_999, "exp": 99_999_999_999},
    ],
    ids=str,
)
async def test_a_signed_call_with_a_wrong_claim_is_refused(
    installed: Door, event: str, changes: dict[str, Any]
) -> None:
    path = f"/connect/{event}"
    claims = {**signing.claims_of(ACME, installed.now, "POST", path), "aud": [BASE_URL], **changes}
    token = rs256({name: value for name, value in claims.items() if value is not None})
    await refused(installed, path, lifecycle_body(event, sharedSecret="new"), token)


@pytest.mark.parametrize("event", ["installed", "uninstalled"])
async def test_a_call_that_atlassian_did_not_sign_is_refused(installed: Door, event: str) -> None:
    path, body = f"/connect/{event}", lifecycle_body(event, sharedSecret="new")
    claims = {**signing.claims_of(ACME, installed.now, "POST", path), "aud": [BASE_URL]}
    kid, pem = key_pair().kid, key_pair().public_pem
    forged = [
        None,
        "",
        "not.a.token",
        hs256(claims),
        signing.unsigned(claims),
        signing.unsigned(claims, "RS256", kid=kid),
        signing.by_hand(claims, pem, kid=kid),
        signing.by_hand(claims, pem, alg="RS256", kid=kid),
        rs256(claims, key_pair("a-stranger")),
        rs256(claims, key_pair("a-stranger"), kid=kid),
        rs256(claims, kid="../" + kid),
        rs256(claims, kid="made-up"),
        signing.with_payload(rs256(claims), {**claims, "iat": installed.now + 1}),
    ]
    for token in forged:
        await refused(installed, path, body, token)


async def test_a_key_host_that_has_a_stranger_is_asked_for_no_path(installed: Door) -> None:
    stranger = key_pair("a-stranger")
    installed.keys["../a-stranger"] = installed.keys["a/stranger"] = stranger.public_pem
    claims = {
        **signing.claims_of(ACME, installed.now, "POST", "/connect/installed"),
        "aud": [BASE_URL],
    }
    for kid in ("../a-stranger", "a/stranger", "%2e%2e/a-stranger"):
        token = rs256(claims, stranger, kid=kid)
        await refused(installed, "/connect/installed", lifecycle_body("installed"), token)


@pytest.mark.parametrize("event", ["enabled", "disabled"])
async def test_a_switch_that_the_tenant_did_not_sign_is_refused(
    installed: Door, event: str
) -> None:
    path, body = f"/connect/{event}", lifecycle_body(event)
    claims = signing.claims_of(ACME, installed.now, "POST", path)
    forged = [
        None,
        hs256(claims, OTHER_SECRET),
        hs256({**claims, "iss": UMBRELLA}),
        hs256({**claims, "iss": UMBRELLA}, OTHER_SECRET),
        hs256({**claims, "iss": "nobody"}),
        hs256({**claims, "qsh": "context-qsh"}),
        hs256({**claims, "qsh": signing.claims_of(ACME, 1, "POST", "/connect/webhooks")["qsh"]}),
        hs256({**claims, "exp": installed.now}),
        rs256({**claims, "aud": [BASE_URL]}),
        signing.unsigned(claims),
    ]
    for token in forged:
        await refused(installed, path, body, token)


async def test_a_body_may_speak_of_its_issuer_alone(installed: Door) -> None:
    for event in ("installed", "uninstalled", "enabled", "disabled"):
        path = f"/connect/{event}"
        await refused(installed, path, lifecycle_body(event, UMBRELLA), installed.token(path))
        other_app = lifecycle_body(event, key="another-app")
        await refused(installed, path, other_app, installed.token(path))


async def test_an_older_install_is_refused(installed: Door) -> None:
    body = lifecycle_body("installed", sharedSecret="an-older-secret")
    for age in (61, 90):
        token = installed.token("/connect/installed", iat=installed.now - age)
        await refused(installed, "/connect/installed", body, token)


async def test_an_equally_old_install_brings_no_other_secret(installed: Door) -> None:
    token = installed.token("/connect/installed")
    assert (
        await installed.send("/connect/installed", lifecycle_body("installed"), token)
    ).status_code == 204
    other = lifecycle_body("installed", sharedSecret=OTHER_SECRET)
    await refused(installed, "/connect/installed", other, token)


async def test_no_replay_undoes_an_uninstall(installed: Door) -> None:
    install, body = installed.token("/connect/installed"), lifecycle_body("installed")
    await installed.send("/connect/installed", body, install)
    enable = installed.token("/connect/enabled")
    await installed.lifecycle("uninstalled")

    await refused(installed, "/connect/installed", body, install)
    await refused(installed, "/connect/enabled", lifecycle_body("enabled"), enable)
    installed.clock.advance(30)
    await refused(installed, "/connect/installed", body, install)


async def test_no_replay_undoes_a_reinstall(installed: Door) -> None:
    uninstall = installed.token("/connect/uninstalled")
    disable = installed.token("/connect/disabled")
    await installed.lifecycle("uninstalled")
    installed.clock.advance(1)
    await installed.lifecycle("installed")

    await refused(installed, "/connect/uninstalled", lifecycle_body("uninstalled"), uninstall)
    await refused(installed, "/connect/disabled", lifecycle_body("disabled"), disable)


@pytest.mark.parametrize(
    "url",
    [
        None, "", "http://acme.atlassian.net", "https://evil.example", "https://127.0.0.1",
        "https://acme.atlassian.net.evil.example", "https://evil-atlassian.net",
        "https://acme.atlassian.net@evil.example", "https://acme.atlassian.net/x", 7, ["x"],
    ],
)  # fmt: skip
async def test_a_base_url_that_is_not_allowed_is_refused(installed: Door, url: object) -> None:
    body = lifecycle_body("installed", baseUrl=url)
    token = installed.token("/connect/installed")
    await refused(installed, "/connect/installed", body, token, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"clientKey=acme", b"{}", b"[" * 100_000,
        lifecycle_body("installed", sharedSecret=None),
        lifecycle_body("installed", sharedSecret=""),
        lifecycle_body("installed", sharedSecret="x" * 1025),
        lifecycle_body("installed", sharedSecret=7),
        lifecycle_body("installed", clientKey=None),
        lifecycle_body("installed", clientKey=["a"]),
        lifecycle_body("installed", installationId="a\0b"),
        lifecycle_body("installed", displayUrl="x" * 513),
        lifecycle_body("installed", eventType="uninstalled"),
    ],
    ids=range(17),
)  # fmt: skip
async def test_a_body_that_cannot_be_read_is_refused(installed: Door, body: bytes) -> None:
    token = installed.token("/connect/installed")
    await refused(installed, "/connect/installed", body, token, 400)


async def test_a_refusal_quotes_nothing_of_the_body(installed: Door) -> None:
    body = json.dumps({"key": "jira-chatkit", "clientKey": {"canary": "canary"}}).encode()
    answer = await installed.send("/connect/installed", body, installed.token("/connect/installed"))
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "clientKey is missing or cannot be read"
    assert "canary" not in answer.text


async def test_a_body_over_a_mebibyte_is_refused_and_one_below_is_not(installed: Door) -> None:
    def padded(length: int) -> bytes:
        body = lifecycle_body("installed")
        return body + b" " * (length - len(body))

    token = installed.token("/connect/installed")
    await refused(installed, "/connect/installed", padded(MAX_BODY + 1), token, 413)
    answer = await installed.send("/connect/installed", padded(MAX_BODY), token)
    assert answer.status_code == 204


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_refused(installed: Door, method: str) -> None:
    before = await installed.dump()
    for event in ("installed", "uninstalled", "enabled", "disabled"):
        path = f"/connect/{event}"
        answer: httpx2.Response = await installed.http.request(
            method,
            path,
            content=lifecycle_body(event),
            headers={"Authorization": f"JWT {installed.token(path, method=method)}"},
        )
        assert answer.status_code == 405
    assert await installed.dump() == before


async def test_a_token_given_twice_is_refused(installed: Door) -> None:
    path, token = "/connect/uninstalled", installed.token("/connect/uninstalled")
    before = await installed.dump()
    twice: list[tuple[str, list[tuple[str, str]]]] = [
        (f"?jwt={token}", [("Authorization", f"JWT {token}")]),
        (f"?jwt={token}&jwt={token}", []),
        (f"?jwt={token}&%6awt={token}", []),
        ("", [("Authorization", f"JWT {token}")] * 2),
        ("", [("Authorization", f"JWT {token}, JWT {token}")]),
        ("", [("Authorization", f"JWT {token},{token}")]),
        ("", [("Authorization", f"JWT {token} {token}")]),
        ("?jwt=", [("Authorization", f"JWT {token}")]),
        (f"?jwt={token}", [("Authorization", "Basic eDp5")]),
    ]
    for query, headers in twice:
        answer = await installed.http.post(
            path + query, content=lifecycle_body("uninstalled"), headers=headers
        )
        assert (answer.status_code, answer.content) == (401, b"")
    assert await installed.dump() == before


async def test_an_unknown_key_is_unauthentic_but_a_silent_key_host_is_no_verdict(
    installed: Door,
) -> None:
    installed.keys["odd"] = b"<html>"
    claims = signing.claims_of(ACME, installed.now, "POST", "/connect/installed", aud=[BASE_URL])
    body = lifecycle_body("installed")
    await refused(installed, "/connect/installed", body, rs256(claims, kid="made-up"))
    await refused(installed, "/connect/installed", body, rs256(claims, kid="odd"), 503)
