"""The demonstration from its start to Ctrl-C."""

from __future__ import annotations

import secrets
import shlex
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from types import FrameType

from app import forge_folder
from app.clock import SystemClock
from app.demonstration.actions import Actions
from app.demonstration.balancer import balancing
from app.demonstration.process import AppProcess, Apps
from app.forge_manifest import ForgeApp
from app.sandbox.jira import JiraSite
from app.sandbox.jira.forge import APP_ID
from app.sandbox.jira.forge_pages import Deployed
from app.sandbox.openai import DEMO_KEY, OpenAISite
from app.sandbox.serving import serve
from app.sandbox.tour.pages import TourPages
from app.sandbox.tour.tour import Tour
from app.settings import Settings
from app.store.database import Database

HUMAN_PACE = 0.06
"""Seconds that the simulated model takes for a word: time to press a button meanwhile."""

RETRY_DELAYS = (0.5, 1.5, 3.0, 6.0, 30.0)
"""Seconds before each further try of a webhook: the app may be starting for two or three."""

DEMO_MODEL = "gpt-5.4-mini"
PATIENCE = 30.0  # seconds for the app to come up
GLANCE = 0.2  # seconds between looks at the app

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Ports:
    """Where everything listens.

    Attributes:
        app: the app, or what stands before its web processes.
        webs: its web processes, where they are several.
        forge: a second site, which the app comes to through Forge; 0: there is none.
        pages: where that serves the app's pages from.
    """

    app: int
    jira: int
    openai: int
    webs: tuple[int, ...] = ()
    forge: int = 0
    pages: int = 0

    @property
    def all(self) -> tuple[int, ...]:
        every = (self.app, self.jira, self.openai, *self.webs, self.forge, self.pages)
        return tuple(port for port in every if port)

    @property
    def app_url(self) -> str:
        return f"http://localhost:{self.app}"

    @property
    def jira_url(self) -> str:
        return f"http://127.0.0.1:{self.jira}"

    @property
    def forge_url(self) -> str:
        return f"http://127.0.0.1:{self.forge}"

    @property
    def pages_url(self) -> str:
        return f"http://127.0.0.1:{self.pages}"

    @property
    def openai_url(self) -> str:
        return f"http://127.0.0.1:{self.openai}"


def run(settings: Settings, ports: Ports, echo: Echo, database_url: str | None = None) -> int:
    """Run until Ctrl-C; return the exit code.

    The app is one process on a SQLite file of its own. On a PostgreSQL it is as many web processes
    as have ports, behind one address, and as many workers.

    Args:
        database_url: that PostgreSQL's, an empty database.
    """
    stop = _stop_on_signals()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jira-chatkit-")))
        if ports.forge and forge_folder.bundles() is None:
            echo("No site is reached through Forge: its pages are not bundled. Run `make forge`.")
            ports = replace(ports, forge=0, pages=0)
        jira = JiraSite(base_url=ports.jira_url, retry_delays=RETRY_DELAYS)
        openai = OpenAISite(clock=SystemClock(), pace=HUMAN_PACE)
        if taken := [port for port in ports.all if _is_taken(port)]:
            echo(
                f"Port {taken[0]} is taken. End what listens there, or name others:"
                f" {_program()} demo --app-port … --jira-port … --openai-port … --forge-port …"
                " --pages-port …"
            )
            return 1
        real = settings.openai_api_key is not None
        values = _environment(settings, ports, database_url or f"sqlite:///{folder / 'demo.db'}")
        apps = Apps(_processes(values | _quiet(settings), ports))
        actions = Actions(values, jira, apps)
        stack.callback(actions.close)
        tour = Tour(jira, None if real else openai, actions)
        jira.show(TourPages(tour))
        stack.enter_context(serve(jira.asgi, ports.jira))
        stack.enter_context(serve(openai.asgi, ports.openai))
        forge = stack.enter_context(_forge_site(ports, folder)) if ports.forge else None
        if ports.webs:
            _migrate(values)
            stack.enter_context(balancing(ports.app, ports.webs))
        stack.enter_context(apps.running())
        if not _came_up(apps, stop):
            if stop.is_set():
                return 0
            echo("The app did not come up; what it said stands above.")
            return 1
        client_key = jira.install(ports.app_url).client_key
        if forge is not None:
            forge.install_forge(ports.app_url)
        tour.start()
        _tell(ports, values, client_key, apps, real=real, echo=echo)
        while not stop.wait(GLANCE):
            if apps.have_ended():
                echo("The app ended; what it said stands above.")
                return 1
            apps.start_again(echo)
            apps.look()
        echo("\nStopping.")
    return 0


