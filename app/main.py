"""The only wiring: who is given what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.assistant.models import ModelClients
from app.assistant.outbound import Carriers
from app.assistant.server import AssistantServer
from app.assistant.store import ThreadStore
from app.clock import Clock, SystemClock
from app.doors.connect import descriptor
from app.doors.connect.credentials import Credentials
from app.doors.connect.install_keys import InstallKeys
from app.doors.forge.keys import InvocationKeys
from app.jira.auth import BearerAuthorizer
from app.jira.client import JiraClient, bearer_client, client_for
from app.jira.ledger import DatabaseLedger
from app.jira.limits import Limits
from app.settings import Settings
from app.store import forge_tenants, tenants, upgrades
from app.store.database import Database
from app.store.histories import marked
from app.store.listening import hearing
from app.store.secrets import Vault
from app.store.signals import Wakes
from app.store.tables import Tenant
from app.stream.hub import Hub
from app.turns import persons
from app.turns.collaborators import GRACE, AtStep, Collaborators, go_on
from app.turns.ending import end_all
from app.turns.names import NameDesk
from app.turns.policies import publish_first_workflow, remember_default_mode
from app.turns.reconcile import reconcile
from app.turns.rights import RightsDesk
from app.turns.scheduler import Scheduler
from app.turns.snapshots import thread_view
from app.web.cors import ForgePages, forge_origins
from app.web.pages import environment
from app.web.responses import EXCEPTION_HANDLERS, SecurityHeaders, Unexpected
from app.web.routes import routes
from app.web.wiring import Wiring

log = structlog.get_logger(__name__)

MODEL_SILENCE = 60.0
"""Seconds that a model may be silent before it counts as unreachable."""


@dataclass(frozen=True)
class Parts:
    """Everything that the web and the worker share in one process."""

    settings: Settings
    database: Database
    wakes: Wakes
    vault: Vault
    clock: Clock
    http: httpx2.AsyncClient
    collaborators: Collaborators
    outdated: asyncio.Task[str]  # ends, with the line to say so, once another schema is there


@asynccontextmanager
async def assemble(
    settings: Settings,
    *,
    clock: Clock | None = None,
    at_step: AtStep = go_on,
    grace: timedelta = GRACE,
) -> AsyncIterator[Parts]:
    """Put the parts together; take them apart in the end.

    Args:
        settings: with secret keys.
        clock: the machine's, outside of tests.
        at_step: see ``Collaborators``.
        grace: likewise.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        database = Database.open(settings)
        stack.callback(database.close)
        if settings.is_sqlite:
            database.migrate()
        else:
            database.require_schema()
        wakes = Wakes(database)
        await stack.enter_async_context(hearing(settings, database, wakes, clock))
        outdated = await stack.enter_async_context(upgrades.watched(database, wakes))
        vault = Vault(settings.secret_keys)
        http = await stack.enter_async_context(
            httpx2.AsyncClient(follow_redirects=False, trust_env=False)
        )
        carriers = Carriers(settings.outbound_hosts)
        clients = ModelClients(timeout=MODEL_SILENCE, http_client=carriers)
        stack.push_async_callback(clients.close)
        jira = _JiraClients(vault, http, clock, database)
        collaborators = Collaborators(
            database=database,
            clock=clock,
            settings=settings,
            vault=vault,
            jira=jira,
            jira_as=jira.as_person,
            assistant=AssistantServer(ThreadStore(database), clients, clock),
            carrier=carriers,
            grace=grace,
            at_step=at_step,
        )
        yield Parts(settings, database, wakes, vault, clock, http, collaborators, outdated)


class _JiraClients:
    """A client for a tenant; all share one pool of connections, and Jira's limits with all
    processes.
    """

    def __init__(
        self, vault: Vault, http: httpx2.AsyncClient, clock: Clock, database: Database
    ) -> None:
        self._vault = vault
        self._http = http
        self._clock = clock
        self._limits = Limits(clock, DatabaseLedger(database))

    def __call__(self, tenant: Tenant) -> JiraClient:
        """As the app, by the door that the tenant's Jira takes."""
        if tenant.door == "forge":
            token = forge_tenants.system_token(tenant, self._vault)
            return self._by(tenant, token, tenant.system_token_expires_at)
        return client_for(
            tenant,
            descriptor.app_key(),
            tenants.shared_secret(tenant, self._vault),
            http=self._http,
            clock=self._clock,
            limits=self._limits,
        )

    def as_person(self, tenant: Tenant, token: str, expires_at: datetime) -> JiraClient:
        return self._by(tenant, token, expires_at)

    def _by(self, tenant: Tenant, token: str | None, expires_at: datetime | None) -> JiraClient:
        authorizer = BearerAuthorizer(token, expires_at, self._clock)
        return bearer_client(
            tenant.id,
            tenant.api_base_url or tenant.base_url,
            authorizer,
            http=self._http,
            clock=self._clock,
            limits=self._limits,
        )


