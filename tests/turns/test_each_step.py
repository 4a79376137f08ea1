"""A turn that breaks at any step, a talk beside a running turn, and what a cut call costs."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from app.clock import SystemClock
from app.store.tables import Usage
from app.turns.talking import ask_privately
from tests.support.world import World, until, world


class Break:
    """Breaks a step, once."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.broken = False

    async def __call__(self, step: str) -> None:
        if step == self.step and not self.broken:
            self.broken = True
            raise RuntimeError(step)


@pytest.mark.parametrize("reply_audience", ["public", "internal"])
@pytest.mark.parametrize(
    "step", ["decided", "gathered", "generated", "posting", "trying", "posted", "finished"]
)
def test_one_comment_whichever_step_breaks(
    database_url: str, step: str, reply_audience: str
) -> None:
    at_step = Break(step)
    with world(database_url, at_step=at_step) as here:
        here.set(reply_audience=reply_audience)
        here.jira.comment("SUP-2", "Can both?", by="carlos")
        until(lambda: at_step.broken, "the step")
        until(lambda: [t.state for t in here.turns()] == ["completed"], "the end", 60)
        here.run_until_idle()

        assert len(here.answers("SUP-2")) == 1
        audience = "public" if reply_audience == "public" else "internal"
        assert [i.state for i in here.items(audience) if i.kind == "assistant_message"] == ["done"]


def test_a_private_question_beside_a_running_turn_is_answered_by_the_turn_it_was_given(
    here: World,
) -> None:
    here.jira.comment("OPS-1", "Why?", by="rita")
    here.run_until_idle()
    tenant, issue = here.turns()[0].tenant_id, here.jira.issue("OPS-1").id
    here.openai.hold()
    here.write(ask_privately, tenant, issue, "a", "One?", SystemClock().now())
    until(lambda: here.openai.active_streams, "the model to begin")
    second = here.write(ask_privately, tenant, issue, "b", "And two?", SystemClock().now())
    here.openai.release()
    here.run_until_idle()

    [item] = [item for item in here.items("internal") if item.id == second.item_id]
    assert item.answered_by == second.turn_id


def test_a_call_that_is_cut_before_its_first_byte_is_not_free(here: World) -> None:
    here.openai.faults.add("hang")
    comment = here.jira.comment("OPS-1", "Why?", by="rita")
    until(lambda: here.openai.requests, "the model to be asked")
    here.jira.delete_comment(comment)
    here.run_until_idle()

    [usage] = here.read(_usages)
    assert usage.reserved == 0
    assert usage.spent > 0


def _usages(db: Session) -> list[Usage]:
    return list(db.exec(select(Usage)).all())
