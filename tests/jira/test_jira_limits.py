"""What is spent, and when a write fits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import JiraRateLimited
from app.jira.bursts import A_SECOND, Bursts
from app.jira.limits import BRIEFLY, Limits, retry_after
from app.store.quotas import with_one_more
from tests.jira.doubles import LedgerInMemory
from tests.support.clock import START, FakeClock

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def limits(clock: FakeClock) -> Limits:
    return Limits(clock, LedgerInMemory())


class Writes:
    """The writes to one issue, as the ledger admits them."""

    def __init__(self) -> None:
        self.written: list[int] = []

    def one_more(self, now: datetime) -> float:
        """0 where it fits, and is counted."""
        admitted = with_one_more(self.written, now)
        if isinstance(admitted, float):
            return admitted
        self.written = admitted
        return 0.0


def test_twenty_writes_fit_and_the_next_waits() -> None:
    writes = Writes()
    assert [writes.one_more(NOW) for _ in range(20)] == [0.0] * 20
    assert writes.one_more(NOW) == 2.5
    assert writes.one_more(NOW + timedelta(seconds=1.5)) == 1.0
    assert writes.one_more(NOW + timedelta(seconds=2.5)) == 0.0


def test_a_refused_write_is_not_counted() -> None:
    writes = Writes()
    for _ in range(60):
        writes.one_more(NOW)
    later = NOW + timedelta(seconds=2.5)
    assert [writes.one_more(later) for _ in range(20)] == [0.0] * 20


def test_a_hundred_writes_fit_in_half_a_minute() -> None:
    writes = Writes()
    for number in range(100):
        assert writes.one_more(NOW + timedelta(seconds=number // 20 * 3)) == 0.0
    assert writes.one_more(NOW + timedelta(seconds=15)) == 16.0


@given(st.lists(st.integers(0, 2_500), min_size=1, max_size=160))
def test_no_window_ever_holds_too_many(pauses: list[int]) -> None:
    writes, now = Writes(), NOW
    written: list[datetime] = []
    for pause in pauses:
        now += timedelta(milliseconds=pause if pause > 2_300 else 0)
        wait = writes.one_more(now)
        assert 0 <= wait <= 31
        if wait:
            now += timedelta(seconds=wait)
            assert writes.one_more(now) == 0.0
        written.append(now)
    for count, seconds in ((20, 2), (100, 30)):
        for first, beyond in zip(written, written[count:], strict=False):
            assert beyond - first >= timedelta(seconds=seconds)


def test_what_counts_no_more_is_not_kept() -> None:
    writes = Writes()
    for number in range(300):
        writes.one_more(NOW + timedelta(seconds=number))
    assert len(writes.written) == 31


def test_a_clock_set_back_bars_nobody() -> None:
    writes = Writes()
    for _ in range(20):
        writes.one_more(NOW)
    assert writes.one_more(NOW - timedelta(hours=1)) == 0.0


def test_a_clock_that_is_a_little_behind_counts_what_another_wrote() -> None:
    writes = Writes()
    for _ in range(20):
        writes.one_more(NOW)
    assert writes.one_more(NOW - timedelta(seconds=1)) == 3.5


async def test_issues_and_tenants_do_not_share_a_gate(limits: Limits) -> None:
    for _ in range(20):
        await limits.before_write("write", "t", "1")
    await limits.before_write("write", "t", "2")
    await limits.before_write("write", "u", "1")


async def test_a_write_waits_for_its_issue_and_not_for_long(
    limits: Limits, clock: FakeClock
) -> None:
    for _ in range(20):
        await limits.before_write("write", "t", "1")
    several = [asyncio.create_task(limits.before_write("write", "t", "1")) for _ in range(21)]
    await clock.asleep(21)
    clock.advance(2.5)
    done, left = await asyncio.wait(several, timeout=5)
    failed = [task.exception() for task in done]
    assert (failed.count(None), len(left)) == (20, 0)
    [error] = [error for error in failed if error is not None]
    assert isinstance(error, JiraRateLimited)
    assert (error.retry_after, error.reason) == (2.5, "jira-per-issue-on-write")


# --- calls a second -------------------------------------------------------------------------


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=300), st.sampled_from(sorted(A_SECOND)))
def test_no_second_holds_more_calls_than_jira_takes(pauses: list[float], method: str) -> None:
    clock = FakeClock()
    bursts = Bursts(clock)
    sent: list[datetime] = []
    for pause in pauses:
        clock.advance(pause if pause > 0.1 else 0)
        wait = bursts.book("t", method, BRIEFLY)
        if wait <= BRIEFLY:
            sent.append(clock.now() + timedelta(seconds=wait))
    allowed = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}[method]
    for first, beyond in zip(sent, sent[allowed:], strict=False):
        assert beyond - first > timedelta(seconds=0.99)


def test_a_burst_is_let_through_and_then_spread(clock: FakeClock) -> None:
    bursts = Bursts(clock)
    assert [bursts.book("t", "GET", 1.0) for _ in range(50)] == [0.0] * 50
    assert bursts.book("t", "GET", 1.0) == pytest.approx(0.02)
    assert bursts.book("t", "GET", 1.0) == pytest.approx(0.04)
    assert bursts.book("u", "GET", 1.0) == 0.0
    assert bursts.book("t", "POST", 1.0) == 0.0
    clock.advance(60)
    assert [bursts.book("t", "GET", 1.0) for _ in range(50)] == [0.0] * 50


def test_what_nobody_waits_for_takes_no_place(clock: FakeClock) -> None:
    bursts = Bursts(clock)
    for _ in range(500):
        bursts.book("t", "GET", 0.5)
    assert bursts.book("t", "GET", 0.5) == pytest.approx(0.52)
    clock.advance(1.52)
    assert bursts.book("t", "GET", 0.5) == 0.0


async def test_too_many_calls_at_once_are_put_off(limits: Limits, clock: FakeClock) -> None:
    calls = [asyncio.create_task(call(limits)) for _ in range(100)]
    await clock.asleep(25)
    clock.advance(0.5)
    await asyncio.wait(calls)
    errors = [error for task in calls if (error := task.exception()) is not None]
    assert len(errors) == 25
    assert {str(getattr(error, "reason", "")) for error in errors} == {"jira-burst-based"}


async def call(limits: Limits) -> None:
    await limits.before_call("read", "GET", "t", None, 1)


# --- how long -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"x-ratelimit-reset": "2026-11-22T10:02Z"}, 120.0),
        ({"retry-after": "soon", "x-ratelimit-reset": "2026-11-22T10:00:05Z"}, 5.0),
        ({"retry-after": "7", "x-ratelimit-reset": "2026-11-22T10:02Z"}, 7.0),
        ({"retry-after": "9" * 400}, 3600.0),
        ({"retry-after": "-5"}, 30.0),
        ({}, 30.0),
    ],
)
def test_jira_says_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.text(), st.text())
def test_whatever_the_headers_say_the_wait_is_sane(after: str, reset: str) -> None:
    headers = {"retry-after": after, "x-ratelimit-reset": reset}
    assert 0.0 <= retry_after(headers, START) <= 3600.0


@given(st.integers(0, 3_600))
def test_seconds_and_dates_mean_the_same(seconds: int) -> None:
    at = NOW + timedelta(seconds=seconds)
    written = at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert retry_after({"retry-after": written}, NOW) == seconds
    assert retry_after({"retry-after": str(seconds)}, NOW) == seconds
