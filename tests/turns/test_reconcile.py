"""What no webhook brought is found, and answered exactly once whoever else brings it."""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from app.clock import SystemClock
from app.jira.points import HOURLY
from app.main import assemble
from app.store import reconciliations, threads
from app.store.tables import Issue, Item, Reconciliation, Tenant, Thread, Unseen
from app.turns import policies
from app.turns.missed import Missed, tell
from app.turns.policy import Mode
from app.turns.reconcile import EVERY, SHARE, interval, look_around
from tests.support.clock import START, ShiftedClock
from tests.support.reconciling import reconcile, standing
from tests.support.rows import add_tenant, opened
from tests.support.world import World, until, world

on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"])
OPS, SUP = "10000", "10001"
SEARCH = "/rest/api/3/search/jql"
LISTED = "/rest/api/3/issue/{}/comment"


@pytest.fixture(scope="module")
def shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """For tests that work on issues of their own: see ``an_issue``."""
    path = tmp_path_factory.mktemp("shared") / "test.db"
    shutil.copyfile(sqlite_template, path)
    with world(f"sqlite:///{path}", install=False) as made:
        for project, by in (("OPS", "rita"), ("SUP", "carlos")):
            keys = [made.jira.create_issue(project, "Old", by=by).key for _ in range(16)]
            made.extra[project] = keys
        made.install()
        yield made
        made.jira.webhooks.wait_until_delivered()


def an_issue(here: World, project: str = "OPS") -> str:
    """The key of an issue that is older than the installation, and nobody's yet."""
    key: str = here.extra[project].pop()
    return key


def said(here: World, key: str) -> list[Item]:
    """What stands on the issue's public thread."""
    return here.read(_said, here.jira.issue(key).id)


def _said(db: Session, issue_id: str) -> list[Item]:
    thread = threads.of_issue(db, db.exec(select(Tenant.id)).one(), issue_id, "public")
    if thread is None:
        return []
    items, _ = threads.items_page(db, thread.tenant_id, thread.id, limit=100)
    return items


def texts(here: World, key: str) -> list[str]:
    """What people said there."""
    return [item.text for item in said(here, key) if item.role != "assistant"]


def asked(here: World, path: str) -> int:
    """How often Jira was asked for it."""
    return sum(request.path == path for request in here.jira.requests)


def set_mode(here: World, project: str, mode: Mode) -> None:
    here.write(_set_mode, here.client_key, project, mode, SystemClock().now())


def _set_mode(db: Session, client_key: str, project: str, mode: Mode, now: datetime) -> None:
    tenant = db.exec(select(Tenant).where(Tenant.client_key == client_key)).one()
    policies.set_project(db, tenant.id, project, mode, {}, now)


def _threads(db: Session) -> list[Thread]:
    return list(db.exec(select(Thread)).all())


def _reconciled(db: Session) -> list[Reconciliation]:
    return list(db.exec(select(Reconciliation)).all())


def _unseen(db: Session) -> list[Unseen]:
    return list(db.exec(select(Unseen)).all())


def _rest_cause(db: Session, issue_id: str) -> str | None:
    return db.exec(select(Issue).where(Issue.issue_id == issue_id)).one().rest_cause


# --- exactly one reply ----------------------------------------------------------------------------


def test_a_comment_whose_webhook_is_lost_is_answered_once(here: World) -> None:
    here.jira.webhooks.mishaps.add("dropped")
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    assert here.answers("OPS-1") == []
    for _ in range(3):
        assert reconcile(here) == 1
        here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1


def test_a_webhook_that_comes_after_all_brings_no_second_reply(shared: World) -> None:
    key = an_issue(shared)
    shared.jira.webhooks.hold()
    shared.jira.comment(key, "Why?")
    reconcile(shared)
    shared.run_until_idle()
    assert len(shared.answers(key)) == 1
    shared.jira.webhooks.release()
    shared.run_until_idle()

    assert len(shared.answers(key)) == 1
    assert texts(shared, key) == ["Why?"]


def test_a_webhook_and_a_look_at_once_bring_one_reply(here: World) -> None:
    keys = ("OPS-1", "SUP-1", "SUP-2")
    here.jira.webhooks.hold()
    for key in keys:
        here.jira.comment(key, "Why?")
    releasing = threading.Timer(0.15, here.jira.webhooks.release)
    releasing.start()
    reconcile(here, processes=2)
    releasing.join()
    here.run_until_idle()
    reconcile(here)
    here.run_until_idle()

    assert [texts(here, key) for key in keys] == [["Why?"]] * 3
    assert [len(here.answers(key)) for key in keys] == [1] * 3


