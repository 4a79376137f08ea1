"""Where the benchmarks play: databases, the app as an operator runs it, programs beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from app.settings import load
from app.store.database import Database
from tests.support import postgresql
from tests.support.world import AppProcess, World, world_of_processes

ROOT = Path(__file__).parent.parent
LONGEST = 180
"""Seconds: a program that answers nothing ends the benchmark."""
PEERS = Path(__file__).parent / ".peers"
DURABLE = (
    "-c listen_addresses=127.0.0.1 -c shared_buffers=128MB -c max_connections=200"
    " -c max_wal_size=4GB"
)
"""PostgreSQL as it is installed, with fsync; only its memory is named."""


@contextmanager
def database(kind: str) -> Iterator[str]:
    """The URL of a new ``sqlite`` or ``postgresql`` database with the newest schema."""
    with ExitStack() as stack:
        if kind == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="jira-chatkit-"))
            url = f"sqlite:///{folder}/app.db"
        else:
            programs = postgresql.binaries()
            if programs is None:
                raise SystemExit(postgresql.MISSING)
            server = stack.enter_context(postgresql.running(programs, DURABLE))
            url = stack.enter_context(server.database())
        made = Database.open(load(database_url=url))
        made.migrate()
        made.close()
        yield url


@contextmanager
def app_on(
    url: str, *arguments: str, module: str = "app.cli", **environ: str
) -> Iterator[tuple[World, AppProcess, int]]:
    """Both simulated sites in this process, and the app in one of its own; its process id."""
    values = {"LOG_LEVEL": "error", **environ}
    with world_of_processes(url, **values) as (here, app):
        app.output = None
        app.start(*(arguments or ("serve",)), module=module)
        here.install()
        yield here, app, pid_of(app)


def pid_of(app: AppProcess) -> int:
    process = app._process  # noqa: SLF001  (the tests have no use for it)
    assert process is not None
    return process.pid


@contextmanager
def beside(
    *command: str, cwd: Path = ROOT, environ: Mapping[str, str] | None = None
) -> Iterator[tuple[int, str]]:
    """A program that runs as long as the block; its process id and the first line it prints."""
    with subprocess.Popen(  # noqa: S603  (our own programs)
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environ or {})},  # noqa: TID251  (handed on)
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            if not line:
                raise SystemExit(f"{' '.join(command)} did not start")
            yield process.pid, line
        finally:
            process.kill()


def node_program() -> str:
    """The Node.js of the locked packages, where the machine had none; else the machine's."""
    locked = ROOT / ".venv/bin/node"
    return str(locked) if locked.exists() else "node"


@contextmanager
def node(script: str, *arguments: str, cwd: Path = ROOT) -> Iterator[tuple[int, int]]:
    """A peer; its process id and its port."""
    path = {"NODE_PATH": str(PEERS / "node_modules"), "NODE_ENV": "production"}
    with beside(node_program(), str(PEERS / script), *arguments, cwd=cwd, environ=path) as (
        pid,
        port,
    ):
        yield pid, int(port)


def told(module: str, job: Mapping[str, Any]) -> dict[str, Any]:
    """What a module of ours prints that is given a job on standard input: JSON both."""
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-m", module],
        cwd=ROOT,
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    if done.returncode:
        raise SystemExit(f"{module}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def install_peers() -> None:
    subprocess.run([str(PEERS / "install")], check=True)  # noqa: S603  (our own script)