def create_app(
    settings: Settings,
    *,
    worker: bool = True,
    clock: Clock | None = None,
    at_step: AtStep = go_on,
    grace: timedelta = GRACE,
) -> Starlette:
    """The application; with ``worker`` it also works on threads in this process.

    Clock, steps and grace are for tests; see ``Collaborators``.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                parts = await stack.enter_async_context(
                    assemble(settings, clock=clock, at_step=at_step, grace=grace)
                )
                await note_mode(parts)
                if settings.is_sqlite:
                    path = settings.sqlite_path
                    await stack.enter_async_context(marked(path, parts.database, parts.clock))
                hub = await stack.enter_async_context(watching(parts))
                app.state.wiring = _wiring(parts, hub)
                app.state.outdated = parts.outdated
                if worker:
                    await stack.enter_async_context(working(parts))
            except Exception as error:
                log.error("start_failed", exc_info=error)  # noqa: TRY400  (structlog takes the error itself)
                raise
            log.info("ready", base_url=settings.app_base_url, worker=worker)
            yield

    public = urlsplit(settings.app_base_url)
    app = Starlette(
        routes=routes(public.path, forge=settings.forge_app_id is not None),
        lifespan=lifespan,
        middleware=[
            Middleware(ForgePages, origins=forge_origins(settings), base_path=public.path),
            Middleware(SecurityHeaders, hsts=public.scheme == "https"),
            Middleware(Unexpected, base_path=public.path),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.router.redirect_slashes = False  # it would send people to whatever Host a request names
    return app


@asynccontextmanager
async def working(parts: Parts) -> AsyncIterator[Scheduler]:
    """A worker, for as long as the block runs; then it hands its threads on."""
    await note_mode(parts)
    scheduler = Scheduler(parts.collaborators, parts.wakes)
    task = asyncio.create_task(scheduler.run(), name="scheduler")
    reconciling = asyncio.create_task(reconcile(parts.collaborators), name="reconciler")
    try:
        yield scheduler
    finally:
        for each in (task, reconciling):
            each.cancel()
        await asyncio.wait({task, reconciling})
        for each in (task, reconciling):
            if not each.cancelled() and (error := each.exception()):
                log.error("worker_broke", task=each.get_name(), exc_info=error)


@asynccontextmanager
async def watching(parts: Parts) -> AsyncIterator[Hub]:
    """What streams are fed from, for as long as the block runs; then they end."""

    def snapshot(db: Session, tenant_id: str, thread_id: str) -> Mapping[str, Any]:
        return thread_view(db, tenant_id, thread_id, parts.settings, parts.clock.now())

    hub = Hub(parts.database, parts.wakes, snapshot, parts.clock)
    task = asyncio.create_task(hub.run(), name="hub")
    try:
        yield hub
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()):
            log.error("hub_broke", exc_info=error)


def end_streams(app: Starlette) -> None:
    """End every open stream: whoever serves the app calls it, on the loop, when it is to stop.

    An app's lifespan ends only when all is answered, and a stream is never done by itself.
    """
    wiring: Wiring | None = getattr(app.state, "wiring", None)
    if wiring is not None:
        wiring.hub.close()


def why_to_end(app: Starlette) -> str | None:
    """What an operator is told when the app has to end by itself; None as long as it has not to.

    Whoever serves the app asks, now and then.
    """
    outdated: asyncio.Task[str] | None = getattr(app.state, "outdated", None)
    if outdated is None or not outdated.done() or outdated.cancelled():
        return None
    return outdated.result()


async def note_mode(parts: Parts) -> None:
    """Whoever serves or works notes since when the default mode holds; who only looks does not."""
    mode = parts.settings.default_reply_mode
    await parts.database.write(remember_default_mode, mode, parts.clock.now())


def _wiring(parts: Parts, hub: Hub) -> Wiring:
    return Wiring(
        settings=parts.settings,
        database=parts.database,
        vault=parts.vault,
        install_keys=InstallKeys(
            parts.settings.connect_key_hosts, http=parts.http, clock=parts.clock
        ),
        credentials=Credentials(parts.database, parts.vault),
        invocation_keys=InvocationKeys(
            parts.settings.forge_jwks_url, http=parts.http, clock=parts.clock
        ),
        on_first_install=publish_first_workflow,
        on_uninstall=end_all,
        clock=parts.clock,
        jira=parts.collaborators.jira,
        hub=hub,
        collaborators=parts.collaborators,
        rights=RightsDesk(
            parts.collaborators.jira,
            parts.database,
            parts.clock,
            partial(persons.client_of, jira_as=parts.collaborators.jira_as, vault=parts.vault),
        ),
        names=NameDesk(parts.collaborators.jira, parts.database, parts.clock),
        pages=environment(),
    )
