"""Both doors, standing alone over a real database: who comes by which, and as whom."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx2
from starlette.routing import Route

from app.doors.forge.keys import InvocationKeys
from app.store import tenants
from app.store.tables import Tenant
from app.web import forge
from tests.doors import door as connect_door
from tests.doors.door import Door
from tests.doors.forge import minting
from tests.doors.forge.minting import APP_ID, INSTALLATION
from tests.support.clock import FakeClock

EVENTS, PRE_UNINSTALL, SCHEDULE = "/forge/events", "/forge/pre-uninstall", "/forge/schedule"
PATHS = (EVENTS, PRE_UNINSTALL, SCHEDULE)
ROUTES = [
    *connect_door.ROUTES,
    Route(EVENTS, forge.receive, methods=["POST"]),
    Route(PRE_UNINSTALL, forge.pre_uninstall, methods=["POST"]),
    Route(SCHEDULE, forge.run_schedule, methods=["POST"]),
]


def comment_event(comment_id: str = "10100", issue_id: str = "10000", **more: Any) -> bytes:
    """Somebody wrote a comment; ``more`` lies over the payload."""
    moment = "2026-11-02T08:59:58.120+0000"
    told = {
        "eventType": "avi:jira:commented:issue",
        "atlassianId": "712020:rita",
        "issue": {"id": issue_id, "key": "OPS-1"},
        "comment": {"id": comment_id, "created": moment, "updated": moment},
        **more,
    }
    return json.dumps(told).encode()


def app_event(kind: str, installation: str = INSTALLATION, **more: Any) -> bytes:
    told = {"eventType": f"avi:forge:{kind}:app", "id": installation, **more}
    return json.dumps(told).encode()


@dataclass
class BothDoors:
    """What a test sends through, and looks at afterwards."""

    connect: Door

    @property
    def clock(self) -> FakeClock:
        return self.connect.clock

    def token(self, installation: str = INSTALLATION, **changes: Any) -> str:
        """As Forge would sign it now; ``app`` and ``context`` lie over those claims."""
        app = {"installationId": installation, **changes.pop("app", {})}
        given = changes.pop("context", {})
        context = None if given is None else minting.context(**given)
        told = minting.claims(self.clock.now(), app=minting.app(**app), context=context, **changes)
        return minting.sign(told)

    async def post(
        self, path: str, body: bytes = b"{}", token: str | None = None, **headers: str
    ) -> httpx2.Response:
        """A call, by a token that Forge would sign now unless told another."""
        sent = {"Authorization": f"Bearer {token if token is not None else self.token()}"}
        oauth = {f"x-forge-oauth-{name}": value for name, value in headers.items()}
        return await self.connect.http.post(path, content=body, headers={**sent, **oauth})

    async def status(self, path: str, body: bytes = b"{}", token: str | None = None) -> int:
        return (await self.post(path, body, token)).status_code

    async def tells(self, kind: str, token: str | None = None, **more: Any) -> int:
        """Something happened to the app."""
        return await self.status(EVENTS, app_event(kind, **more), token)

    async def tenant(self, installation: str = INSTALLATION) -> Tenant:
        found = await self.connect.database.read(tenants.by_installation_id, installation)
        assert found is not None
        return found

    async def tenants(self) -> int:
        return len((await self.connect.dump())["tenant"])


@asynccontextmanager
async def both_doors(url: str, clock: FakeClock, **settings: Any) -> AsyncIterator[BothDoors]:
    settings = {"forge_app_id": APP_ID, **settings}
    keys = {"keys": [minting.jwk()]}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=keys))
    async with (
        connect_door.standing(url, clock, routes=ROUTES, **settings) as door,
        httpx2.AsyncClient(transport=transport) as http,
    ):
        known = InvocationKeys("https://keys.example.com/jwks.json", http=http, clock=clock)
        wiring = vars(door.app.state.wiring)
        door.app.state.wiring = SimpleNamespace(**wiring, invocation_keys=known)
        yield BothDoors(door)
