"""What many ask at once: shared by those who asked before it began, and by nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlmodel import Session, select

from app.store import tenants
from app.store.database import Database
from app.store.rounds import MOST, Rounds
from app.store.tables import Tenant
from tests.support.rows import add_tenant, opened


class Desk:
    """Answers a number with its double, when it is let; a negative one is an error."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.open = asyncio.Event()
        self.asked = Rounds(self._answer)

    async def _answer(self, numbers: Sequence[int]) -> list[int]:
        self.rounds.append(list(numbers))
        await self.open.wait()
        if any(number < 0 for number in numbers):
            raise ValueError(numbers)
        return [2 * number for number in numbers]

    def asking(self, *numbers: int) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.asked.ask(number)) for number in numbers]


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_while_a_round_is_under_way_is_in_the_next() -> None:
    desk = Desk()
    tasks = desk.asking(1)
    await settled()
    tasks += desk.asking(2, 3)
    await settled()
    assert desk.rounds == [[1]]  # they wait: what it reads may be older than their question
    desk.open.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6]
    assert desk.rounds == [[1], [2, 3]]


async def test_a_round_has_its_size() -> None:
    desk = Desk()
    desk.open.set()
    tasks = desk.asking(*range(MOST + 1))
    assert await asyncio.gather(*tasks) == [2 * number for number in range(MOST + 1)]
    assert [len(one) for one in desk.rounds] == [MOST, 1]


async def test_one_that_fails_fails_for_itself() -> None:
    desk = Desk()
    desk.open.set()
    told = await asyncio.gather(*desk.asking(1, -2, 3), return_exceptions=True)
    assert (told[0], told[2]) == (2, 6)
    assert isinstance(told[1], ValueError)
    assert await desk.asked.ask(4) == 8


async def test_one_that_leaves_is_missed_by_nobody() -> None:
    desk = Desk()
    staying, leaving = desk.asking(1, 2)
    await settled()
    leaving.cancel()
    desk.open.set()
    assert await staying == 2
    with pytest.raises(asyncio.CancelledError):
        await leaving


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    with opened(database_url) as made:
        await made.write(add_tenant, "acme")
        await made.write(add_tenant, "umbrella")
        yield made


async def test_each_is_told_its_own(database: Database) -> None:
    keys = ["key of umbrella", "key of nobody", "key of acme", "key of umbrella"]
    found = await asyncio.gather(
        *(database.read_together(tenants.by_client_keys, key) for key in keys)
    )
    assert [tenant and tenant.id for tenant in found] == ["umbrella", None, "acme", "umbrella"]


def move(db: Session, names: Sequence[str]) -> list[str]:
    for name in names:
        tenant = db.exec(select(Tenant).where(Tenant.id == name)).one()
        tenant.base_url = f"https://moved.{name}.example"
    return list(names)


async def test_what_was_committed_before_is_read(database: Database) -> None:
    async def look_and_look() -> None:
        for _ in range(50):
            await database.read_together(tenants.by_client_keys, "key of acme")

    busy = [asyncio.create_task(look_and_look()) for _ in range(4)]
    assert await database.write_together(move, "acme") == "acme"
    seen = await database.read_together(tenants.by_client_keys, "key of acme")
    assert seen is not None
    assert seen.base_url == "https://moved.acme.example"
    await asyncio.gather(*busy)
