"""What the tests of the Forge door share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.doors.forge.door import BothDoors, both_doors
from tests.support.clock import FakeClock


@pytest.fixture
async def doors(database_url: str, clock: FakeClock) -> AsyncIterator[BothDoors]:
    """Both doors, on each database."""
    async with both_doors(database_url, clock) as opened:
        yield opened


@pytest.fixture
async def one(tmp_path: Path, clock: FakeClock) -> AsyncIterator[BothDoors]:
    """Both doors, where the database does not matter."""
    async with both_doors(f"sqlite:///{tmp_path / 'door.db'}", clock) as opened:
        yield opened