def test_of_several_processes_that_look_at_once_one_does(here: World) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita", deliver=False)
    before = asked(here, SEARCH)

    assert reconcile(here, processes=3) == 1
    assert asked(here, SEARCH) == before + 1
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1


async def test_what_waits_to_be_looked_at_is_not_told_again(database_url: str) -> None:
    first, second = (Missed("comment_created", START, comment_id) for comment_id in "12")
    with opened(database_url) as database:
        await database.write(add_tenant)

        assert await database.write(tell, "acme", "10001", (first,), START)
        assert not await database.write(tell, "acme", "10001", (first,), START)
        assert await database.write(tell, "acme", "10001", (first, second), START)
        assert [row.comment_id for row in await database.read(_unseen)] == ["1", "2"]


def test_a_question_that_a_first_fill_brought_without_its_webhook_is_answered(
    shared: World,
) -> None:
    key = an_issue(shared)
    shared.jira.comment(key, "Why?", deliver=False)
    shared.jira.comment(key, "Build 7 is out.", by="robot")
    shared.run_until_idle()
    assert shared.answers(key) == []
    reconcile(shared)
    shared.run_until_idle()

    assert len(shared.answers(key)) == 1


@pytest.mark.parametrize("seed", [1])
def test_whichever_webhooks_are_lost_late_or_doubled_each_question_has_one_reply(
    here: World, seed: int
) -> None:
    chance = random.Random(seed)
    keys = ["OPS-1", "SUP-1", "SUP-2"]
    for _ in range(4):
        keys.append(here.jira.create_issue("OPS", "Broken", "Why?", by="rita").key)
        here.jira.webhooks.drop = chance.randrange(2)
    here.jira.webhooks.drop = 0
    for key in keys[:3]:
        for mishap in ("dropped", "doubled"):
            if chance.random() < 0.5:
                here.jira.webhooks.mishaps.add(mishap)
        if chance.random() < 0.3:
            here.jira.webhooks.mishaps.add("late", seconds=0.3)
        here.jira.comment(key, "Why?")
        if chance.random() < 0.3:
            reconcile(here, processes=2)
    here.run_until_idle()
    here.jira.webhooks.mishaps.clear()
    reconcile(here)
    here.run_until_idle()

    assert {key: len(here.answers(key)) for key in keys} == dict.fromkeys(keys, 1)


# --- what is found --------------------------------------------------------------------------------


def test_a_new_issue_that_nobody_told_of_is_answered_as_its_first_message(shared: World) -> None:
    shared.jira.webhooks.drop = 1
    lost = shared.jira.create_issue("OPS", "Lost", "Why?", by="rita").key
    reconcile(shared)
    shared.run_until_idle()
    reconcile(shared)
    shared.run_until_idle()

    assert texts(shared, lost) == ["**Lost**\n\nWhy?"]
    assert len(shared.answers(lost)) == 1


def test_another_summary_that_nobody_told_of_is_seen(shared: World) -> None:
    key = shared.jira.create_issue("OPS", "Before", "Why?", by="rita").key
    shared.run_until_idle()
    shared.jira.webhooks.drop = 1
    shared.jira.edit_issue(key, summary="After")
    reconcile(shared)
    shared.run_until_idle()

    assert texts(shared, key) == ["**After**\n\nWhy?"]
    assert len(shared.answers(key)) == 1


def test_a_person_who_took_over_is_seen_although_nobody_told(shared: World) -> None:
    key = an_issue(shared)
    shared.jira.comment(key, "I have this one.", by="agnes", deliver=False)
    reconcile(shared)
    shared.run_until_idle()
    shared.jira.comment(key, "And when?")
    until(lambda: len(texts(shared, key)) == 2, "the question to be seen")

    assert shared.answers(key) == []
    assert shared.read(_rest_cause, shared.jira.issue(key).id) == "takeover"


