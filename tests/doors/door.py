"""The Connect door, standing alone: its routes over a real database and a key host."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from sqlalchemy import select
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.clock import Clock
from app.doors.connect.credentials import Credentials
from app.doors.connect.install_keys import InstallKeys
from app.doors.principal import Principal
from app.settings import Settings
from app.store import tenants
from app.store.database import Database
from app.store.secrets import Vault
from app.store.tables import Tenant, Workflow, metadata
from app.turns.ending import end_all
from app.web import connect, guards
from app.web.responses import EXCEPTION_HANDLERS, SecurityHeaders
from tests.doors import signing
from tests.doors.signing import BASE_URL, SECRET
from tests.support.clock import FakeClock

ACME = "acme-client-key"
UMBRELLA = "umbrella-client-key"
KEY_HOST = "https://keys.example.com"
RSA_EVENTS = ("installed", "uninstalled")

Dump = dict[str, list[tuple[Any, ...]]]


def lifecycle_body(event: str, client_key: str = ACME, **changes: Any) -> bytes:
    """What Jira posts; a change to None leaves the field out."""
    site = client_key.partition("-")[0]
    content = {
        "key": "jira-chatkit",
        "clientKey": client_key,
        "sharedSecret": SECRET if event == "installed" else None,
        "serverVersion": "100300",
        "pluginsVersion": "1001.0.0-SNAPSHOT",
        "baseUrl": f"https://{site}.atlassian.net",
        "displayUrl": f"https://support.{site}.example",
        "productType": "jira",
        "description": "Atlassian Jira at " + site,
        "eventType": event,
        "somethingNew": {"of": ["tomorrow"]},
        **changes,
    }
    return json.dumps(
        {name: value for name, value in content.items() if value is not None}
    ).encode()


def _principal(principal: Principal) -> Response:
    return JSONResponse({"tenant": principal.tenant.id, "account_id": principal.account_id})


async def guarded_request(request: Request) -> Response:
    return _principal(await guards.require_request_token(request))


async def guarded_context(request: Request) -> Response:
    return _principal(await guards.require_context_token(request))


async def failing(request: Request) -> Response:
    error: Exception = request.app.state.failure
    raise error


ROUTES = [
    Route("/atlassian-connect.json", connect.show_descriptor),
    Route("/connect/installed", connect.installed, methods=["POST"]),
    Route("/connect/uninstalled", connect.uninstalled, methods=["POST"]),
    Route("/connect/enabled", connect.enabled, methods=["POST"]),
    Route("/connect/disabled", connect.disabled, methods=["POST"]),
    Route("/connect/webhooks", guarded_request, methods=["POST"]),
    Route("/connect/panel", guarded_request),
    Route("/api/sessions", guarded_context, methods=["POST"]),
    Route("/failing", failing),
]


@dataclass(frozen=True, kw_only=True)
class DoorWiring:
    """The part of ``app.web.wiring.Wiring`` that this door works with."""

    settings: Settings
    database: Database
    vault: Vault
    install_keys: InstallKeys
    credentials: Credentials
    on_first_install: tenants.OnFirstInstall
    on_uninstall: tenants.OnUninstall
    clock: Clock


@dataclass
class Door:
    """What a test sends through, and looks at afterwards."""

    app: Starlette
    http: httpx2.AsyncClient
    database: Database
    vault: Vault
    clock: FakeClock
    keys: dict[str, bytes]
    first_installs: list[str] = field(default_factory=list)

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def token(
        self,
        path: str,
        client_key: str = ACME,
        secret: str = SECRET,
        method: str = "POST",
        query: str = "",
        **changes: Any,
    ) -> str:
        """As Jira would sign it now: RS256 for installs, HS256 for everything else."""
        claims = signing.claims_of(client_key, self.now, method, path, query)
        if path.removeprefix("/connect/") in RSA_EVENTS:
            claims["aud"] = [BASE_URL]
        claims = {k: v for k, v in {**claims, **changes}.items() if v is not None}
        return signing.rs256(claims) if "aud" in claims else signing.hs256(claims, secret)

    async def send(self, path: str, body: bytes = b"", token: str | None = None) -> httpx2.Response:
        headers = {"Authorization": f"JWT {token}"} if token is not None else {}
        return await self.http.post(path, content=body, headers=headers)

    async def lifecycle(self, event: str, client_key: str = ACME, **changes: Any) -> int:
        """An authentic lifecycle call; the status that it was answered with."""
        signed_with = changes.pop("signed_with", SECRET)
        token = self.token(f"/connect/{event}", client_key, signed_with)
        body = lifecycle_body(event, client_key, **changes)
        return (await self.send(f"/connect/{event}", body, token)).status_code

    async def webhook(self, client_key: str = ACME, secret: str = SECRET) -> int:
        token = self.token("/connect/webhooks", client_key, secret)
        return (await self.send("/connect/webhooks", b"{}", token)).status_code

    async def tenant(self, client_key: str = ACME) -> Tenant:
        tenant = await self.database.read(tenants.by_client_key, client_key)
        assert tenant is not None
        return tenant

    async def dump(self) -> Dump:
        return await self.database.read(dump)


def dump(db: Session) -> Dump:
    """Every row of every table."""
    return {
        table.name: [tuple(row) for row in db.execute(select(table)).all()]
        for table in metadata.sorted_tables
    }


@asynccontextmanager
async def standing(
    url: str, clock: FakeClock, *, routes: Sequence[BaseRoute] = ROUTES, **settings: Any
) -> AsyncIterator[Door]:
    known = Settings(
        app_base_url=settings.pop("app_base_url", BASE_URL),
        database_url=url,
        secret_keys=("a-secret-key-for-tests-0123456789abcdef",),
        **settings,
    )
    if known.is_sqlite:
        known.sqlite_path.write_bytes(_empty_sqlite())
    database = Database.open(known)
    if not known.is_sqlite:
        database.migrate()
    keys = {signing.key_pair().kid: signing.key_pair().public_pem}
    transport = httpx2.MockTransport(lambda request: _key(request, keys))
    first_installs: list[str] = []

    def publish(db: Session, tenant_id: str, now: datetime) -> None:
        first_installs.append(tenant_id)
        db.add(
            Workflow(
                tenant_id=tenant_id, version=1, state="published", definition={}, created_at=now
            )
        )

    vault = Vault(known.secret_keys)
    app = Starlette(
        routes=routes,
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[Middleware(SecurityHeaders, hsts=known.app_base_url.startswith("https:"))],
    )
    async with httpx2.AsyncClient(transport=transport) as key_client:
        app.state.wiring = DoorWiring(
            settings=known,
            database=database,
            vault=vault,
            credentials=Credentials(database, vault),
            install_keys=InstallKeys([KEY_HOST], http=key_client, clock=clock),
            on_first_install=publish,
            on_uninstall=end_all,
            clock=clock,
        )
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url=BASE_URL
        ) as http:
            yield Door(app, http, database, vault, clock, keys, first_installs)
    database.close()


@cache
def _empty_sqlite() -> bytes:
    """A migrated SQLite file: made once, as migrating takes longer than most tests here."""
    with TemporaryDirectory() as folder:
        known = Settings(database_url=f"sqlite:///{folder}/empty.db")
        database = Database.open(known)
        database.migrate()
        database.close()
        return known.sqlite_path.read_bytes()


def _key(request: httpx2.Request, keys: dict[str, bytes]) -> httpx2.Response:
    pem = keys.get(request.url.path.removeprefix("/"))
    return httpx2.Response(404) if pem is None else httpx2.Response(200, content=pem)
