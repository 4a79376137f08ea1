"""The whole system around each of these tests, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.world import World, world


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    """The app is installed, and every project's mode is ``auto``."""
    with world(database_url) as made:
        yield made
