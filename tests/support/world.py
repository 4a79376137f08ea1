"""The whole system for a sentence or two: a Jira site, an OpenAI, and the app between them.

Everything speaks real HTTP on loopback. The app runs on a thread of this process
(:func:`world`), or as the program that an operator runs (:class:`AppProcess`), which can be
killed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import IO, Any, Literal, Protocol, TypeVar

from sqlmodel import Session, col, or_, select

from app.clock import Clock, SystemClock
from app.main import create_app, end_streams
from app.sandbox.jira import JiraSite
from app.sandbox.jira.forge import APP_ID
from app.sandbox.openai import DEMO_KEY, OpenAISite
from app.sandbox.serving import serve
from app.settings import Settings
from app.store.database import Database
from app.store.tables import LIVE_STATES, Event, Item, Tenant, Thread, Turn, Unseen
from app.store.threads import HIDDEN
from app.turns.collaborators import AtStep, go_on
from tests.jira.adf.documents import is_valid

T = TypeVar("T")
Door = Literal["connect", "forge"]
"""By which the app comes to the site."""


class HasBaseUrl(Protocol):
    """Something that is served."""

    base_url: str


PATIENCE = 20.0
COMES_UP = 60.0  # seconds: a busy machine takes long to read all that the app is made of
GRACE = timedelta(seconds=0.5)
"""The simulated Jira has done with a request much sooner than a real one may."""
QUICK = {"settle_for": 0.05}
"""Settings of a tenant that waits less for people to finish than a real one."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(happened: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Wait for something that happens on another thread; say what it was when it does not."""
    deadline = time.monotonic() + seconds
    while True:
        value = happened()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


@dataclass
class World:
    """What a test holds in its hands."""

    jira: JiraSite
    openai: OpenAISite
    settings: Settings
    database: Database
    client_key: str = ""
    door: Door = "connect"
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.settings.app_base_url

    def read(self, fn: Callable[..., T], *args: object) -> T:
        """Run a function over the app's database, through a connection of the test's own."""
        return self.database._read(fn, *args)

    def write(self, fn: Callable[..., T], *args: object) -> T:
        async def written() -> T:
            return await self.database.write(fn, *args)

        return asyncio.run(written())

    def install(self, **tenant_settings: object) -> None:
        """Install the app, and set its tenant up to answer quickly."""
        if self.door == "forge":
            self.jira.install_forge(self.url)
        else:
            self.client_key = self.jira.install(self.url).client_key
        self.set(**{**QUICK, **tenant_settings})

    @property
    def reference(self) -> str:
        """What the tenant goes by: its clientKey, or through Forge its installationId."""
        return self.client_key or self.jira.forge.installation_id

    def tenant(self) -> Tenant:
        return self.read(_tenant, self.reference)

    def set(self, **tenant_settings: object) -> None:
        """Lay settings over the tenant's."""
        self.write(_lay_over, self.reference, tenant_settings)

    def run_until_idle(self) -> None:
        """Come back once nothing is under way: no delivery, no unseen row, no live turn."""
        quiet_since: list[float] = []

        def quiet() -> bool:
            self.jira.webhooks.wait_until_delivered(PATIENCE)
            if self.read(_busy):
                quiet_since.clear()
                return False
            quiet_since.append(time.monotonic())
            return quiet_since[-1] - quiet_since[0] > 0.1

        until(quiet, "the app to have nothing to do")

    def answers(self, key: str) -> list[str]:
        """The texts of the app's comments on an issue, in order."""
        account = self.jira.app_account.account_id
        return [
            comment.text
            for comment in self.jira.comments(key)
            if comment.author.account_id == account
        ]

    def turns(self) -> list[Turn]:
        return self.read(_all, Turn, Turn.created_at)

    def items(self, audience: str = "public") -> list[Item]:
        return self.read(_items, audience)

    def events(self, audience: str = "public") -> list[Event]:
        return self.read(_events, audience)

    def given(self) -> str:
        """Everything that the model was ever given, as one text."""
        return "\n".join(str(request.body) for request in self.openai.requests)


def _tenant(db: Session, reference: str) -> Tenant:
    named = or_(Tenant.client_key == reference, Tenant.installation_id == reference)
    return db.exec(select(Tenant).where(named)).one()


def _lay_over(db: Session, reference: str, values: dict[str, object]) -> None:
    tenant = _tenant(db, reference)
    tenant.settings = {**tenant.settings, **values}


def _busy(db: Session) -> bool:
    now = SystemClock().now()
    soon = now + timedelta(seconds=30)  # what rests for hours is idle
    waiting = select(Thread.id).where(
        or_(
            col(Thread.due_at) <= soon,
            col(Thread.lease_owner).is_not(None),
            col(Thread.id).in_(select(col(Unseen.thread_id))),
            col(Thread.id).in_(
                select(col(Turn.thread_id)).where(
                    col(Turn.state).in_(LIVE_STATES),
                    or_(col(Turn.not_before).is_(None), col(Turn.not_before) <= soon),
                )
            ),
        )
    )
    return db.exec(waiting.limit(1)).first() is not None


def _all(db: Session, table: type[T], order: Any) -> list[T]:
    return list(db.exec(select(table).order_by(order)).all())


