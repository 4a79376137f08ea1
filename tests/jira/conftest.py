"""What the tests of the Jira client share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from tests.jira.doubles import FakeJira
from tests.support.clock import FakeClock


@pytest.fixture(autouse=True)
def _second_tries_come_at_once() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
def jira(clock: FakeClock) -> FakeJira:
    return FakeJira(clock)
