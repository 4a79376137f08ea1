"""A Forge installation's life, over HTTP and a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from app.store import forge_tenants
from app.store.forge_tenants import GONE_AFTER, SEEN_WITHIN, SILENT_AFTER, STRAGGLERS
from app.store.tables import Unseen
from app.turns.ending import end_all
from tests.doors.forge import minting
from tests.doors.forge.door import (
    EVENTS,
    PATHS,
    PRE_UNINSTALL,
    SCHEDULE,
    BothDoors,
    app_event,
    both_doors,
    comment_event,
)
from tests.doors.forge.minting import AGNES, API_BASE, CLOUD_ID, INSTALLATION, SITE
from tests.doors.signing import SECRET
from tests.support.clock import FakeClock

OTHER = "ari:cloud:ecosystem::installation/umbrella"


def later(doors: BothDoors, by: timedelta) -> None:
    doors.clock.advance(by.total_seconds())


# --- who is known ---------------------------------------------------------------------------


async def test_installed_makes_the_tenant_known_and_sets_it_up_once(doors: BothDoors) -> None:
    assert await doors.tells("installed") == 204
    tenant = await doors.tenant()
    assert (tenant.door, tenant.state, tenant.client_key) == ("forge", "installed", None)
    assert (tenant.cloud_id, tenant.api_base_url) == (CLOUD_ID, API_BASE)
    assert (tenant.base_url, tenant.display_url) == (SITE, SITE)
    assert await doors.tells("installed") == 204
    assert await doors.tells("upgraded") == 204
    assert doors.connect.first_installs == [tenant.id]
    assert await doors.tenants() == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [(SCHEDULE, b"{}"), (SCHEDULE, b""), (EVENTS, comment_event()), (EVENTS, b'{"eventType":"x"}')],
)
async def test_any_verified_call_makes_its_tenant_known(
    one: BothDoors, path: str, body: bytes
) -> None:
    assert await one.status(path, body) == 204
    assert one.connect.first_installs == [(await one.tenant()).id]


async def test_calls_that_come_at_once_make_one_tenant(doors: BothDoors) -> None:
    statuses = await asyncio.gather(*(doors.status(SCHEDULE) for _ in range(8)))
    assert statuses == [204] * 8
    assert await doors.tenants() == 1
    assert len(doors.connect.first_installs) == 1


async def test_a_site_that_was_not_told_at_first_is_noted_when_it_is(one: BothDoors) -> None:
    assert await one.status(SCHEDULE, token=one.token(context=None)) == 204
    assert (await one.tenant()).base_url == API_BASE
    assert await one.status(SCHEDULE) == 204
    assert ((await one.tenant()).base_url, (await one.tenant()).display_url) == (SITE, SITE)
    assert await one.status(SCHEDULE, token=one.token(context=None)) == 204
    assert (await one.tenant()).base_url == SITE


async def test_a_renamed_site_keeps_its_tenant(one: BothDoors) -> None:
    await one.tells("installed")
    first = await one.tenant()
    moved = one.token(context={"siteUrl": "https://acme-two.atlassian.net"})
    assert await one.status(SCHEDULE, token=moved) == 204
    assert (await one.tenant()).id == first.id
    assert (await one.tenant()).base_url == "https://acme-two.atlassian.net"


# --- events ---------------------------------------------------------------------------------


async def test_an_event_is_taken_in_once_however_often_it_is_told(doors: BothDoors) -> None:
    again = comment_event(retryContext={"retryCount": 1, "retryReason": "UPSTREAM_ERROR"})
    for body in (comment_event(), again, comment_event()):
        assert await doors.status(EVENTS, body) == 204
    assert await doors.connect.database.read(unseen) == [("10100", "comment_created")]


async def test_the_same_comment_on_two_sites_is_two(one: BothDoors) -> None:
    other = one.token(
        OTHER,
        app={"apiBaseUrl": "https://api.atlassian.com/ex/jira/umbrella"},
        context={"cloudId": "umbrella", "siteUrl": "https://umbrella.atlassian.net"},
    )
    assert await one.status(EVENTS, comment_event()) == 204
    assert await one.status(EVENTS, comment_event(), other) == 204
    assert len(await one.connect.database.read(unseen)) == 2


def unseen(db: Session) -> list[tuple[str | None, str]]:
    return [(row.comment_id, row.event) for row in db.exec(select(Unseen)).all()]


async def test_an_event_that_cannot_be_read_is_a_bad_request(one: BothDoors) -> None:
    answer = await one.post(EVENTS, b'{"eventType": "avi:jira:commented:issue"}')
    assert answer.status_code == 400
    assert await one.connect.database.read(unseen) == []


# --- tokens that call Jira ------------------------------------------------------------------


async def test_the_system_token_is_kept_sealed_and_the_newest_wins(doors: BothDoors) -> None:
    now = doors.clock.now()
    first, sooner, newer = (minting.oauth(now, seconds) for seconds in (3600, 600, 7200))
    for raw in (first, sooner):
        assert (await doors.post(SCHEDULE, system=raw)).status_code == 204
    vault = doors.connect.vault
    tenant = await doors.tenant()
    assert tenant.system_token is not None
    assert first not in tenant.system_token
    assert forge_tenants.system_token(tenant, vault) == first
    assert (await doors.post(SCHEDULE, system=newer)).status_code == 204
    assert forge_tenants.system_token(await doors.tenant(), vault) == newer


async def test_a_call_that_tells_nothing_new_writes_nothing(one: BothDoors) -> None:
    raw = minting.oauth(one.clock.now())
    await one.post(SCHEDULE, system=raw)
    before = await one.connect.dump()
    later(one, SEEN_WITHIN - timedelta(seconds=1))
    await one.post(SCHEDULE, system=raw)
    assert await one.connect.dump() == before
    later(one, timedelta(seconds=1))
    await one.post(SCHEDULE, system=raw)
    assert (await one.tenant()).forge_seen_at == one.clock.now()


async def test_a_header_that_holds_no_token_is_refused_and_changes_nothing(one: BothDoors) -> None:
    before = await one.connect.dump()
    answer = await one.post(SCHEDULE, system="two words")
    assert (answer.status_code, answer.content) == (401, b"")
    assert await one.connect.dump() == before


async def test_rotation_seals_the_token_anew(one: BothDoors) -> None:
    from app.store import tenants  # noqa: PLC0415
    from app.store.secrets import Vault  # noqa: PLC0415

    raw = minting.oauth(one.clock.now())
    await one.post(SCHEDULE, system=raw)
    newer = Vault(["a-newer-key-for-tests-0123456789abcdef", *one.connect.vault._keys])
    assert await one.connect.database.write(tenants.rotate, newer) == 1
    alone = Vault(["a-newer-key-for-tests-0123456789abcdef"])
    assert forge_tenants.system_token(await one.tenant(), alone) == raw


# --- leaving, and coming back ---------------------------------------------------------------


@pytest.mark.parametrize("by_event", [True, False])
async def test_whoever_leaves_is_ended_at_once(doors: BothDoors, by_event: bool) -> None:  # noqa: FBT001
    await doors.post(SCHEDULE, system=minting.oauth(doors.clock.now()))
    generation = (await doors.tenant()).session_generation
    left = await (doors.tells("uninstalled") if by_event else doors.status(PRE_UNINSTALL))
    assert left == 204
    tenant = await doors.tenant()
    assert (tenant.state, tenant.system_token) == ("uninstalled", None)
    assert tenant.session_generation == generation + 1
    assert tenant.uninstalled_at == doors.clock.now()


async def test_who_is_not_known_may_leave(one: BothDoors) -> None:
    assert await one.tells("uninstalled") == 204
    assert await one.status(PRE_UNINSTALL) == 204
    assert await one.tenants() == 0


async def test_what_was_under_way_brings_nobody_back(one: BothDoors) -> None:
    await one.tells("installed")
    later(one, timedelta(minutes=1))
    await one.tells("uninstalled")
    before = await one.connect.dump()
    for seconds in (1, 60, 240):
        later(one, timedelta(seconds=seconds))
        assert await one.status(EVENTS, comment_event()) == 401
        assert await one.status(SCHEDULE) == 401
        assert await one.tells("installed", retryContext={"retryCount": 1}) == 401
    assert await one.connect.dump() == before


async def test_a_reinstall_restores_the_tenant(doors: BothDoors) -> None:
    await doors.tells("installed")
    first = await doors.tenant()
    later(doors, timedelta(minutes=1))
    await doors.tells("uninstalled")
    later(doors, timedelta(seconds=1))
    assert await doors.tells("installed") == 204
    tenant = await doors.tenant()
    assert (tenant.id, tenant.state, tenant.uninstalled_at) == (first.id, "installed", None)
    assert tenant.session_generation == first.session_generation + 1
    assert doors.connect.first_installs == [first.id]


async def test_long_after_it_left_any_call_brings_it_back(one: BothDoors) -> None:
    await one.tells("installed")
    later(one, timedelta(minutes=1))
    await one.tells("uninstalled")
    later(one, STRAGGLERS)
    assert await one.status(SCHEDULE) == 204
    assert (await one.tenant()).state == "installed"


async def test_an_old_uninstall_ends_no_newer_installation(one: BothDoors) -> None:
    old = one.token()
    later(one, timedelta(seconds=5))
    await one.tells("installed")
    assert await one.tells("uninstalled", token=old) == 401
    assert await one.status(PRE_UNINSTALL, token=old) == 401
    assert (await one.tenant()).state == "installed"


async def test_the_body_speaks_of_the_tokens_installation_alone(one: BothDoors) -> None:
    await one.tells("installed")
    before = await one.connect.dump()
    for kind in ("installed", "upgraded", "uninstalled"):
        assert await one.status(EVENTS, app_event(kind, OTHER)) == 401
    assert await one.connect.dump() == before


async def test_an_installation_is_on_one_site(one: BothDoors) -> None:
    await one.tells("installed")
    before = await one.connect.dump()
    elsewhere = one.token(
        app={"apiBaseUrl": "https://api.atlassian.com/ex/jira/umbrella"},
        context={"cloudId": "umbrella"},
    )
    assert [await one.status(path, token=elsewhere) for path in PATHS] == [401] * 3
    assert await one.connect.dump() == before


# --- silence --------------------------------------------------------------------------------


async def look_for_silent(one: BothDoors) -> tuple[list[str], list[str]]:
    return await one.connect.database.write(forge_tenants.look_for_silent, end_all, one.clock.now())


async def test_who_calls_no_more_is_marked_and_comes_back_with_a_call(doors: BothDoors) -> None:
    await doors.tells("installed")
    tenant_id = (await doors.tenant()).id
    later(doors, SILENT_AFTER)
    assert await look_for_silent(doors) == ([], [])
    later(doors, timedelta(seconds=1))
    assert await look_for_silent(doors) == ([tenant_id], [])
    tenant = await doors.tenant()
    assert (tenant.state, tenant.forge_silent_at) == ("disabled", doors.clock.now())
    assert await look_for_silent(doors) == ([], [])
    assert await doors.status(EVENTS, comment_event()) == 204
    tenant = await doors.tenant()
    assert (tenant.state, tenant.forge_silent_at) == ("installed", None)


async def test_who_stays_away_has_left(one: BothDoors) -> None:
    await one.tells("installed")
    tenant = await one.tenant()
    later(one, SILENT_AFTER + timedelta(seconds=1))
    await look_for_silent(one)
    later(one, GONE_AFTER + timedelta(seconds=1))
    assert await look_for_silent(one) == ([], [tenant.id])
    gone = await one.tenant()
    assert (gone.state, gone.uninstalled_at) == ("uninstalled", one.clock.now())
    assert gone.session_generation == tenant.session_generation + 1
    assert await one.status(SCHEDULE) == 204
    assert (await one.tenant()).state == "installed"


async def test_a_connect_tenant_is_never_silent(one: BothDoors) -> None:
    await one.connect.lifecycle("installed", installationId=INSTALLATION)
    later(one, 2 * GONE_AFTER)
    assert await look_for_silent(one) == ([], [])


async def test_a_disabled_tenant_is_let_in_by_no_call(one: BothDoors) -> None:
    await one.connect.lifecycle("installed", installationId=INSTALLATION)
    assert await one.status(SCHEDULE) == 204
    assert await one.connect.lifecycle("disabled") == 204
    assert await one.status(SCHEDULE) == 401
    assert (await one.tenant()).state == "disabled"
    assert await one.connect.webhook(secret=SECRET) == 401


# --- who is not let in ----------------------------------------------------------------------


async def test_a_closed_door_is_not_there(tmp_path: Path, clock: FakeClock) -> None:
    url = f"sqlite:///{tmp_path / 'closed.db'}"
    async with both_doors(url, clock, forge_app_id=None) as closed:
        for path in PATHS:
            answer = await closed.post(path)
            assert (answer.status_code, answer.content) == (401, b"")
        assert await closed.tenants() == 0


async def test_nobody_gets_a_bare_401_and_changes_nothing(one: BothDoors) -> None:
    await one.tells("installed")
    before = await one.connect.dump()
    token = one.token()
    headers: tuple[list[tuple[str, str]], ...] = (
        [],
        [("Authorization", "Bearer")],
        [("Authorization", f"JWT {token}")],
        [("Authorization", f"Basic {token}")],
        [("Authorization", f"Bearer {token} {token}")],
        [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")],
        [("Authorization", f"Bearer {token[:-4]}AAAA")],
        [
            ("Authorization", f"Bearer {token}"),
            ("x-forge-oauth-system", "a"),
            ("x-forge-oauth-system", "b"),
        ],
    )
    for path in PATHS:
        for given in headers:
            answer = await one.connect.http.post(
                path, content=app_event("uninstalled"), headers=given
            )
            assert (answer.status_code, answer.content) == (401, b""), given
        for name in ("jwt", "token", "access_token"):
            answer = await one.post(f"{path}?{name}={token}", app_event("uninstalled"))
            assert (answer.status_code, answer.content) == (401, b"")
    assert await one.connect.dump() == before


async def test_a_persons_token_is_none_of_the_platforms(one: BothDoors) -> None:
    """A page's token may come to be held by whoever looks at the page."""
    await one.tells("installed")
    before = await one.connect.dump()
    of_pages = (
        one.token(principal=AGNES),
        one.token(app={"module": {"type": "jira:issuePanel", "key": "jira-chatkit-panel"}}),
        one.token(app={"module": {"type": "jira:adminPage", "key": "jira-chatkit-admin"}}),
        one.token(app={"module": None}, context={"moduleKey": "jira-chatkit-admin"}),
    )
    for token in of_pages:
        for path in PATHS:
            assert await one.status(path, app_event("uninstalled"), token) == 401
    assert await one.connect.dump() == before


async def test_an_environment_that_is_not_let_in_makes_nobody_known(
    tmp_path: Path, clock: FakeClock
) -> None:
    url = f"sqlite:///{tmp_path / 'production.db'}"
    async with both_doors(url, clock, forge_environments=("PRODUCTION",)) as strict:
        testing = strict.token(app={"environment": {"type": "DEVELOPMENT"}})
        assert await strict.status(SCHEDULE, token=testing) == 401
        assert await strict.tenants() == 0
        assert await strict.status(SCHEDULE) == 204


async def test_a_body_without_end_is_too_large(one: BothDoors) -> None:
    for path in PATHS:
        assert await one.status(path, b"x" * (1024 * 1024 + 1)) == 413
