"""The program, and a site for it that has the app installed while nobody serves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.main import create_app
from app.sandbox.serving import serve
from app.store.database import Database
from tests.cli.program import Programs, programs
from tests.support.postgresql import PostgreSQL
from tests.support.world import World, environment, free_port, settings_of, sites


@pytest.fixture
def jira_chatkit(tmp_path: Path) -> Iterator[Programs]:
    with programs(tmp_path) as made:
        yield made


@dataclass
class Place:
    """Where the program is run: the world around it, and its environment."""

    world: World
    values: dict[str, str]

    @property
    def host(self) -> str:
        return self.world.jira.base_url.partition("://")[2]


@contextmanager
def place(database_url: str, *, install: bool = True) -> Iterator[Place]:
    """Both sites, and the app installed on Jira's; nobody serves it any more."""
    with sites() as (jira, openai, openai_url):
        values = environment(jira, openai, database_url, free_port())
        values["OPENAI_BASE_URL"] = openai_url
        settings = settings_of(values)
        database = Database.open(settings)
        made = Place(World(jira, openai, settings, database), values)
        if install:
            with serve(create_app(settings), settings.port):
                made.world.install()
        yield made
        database.close()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """``DATABASE_URL`` of a new SQLite file with the newest schema."""
    path = tmp_path / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQL, postgresql_template: str) -> Iterator[str]:
    """``DATABASE_URL`` of a new PostgreSQL database with the newest schema."""
    with postgresql_server.database(postgresql_template) as url:
        yield url


@pytest.fixture
def empty_url(postgresql_server: PostgreSQL) -> Iterator[str]:
    """``DATABASE_URL`` of a new PostgreSQL database without a schema."""
    with postgresql_server.database() as url:
        yield url


@pytest.fixture
def here(sqlite_url: str) -> Iterator[Place]:
    with place(sqlite_url) as made:
        yield made
