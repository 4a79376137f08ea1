"""A PostgreSQL server of the tests' own: made empty, on loopback, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

MISSING = "no PostgreSQL server: install it (on Debian: apt-get install postgresql)"

# Durability is Debian's to test: this data lives as long as the test run.
OPTIONS = (
    "-c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    " -c shared_buffers=16MB -c max_connections=200 -c autovacuum=off"
)


@dataclass(frozen=True)
class PostgreSQL:
    """A running server. ``port`` is on 127.0.0.1; everybody is let in as ``postgres``."""

    port: int
    _numbers: Iterator[int]

    def url(self, name: str = "postgres") -> str:
        """The address of one of its databases, as ``DATABASE_URL`` takes it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, template: str = "template1") -> str:
        """A new database made after ``template``, which nobody may be using; its name."""
        name = f"test_{next(self._numbers)}"
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(command.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Take a database away, whoever is still connected to it."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The URL of a new database, taken away at the end."""
        name = self.create(template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def _run(self, command: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(command)


def binaries() -> Path | None:
    """The folder that holds initdb and pg_ctl, the newest where there are several."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    return versions[-1].parent if versions else None


@contextmanager
def running(folder: Path, options: str = OPTIONS) -> Iterator[PostgreSQL]:
    """A new server from the programs in ``folder``, stopped and removed at the end."""
    user = _unprivileged()
    # Not below pytest's folders, which only their owner may enter.
    with tempfile.TemporaryDirectory(prefix="jira-chatkit-postgresql-") as home:
        if user is not None:
            shutil.chown(home, user)
        data = f"{home}/data"

        def run(program: str, *arguments: str) -> None:
            _run([f"{folder}/{program}", "--pgdata", data, *arguments], home, user)

        run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
            "--no-sync", "--no-instructions")  # fmt: skip
        port = _free_port()
        all_options = f"{options} -c port={port} -c unix_socket_directories={home}"
        run("pg_ctl", "start", "--wait", f"--log={home}/log", f"--options={all_options}")
        try:
            yield PostgreSQL(port, count(1))
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate")


def _run(command: Sequence[str], home: str, user: str | None) -> None:
    # To a file, not a pipe: the server inherits it and would hold a pipe open for ever.
    output = Path(home, "output")
    with output.open("w") as file:
        done = subprocess.run(
            command, cwd=home, user=user, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode != 0:
        log = Path(home, "log")
        said = output.read_text() + (log.read_text() if log.exists() else "")
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{said}")


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root: the user that it then runs as."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
