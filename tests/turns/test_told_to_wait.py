"""Jira wants to be left alone, or a turn cannot be helped: nobody else pays, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from app.errors import JiraRateLimited, JiraUnavailable, ModelError
from app.jira.points import HOURLY
from app.store.quotas import hour_of
from app.store.tables import JiraPoints, Thread, Turn
from app.turns.outcomes import MAX_POSTINGS, WAITS, failure_of, wait_before, wait_for_jira
from tests.support.clock import START, ShiftedClock
from tests.support.talks import Chat
from tests.support.world import World, until, world

COMMENTS = "/rest/api/3/issue/*/comment"
ISSUE = "/rest/api/3/issue/*"
ALL = ["jira-quota-global-based", "jira-quota-tenant-based", "jira-burst-based"]
ONE_ISSUE = "jira-per-issue-on-write"


@pytest.fixture
def ahead() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def here(tmp_path: Path, ahead: ShiftedClock) -> Iterator[World]:
    with world(f"sqlite:///{tmp_path / 'app.db'}", clock=ahead) as made:
        yield made


def put_off(here: World, key: str, now: datetime) -> bool:
    """Whether the issue's thread has nothing to do for a while, although somebody asks there."""
    due = here.read(_due, here.jira.issue(key).id)
    return due is not None and due > now + timedelta(minutes=1)


def _due(db: Session, issue_id: str) -> datetime | None:
    of_issue = select(Thread).where(Thread.issue_id == issue_id, Thread.audience == "public")
    thread = db.exec(of_issue).one_or_none()
    return None if thread is None or thread.lease_owner else thread.due_at


# --- a pause --------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ALL)
def test_nothing_is_sent_before_jira_wants_it_and_then_each_is_answered_once(
    here: World, ahead: ShiftedClock, reason: str
) -> None:
    here.jira.faults.add(
        "POST", COMMENTS, "status", times=None, status=429, retry_after=300, reason=reason
    )
    here.jira.comment("OPS-1", "Why?")
    until(lambda: put_off(here, "OPS-1", ahead.now()), "the comment to be put off")
    sent = len(here.jira.requests)
    here.jira.comment("OPS-2", "And why this?", by="agnes")
    until(lambda: put_off(here, "OPS-2", ahead.now()), "the question to be put off")
    here.jira.comment("OPS-1", "Still there?")
    here.jira.webhooks.wait_until_delivered()
    until(lambda: put_off(here, "OPS-1", ahead.now()), "the next question to be put off")
    assert len(here.jira.requests) == sent
    here.jira.faults.clear()

    ahead.ahead += timedelta(seconds=310)
    until(lambda: here.answers("OPS-1") and here.answers("OPS-2"), "the answers")
    here.run_until_idle()

    assert [len(here.answers(key)) for key in ("OPS-1", "OPS-2")] == [2, 1]
    assert {(turn.state, turn.failures) for turn in here.turns()} == {("completed", 0)}
    assert 429 not in {each.status for each in here.jira.requests[sent:]}


def test_an_issue_that_is_written_to_too_fast_holds_up_no_other(
    here: World, ahead: ShiftedClock
) -> None:
    here.jira.faults.add("POST", COMMENTS, "status", status=429, retry_after=300, reason=ONE_ISSUE)
    here.jira.comment("OPS-1", "Why?")
    until(lambda: put_off(here, "OPS-1", ahead.now()), "the comment to be put off")
    here.jira.comment("OPS-2", "And why this?", by="agnes")
    until(lambda: here.answers("OPS-2"), "the other issue's answer")
    assert here.answers("OPS-1") == []

    ahead.ahead += timedelta(seconds=310)
    until(lambda: here.answers("OPS-1"), "the answer")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1


def test_after_a_pause_that_was_too_long_a_person_decides(here: World, ahead: ShiftedClock) -> None:
    """``answer_within`` is an hour: who waited for longer is not answered as if nothing was."""
    here.jira.faults.add("GET", ISSUE, "status", status=429, retry_after=3_600, reason=ALL[1])
    here.jira.comment("OPS-1", "Why?")
    until(lambda: put_off(here, "OPS-1", ahead.now()), "the question to be put off")

    ahead.ahead += timedelta(seconds=3_610)
    until(lambda: [each for each in here.items("internal") if each.state == "draft"], "the draft")
    here.run_until_idle()
    assert here.answers("OPS-1") == []
    assert [(turn.state, turn.reply_as) for turn in here.turns()] == [("completed", "draft")]


def test_a_written_answer_is_posted_after_a_pause_of_an_hour(
    here: World, ahead: ShiftedClock
) -> None:
    here.jira.faults.add("POST", COMMENTS, "status", status=429, retry_after=3_600, reason=ALL[0])
    here.jira.comment("OPS-1", "Why?")
    until(lambda: put_off(here, "OPS-1", ahead.now()), "the comment to be put off")

    ahead.ahead += timedelta(seconds=3_610)
    until(lambda: here.answers("OPS-1"), "the answer")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == len(here.openai.requests) == 1


