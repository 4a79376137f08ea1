"""A tenant that moves from Connect to Forge keeps all it has, and nobody gets another's.

The attacks are those of somebody for whom Atlassian signs: a site of one's own, or a token of one's
own. Acme is the victim; Umbrella would like to be Acme.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session

from app.store.tables import ProjectSettings, Tenant, Usage, Workflow
from tests.doors.door import ACME, UMBRELLA
from tests.doors.forge.door import SCHEDULE, BothDoors
from tests.doors.forge.minting import CLOUD_ID, INSTALLATION, SITE
from tests.doors.signing import OTHER_SECRET

UMBRELLAS = "ari:cloud:ecosystem::installation/umbrella"
UMBRELLA_SITE = "https://umbrella.atlassian.net"


def of_umbrella(doors: BothDoors, installation: str = UMBRELLAS) -> str:
    """A token that Forge signs for Umbrella's site."""
    return doors.token(
        installation,
        app={"apiBaseUrl": "https://api.atlassian.com/ex/jira/umbrella"},
        context={"cloudId": "umbrella", "siteUrl": UMBRELLA_SITE},
    )


def without_site(doors: BothDoors) -> str:
    return doors.token(context=None)


def later(doors: BothDoors, seconds: int = 60) -> None:
    doors.clock.advance(seconds)


async def connect(doors: BothDoors, client_key: str = ACME, **body: Any) -> int:
    """A signed ``installed``, with whatever its body says."""
    return await doors.connect.lifecycle("installed", client_key, **body)


def _give_it_a_past(db: Session, tenant_id: str, now: datetime) -> None:
    db.add(ProjectSettings(tenant_id=tenant_id, project_id="10000", mode="auto", mode_since=now))
    db.add(
        Workflow(tenant_id=tenant_id, version=2, state="draft", definition={"x": 1}, created_at=now)
    )
    db.add(Usage(tenant_id=tenant_id, day="2026-11-02", spent=7))
    db.get_one(Tenant, tenant_id).settings = {"settle_for": 7}


# --- moving ---------------------------------------------------------------------------------


async def test_connect_first_the_installation_it_named_finds_the_tenant(doors: BothDoors) -> None:
    assert await connect(doors) == 204
    first = await doors.connect.tenant()
    await doors.connect.database.write(_give_it_a_past, first.id, doors.clock.now())
    before = {k: v for k, v in (await doors.connect.dump()).items() if k != "tenant"}
    later(doors)
    assert await connect(doors, installationId=INSTALLATION) == 204
    assert await doors.status(SCHEDULE) == 204

    tenant = await doors.tenant()
    assert (tenant.id, tenant.client_key, tenant.cloud_id) == (first.id, ACME, CLOUD_ID)
    assert (tenant.door, tenant.settings) == ("connect", {"settle_for": 7})
    assert {k: v for k, v in (await doors.connect.dump()).items() if k != "tenant"} == before
    assert doors.connect.first_installs == [first.id]
    assert await doors.tenants() == 1


async def test_when_connect_ends_the_tenant_goes_on_through_forge(one: BothDoors) -> None:
    await connect(one, installationId=INSTALLATION)
    await one.status(SCHEDULE)
    first = await one.tenant()
    later(one)
    assert await one.connect.lifecycle("uninstalled") == 204
    later(one, 3600)
    assert await one.status(SCHEDULE) == 204
    tenant = await one.tenant()
    assert (tenant.id, tenant.door, tenant.state) == (first.id, "forge", "installed")
    assert tenant.shared_secret is None


async def test_forge_first_the_same_sites_install_adopts_the_tenant(doors: BothDoors) -> None:
    assert await doors.tells("installed") == 204
    first = await doors.tenant()
    later(doors)
    assert await connect(doors, installationId=INSTALLATION, baseUrl=SITE) == 204
    tenant = await doors.connect.tenant()
    assert (tenant.id, tenant.installation_id, tenant.door) == (first.id, INSTALLATION, "connect")
    assert await doors.status(SCHEDULE) == 204
    assert await doors.connect.webhook() == 200
    assert await doors.tenants() == 1


async def test_both_came_apart_and_become_the_one_with_the_history(doors: BothDoors) -> None:
    await connect(doors)
    first = await doors.connect.tenant()
    await doors.connect.database.write(_give_it_a_past, first.id, doors.clock.now())
    assert await doors.tells("installed") == 204
    apart = await doors.tenant()
    assert apart.id != first.id
    later(doors)

    assert await connect(doors, installationId=INSTALLATION) == 204
    assert (await doors.tenant()).id == first.id
    assert (await doors.tenant()).settings == {"settle_for": 7}
    assert await doors.status(SCHEDULE) == 204
    left = await doors.connect.database.read(lambda db: db.get_one(Tenant, apart.id))
    assert (left.state, left.installation_id) == ("uninstalled", None)
    assert left.session_generation == apart.session_generation + 1


async def test_another_installation_of_the_same_site_has_to_prove_itself(one: BothDoors) -> None:
    await connect(one, installationId=INSTALLATION)
    await one.status(SCHEDULE)
    later(one)
    await connect(one, installationId="ari:cloud:ecosystem::installation/anew")
    tenant = await one.connect.tenant()
    assert (tenant.installation_id, tenant.cloud_id) == (
        "ari:cloud:ecosystem::installation/anew", None,
    )  # fmt: skip
    assert tenant.system_token is None


