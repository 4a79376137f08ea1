"""A webhook is verified by a secret that is remembered, and taken in only if that still holds.

What another process does to a tenant is done here to the database alone: the app is not told.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select
from starlette.routing import Route

from app.store import tenants
from app.store.secrets import Vault
from app.store.tables import Delivery, Tenant, Unseen
from app.web import connect, webhooks
from tests.doors.door import ACME, Door, standing
from tests.doors.signing import OTHER_SECRET, SECRET
from tests.doors.test_webhook_bodies import hook
from tests.support.clock import FakeClock

NEWER_KEY = "a-newer-secret-key-for-tests-0123456789"
ROUTES = [
    Route("/connect/installed", connect.installed, methods=["POST"]),
    Route("/connect/webhooks", webhooks.receive, methods=["POST"]),
]


@pytest.fixture
async def door(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Door]:
    """Acme has installed, and one delivery of it was taken in: its secret is remembered."""
    url = f"sqlite:///{tmp_path / 'door.db'}"
    async with standing(url, clock, routes=ROUTES) as door:
        assert await door.lifecycle("installed") == 204
        clock.advance(60)
        assert await deliver(door, 1) == 204
        yield door


async def deliver(door: Door, number: int, secret: str = SECRET, **parts: Any) -> int:
    body = hook(**{"comment": {"id": str(number)}, **parts})
    return await send(door, json.dumps(body).encode(), secret)


async def send(door: Door, body: bytes, secret: str = SECRET) -> int:
    token = door.token("/connect/webhooks", secret=secret)
    return (await door.send("/connect/webhooks", body, token)).status_code


def change(db: Session, values: dict[str, Any]) -> None:
    tenant = tenants.by_client_key(db, ACME)
    assert tenant is not None
    for name, value in values.items():
        setattr(tenant, name, value)


def taken(db: Session) -> list[str | None]:
    rows = db.exec(select(Unseen.comment_id).order_by(Unseen.id)).all()  # type: ignore[arg-type]
    assert len(rows) == len(db.exec(select(Delivery)).all())
    return list(rows)


async def sealed(door: Door, secret: str) -> str:
    tenant: Tenant = await door.tenant()
    return door.vault.seal(secret, tenant=tenant.id, field=tenants.SHARED_SECRET)


async def test_a_secret_replaced_elsewhere_opens_nothing_more(door: Door) -> None:
    await door.database.write(change, {"shared_secret": await sealed(door, OTHER_SECRET)})
    assert await deliver(door, 2) == 401
    assert await door.database.read(taken) == ["1"]
    assert await deliver(door, 3, OTHER_SECRET) == 204
    assert await deliver(door, 4) == 401
    assert await door.database.read(taken) == ["1", "3"]


@pytest.mark.parametrize(
    "left", [{"state": "disabled"}, {"state": "uninstalled", "shared_secret": None}]
)
async def test_who_was_let_out_elsewhere_is_refused_at_once(
    door: Door, left: dict[str, Any]
) -> None:
    before = (await door.tenant()).model_dump(include=set(left))
    await door.database.write(change, left)
    assert await deliver(door, 2) == 401
    await door.database.write(change, before)
    assert await deliver(door, 4) == 204
    assert await door.database.read(taken) == ["1", "4"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"x" * 2**21, json.dumps(hook("sprint_started")).encode()],
    ids=["unreadable", "too large", "not asked for"],
)
async def test_who_was_let_out_elsewhere_is_told_nothing_of_a_body(door: Door, body: bytes) -> None:
    await door.database.write(change, {"state": "disabled"})
    assert await send(door, body) == 401


async def test_a_secret_sealed_anew_elsewhere_is_the_same_secret(door: Door) -> None:
    wiring = door.app.state.wiring
    newer = Vault([NEWER_KEY, *wiring.settings.secret_keys])
    wiring.credentials._vault = newer
    assert await door.database.write(tenants.rotate, newer) == 1
    assert await deliver(door, 2) == 204
    assert await deliver(door, 2) == 204
    assert await door.database.read(taken) == ["1", "2"]


async def test_what_cannot_be_read_and_what_nobody_asked_for_are_told_to_who_is_let_in(
    door: Door,
) -> None:
    assert await send(door, b"{") == 400
    assert await send(door, b"x" * 2**21) == 413
    assert await deliver(door, 2, webhookEvent="sprint_started") == 204
    assert await door.database.read(taken) == ["1"]
