"""What Jira said by a 429 holds for all that it names, and for nothing else."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx2
import pytest
from sqlalchemy.exc import OperationalError

from app.errors import JiraError, JiraRateLimited
from app.jira.client import JiraClient
from tests.jira.doubles import FakeJira, ok, status
from tests.support.clock import FakeClock

ONE = "/rest/api/3/issue/1/comment"
TWO = "/rest/api/3/issue/2/comment"
REASONS = {
    "jira-quota-global-based": set(),
    "jira-quota-tenant-based": {"another tenant"},
    "jira-burst-based": {"another tenant"},
    "jira-per-issue-on-write": {"another tenant", "another issue", "a read"},
    "jira-something-new": {"another tenant", "another issue", "a read", "the same again"},
}


def limited(reason: str | None, seconds: int = 30) -> httpx2.Response:
    headers = {"Retry-After": str(seconds)}
    return status(429, headers | ({} if reason is None else {"RateLimit-Reason": reason}))


async def sent(jira: FakeJira, client: JiraClient, method: str, path: str) -> bool:
    """Whether a call is sent."""
    before = len(jira.requests)
    with suppress(JiraRateLimited):
        await client.request("try", method, path)
    return len(jira.requests) > before


async def passing(jira: FakeJira) -> set[str]:
    """What is still sent after a write to an issue of the first tenant was limited."""
    calls = {
        "another tenant": (jira.connected(tenant="tenant-2"), "POST", ONE),
        "another issue": (jira.client, "POST", TWO),
        "a read": (jira.client, "GET", ONE),
        "the same again": (jira.client, "POST", ONE),
    }
    return {name for name, call in calls.items() if await sent(jira, *call)}


def answering(jira: FakeJira, first: httpx2.Response) -> None:
    jira.on("POST", ONE, first, ok({}))
    jira.on("POST", TWO, ok({}))
    jira.on("GET", ONE, ok({}))


@pytest.mark.parametrize("reason", sorted(REASONS))
async def test_each_reason_holds_up_what_it_names(
    jira: FakeJira, clock: FakeClock, reason: str
) -> None:
    answering(jira, limited(reason))
    with pytest.raises(JiraRateLimited):
        await jira.client.request("write", "POST", ONE)
    assert await passing(jira) == REASONS[reason]
    clock.advance(29.9)
    assert await passing(jira) == REASONS[reason]
    clock.advance(0.1)
    assert len(await passing(jira)) == 4


async def test_without_a_reason_only_the_call_itself_is_put_off(jira: FakeJira) -> None:
    answering(jira, limited(None))
    with pytest.raises(JiraRateLimited) as caught:
        await jira.client.request("write", "POST", ONE)
    assert caught.value.retry_after == 30.0
    assert len(await passing(jira)) == 4


async def test_a_write_that_is_held_up_takes_no_place_on_its_issue(jira: FakeJira) -> None:
    answering(jira, limited("jira-per-issue-on-write"))
    with pytest.raises(JiraRateLimited):
        await jira.client.request("write", "POST", ONE)
    for _ in range(30):
        with pytest.raises(JiraRateLimited) as caught:
            await jira.client.before_write("write", "1")
        assert caught.value.retry_after == 30.0
    assert jira.ledger.asked["write"] == 0


async def test_the_longer_of_two_pauses_holds(jira: FakeJira, clock: FakeClock) -> None:
    jira.on(
        "GET", ONE, limited("jira-burst-based", 30), limited("jira-quota-tenant-based", 10), ok({})
    )
    several = [asyncio.create_task(jira.client.request("read", "GET", ONE)) for _ in range(2)]
    await asyncio.wait(several)
    assert {type(task.exception()) for task in several} == {JiraRateLimited}
    clock.advance(20)
    assert not await sent(jira, jira.client, "GET", ONE)
    clock.advance(10)
    assert await sent(jira, jira.client, "GET", ONE)


async def test_others_pauses_are_looked_for_about_once_a_second(
    jira: FakeJira, clock: FakeClock
) -> None:
    jira.on("GET", ONE, ok({}))
    for _ in range(45):
        await jira.client.request("read", "GET", ONE)
    assert jira.ledger.asked["pauses"] == 1
    clock.advance(1)
    await jira.client.request("read", "GET", ONE)
    assert jira.ledger.asked["pauses"] == 2


async def test_a_database_that_is_away_hides_no_429(jira: FakeJira) -> None:
    def broken(_: httpx2.Request) -> httpx2.Response:
        jira.ledger.away = OperationalError("", None, Exception())
        return limited("jira-burst-based")

    jira.on("GET", ONE, broken)
    with pytest.raises(JiraError) as caught:
        await jira.client.request("read", "GET", ONE)
    assert type(caught.value) is JiraRateLimited
    assert not await sent(jira, jira.client, "GET", ONE)