def test_where_the_hours_points_are_spent_nothing_is_sent_before_the_next(
    here: World, ahead: ShiftedClock
) -> None:
    here.run_until_idle()
    now = ahead.now()
    ten_to = now.replace(minute=50, second=0) + timedelta(hours=2)
    here.write(_spend_all, hour_of(ten_to))
    ahead.ahead += ten_to - now
    sent = len(here.jira.requests)

    here.jira.comment("OPS-1", "Why?")
    until(lambda: put_off(here, "OPS-1", ahead.now()), "the question to be put off")
    assert len(here.jira.requests) == sent

    ahead.ahead += timedelta(minutes=10, seconds=10)
    until(lambda: here.answers("OPS-1"), "the answer")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1


def _spend_all(db: Session, hour: str) -> None:
    db.add(JiraPoints(hour=hour, taken=HOURLY))


# --- a turn that cannot be helped -----------------------------------------------------------


@pytest.mark.parametrize(("status", "cause"), [(400, "jira_refused"), (413, "comment_cap")])
def test_a_comment_that_jira_will_not_have_blocks_neither_its_issue_nor_its_tenant(
    here: World, status: int, cause: str
) -> None:
    mine = COMMENTS.replace("*", here.jira.issue("OPS-1").id, 1)
    here.jira.faults.add("POST", mine, "status", times=None, status=status)
    here.jira.comment("OPS-1", "Why?")
    here.jira.comment("OPS-2", "And why this?", by="agnes")
    here.run_until_idle()

    assert (here.answers("OPS-1"), len(here.answers("OPS-2"))) == ([], 1)
    [failed] = [turn for turn in here.turns() if turn.state == "failed"]
    assert failed.cause == cause
    here.jira.faults.clear()
    here.jira.comment("OPS-1", "Why, though?")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1

    Chat(here, "OPS-1", "rita").does(f"turns/{failed.id}/retry")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 2


def test_a_question_that_the_model_always_fails_at_ends_and_can_be_asked_again(
    here: World, ahead: ShiftedClock
) -> None:
    here.openai.faults.add("server_error", None)
    here.jira.comment("OPS-1", "Why?")
    until(lambda: _waits(here, 1), "the first failure")
    here.openai.faults.clear()
    here.jira.comment("OPS-2", "And why this?", by="agnes")
    until(lambda: here.answers("OPS-2"), "the other issue's answer")
    here.openai.faults.add("server_error", None)
    for failures in (2, 3, 4):
        ahead.ahead += timedelta(seconds=WAITS[failures] + 30)
        until(lambda failures=failures: _waits(here, failures), "the next failure")  # type: ignore[misc]
    ahead.ahead += timedelta(seconds=WAITS[-1] + 30)
    until(lambda: _of(here, "OPS-1")[0].state == "failed", "the turn to be given up")

    [failed] = _of(here, "OPS-1")
    assert failed.cause == "unreachable"
    assert [e.type for e in here.events() if e.thread_id == failed.thread_id][-1] == "turn.failed"
    here.openai.faults.clear()
    here.jira.comment("OPS-1", "Why, though?")
    until(lambda: here.answers("OPS-1"), "the next question's answer")
    Chat(here, "OPS-1", "rita").does(f"turns/{failed.id}/retry")
    until(lambda: len(here.answers("OPS-1")) == 2, "the answer to what was asked again")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 2


def _waits(here: World, failures: int) -> bool:
    turns = _of(here, "OPS-1")
    return bool(turns) and turns[0].failures == failures and turns[0].state == "waiting"


def _of(here: World, key: str) -> list[Turn]:
    return here.read(_turns_of, here.jira.issue(key).id)


def _turns_of(db: Session, issue_id: str) -> list[Turn]:
    threads = select(Thread.id).where(Thread.issue_id == issue_id)
    turns = select(Turn).where(col(Turn.thread_id).in_(threads)).order_by(col(Turn.created_at))
    return list(db.exec(turns).all())


# --- how long -------------------------------------------------------------------------------


def test_a_429_is_no_failure_of_the_turn_however_often_it_comes() -> None:
    for posting in (True, False):
        failure = failure_of(JiraRateLimited("add comment", 7), 99, START, posting=posting)
        assert failure.until is not None
        assert failure.until >= START + timedelta(seconds=7)
        assert not failure.counts


def test_the_last_try_is_the_last() -> None:
    down = JiraUnavailable("add comment", 503)
    assert failure_of(down, MAX_POSTINGS - 1, START, posting=True).until is not None
    assert failure_of(down, MAX_POSTINGS, START, posting=True).until is None
    assert failure_of(ModelError("quota", retry_after=None), 1, START, posting=False).until is None


@given(st.integers(1, 100), st.floats(0, 3_600))
def test_waits_grow_are_spread_and_are_as_long_as_was_asked(tries: int, asked: float) -> None:
    due = WAITS[min(tries, len(WAITS)) - 1]
    wait = wait_before(tries, asked)
    assert max(due / 2, asked) <= wait <= max(due, asked + min(asked / 10, 10) + 0.001)
    assert wait_before(tries + 1) >= due / 2


def test_what_failed_together_is_not_tried_again_together() -> None:
    assert len({wait_before(3) for _ in range(50)}) > 40
    assert len({wait_before(1, 300) for _ in range(50)}) > 40


def test_who_is_not_let_in_asks_seldom() -> None:
    assert wait_for_jira(JiraRateLimited("read issue", 40), 5) <= 44
    assert 0.5 <= wait_for_jira(JiraUnavailable("read issue"), 1) <= 1
    assert 150 <= wait_for_jira(JiraUnavailable("read issue"), 50) <= 300
