"""What every test may ask for. Something that is missing here is a skip that names its cure."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from playwright.async_api import Browser, Page

from app.settings import load
from app.store.database import Database
from tests.support import browser, postgresql
from tests.support.browser import Pages
from tests.support.clock import FakeClock
from tests.support.postgresql import PostgreSQL

# Time limits per example fail on a busy machine and nowhere else.
hypothesis_settings.register_profile("jira-chatkit", deadline=None)
hypothesis_settings.register_profile("strict", deadline=None, derandomize=True, database=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="a skipped test is a failure, and hypothesis repeats itself: for CI",
    )


def pytest_configure(config: pytest.Config) -> None:
    hypothesis_settings.load_profile("strict" if _no_skips(config) else "jira-chatkit")


LONGEST_FILES = (
    "tests/chaos/",
    "tests/hosts/",
    "tests/browser/test_tour.py",
    "tests/turns/test_each_step.py",
    "tests/turns/test_crashes.py",
    "tests/test_logs",
)
"""They come first: at the end, one worker would be busy with them and the others with nothing."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST_FILES))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and _no_skips(session.config) and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(config: pytest.Config) -> None:
    skipped = _skipped(config)
    if skipped and _no_skips(config):
        reporter = config.pluginmanager.getplugin("terminalreporter")
        reporter.section("nothing may be skipped", red=True)
        reporter.line(f"{skipped} skipped, named below: with --no-skips that is a failure")


def _no_skips(config: pytest.Config) -> bool:
    return bool(config.getoption("--no-skips"))


def _skipped(config: pytest.Config) -> int:
    """How many were skipped; none on a worker of pytest-xdist, which reports to the first."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """A PostgreSQL server for this run, or, with pytest-xdist, for this worker."""
    folder = postgresql.binaries()
    if folder is None:
        pytest.skip(postgresql.MISSING)
    with postgresql.running(folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: PostgreSQL) -> str:
    """A database with the newest schema, to make others after; nobody is connected to it."""
    name = postgresql_server.create()
    migrate(postgresql_server.url(name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed SQLite file with the newest schema, to copy."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each test that asks for a database runs on both kinds."""
    return str(request.param)


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, database_kind: str, tmp_path: Path
) -> Iterator[str]:
    """``DATABASE_URL`` of a new database that has the newest schema and no rows."""
    if database_kind == "sqlite":
        path = tmp_path / "test.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        template: str = request.getfixturevalue("postgresql_template")
        with request.getfixturevalue("postgresql_server").database(template) as url:
            yield url


@pytest.fixture
def empty_database_url(
    request: pytest.FixtureRequest, database_kind: str, tmp_path: Path
) -> Iterator[str]:
    """``DATABASE_URL`` of a new database without a schema."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        with request.getfixturevalue("postgresql_server").database() as url:
            yield url


def migrate(url: str) -> None:
    database = Database.open(load(database_url=url))
    database.migrate()
    database.close()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium of the test's own, on its event loop."""
    if missing := browser.missing():
        pytest.skip(missing)
    async with browser.launched() as launched:
        yield launched


@pytest.fixture
async def pages(chromium: Browser) -> AsyncIterator[Pages]:
    """Opens any number of pages. What they complained of, and nobody cleared, fails the test."""
    opened = Pages(chromium)
    yield opened
    await opened.close()
    assert opened.complaints == []


@pytest.fixture
async def page(pages: Pages) -> Page:
    """One empty page."""
    return await pages.open()
