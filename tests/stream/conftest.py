"""A thread, and people who follow it at a hub of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.support.clock import FakeClock
from tests.support.rows import add_tenant, add_thread
from tests.support.watching import CountingDatabase, Watched, watched


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[CountingDatabase]:
    database = CountingDatabase.open(Settings(database_url=database_url))
    await database.write(add_tenant)
    yield database
    database.close()


@pytest.fixture
async def thread_id(database: CountingDatabase) -> str:
    return await database.write(add_thread)


@pytest.fixture
async def here(
    database: CountingDatabase, thread_id: str, clock: FakeClock
) -> AsyncIterator[Watched]:
    async with watched(database, thread_id, clock) as made:
        yield made
