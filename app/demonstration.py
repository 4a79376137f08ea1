"""``make demo``: the whole system on one machine, with no account and no key.

A simulated Jira Cloud site and a simulated OpenAI run in this process, the app itself in a
process of its own, as an operator would run it, over real HTTP.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import httpx2

from app import settings as settings_module
from app.clock import SystemClock
from app.sandbox.jira import JiraSite
from app.sandbox.openai import DEMO_KEY, OpenAISite
from app.sandbox.serving import serve
from app.settings import Settings
from app.store import tenants
from app.store.database import Database
from app.turns.policies import set_project

HUMAN_PACE = 0.04
"""Seconds that the simulated model takes for a word."""

DEMO_MODEL = "gpt-5.4-mini"

PATIENCE = 30.0  # seconds for the app to come up, and to end
PUBLIC_PROJECT = "SUP"
"""The demo's service project answers its customers; everywhere else a note is the default."""

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Ports:
    """Where everything listens."""

    app: int
    jira: int
    openai: int

    @property
    def app_url(self) -> str:
        return f"http://localhost:{self.app}"

    @property
    def jira_url(self) -> str:
        return f"http://127.0.0.1:{self.jira}"

    @property
    def openai_url(self) -> str:
        return f"http://127.0.0.1:{self.openai}"


def run(settings: Settings, ports: Ports, echo: Echo) -> int:
    """Run until Ctrl-C; return the exit code."""
    stop = _stop_on_signals()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jira-chatkit-")))
        jira = JiraSite(base_url=ports.jira_url)
        openai = OpenAISite(clock=SystemClock(), pace=HUMAN_PACE)
        if taken := [port for port in (ports.app, ports.jira, ports.openai) if _is_taken(port)]:
            echo(
                f"Port {taken[0]} is taken. End what listens there, or name others:"
                f" {_program()} demo --app-port … --jira-port … --openai-port …"
            )
            return 1
        stack.enter_context(serve(jira.asgi, ports.jira))
        stack.enter_context(serve(openai.asgi, ports.openai))
        values = _environment(settings, ports, folder)
        app = stack.enter_context(_app(values))
        if not _came_up(app, ports.app_url, stop):
            echo("The app did not come up; what it said stands above.")
            return 1
        client_key = jira.install(ports.app_url).client_key
        asyncio.run(_answer_customers(values, client_key, jira))
        _tell(ports, values, client_key, real=settings.openai_api_key is not None, echo=echo)
        while not stop.wait(0.2):
            if app.poll() is not None:
                echo("The app ended; what it said stands above.")
                return 1
        echo("\nStopping.")
    return 0


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


def _environment(settings: Settings, ports: Ports, folder: Path) -> dict[str, str]:
    """What the app is started with, and `check` as well."""
    values = {
        "APP_BASE_URL": ports.app_url,
        "HOST": "127.0.0.1",
        "PORT": str(ports.app),
        "DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
        "TENANT_HOSTS": ports.jira_url,
        "CONNECT_INSTALL_KEYS_URL": f"{ports.jira_url}/install-keys",
        "DEFAULT_REPLY_MODE": "auto",
    }
    if settings.openai_api_key is None:
        values["OPENAI_MODEL"] = DEMO_MODEL
        values["OPENAI_API_KEY"] = DEMO_KEY
        values["OPENAI_BASE_URL"] = f"{ports.openai_url}/v1"
    return values


@contextmanager
def _app(values: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The app in a process and group of its own: Ctrl-C reaches it through us, in order."""
    command = [sys.executable, "-m", "app.cli", "serve"]
    process = subprocess.Popen(  # noqa: S603  (our own program)
        command, env=settings_module.environment_with(values), start_new_session=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _came_up(app: subprocess.Popen[bytes], url: str, stop: threading.Event) -> bool:
    deadline = time.monotonic() + PATIENCE
    with httpx2.Client(trust_env=False, timeout=2.0) as http:
        while app.poll() is None and not stop.is_set() and time.monotonic() < deadline:
            try:
                if http.get(f"{url}/readyz").status_code == 200:
                    return True
            except httpx2.TransportError:
                pass
            stop.wait(0.1)
    return False


async def _answer_customers(values: Mapping[str, str], client_key: str, jira: JiraSite) -> None:
    """As the admin of this site would: let the service project answer its customers."""
    database = Database.open(Settings(database_url=values["DATABASE_URL"]))
    try:
        tenant = await database.read(tenants.by_client_key, client_key)
        assert tenant is not None
        project = jira.directory.project(PUBLIC_PROJECT)
        now = SystemClock().now()
        await database.write(
            set_project, tenant.id, project.id, "auto", {"reply_audience": "public"}, now
        )
    finally:
        database.close()


def _tell(
    ports: Ports, values: Mapping[str, str], client_key: str, *, real: bool, echo: Echo
) -> None:
    model = "the real one, by OPENAI_API_KEY" if real else f"{ports.openai_url}       simulated"
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    question = shlex.quote("What is this issue about?")
    echo(
        f"""
  Jira       {ports.jira_url}       a simulated site, with the app installed: start here
  the app    {ports.app_url}       descriptor: {ports.app_url}/atlassian-connect.json
  OpenAI     {model}

  Open {ports.jira_url}/browse/OPS-1, write a comment as Rita, and watch the answer arrive.

  Is everything well? In another terminal:

  {settings} {_program()} check --tenant {client_key} --issue OPS-1 --message {question}

  Ctrl-C stops everything."""
    )