# --- attacks --------------------------------------------------------------------------------


async def victims(doors: BothDoors) -> dict[str, Any]:
    return (await doors.tenant()).model_dump()


@pytest.mark.parametrize("known_by", ["forge", "connect and forge", "connect"])
async def test_a_signed_install_takes_no_installation_that_is_anothers(
    one: BothDoors, known_by: str
) -> None:
    if "connect" in known_by:
        await connect(one, installationId=INSTALLATION)
    if "forge" in known_by:
        await one.tells("installed")
    before = await victims(one)
    later(one)
    assert await connect(one, UMBRELLA, installationId=INSTALLATION) == 204
    assert await victims(one) == before
    attacker = await one.connect.tenant(UMBRELLA)
    assert (attacker.installation_id, attacker.cloud_id) == (None, None)
    assert attacker.id != before["id"]


async def test_a_site_that_had_the_app_before_takes_none_by_a_reinstall(one: BothDoors) -> None:
    await connect(one, UMBRELLA)
    await one.tells("installed")
    before = await victims(one)
    later(one)
    assert await connect(one, UMBRELLA, installationId=INSTALLATION) == 204
    assert await victims(one) == before
    assert (await one.connect.tenant(UMBRELLA)).installation_id is None


async def test_a_claim_made_before_its_owner_came_is_lost_to_the_owner(doors: BothDoors) -> None:
    """Umbrella names Acme's installation first; then Acme installs the app through Forge."""
    await connect(doors, UMBRELLA, installationId=INSTALLATION)
    squatter = await doors.connect.tenant(UMBRELLA)
    assert squatter.installation_id == INSTALLATION
    assert await doors.status(SCHEDULE, token=without_site(doors)) == 401
    assert (await doors.connect.tenant(UMBRELLA)).cloud_id is None
    assert await doors.tells("installed") == 204
    tenant = await doors.tenant()
    assert (tenant.id != squatter.id, tenant.client_key, tenant.base_url) == (True, None, SITE)
    squatter = await doors.connect.tenant(UMBRELLA)
    assert (squatter.installation_id, squatter.cloud_id) == (None, None)
    later(doors)
    assert await connect(doors, UMBRELLA, installationId=INSTALLATION) == 204
    assert (await doors.tenant()).id == tenant.id
    assert await doors.connect.webhook(UMBRELLA, OTHER_SECRET) == 401, "nor is it Acme's secret"


async def test_an_invocation_token_of_ones_own_finds_ones_own_tenant_alone(one: BothDoors) -> None:
    await one.tells("installed")
    await connect(one, installationId=INSTALLATION, baseUrl=SITE)
    before = await victims(one)
    assert await one.status(SCHEDULE, token=of_umbrella(one)) == 204
    assert await victims(one) == before
    assert (await one.tenant(UMBRELLAS)).id != before["id"]


async def test_a_token_that_names_anothers_installation_on_ones_own_site_is_refused(
    one: BothDoors,
) -> None:
    await one.tells("installed")
    before = await one.connect.dump()
    later(one, 3600)
    for path in ("/forge/events", "/forge/schedule", "/forge/pre-uninstall"):
        assert await one.status(path, token=of_umbrella(one, INSTALLATION)) == 401
    assert await one.connect.dump() == before


async def test_two_tenants_never_have_one_installation(doors: BothDoors) -> None:
    await connect(doors, installationId=INSTALLATION)
    await connect(doors, UMBRELLA, installationId=INSTALLATION)
    await doors.tells("installed")
    later(doors)
    await connect(doors, UMBRELLA, installationId=INSTALLATION)
    await connect(doors, installationId=INSTALLATION)
    rows = (await doors.connect.dump())["tenant"]
    assert len(rows) == 2
    assert (await doors.tenant()).client_key == ACME


@pytest.mark.parametrize("first", ["connect", "forge"])
async def test_an_uninstalled_tenant_is_nobody_elses(one: BothDoors, first: str) -> None:
    if first == "connect":
        await connect(one, installationId=INSTALLATION)
    await one.tells("installed")
    later(one)
    await one.tells("uninstalled")
    before = await victims(one)
    later(one)
    assert await connect(one, UMBRELLA, installationId=INSTALLATION) == 204
    assert await one.status(SCHEDULE, token=of_umbrella(one, INSTALLATION)) == 401
    assert await victims(one) == before
    assert (await one.connect.tenant(UMBRELLA)).installation_id is None


async def test_a_site_that_merely_looks_alike_is_another(one: BothDoors) -> None:
    await connect(one, UMBRELLA, installationId=UMBRELLAS)
    for number, site in enumerate(
        (SITE, UMBRELLA_SITE + ".evil.example", "https://umbrella.jira.com", None)
    ):
        there = one.token(
            UMBRELLAS,
            app={"apiBaseUrl": f"https://api.atlassian.com/ex/jira/c{number}"},
            context={"cloudId": f"c{number}", "siteUrl": site},
        )
        await one.status(SCHEDULE, token=there)
        assert (await one.connect.tenant(UMBRELLA)).cloud_id is None
