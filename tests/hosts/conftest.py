"""Processes of the app around one world, on one PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx2
import psycopg
import pytest
from sqlmodel import Session, col, select

from app.store import ids
from app.store.tables import Thread
from tests.cli.program import Program, Programs, programs
from tests.support.postgresql import PostgreSQL
from tests.support.world import World, free_port, until, world_of_processes

T = TypeVar("T")
STARTING = 60.0


@pytest.fixture
def url(postgresql_server: PostgreSQL, postgresql_template: str) -> Iterator[str]:
    """``DATABASE_URL`` of a new PostgreSQL database with the newest schema."""
    with postgresql_server.database(postgresql_template) as made:
        yield made


@dataclass
class Web:
    """A web process and where it is reached; the public address is another's."""

    program: Program
    address: str

    def of(self, url: str, here: World) -> str:
        """A URL of the app, at this process."""
        return url.replace(here.url, self.address)


@dataclass
class Hosts:
    """Starts processes that share a database and a public address, as behind a balancer."""

    here: World
    values: dict[str, str]
    programs: Programs

    def web(self, port: int | None = None) -> Web:
        """A web process, at the public address where no port is given."""
        where = str(port or self.values["PORT"])
        program = self.programs.start("serve", "--no-worker", **{**self.values, "PORT": where})
        address = f"http://127.0.0.1:{where}"
        until(lambda: ready(program, address), "a web process to come up", STARTING)
        return Web(program, address)

    def another_web(self) -> Web:
        return self.web(free_port())

    def worker(self) -> Program:
        program = self.programs.start("worker", **self.values)
        program.wait_until_it_says("worker_started")
        return program

    def pid_at_work(self) -> int:
        """Of the worker that holds a thread; 0 where none does."""
        owner = self.here.read(_holder)
        return ids.pid_of(owner) if owner else 0


@pytest.fixture
def hosts(url: str, tmp_path: Path) -> Iterator[Hosts]:
    with world_of_processes(url, HOST="127.0.0.1") as (here, app), programs(tmp_path) as made:
        yield Hosts(here, app.values, made)


def ready(program: Program, address: str) -> bool:
    assert program.running, program.said
    with suppress(httpx2.TransportError):
        return httpx2.get(f"{address}/readyz", trust_env=False).status_code == 200
    return False


def waiting_for(url: str, kind: str) -> int:
    """How many wait for a lock of that kind, such as ``advisory``."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = %s"
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [kind]).fetchone()
    assert row is not None
    return int(row[0])


def _holder(db: Session) -> str | None:
    return db.exec(
        select(Thread.lease_owner).where(col(Thread.lease_owner).is_not(None)).limit(1)
    ).first()
