"""The whole system around each of these tests, on both databases.

Where the door matters, a test runs behind both: see ``BEHIND_BOTH_DOORS``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.world import Door, World, world

BEHIND_BOTH_DOORS = {
    "test_answered_once",
    "test_the_human_wins",
    "test_who_is_answered",
    "test_behind_both_doors",
}
"""Modules of what a door brings in, whom it knows, and what it must not let out."""
ON_EACH_DATABASE = {"test_behind_both_doors"}
"""Of those, the ones that run behind the Forge door on each database too."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "door" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition(".")[2]
        doors = ["connect", "forge"] if module in BEHIND_BOTH_DOORS else ["connect"]
        ids = [pytest.HIDDEN_PARAM if door == "connect" else f"door={door}" for door in doors]
        metafunc.parametrize("door", doors, ids=ids)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One database is enough behind the second door: what follows a door knows none."""
    dropped = [item for item in items if _is_more_than_enough(item)]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in dropped]


def _is_more_than_enough(item: pytest.Item) -> bool:
    params = (
        item.callspec.params
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else {}
    )
    again = params.get("door") == "forge" and params.get("database_kind") == "postgresql"
    return again and item.path.stem not in ON_EACH_DATABASE


@pytest.fixture
def here(database_url: str, door: Door) -> Iterator[World]:
    """The app is installed, and every project's mode is ``auto``."""
    with world(database_url, door=door) as made:
        yield made
