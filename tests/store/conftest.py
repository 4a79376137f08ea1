"""A database of each kind, with one tenant in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.store.database import Database
from tests.support.rows import add_tenant, opened


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    with opened(database_url) as database:
        await database.write(add_tenant)
        yield database
