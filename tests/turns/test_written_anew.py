"""What is asked while a draft waits to be written anew: it stays a draft, and each is answered."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from app.clock import SystemClock
from app.store.tables import Item, Tenant, Turn
from app.turns.policies import set_project
from tests.support.clock import ShiftedClock
from tests.support.talks import Chat
from tests.support.world import World, until, world

SETTLING = 9.0
"""Seconds that people have to finish: all of a test's own steps, and never waited for."""


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def here(sqlite_template: Path, tmp_path: Path, clock: ShiftedClock) -> Iterator[World]:
    """Drafts were written; by now the project's mode is ``auto``."""
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    url = f"sqlite:///{tmp_path / 'app.db'}"
    with world(url, clock=clock, DEFAULT_REPLY_MODE="draft") as made:
        made.openai.answers("It swaps.")
        made.jira.comment("OPS-1", "Why is it slow?", by="rita")
        made.run_until_idle()
        made.write(_answer_aloud, made.jira.issue("OPS-1").project.id)
        made.set(settle_for=SETTLING)
        yield made


def _answer_aloud(db: Session, project_id: str) -> None:
    tenant = db.exec(select(Tenant)).one()
    set_project(db, tenant.id, project_id, "auto", {}, SystemClock().now())


def regenerate(here: World, body: object = None) -> str:
    """Ask for another draft; the id of the turn that settles, so as to write it."""
    agnes = Chat(here, "OPS-1", "agnes", "internal")
    answer = agnes.post(f"/drafts/{here.items('internal')[-1].id}/regenerate", body)
    assert answer.status_code == 202, answer.text
    turn_id: str = answer.json()["turn_id"]
    return turn_id


def turn(here: World, turn_id: str) -> Turn:
    [found] = [one for one in here.turns() if one.id == turn_id]
    return found


def settle(here: World, clock: ShiftedClock, waiting: str) -> None:
    """Time passes; what settled till now is answered."""
    assert turn(here, waiting).state == "waiting", "it came in time"
    assert turn(here, waiting).attempt == 0
    clock.ahead += timedelta(seconds=SETTLING + 1)
    here.run_until_idle()


def question(here: World, text: str) -> Item | None:
    return next((item for item in here.items() if item.text == text), None)


def is_answered_by_a_draft(here: World, turn_id: str) -> None:
    """The regenerated one: open, for the team alone, and of its own question."""
    written = turn(here, turn_id)
    assert (written.state, written.reply_as) == ("completed", "draft")
    [draft] = [item for item in here.items("internal") if item.written_by == turn_id]
    assert (draft.state, draft.meta["draft"]["state"]) == ("draft", "open")
    first = question(here, "Why is it slow?")
    assert first is not None
    assert first.answered_by == turn_id


def given_to_write(here: World, at: int) -> str:
    return str(here.openai.requests[at].body)


def by_comment(here: World) -> str | None:
    here.jira.comment("OPS-1", "And since when?", by="rita")
    until(lambda: question(here, "And since when?"), "the comment to be seen")
    return None


def by_message(here: World) -> str | None:
    told = Chat(here, "OPS-1", "rita").say("And since when?")
    return str(told["turn_id"])


@pytest.mark.parametrize("body", [None, {"hint": "Say it shortly."}], ids=["alone", "hint"])
@pytest.mark.parametrize("ask", [by_comment, by_message])
def test_a_question_that_comes_while_it_settles_is_answered_by_itself(
    here: World, clock: ShiftedClock, ask: Callable[[World], str | None], body: object
) -> None:
    turn_id = regenerate(here, body)
    promised = ask(here)
    settle(here, clock, turn_id)

    is_answered_by_a_draft(here, turn_id)
    _, _, own = here.turns()
    asked = question(here, "And since when?")
    assert asked is not None
    assert asked.answered_by == own.id
    assert (own.state, own.reply_as) == ("completed", "public")
    assert promised in {None, own.id}
    assert "And since when?" not in given_to_write(here, 1)
    assert "And since when?" in given_to_write(here, 2)
    brought = [] if promised is None else [question_as_brought(here)]
    assert len(here.answers("OPS-1")) == 1 + len(brought)
    assert own.comment_id == here.jira.comments("OPS-1")[-1].id


def question_as_brought(here: World) -> str:
    [text] = [text for text in here.answers("OPS-1") if "And since when?" in text]
    return text


def test_what_the_team_asks_apart_while_it_settles_is_answered_apart(
    here: World, clock: ShiftedClock
) -> None:
    turn_id = regenerate(here)
    asked = Chat(here, "OPS-1", "agnes", "internal").say("What do we know of it?")
    until(lambda: turn(here, asked["turn_id"]).finished_at, "the answer, at once")
    settle(here, clock, turn_id)

    is_answered_by_a_draft(here, turn_id)
    own = turn(here, asked["turn_id"])
    assert (own.state, own.reply_as) == ("completed", "private")
    [item] = [item for item in here.items("internal") if item.id == asked["item_id"]]
    assert item.answered_by == own.id
    assert here.answers("OPS-1") == []
    assert "What do we know of it?" not in given_to_write(here, -1)


def test_a_stop_while_it_settles_ends_it_and_not_what_was_asked_since(
    here: World, clock: ShiftedClock
) -> None:
    turn_id = regenerate(here)
    by_comment(here)
    Chat(here, "OPS-1", "agnes", "internal").does("stop")
    until(lambda: turn(here, turn_id).state == "stopped", "the end")
    clock.ahead += timedelta(seconds=SETTLING + 1)
    here.run_until_idle()

    assert [one.reply_as for one in here.turns()] == ["draft", "draft", "public"]
    assert len(here.answers("OPS-1")) == 1
    assert len(here.openai.requests) == 2
