"""The points of an hour, and who may still spend them."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import JiraRateLimited
from app.jira.answers import most_points, points
from app.jira.points import Points, Urgency, urgency
from app.store.quotas import hour_of
from tests.jira.doubles import FakeJira, LedgerInMemory
from tests.support.clock import START, FakeClock

HOUR = hour_of(START)


@pytest.fixture
def ledger() -> LedgerInMemory:
    return LedgerInMemory()


def of_process(clock: FakeClock, ledger: LedgerInMemory, **more: int) -> Points:
    return Points(clock, ledger, **{"hourly": 1_000, "block": 100, "first": 100, **more})


async def spend(process: Points, count: int) -> int:
    """Spend a point at a time; return how many could be spent."""
    for spent in range(count):
        try:
            process.settle(await process.hold("read", 1), 1)
        except JiraRateLimited:
            return spent
    return count


async def idle() -> None:
    """Let what was begun beside the calls come to its end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_block_is_taken_for_many_calls(clock: FakeClock, ledger: LedgerInMemory) -> None:
    process = of_process(clock, ledger)
    assert await spend(process, 50) == 50
    await idle()
    assert (ledger.taken[HOUR], ledger.asked["points"]) == (100, 1)
    await spend(process, 1)
    await idle()
    assert (ledger.taken[HOUR], ledger.asked["points"]) == (200, 2)


async def test_who_has_just_begun_takes_little_and_who_spends_takes_more(
    clock: FakeClock, ledger: LedgerInMemory
) -> None:
    process = of_process(clock, ledger, hourly=10_000, first=10)
    await spend(process, 1)
    await idle()
    assert ledger.taken[HOUR] == 10 + 20  # the next is taken before the first is used up
    for _ in range(10):
        await spend(process, 50)
        await idle()
    asked = ledger.asked["points"]
    for _ in range(20):
        await spend(process, 50)
        await idle()
    assert ledger.asked["points"] - asked == 10  # a hundred at a time


async def test_one_that_crashes_again_and_again_does_not_use_up_the_hour(
    clock: FakeClock, ledger: LedgerInMemory
) -> None:
    for _ in range(100):
        await spend(of_process(clock, ledger, hourly=100_000, block=200, first=10), 20)
        await idle()
    assert ledger.taken[HOUR] <= 100 * 20 * 4


async def test_no_call_waits_for_the_next_block(clock: FakeClock, ledger: LedgerInMemory) -> None:
    process = of_process(clock, ledger)
    await spend(process, 51)
    ledger.away = RuntimeError("the database is away")
    await idle()
    assert await spend(process, 49) == 49


async def test_two_processes_never_spend_more_than_there_is(
    clock: FakeClock, ledger: LedgerInMemory
) -> None:
    one, other = of_process(clock, ledger), of_process(clock, ledger)
    with urgency(Urgency.ANSWER):
        spent = await asyncio.gather(*(spend(each, 900) for each in (one, other)))
    assert sum(spent) == 1_000 == ledger.taken[HOUR]
    asked = ledger.asked["points"]
    assert await spend(one, 5) == 0
    assert ledger.asked["points"] == asked  # nor is the database asked again and again


async def test_what_is_refused_may_come_with_the_next_hour(
    clock: FakeClock, ledger: LedgerInMemory
) -> None:
    process = of_process(clock, ledger, hourly=10)
    clock.advance(600)
    with urgency(Urgency.ANSWER):
        assert await spend(process, 11) == 10
        with pytest.raises(JiraRateLimited) as caught:
            await process.hold("read", 1)
        assert (caught.value.retry_after, caught.value.reason) == (
            3_000.0,
            "jira-quota-global-based",
        )
        clock.advance(3_000)
        assert await spend(process, 11) == 10


async def test_an_answer_is_posted_where_nothing_else_is_sent(
    clock: FakeClock, ledger: LedgerInMemory
) -> None:
    process = of_process(clock, ledger, block=10)
    with urgency(Urgency.LATER):
        later = await spend(process, 1_000)
    usual = await spend(process, 1_000)
    with urgency(Urgency.ANSWER):
        answers = await spend(process, 1_000)
    assert 840 <= later <= 850
    assert 940 <= later + usual <= 950
    assert later + usual + answers == 1_000


async def test_a_process_that_dies_loses_its_block_and_nothing_is_overspent(
    clock: FakeClock, ledger: LedgerInMemory
) -> None:
    with urgency(Urgency.ANSWER):
        assert await spend(of_process(clock, ledger), 130) == 130
        await idle()
        rest = await spend(of_process(clock, ledger), 2_000)
    assert 1_000 - 130 - 100 <= rest < 1_000 - 130


async def test_what_a_call_did_not_cost_is_spent_by_another(
    clock: FakeClock, ledger: LedgerInMemory
) -> None:
    process = of_process(clock, ledger)
    for _ in range(40):
        process.settle(await process.hold("list", 101), 2)
    await idle()
    assert ledger.taken[HOUR] <= 301


async def test_what_it_cost_beyond_is_owed(clock: FakeClock, ledger: LedgerInMemory) -> None:
    process = of_process(clock, ledger)
    process.settle(await process.hold("read", 2), 500)
    await process.hold("read", 2)
    assert ledger.taken[HOUR] >= 502


async def test_the_last_hours_points_are_not_given_back_to_this_one(
    clock: FakeClock, ledger: LedgerInMemory
) -> None:
    process = of_process(clock, ledger)
    held = await process.hold("list", 90)
    clock.advance(3_600)
    await process.hold("read", 1)
    process.settle(held, 1)
    await spend(process, 99)
    await idle()
    assert ledger.taken[hour_of(clock.now())] >= 200


costs = st.lists(st.tuples(st.integers(1, 101), st.integers(1, 101)), max_size=60)


@given(st.lists(costs, min_size=2, max_size=3), st.integers(1, 900), st.integers(1, 200))
async def test_whatever_is_called_in_whatever_order_the_hour_is_never_overspent(
    processes: list[list[tuple[int, int]]], hourly: int, block: int
) -> None:
    clock, ledger = FakeClock(), LedgerInMemory()
    spent = 0

    async def run(calls: list[tuple[int, int]]) -> None:
        nonlocal spent
        process = Points(clock, ledger, hourly=hourly, block=block)
        for one, other in calls:
            most, cost = max(one, other), min(one, other)
            try:
                held = await process.hold("read", most)
            except JiraRateLimited:
                continue
            await asyncio.sleep(0)
            spent += cost
            process.settle(held, cost)

    with urgency(Urgency.ANSWER):
        await asyncio.gather(*(run(calls) for calls in processes))
        await idle()
    assert spent <= ledger.taken[HOUR] <= hourly


@given(st.integers(1, 100), st.integers(0, 100))
def test_a_page_never_costs_more_than_was_held(size: int, found: int) -> None:
    answer: dict[str, object] = {"comments": [{} for _ in range(min(size, found))]}
    assert points("GET", answer) <= most_points("GET", {"maxResults": size})
    assert points("GET", {"id": "1"}) <= most_points("GET", {})
    assert most_points("POST", {"maxResults": size}) == 1


async def test_at_the_cap_nothing_is_sent(jira: FakeJira) -> None:
    jira.ledger.taken[HOUR] = 10**6
    with pytest.raises(JiraRateLimited) as caught:
        await jira.client.request("read", "GET", "/rest/api/3/thing")
    assert caught.value.reason == "jira-quota-global-based"
    assert jira.requests == []
