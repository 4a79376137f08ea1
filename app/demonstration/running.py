"""The demonstration from its start to Ctrl-C."""

from __future__ import annotations

import shlex
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from app.clock import SystemClock
from app.demonstration.actions import Actions
from app.demonstration.process import AppProcess
from app.sandbox.jira import JiraSite
from app.sandbox.openai import DEMO_KEY, OpenAISite
from app.sandbox.serving import serve
from app.sandbox.tour.pages import TourPages
from app.sandbox.tour.tour import Tour
from app.settings import Settings

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
        jira = JiraSite(base_url=ports.jira_url, retry_delays=RETRY_DELAYS)
        openai = OpenAISite(clock=SystemClock(), pace=HUMAN_PACE)
        if taken := [port for port in (ports.app, ports.jira, ports.openai) if _is_taken(port)]:
            echo(
                f"Port {taken[0]} is taken. End what listens there, or name others:"
                f" {_program()} demo --app-port … --jira-port … --openai-port …"
            )
            return 1
        real = settings.openai_api_key is not None
        values = _environment(settings, ports, folder)
        app = AppProcess(values | _quiet(settings))
        actions = Actions(values, jira, app)
        stack.callback(actions.close)
        tour = Tour(jira, None if real else openai, actions)
        jira.show(TourPages(tour))
        stack.enter_context(serve(jira.asgi, ports.jira))
        stack.enter_context(serve(openai.asgi, ports.openai))
        stack.enter_context(app.running())
        if not _came_up(app, stop):
            if stop.is_set():
                return 0
            echo("The app did not come up; what it said stands above.")
            return 1
        client_key = jira.install(ports.app_url).client_key
        tour.start()
        _tell(ports, values, client_key, real=real, echo=echo)
        while not stop.wait(GLANCE):
            if app.has_ended():
                echo("The app ended; what it said stands above.")
                return 1
            app.look()
        echo("\nStopping.")
    return 0


def _came_up(app: AppProcess, stop: threading.Event) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not (app.up or app.has_ended() or stop.is_set()) and time.monotonic() < deadline:
        app.look()
        stop.wait(GLANCE / 2)
    return app.up


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


def _quiet(settings: Settings) -> dict[str, str]:
    """What the app logs would push aside what is told here, unless somebody asked for it."""
    return {} if "log_level" in settings.model_fields_set else {"LOG_LEVEL": "warning"}


def _tell(
    ports: Ports, values: Mapping[str, str], client_key: str, *, real: bool, echo: Echo
) -> None:
    model = "the real one, by OPENAI_API_KEY" if real else f"{ports.openai_url}       simulated"
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    question = shlex.quote("What is this issue about?")
    echo(
        f"""
  The tour   {ports.jira_url}       start here: a simulated Jira, five things to try in it
  its admin  {ports.jira_url}/app/admin?as=adam
  the app    {ports.app_url}       descriptor: {ports.app_url}/atlassian-connect.json
  OpenAI     {model}

  Is everything well? In another terminal:

  {settings} {_program()} check --tenant {client_key} --issue OPS-1 --message {question}

  Ctrl-C stops everything."""
    )