def test_a_person_who_takes_over_while_the_model_writes_stops_it(shared: World) -> None:
    key = an_issue(shared)
    shared.openai.hold()
    shared.jira.comment(key, "Why?")
    until(lambda: shared.openai.active_streams, "the model to begin")
    shared.jira.comment(key, "I have this one.", by="agnes", deliver=False)
    reconcile(shared)
    until(lambda: shared.openai.cancelled, "the stream to be ended")
    shared.openai.release()
    shared.run_until_idle()

    assert shared.answers(key) == []


def test_an_edit_that_nobody_told_of_is_seen_and_not_answered(shared: World) -> None:
    key = an_issue(shared)
    comment = shared.jira.comment(key, "Why?")
    shared.run_until_idle()
    shared.jira.edit_comment(comment, "Why not?", deliver=False)
    reconcile(shared)
    shared.run_until_idle()

    assert texts(shared, key) == ["Why not?"]
    assert len(shared.answers(key)) == 1


@pytest.mark.parametrize("how", ["deleted", "restricted", "internal"])
def test_what_is_public_no_more_is_taken_away_although_nobody_told(shared: World, how: str) -> None:
    key = an_issue(shared, "SUP")
    comment = shared.jira.comment(key, "My number is 4711.")
    shared.run_until_idle()
    assert texts(shared, key) == ["My number is 4711."]
    if how == "deleted":
        shared.jira.delete_comment(comment, deliver=False)
    elif how == "restricted":
        shared.jira.restrict_comment(comment, deliver=False)
    else:
        shared.jira.make_internal(comment, deliver=False)
    reconcile(shared)
    shared.run_until_idle()

    assert texts(shared, key) == []


def test_our_own_answer_that_a_person_deleted_leaves_and_is_not_posted_again(
    shared: World,
) -> None:
    key = an_issue(shared)
    shared.jira.comment(key, "Why?")
    shared.run_until_idle()
    [ours] = [one for one in shared.jira.comments(key) if one.author.name == "app"]
    shared.jira.delete_comment(ours, deliver=False)
    reconcile(shared)
    shared.run_until_idle()

    assert [item.role for item in said(shared, key)] == ["customer"]
    assert shared.answers(key) == []


def test_an_internal_note_is_answered_by_nobody_and_kept_nowhere(shared: World) -> None:
    key = an_issue(shared, "SUP")
    shared.jira.comment(key, "He owes us 8128 euros.", by="agnes", internal=True, deliver=False)
    reconcile(shared)
    shared.run_until_idle()
    assert shared.jira.issue(key).id not in {thread.issue_id for thread in shared.read(_threads)}
    assert shared.answers(key) == []
    shared.jira.comment(key, "When?", deliver=False)
    reconcile(shared)
    shared.run_until_idle()

    assert texts(shared, key) == ["When?"]
    assert len(shared.answers(key)) == 1
    assert "8128" not in shared.given()


def test_more_comments_than_a_glance_shows_are_all_found(shared: World) -> None:
    key = an_issue(shared)
    shared.jira.comment(key, "Why?")
    shared.run_until_idle()
    for number in range(12):
        shared.jira.comment(key, f"Why, {number}?", deliver=False)
    reconcile(shared)
    shared.run_until_idle()

    assert texts(shared, key) == ["Why?", *(f"Why, {number}?" for number in range(12))]
    assert len(shared.answers(key)) == 2


# --- what is not ----------------------------------------------------------------------------------


@on_sqlite
def test_where_the_assistant_is_off_jira_is_not_asked(database_url: str) -> None:
    with world(database_url, DEFAULT_REPLY_MODE="off") as here:
        here.jira.comment("OPS-1", "Why?", by="rita", deliver=False)
        before = len(here.jira.requests)
        assert reconcile(here) == 1

        assert len(here.jira.requests) == before


@on_sqlite
def test_a_thread_that_is_shown_is_kept_up_to_date_where_the_assistant_is_off(
    database_url: str,
) -> None:
    with world(database_url, DEFAULT_REPLY_MODE="off") as here:
        set_mode(here, OPS, "auto")
        comment = here.jira.comment("OPS-1", "Why?", by="rita")
        here.run_until_idle()
        set_mode(here, OPS, "off")
        here.jira.delete_comment(comment, deliver=False)
        here.jira.comment("OPS-1", "Never mind.", by="rita", deliver=False)
        reconcile(here)
        here.run_until_idle()

        assert texts(here, "OPS-1") == ["Never mind."]
        assert len(here.answers("OPS-1")) == 1


