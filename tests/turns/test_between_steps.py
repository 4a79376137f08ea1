"""What may fall between two steps: an unsure request, a stop, a promise, a refill, patience."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from app.checking import Trip, check
from app.clock import SystemClock
from app.errors import JiraUnavailable, ModelError
from app.settings import Settings
from app.store import threads, turns
from app.store.database import Database
from app.store.tables import LIVE_STATES, Issue, Tenant, Thread, Turn
from app.turns.acting import Caught, act
from app.turns.deciding import decide
from app.turns.ending import abandon, end_all
from app.turns.openings import make_turn
from app.turns.outcomes import failure_of
from app.turns.policies import set_project
from app.turns.talking import Asked, ask_privately
from tests.support.clock import START
from tests.support.rows import add_tenant, add_thread, opened
from tests.support.world import World, until

COMMENTS = "/rest/api/3/issue/*/comment"
ON_POSTGRESQL = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


def _live(db: Session) -> Turn:
    return db.exec(select(Turn).where(col(Turn.state).in_(LIVE_STATES))).one()


def _ask_to_stop(db: Session) -> None:
    turn = _live(db)
    turn.stop_asked_at = SystemClock().now()
    threads.make_due(db, turn.thread_id, SystemClock().now())


def _issues(db: Session) -> list[Issue]:
    return list(db.exec(select(Issue)).all())


def _held(db: Session) -> list[Thread]:
    return list(db.exec(select(Thread).where(col(Thread.lease_owner).is_not(None))).all())


def _tenant_id(db: Session) -> str:
    return db.exec(select(Tenant)).one().id


# --- a comment that Jira may still take -------------------------------------------------------


def test_a_failed_look_does_not_make_an_unanswered_request_sure(here: World) -> None:
    here.jira.faults.add("POST", COMMENTS, "reset")  # nobody knows whether it is taken yet
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.turns() and here.turns()[0].tried_at, "the comment to be tried")
    here.jira.faults.add("GET", COMMENTS, "status", times=2)  # nor can Jira be asked
    until(lambda: here.turns()[0].failures == 2, "the look for it to fail")

    assert here.turns()[0].tried_at is not None


def test_a_gateways_time_out_does_not_say_that_jira_has_done_with_it() -> None:
    error = JiraUnavailable("add comment", 504, maybe_done=True)

    assert not failure_of(error, 1, START, posting=True).sure


# --- stopped, switched off, disabled, deleted -------------------------------------------------


def test_a_stop_is_heard_while_the_posting_is_put_off(here: World) -> None:
    here.jira.faults.add("POST", COMMENTS, "status", status=429, retry_after=600)
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.turns() and here.turns()[0].not_before, "the comment to be put off")

    here.write(_ask_to_stop)
    until(lambda: here.turns()[0].state == "stopped", "the turn to end", 5)


def test_who_switches_off_is_not_told_that_the_question_was_taken_back(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")
    project = here.jira.directory.project("OPS").id
    tenant = here.read(_tenant_id)
    here.write(set_project, tenant, project, "off", {}, SystemClock().now())
    here.openai.release()
    here.run_until_idle()

    assert here.answers("OPS-1") == []
    assert [turn.cause for turn in here.turns()] == ["switched_off"]


def test_what_waited_when_the_app_was_disabled_is_answered_once_it_is_enabled(
    here: World,
) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")
    here.jira.link.disable()
    until(lambda: here.turns()[0].state == "stopped", "the turn to end")
    here.openai.release()
    until(lambda: not here.read(_held), "the thread to be let go of")
    here.jira.link.enable()

    until(lambda: here.answers("OPS-1"), "the answer", 8)


def test_a_deleted_issues_talk_is_gone_although_its_answer_was_under_way(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    tenant, issue = here.read(_tenant_id), here.jira.issue("OPS-1").id
    here.openai.hold()
    here.write(ask_privately, tenant, issue, "a", "What of CANARY?", SystemClock().now())
    until(lambda: here.openai.active_streams, "the model to begin")

    here.jira.delete_issue("OPS-1")
    until(lambda: not here.items(), "the deletion to be seen")
    here.openai.release()
    here.run_until_idle()

    assert here.items("internal") == []


def test_a_deleted_issues_talk_is_gone_although_nothing_public_was_ever_looked_at(
    here: World,
) -> None:
    tenant, issue = here.read(_tenant_id), here.jira.issue("OPS-1").id
    here.write(ask_privately, tenant, issue, "a", "What of CANARY?", SystemClock().now())
    until(lambda: len(here.items("internal")) == 2, "the answer")
    here.run_until_idle()

    here.jira.delete_issue("OPS-1")
    here.run_until_idle()

    assert here.items("internal") == []


def test_a_comment_deleted_while_the_issue_was_out_of_sight_does_not_stay(here: World) -> None:
    comment = here.jira.comment("OPS-1", "CANARY, why?", by="rita")
    here.run_until_idle()
    here.jira.faults.add("GET", "/rest/api/3/issue/*", "status", status=404)
    here.jira.comment("OPS-1", "Hello?", by="rita")
    here.run_until_idle()
    here.jira.tracker.delete_comment(comment, here.jira.directory.person("rita"), tell=False)
    here.jira.comment("OPS-1", "Anybody?", by="rita")
    here.run_until_idle()

    assert all("CANARY" not in item.text for item in here.items() if item.role == "customer")


# --- who took over ----------------------------------------------------------------------------


def test_a_customer_who_resolves_and_asks_on_is_not_taken_for_a_person_taking_over(
    here: World,
) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    here.jira.webhooks.hold()
    here.jira.resolve("OPS-1", by="rita")
    held = here.jira.webhooks._held
    here.jira.webhooks._held = None
    here.jira.comment("OPS-1", "Solved. And since when was it so?", by="rita")  # told of first
    here.run_until_idle()
    here.jira.webhooks._held = held
    here.jira.webhooks.release()
    here.run_until_idle()

    assert here.read(_issues)[0].resting_until is None
    assert len(here.answers("OPS-1")) == 2


# --- promises ---------------------------------------------------------------------------------


def _ask(db: Session, client_id: str) -> Asked:
    at = START + timedelta(seconds=ord(client_id[0]))  # in the order of the alphabet
    return ask_privately(db, "acme", "10001", client_id, "Why?", at)


def _asked_beside_a_running_turn(db: Session) -> tuple[Asked, Asked]:
    add_tenant(db)
    add_thread(db)
    first = _ask(db, "a")
    turn = turns.by_id(db, "acme", first.turn_id)
    assert turn is not None
    turn.state, turn.restarts = "generating", 1  # begun again once already
    return first, _ask(db, "b")


def _begin_again(db: Session, turn_id: str) -> None:
    """As a turn does for which the model was busy."""
    turn = turns.by_id(db, "acme", turn_id)
    assert turn is not None
    abandon(db, turn, START)
    lease = threads.claim_one(db, turn.thread_id, "worker", START, 15)
    assert lease is not None
    decide(db, lease, Settings(), START)


async def test_the_same_client_id_names_the_same_turn_also_after_a_later_try(
    database_url: str,
) -> None:
    with opened(database_url) as database:
        first, second = await database.write(_asked_beside_a_running_turn)
        assert second.turn_id != first.turn_id
        await database.write(_begin_again, first.turn_id)

        again = await database.write(_ask, "b")

    assert again.turn_id == second.turn_id


def test_a_check_beside_a_busy_talk_waits_for_its_own_turn(here: World) -> None:
    tenant, issue = here.read(_tenant_id), here.jira.issue("OPS-1").id
    here.openai.hold()
    for client_id in ("a", "b"):
        here.write(ask_privately, tenant, issue, client_id, "Why?", SystemClock().now())
        until(lambda: here.openai.active_streams, "the model to begin")
        until(lambda: here.turns()[0].state == "generating", "the turn")
    timer = threading.Timer(1.0, here.openai.release)
    timer.start()
    said: list[str] = []
    trip = Trip("OPS-1", "And this?", post=False)

    well = asyncio.run(check(here.settings, None, trip, said.append))
    timer.join()

    assert well, said


# --- two at once ------------------------------------------------------------------------------


def _beside(database: Database, first: Callable[[Session], object], then: str) -> list[object]:
    """Run ``then`` in another process's place while ``first`` is not committed yet."""
    outcome: list[object] = []

    def other() -> None:
        async def written() -> object:
            if then == "ask":
                return await database.write(_ask, "one")
            return await database.write(end_all, "acme", START)

        try:
            outcome.append(asyncio.run(written()))
        except Exception as error:  # noqa: BLE001  (it is what the test looks at)
            outcome.append(error)

    with Session(database._write_engine) as db:
        first(db)
        db.flush()
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.5)  # it waits for us by now, or is wrong already
        db.commit()
        thread.join()
    return outcome


