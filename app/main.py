"""The only wiring: who is given what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import httpx2
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.assistant.models import ModelClients
from app.assistant.server import AssistantServer
from app.assistant.store import ThreadStore
from app.clock import Clock, SystemClock
from app.doors.connect import descriptor
from app.doors.connect.install_keys import InstallKeys
from app.jira.client import JiraClient, client_for
from app.jira.limits import Limits
from app.settings import Settings
from app.store import tenants
from app.store.database import Database
from app.store.secrets import Vault
from app.store.signals import Wakes
from app.store.tables import Tenant
from app.turns.collaborators import GRACE, AtStep, Collaborators, go_on
from app.turns.ending import end_all
from app.turns.policies import publish_first_workflow, remember_default_mode
from app.turns.scheduler import Scheduler
from app.web.pages import environment
from app.web.responses import EXCEPTION_HANDLERS, SecurityHeaders
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
    vault: Vault
    clock: Clock
    http: httpx2.AsyncClient
    collaborators: Collaborators


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
        vault = Vault(settings.secret_keys)
        http = await stack.enter_async_context(
            httpx2.AsyncClient(follow_redirects=False, trust_env=False)
        )
        clients = ModelClients(timeout=MODEL_SILENCE)
        stack.push_async_callback(clients.close)
        collaborators = Collaborators(
            database=database,
            clock=clock,
            settings=settings,
            vault=vault,
            jira=_JiraClients(vault, http, clock),
            assistant=AssistantServer(ThreadStore(database), clients, clock),
            grace=grace,
            at_step=at_step,
        )
        yield Parts(settings, database, vault, clock, http, collaborators)


class _JiraClients:
    """A client for a tenant; all share one pool of connections and one count of points."""

    def __init__(self, vault: Vault, http: httpx2.AsyncClient, clock: Clock) -> None:
        self._vault = vault
        self._http = http
        self._clock = clock
        self._limits = Limits(clock)

    def __call__(self, tenant: Tenant) -> JiraClient:
        return client_for(
            tenant,
            descriptor.app_key(),
            tenants.shared_secret(tenant, self._vault),
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
                app.state.wiring = _wiring(parts)
                if worker:
                    await stack.enter_async_context(working(parts))
            except Exception as error:
                log.error("start_failed", exc_info=error)  # noqa: TRY400  (structlog takes the error itself)
                raise
            log.info("ready", base_url=settings.app_base_url, worker=worker)
            yield

    return Starlette(
        routes=routes(urlsplit(settings.app_base_url).path),
        lifespan=lifespan,
        middleware=[Middleware(SecurityHeaders, hsts=settings.app_base_url.startswith("https://"))],
        exception_handlers=EXCEPTION_HANDLERS,
    )


@asynccontextmanager
async def working(parts: Parts) -> AsyncIterator[Scheduler]:
    """A worker, for as long as the block runs; then it hands its threads on."""
    await note_mode(parts)
    scheduler = Scheduler(parts.collaborators, Wakes(parts.database))
    task = asyncio.create_task(scheduler.run(), name="scheduler")
    try:
        yield scheduler
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()):
            log.error("worker_broke", exc_info=error)


async def note_mode(parts: Parts) -> None:
    """Whoever serves or works notes since when the default mode holds; who only looks does not."""
    mode = parts.settings.default_reply_mode
    await parts.database.write(remember_default_mode, mode, parts.clock.now())


def _wiring(parts: Parts) -> Wiring:
    return Wiring(
        settings=parts.settings,
        database=parts.database,
        vault=parts.vault,
        install_keys=InstallKeys(
            parts.settings.connect_key_hosts, http=parts.http, clock=parts.clock
        ),
        on_first_install=publish_first_workflow,
        on_uninstall=end_all,
        clock=parts.clock,
        jira=parts.collaborators.jira,
        pages=environment(),
    )