@on_sqlite
def test_what_was_written_before_the_mode_was_on_is_not_fetched(here: World) -> None:
    set_mode(here, OPS, "off")
    here.jira.comment("OPS-1", "Why?", by="rita", deliver=False)
    here.jira.create_issue("OPS", "Old", "Why?", by="rita")
    here.run_until_idle()
    set_mode(here, OPS, "auto")
    reconcile(here)
    here.run_until_idle()

    assert not any(thread.filled_at for thread in here.read(_threads))
    assert here.openai.requests == []


@on_sqlite
def test_what_was_written_while_the_app_was_uninstalled_is_not_answered(database_url: str) -> None:
    clock = ShiftedClock()
    with world(database_url, clock=clock) as here:
        set_mode(here, OPS, "auto")
        clock.ahead += timedelta(minutes=1)
        here.jira.uninstall()
        here.jira.comment("OPS-1", "Why?", by="rita")
        assert reconcile(here, clock=clock) == 0
        clock.ahead += timedelta(minutes=1)
        here.install()
        assert reconcile(here, clock=clock) == 1
        here.run_until_idle()

        assert here.answers("OPS-1") == []


@on_sqlite
def test_a_project_that_is_gone_does_not_hide_the_others(database_url: str) -> None:
    with world(database_url, DEFAULT_REPLY_MODE="off") as here:
        set_mode(here, OPS, "auto")
        set_mode(here, "99999", "auto")
        here.jira.comment("OPS-1", "Why?", by="rita", deliver=False)
        here.jira.comment("SUP-1", "Why?", by="carlos", deliver=False)
        reconcile(here)
        here.run_until_idle()

        assert [len(here.answers(key)) for key in ("OPS-1", "SUP-1")] == [1, 0]
        assert [request.status for request in here.jira.requests if request.path == SEARCH] == [
            400,
            200,
        ]


# --- bad days -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [503, 429])
def test_where_jira_fails_midway_nothing_is_lost_and_nothing_repeated(
    shared: World, status: int
) -> None:
    keys = [an_issue(shared), an_issue(shared)]
    first, second = (shared.jira.issue(key).id for key in keys)
    reconcile(shared)
    through = standing(shared).through
    for key in keys:
        shared.jira.comment(key, "Why?", deliver=False)
    shared.jira.faults.add(
        "GET", LISTED.format(second), "status", times=2, status=status, retry_after=1
    )
    reconcile(shared)
    shared.jira.faults.clear()
    put_off = standing(shared)
    assert (put_off.failures, put_off.through) == (1, through)
    assert put_off.due_at > SystemClock().now() + timedelta(seconds=50)
    assert put_off.compared[first] > put_off.compared.get(second, "")
    until(lambda: shared.answers(keys[0]), "the answer to what was found before")
    shared.run_until_idle()
    reconcile(shared)
    shared.run_until_idle()

    assert [len(shared.answers(key)) for key in keys] == [1, 1]
    assert standing(shared).failures == 0
    assert standing(shared).through > through


def test_an_issue_whose_comments_cannot_be_read_does_not_hide_those_behind_it(
    shared: World,
) -> None:
    keys = [an_issue(shared), an_issue(shared)]
    for key in keys:
        shared.jira.comment(key, "Why?", deliver=False)
    path = LISTED.format(shared.jira.issue(keys[0]).id)
    shared.jira.faults.add("GET", path, "status", times=None, status=403)
    reconcile(shared)
    shared.run_until_idle()
    shared.jira.faults.clear()

    assert standing(shared).failures == 0
    assert [len(shared.answers(key)) for key in keys] == [0, 1]