def _prepare(db: Session) -> None:
    add_tenant(db)
    add_thread(db, audience="internal")


@ON_POSTGRESQL
async def test_one_message_that_is_sent_twice_at_once_is_taken_once(database_url: str) -> None:
    with opened(database_url) as database:
        await database.write(_prepare)
        [outcome] = await asyncio.to_thread(_beside, database, lambda db: _ask(db, "one"), "ask")

    assert isinstance(outcome, Asked), outcome


def _prepare_posting(db: Session) -> None:
    add_tenant(db)
    thread = threads.by_id(db, "acme", add_thread(db))
    assert thread is not None
    turn = make_turn(db, thread, "public", START)
    turn.state, turn.posts = "posting", 1


def _finish(db: Session) -> None:
    turn = db.exec(select(Turn).with_for_update()).one()
    threads.by_id(db, "acme", turn.thread_id)
    turn.state, turn.finished_at = "completed", START


@ON_POSTGRESQL
async def test_a_turn_that_ends_as_its_tenant_leaves_ends_once(database_url: str) -> None:
    with opened(database_url) as database:
        await database.write(_prepare_posting)
        await asyncio.to_thread(_beside, database, _finish, "end_all")
        [turn] = await database.read(lambda db: list(db.exec(select(Turn)).all()))

    assert turn.state == "completed"


