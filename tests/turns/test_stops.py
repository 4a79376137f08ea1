"""What was stopped stays stopped."""

from __future__ import annotations

import time

from sqlmodel import Session, col, select

from app.clock import SystemClock
from app.store.tables import LIVE_STATES, Turn
from tests.support.world import World, until


def _ask_to_stop(db: Session) -> None:
    turn = db.exec(select(Turn).where(col(Turn.state).in_(LIVE_STATES))).one()
    turn.stop_asked_at = SystemClock().now()


def test_a_disabled_app_does_not_begin_the_stopped_turn_again_and_again(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")

    here.jira.link.disable()
    until(lambda: here.turns()[0].state == "stopped", "the turn to end")
    here.openai.release()
    time.sleep(2)  # whatever goes round does so now

    assert len(here.turns()) == 1


def test_a_turn_that_a_person_stopped_is_not_begun_again_by_itself(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")

    here.write(_ask_to_stop)
    until(lambda: here.turns()[0].state == "stopped", "the turn to end")
    here.openai.release()
    here.run_until_idle()

    assert here.answers("OPS-1") == []
    assert len(here.turns()) == 1