@on_sqlite
def test_a_look_that_has_too_much_to_do_goes_on_next_time(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.turns.reconcile.MOST_ISSUES", 2)
    monkeypatch.setattr("app.jira.changes.PAGE", 2)
    here.openai.hold()  # else our own answers are changes as well
    here.jira.webhooks.drop = 1000
    keys = [here.jira.create_issue("OPS", f"No. {n}", "Why?", by="rita").key for n in range(5)]
    here.jira.webhooks.drop = 0
    looks = 0
    while looks == 0 or standing(here).due_at < SystemClock().now() + timedelta(minutes=2):
        assert looks < 10
        assert reconcile(here) == 1
        looks += 1
    here.openai.release()
    here.run_until_idle()

    assert looks == 5  # 9 issues, 4 of them as old as the site; two at a time
    assert [len(here.answers(key)) for key in keys] == [1] * 5


# --- what it costs --------------------------------------------------------------------------------


@pytest.fixture
def later(database_url: str) -> Iterator[tuple[World, ShiftedClock]]:
    """An hour after everything on the site was made and compared."""
    clock = ShiftedClock()
    with world(database_url, clock=clock) as here:
        reconcile(here, clock=clock)
        clock.ahead += timedelta(hours=1)
        reconcile(here, clock=clock)
        clock.ahead += timedelta(hours=1)
        yield here, clock


@on_sqlite
def test_a_look_at_an_idle_tenant_costs_one_point(later: tuple[World, ShiftedClock]) -> None:
    here, clock = later
    before = here.jira.limits.points
    reconcile(here, clock=clock)
    assert here.jira.limits.points - before == 1


@on_sqlite
def test_an_updated_issue_costs_a_point_and_its_newest_comments_once(
    later: tuple[World, ShiftedClock],
) -> None:
    here, clock = later
    for _ in range(6):
        here.jira.comment("OPS-1", "Build 7 is out.", by="robot")
        clock.ahead += timedelta(minutes=30)
    here.run_until_idle()
    reconcile(here, clock=clock)
    here.jira.comment("OPS-1", "Build 8 is out.", by="robot")
    here.run_until_idle()
    before = here.jira.limits.points
    reconcile(here, clock=clock)
    assert here.jira.limits.points - before == (1 + 1) + (1 + 3)
    before = here.jira.limits.points
    reconcile(here, clock=clock)
    assert here.jira.limits.points - before == 1 + 1  # within the overlap, and compared


@pytest.mark.parametrize("tenants", [0, 1, 500, 5_000, 50_000])
def test_idle_tenants_never_cost_more_than_their_share(tenants: int) -> None:
    every = interval(tenants)

    assert every >= EVERY
    assert tenants * (timedelta(hours=1) / every) <= HOURLY * SHARE * 1.001


@on_sqlite
def test_a_new_tenant_is_first_looked_at_an_interval_later(database_url: str) -> None:
    clock = ShiftedClock()
    with world(database_url, clock=clock) as here:
        here.jira.comment("OPS-1", "Why?", by="rita", deliver=False)

        async def around(times: int) -> None:
            async with assemble(here.settings, clock=clock) as parts:
                for _ in range(times):
                    await look_around(parts.collaborators)

        asyncio.run(around(2))
        assert asked(here, SEARCH) == 0
        assert EVERY * 0.9 < standing(here).due_at - clock.now() <= EVERY * 1.2
        clock.ahead += EVERY * 1.2
        asyncio.run(around(2))
        assert asked(here, SEARCH) == 1
        until(lambda: here.answers("OPS-1"), "the answer")
        here.jira.webhooks.wait_until_delivered()


@on_sqlite
def test_a_worker_looks_by_itself(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.turns.reconcile.TICK", 0.05)
    clock = ShiftedClock()
    with world(database_url, clock=clock) as here:
        here.jira.comment("OPS-1", "Why?", by="rita", deliver=False)
        until(lambda: here.read(_reconciled), "the tenant to be taken in")
        clock.ahead += EVERY * 1.3

        until(lambda: here.answers("OPS-1"), "the answer")
        here.jira.webhooks.wait_until_delivered()


@on_sqlite
def test_a_look_that_took_too_long_notes_nothing_over_another(here: World) -> None:
    tenant_id = here.read(lambda db: db.exec(select(Tenant.id)).one())
    now = SystemClock().now()
    here.write(reconciliations.enrol, tenant_id, now, now)
    first = here.write(reconciliations.claim, tenant_id, now, timedelta(minutes=10))
    assert first is not None
    assert here.write(reconciliations.claim, tenant_id, now, timedelta(minutes=10)) is None
    second = here.write(reconciliations.claim, tenant_id, first.until, timedelta(minutes=10))
    assert second is not None
    outcome = reconciliations.Outcome(now + timedelta(hours=5), now, {"1": "x"}, 0)

    assert not here.write(reconciliations.settle, first, outcome)
    assert standing(here).compared == {}
    assert here.write(reconciliations.settle, second, outcome)
    assert standing(here).compared == {"1": "x"}