@contextmanager
def _forge_site(ports: Ports, folder: Path) -> Iterator[JiraSite]:
    """The second site and, from an origin of their own, the pages that Forge serves."""
    site = JiraSite(base_url=ports.forge_url, retry_delays=RETRY_DELAYS, door="forge")
    pages = Deployed(folder / "forge")
    pages.base_url = ports.pages_url
    forge_folder.write(ForgeApp(APP_ID, ports.app_url), folder / "forge")
    pages.show_on(site, [ports.app_url])
    with serve(site.asgi, ports.forge), serve(pages.asgi, ports.pages):
        yield site


def _processes(values: Mapping[str, str], ports: Ports) -> list[AppProcess]:
    if not ports.webs:
        return [AppProcess(values)]
    webs = [
        AppProcess({**values, "PORT": str(port)}, "serve", "--no-worker") for port in ports.webs
    ]
    return webs + [AppProcess(values, "worker") for _ in ports.webs]


def _migrate(values: Mapping[str, str]) -> None:
    database = Database.open(Settings(database_url=values["DATABASE_URL"]))
    database.migrate()
    database.close()


def _came_up(apps: Apps, stop: threading.Event) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not (apps.up or apps.have_ended() or stop.is_set()) and time.monotonic() < deadline:
        apps.look()
        stop.wait(GLANCE / 2)
    return apps.up


def _is_taken(port: int) -> bool:
    """Looked at before anything starts: an app of somebody else's there would answer for ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as those who will listen
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _program() -> str:
    """What runs this program again from the same folder."""
    command, name = sys.argv[0], Path(sys.argv[0]).name
    if name.endswith(".py"):
        return f"{shlex.quote(sys.executable)} -m app.cli"
    return name if shutil.which(name) == command else shlex.quote(command)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return stop


def _environment(settings: Settings, ports: Ports, database_url: str) -> dict[str, str]:
    """What the app is started with, and `check` as well."""
    values = {
        "APP_BASE_URL": ports.app_url,
        "HOST": "127.0.0.1",
        "PORT": str(ports.app),
        "DATABASE_URL": database_url,
        "TENANT_HOSTS": ports.jira_url,
        "CONNECT_INSTALL_KEYS_URL": f"{ports.jira_url}/install-keys",
        "DEFAULT_REPLY_MODE": "auto",
    }
    if ports.forge:
        values["TENANT_HOSTS"] += f",{ports.forge_url},{ports.pages_url}"
        values["FORGE_APP_ID"] = APP_ID
        values["FORGE_JWKS_URL"] = f"{ports.forge_url}/forge/jwks.json"
    if ports.webs:
        values["SECRET_KEYS"] = secrets.token_urlsafe(48)  # the processes share it
    if settings.openai_api_key is None:
        values["OPENAI_MODEL"] = DEMO_MODEL
        values["OPENAI_API_KEY"] = DEMO_KEY
        values["OPENAI_BASE_URL"] = f"{ports.openai_url}/v1"
    return values


def _quiet(settings: Settings) -> dict[str, str]:
    """What the app logs would push aside what is told here, unless somebody asked for it."""
    return {} if "log_level" in settings.model_fields_set else {"LOG_LEVEL": "warning"}


def _tell(
    ports: Ports, values: Mapping[str, str], client_key: str, apps: Apps, *, real: bool, echo: Echo
) -> None:
    model = "the real one, by OPENAI_API_KEY" if real else f"{ports.openai_url}       simulated"
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    question = shlex.quote("What is this issue about?")
    echo(
        f"""
  The tour   {ports.jira_url}       start here: a simulated Jira, five things to try in it
  its admin  {ports.jira_url}/app/admin?as=adam{_told_of_forge(ports)}
  the app    {ports.app_url}       descriptor: {ports.app_url}/atlassian-connect.json
  OpenAI     {model}
{_told_of(apps, ports)}
  Is everything well? In another terminal:

  {settings} {_program()} check --tenant {client_key} --issue OPS-1 --message {question}

  Ctrl-C stops everything."""
    )


def _told_of_forge(ports: Ports) -> str:
    """The second site, where there is one."""
    if not ports.forge:
        return ""
    return (
        f"\n  Forge      {ports.forge_url}       another site, which the app comes to through Forge"
        f"\n  its admin  {ports.forge_url}/app/admin?as=adam"
    )


def _told_of(apps: Apps, ports: Ports) -> str:
    """The processes, where they are several."""
    if not ports.webs:
        return ""
    lines = [
        f"  {'web' if not process.works else 'worker':9}  "
        + (f"http://localhost:{port}       " if port else "")
        + f"process {process.pid}"
        for process, port in zip_longest(apps.all, ports.webs)
    ]
    told = "The app's address hands each connection to the next web process. Any may be killed:"
    return "\n".join(["", *lines, "", f"  {told} kill -9 …", ""])