def _items(db: Session, audience: str) -> list[Item]:
    return list(
        db.exec(
            select(Item)
            .join(Thread, col(Thread.id) == col(Item.thread_id))
            .where(Thread.audience == audience, Item.state != HIDDEN)
            .order_by(col(Item.sort_key))
        ).all()
    )


def _events(db: Session, audience: str) -> list[Event]:
    return list(
        db.exec(
            select(Event)
            .join(Thread, col(Thread.id) == col(Event.thread_id))
            .where(Thread.audience == audience)
            .order_by(col(Event.thread_id), col(Event.n))
        ).all()
    )


def environment(jira: JiraSite, openai: OpenAISite, database_url: str, port: int) -> dict[str, str]:
    """The app's environment between the two sites, whose ``base_url`` is known by now."""
    return {
        "APP_BASE_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "SECRET_KEYS": "a-key-for-tests-that-is-long-enough-0",
        "TENANT_HOSTS": jira.base_url,
        "CONNECT_INSTALL_KEYS_URL": f"{jira.base_url}/install-keys",
        "FORGE_APP_ID": APP_ID,
        "FORGE_JWKS_URL": f"{jira.base_url}/forge/jwks.json",
        "OPENAI_API_KEY": DEMO_KEY,
        "DEFAULT_REPLY_MODE": "auto",
    }


def valid_adf(document: dict[str, Any]) -> None:
    """Jira's own schema judges every document that the app writes."""
    if not is_valid(document):
        raise ValueError("not valid by the ADF schema")


RETRIES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds until Jira tries a webhook again."""


@contextmanager
def sites(
    clock: Clock | None = None, retries: tuple[float, ...] = RETRIES, door: Door = "connect"
) -> Iterator[tuple[JiraSite, OpenAISite, str]]:
    """Both simulated sites, served; and the URL of the simulated OpenAI's API."""
    with ExitStack() as stack:
        site = JiraSite(clock=clock, retry_delays=retries, adf_validator=valid_adf, door=door)
        jira = stack.enter_context(site.serve())
        openai = OpenAISite(clock=SystemClock())
        served = stack.enter_context(serve(openai.asgi))
        yield jira, openai, f"{served.url}/v1"


def settings_of(values: Mapping[str, str]) -> Settings:
    """As the app reads an environment, where what is empty is not set."""
    return Settings.model_validate({name.lower(): value for name, value in values.items() if value})


@contextmanager
def world(
    database_url: str,
    *,
    install: bool = True,
    at_step: AtStep = go_on,
    also: HasBaseUrl | None = None,
    clock: Clock | None = None,
    door: Door = "connect",
    **environ: str,
) -> Iterator[World]:
    """The whole system, with the app on a thread; ``environ`` lays over its environment.

    ``also`` is another site that is served and may install the app as well, or serves its pages
    for Forge. ``clock`` is Jira's and the app's. ``door`` is by which the app comes to the site.
    """
    with sites(clock, door=door) as (jira, openai, openai_url), ExitStack() as stack:
        values = environment(jira, openai, database_url, free_port())
        if also is not None:
            values["TENANT_HOSTS"] += f",{also.base_url}"
        values |= {"OPENAI_BASE_URL": openai_url, **environ}
        settings = settings_of(values)
        database = Database.open(settings)
        stack.callback(database.close)
        app = create_app(settings, clock=clock, at_step=at_step, grace=GRACE)
        stack.enter_context(serve(app, settings.port, on_stop=partial(end_streams, app)))
        made = World(jira, openai, settings, database, door=door)
        if install:
            made.install()
        yield made


class AppProcess:
    """``jira-chatkit serve`` in a process of its own."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.output: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens, or the web process does that it works beside."""
        return f"http://127.0.0.1:{self.values['PORT']}"

    def start(self, *arguments: str, module: str = "app.cli") -> None:
        """Start it and wait until it can serve; ``output``, if set, takes all that it says."""
        import httpx2  # noqa: PLC0415

        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *(arguments or ("serve",))],
            env={"PATH": os.environ["PATH"], **self.values},  # noqa: TID251
            stdout=self.output,
            stderr=self.output,
        )
        url = f"{self.url}/readyz"

        def ready() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, "the app ended while it started"
            try:
                return httpx2.get(url, trust_env=False).status_code == 200
            except httpx2.TransportError:
                return False

        until(ready, "the app to come up", COMES_UP)

    def kill(self) -> None:
        """Kill -9: no goodbye of any kind."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(PATIENCE)
        self._process = None
        return code


@contextmanager
def world_of_processes(
    database_url: str,
    retries: tuple[float, ...] = RETRIES,
    door: Door = "connect",
    /,
    **environ: str,
) -> Iterator[tuple[World, AppProcess]]:
    """The whole system, with the app as a process that can be killed; not started yet."""
    with sites(retries=retries, door=door) as (jira, openai, openai_url), ExitStack() as stack:
        values = environment(jira, openai, database_url, free_port())
        values |= {"OPENAI_BASE_URL": openai_url, **environ}
        settings = settings_of(values)
        database = Database.open(settings)
        stack.callback(database.close)
        app = AppProcess(values)
        stack.callback(app.stop)
        yield World(jira, openai, settings, database, door=door), app