# --- patience ---------------------------------------------------------------------------------


def _failed_posting(db: Session) -> str:
    add_tenant(db)
    thread = threads.by_id(db, "acme", add_thread(db))
    assert thread is not None
    turn = make_turn(db, thread, "internal", START)
    turn.state, turn.failures = "posting", 6
    return thread.id


async def test_what_failed_in_posting_does_not_count_when_it_is_written_anew(
    database_url: str,
) -> None:
    with opened(database_url) as database:
        thread_id = await database.write(_failed_posting)
        await database.write(act, thread_id, Caught(changed=True), Settings(), START)
        [turn] = await database.read(lambda db: list(db.exec(select(Turn)).all()))

    assert turn.state == "waiting"
    assert turn.failures == 0


def test_a_jira_that_asks_for_patience_is_not_looked_at_every_second(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")
    path = f"/rest/api/3/issue/{here.jira.issue('OPS-1').id}"
    before = len([one for one in here.jira.requests if one.path == path])
    here.jira.faults.add("GET", path, "status", times=1000, status=429, retry_after=600)
    here.jira.comment("OPS-1", "And since when?")
    time.sleep(4)  # whatever goes round does so now
    asked = len([one for one in here.jira.requests if one.path == path]) - before

    here.jira.faults.clear()
    here.openai.release()
    assert asked <= 2


# --- a look at the second mends ---------------------------------------------------------------


def _stop_instead(db: Session, turn_id: str) -> None:
    turn = turns.by_id(db, "acme", turn_id)
    assert turn is not None
    turn.stop_asked_at = START
    _begin_again(db, turn_id)


async def test_a_stop_stops_the_turn_and_not_the_one_that_was_promised(database_url: str) -> None:
    with opened(database_url) as database:
        first, second = await database.write(_asked_beside_a_running_turn)
        await database.write(_stop_instead, first.turn_id)

        again = await database.write(_ask, "b")

    assert again.turn_id == second.turn_id


async def test_what_is_promised_to_the_next_turn_is_not_read_by_this_one(
    database_url: str,
) -> None:
    with opened(database_url) as database:
        first, second = await database.write(_asked_beside_a_running_turn)
        await database.write(_begin_again, first.turn_id)
        turn = await database.read(turns.by_id, "acme", first.turn_id)
        item = await database.read(threads.item_by_id, "acme", second.thread_id, second.item_id)

    assert turn is not None
    assert item is not None
    assert turn.read_through is not None
    assert turn.read_through < item.sort_key


def test_a_stop_is_heard_while_jira_asks_for_patience(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")
    path = f"/rest/api/3/issue/{here.jira.issue('OPS-1').id}"
    here.jira.faults.add("GET", path, "status", times=1000, status=429, retry_after=600)
    before = len(here.jira.requests)
    here.jira.comment("OPS-1", "And since when?")
    until(lambda: len(here.jira.requests) > before, "the look that is refused")

    here.write(_ask_to_stop)
    until(lambda: here.turns()[0].state == "stopped", "the turn to end", 8)


def test_what_is_older_than_a_fill_outlives_it(here: World) -> None:
    first = here.jira.comment("OPS-1", "The first of many.", by="robot")
    for n in range(51):
        here.jira.comment("OPS-1", f"Build {n} is out.", by="robot")
    here.run_until_idle()
    assert first.id in {item.comment_id for item in here.items()}
    here.jira.faults.add("GET", "/rest/api/3/issue/*", "status", status=404)
    here.jira.comment("OPS-1", "Build 51 is out.", by="robot")
    here.run_until_idle()
    here.jira.comment("OPS-1", "Build 52 is out.", by="robot")
    here.run_until_idle()

    assert first.id in {item.comment_id for item in here.items()}


def test_who_resolved_it_is_looked_at_also_when_other_news_came_between(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")
    here.jira.webhooks.hold()
    here.jira.resolve("OPS-1", by="agnes")  # its webhook is slow
    here.jira.webhooks._held = None
    here.jira.comment("OPS-1", "Build 7 is out.", by="robot")
    until(lambda: len([i for i in here.items() if i.role == "app"]) == 1, "the other news")
    here.openai.release()
    here.run_until_idle()

    assert here.answers("OPS-1") == []


def test_a_jira_that_is_down_for_minutes_is_waited_for_and_a_model_is_not() -> None:
    down = JiraUnavailable("read issue", 503)
    assert failure_of(down, 6, START, posting=False).until is not None
    assert failure_of(down, 12, START, posting=False).until is None
    silent = ModelError("unreachable", retry_after=5.0)
    assert failure_of(silent, 4, START, posting=False).until is not None
    assert failure_of(silent, 5, START, posting=False).until is None
