"""Tenants found, and made by two processes in one moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from sqlmodel import Session

from app.doors.principal import TenantRef
from app.errors import AuthError
from app.settings import Settings
from app.store import tenants
from app.store.database import Database
from app.store.secrets import Vault
from app.store.tables import Tenant
from app.store.tenants import Installation, LifecycleStamp
from tests.doors.door import dump
from tests.support.clock import START
from tests.support.postgresql import PostgreSQL

VAULT = Vault(["a-secret-key-for-tests-0123456789abcdef"])


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(Settings(database_url=database_url))
    database.migrate()
    yield database
    database.close()


def nothing(db: Session, tenant_id: str, now: datetime) -> None:
    """No first workflow here."""


async def install(
    database: Database, client_key: str, site: str = "acme", *, issued_at: int = 1, at: str = ""
) -> str:
    return await database.write(
        tenants.install,
        client_key,
        Installation(
            client_key=client_key,
            shared_secret=f"secret of {client_key}",
            base_url=f"https://{site}.atlassian.net",
            display_url=f"https://help.{site}.example",
            installation_id=at or None,
        ),
        LifecycleStamp(issued_at, "digest"),
        VAULT,
        nothing,
        START,
    )


async def found(database: Database, reference: str) -> str | None:
    tenant = await database.read(tenants.by_reference, reference)
    return tenant.id if tenant else None


async def test_a_person_may_name_a_tenant_in_three_ways(database: Database) -> None:
    acme = await install(database, "key-a", at="ari:1")
    await install(database, "key-b", "umbrella")
    for reference in ("key-a", "ari:1", "acme.atlassian.net", "ACME.atlassian.net",
                      "help.acme.example"):  # fmt: skip
        assert await found(database, reference) == acme
    for reference in ("", "acme", "atlassian.net", "key", "%", "evil.acme.atlassian.net"):
        assert await found(database, reference) is None


LATER = LifecycleStamp(2, "x")


def _leave(_db: Session, _tenant_id: str, _now: datetime) -> None:
    """Nothing of theirs is running."""


async def test_of_two_tenants_of_one_host_the_installed_one_is_meant(database: Database) -> None:
    old = await install(database, "before-the-import")
    new = await install(database, "after-the-import")
    await database.write(tenants.uninstall, "after-the-import", LATER, _leave, START)
    assert await found(database, "acme.atlassian.net") == old
    await install(database, "after-the-import", issued_at=3)
    await database.write(tenants.uninstall, "before-the-import", LATER, _leave, START)
    assert await found(database, "acme.atlassian.net") == new


async def test_a_secret_opens_for_its_own_tenant_alone(database: Database) -> None:
    await install(database, "key-a")
    await install(database, "key-b")
    one = await database.read(tenants.by_client_key, "key-a")
    other = await database.read(tenants.by_client_key, "key-b")
    assert one is not None
    assert other is not None
    assert tenants.shared_secret(one, VAULT) == "secret of key-a"
    assert "secret of" not in repr(TenantRef.of(one)) + repr(await database.read(dump))


async def test_a_tenant_without_a_secret_signs_nothing() -> None:
    tenant = Tenant(id="t", door="forge", base_url="", state="installed", installed_at=START)
    with pytest.raises(AuthError, match="NO_SHARED_SECRET"):
        tenants.shared_secret(tenant, VAULT)


@pytest.mark.postgresql
async def test_two_processes_that_are_told_at_once_make_one_tenant(
    postgresql_server: PostgreSQL,
) -> None:
    name = postgresql_server.create()
    known = Settings(database_url=postgresql_server.url(name))
    databases = [Database.open(known) for _ in range(2)]
    databases[0].migrate()
    made = await asyncio.gather(
        *(install(database, f"key-{n}") for n in range(20) for database in databases)
    )
    assert len(set(made)) == 20
    assert len((await databases[0].read(dump))["tenant"]) == 20
    for database in databases:
        database.close()
    postgresql_server.drop(name)
