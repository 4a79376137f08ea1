"""What is spent, and when a write fits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jira.limits import Limits, retry_after
from tests.support.clock import START, FakeClock

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def test_points_add_up_by_tenant(clock: FakeClock) -> None:
    limits = Limits(clock)
    limits.spent("a", 3)
    limits.spent("b", 1)
    limits.spent("a", 4)
    seen = limits.snapshot()
    limits.spent("a", 1)
    assert seen == {"a": 7, "b": 1}


def test_twenty_writes_fit_and_the_next_waits(clock: FakeClock) -> None:
    limits = Limits(clock)
    assert [limits.before_write("t", "1") for _ in range(20)] == [0.0] * 20
    assert limits.before_write("t", "1") == 2.5
    clock.advance(1.5)
    assert limits.before_write("t", "1") == 1.0
    clock.advance(1.0)
    assert limits.before_write("t", "1") == 0.0


def test_a_refused_write_is_not_counted(clock: FakeClock) -> None:
    limits = Limits(clock)
    for _ in range(60):
        limits.before_write("t", "1")
    clock.advance(2.5)
    assert [limits.before_write("t", "1") for _ in range(20)] == [0.0] * 20


def test_issues_and_tenants_do_not_share_a_gate(clock: FakeClock) -> None:
    limits = Limits(clock)
    for _ in range(20):
        limits.before_write("t", "1")
    assert limits.before_write("t", "2") == 0.0
    assert limits.before_write("u", "1") == 0.0


def test_a_hundred_writes_fit_in_half_a_minute(clock: FakeClock) -> None:
    limits = Limits(clock)
    for _ in range(5):
        for _ in range(20):
            assert limits.before_write("t", "1") == 0.0
        clock.advance(3)
    assert limits.before_write("t", "1") == 16.0


@given(st.lists(st.integers(0, 2_500), min_size=1, max_size=160))
def test_no_window_ever_holds_too_many(pauses: list[int]) -> None:
    clock = FakeClock()
    limits = Limits(clock)
    written: list[datetime] = []
    for pause in pauses:
        clock.advance(pause / 1000 if pause > 2_300 else 0)
        wait = limits.before_write("t", "1")
        assert 0 <= wait <= 31
        if wait:
            clock.advance(wait)
            assert limits.before_write("t", "1") == 0.0
        written.append(clock.now())
    for count, seconds in ((20, 2), (100, 30)):
        for first, beyond in zip(written, written[count:], strict=False):
            assert beyond - first >= timedelta(seconds=seconds)


def test_quiet_issues_are_forgotten(clock: FakeClock) -> None:
    limits = Limits(clock)
    for number in range(50):
        limits.before_write("t", str(number))
        clock.advance(1)
    assert len(limits._writes) <= 32


def test_a_clock_set_back_bars_nobody() -> None:
    clock = FakeClock()
    limits = Limits(clock)
    for _ in range(20):
        limits.before_write("t", "1")
    clock.advance(-3_600)
    assert limits.before_write("t", "1") == 0.0


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
