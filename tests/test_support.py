"""What the other tests stand on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from playwright.async_api import Page
from sqlmodel import select

from app.settings import load
from app.store.database import Database
from app.store.tables import Tenant
from tests.support.browser import Pages
from tests.support.clock import START, FakeClock
from tests.support.postgresql import PostgreSQL


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder under a strict content security policy."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", "default-src 'self'")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path))
    ) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_a_sleeper_wakes_when_the_clock_reaches_its_end(clock: FakeClock) -> None:
    sleeper = asyncio.create_task(clock.sleep(60))
    await clock.asleep()

    clock.advance(59)
    await asyncio.sleep(0)
    assert not sleeper.done()

    clock.advance(1)
    await sleeper
    assert (clock.now() - START).total_seconds() == 60


async def test_sleepers_wake_in_the_order_of_their_ends(clock: FakeClock) -> None:
    woken: list[int] = []

    async def sleep(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    async with asyncio.TaskGroup() as tasks:
        for seconds in (3, 1, 2):
            tasks.create_task(sleep(seconds))
        await clock.asleep(3)
        clock.advance(3)

    assert woken == [1, 2, 3]


async def test_a_cancelled_sleeper_is_forgotten(clock: FakeClock) -> None:
    sleeper = asyncio.create_task(clock.sleep(1))
    await clock.asleep()
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    clock.advance(1)


@pytest.mark.postgresql
def test_a_database_is_made_after_its_template_and_taken_away(
    postgresql_server: PostgreSQL,
) -> None:
    template = postgresql_server.create()
    with psycopg.connect(postgresql_server.url(template)) as connection:
        connection.execute("CREATE TABLE words (word text)")

    with (
        postgresql_server.database(template) as url,
        psycopg.connect(url) as connection,
    ):
        assert connection.execute("SELECT count(*) FROM words").fetchone() == (0,)

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


async def test_a_test_is_given_a_database_with_a_schema_and_no_rows(database_url: str) -> None:
    database = Database.open(load(database_url=database_url))
    try:
        database.require_schema()
        assert await database.read(lambda db: db.exec(select(Tenant)).all()) == []
    finally:
        database.close()


def test_a_test_is_given_a_database_without_a_schema(empty_database_url: str) -> None:
    database = Database.open(load(database_url=empty_database_url))
    try:
        assert database.revision() is None
    finally:
        database.close()


async def test_a_page_is_driven_while_the_test_goes_on(
    page: Page, site: str, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text('<link rel="icon" href="icon.svg"><h1>Hello</h1>')
    (tmp_path / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    await page.goto(site)
    assert await page.inner_text("h1") == "Hello"


async def test_what_goes_wrong_on_a_page_is_kept(pages: Pages, site: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<h1 style="color: red">Hello</h1><script src=a.js></script>'
    )
    (tmp_path / "a.js").write_text('console.error("oh"); console.log("fine"); throw Error("no")')

    page = await pages.open(site)
    await page.wait_for_load_state("networkidle")

    said = "\n".join(pages.complaints)
    assert "console: oh" in said
    assert "uncaught: no" in said
    assert "CSP style-src-attr: inline" in said
    assert "fine" not in said
    pages.complaints.clear()


async def test_a_page_finds_no_host_but_this_machine(pages: Pages) -> None:
    page = await pages.open()
    # Another name for this machine, so that without the rule it would be found and refuse.
    await page.evaluate("fetch('http://127.0.0.2:8080').catch(() => null)")
    assert pages.complaints == ["console: Failed to load resource: net::ERR_NAME_NOT_RESOLVED"]
    pages.complaints.clear()
