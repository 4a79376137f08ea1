"""Between the answer's last word and its comment, things still happen."""

from __future__ import annotations

import asyncio

from sqlmodel import Session, select

from app.clock import SystemClock
from app.store.tables import Unseen
from tests.support.world import World, until, world

COMMENTS = "/rest/api/3/issue/*/comment"


class Gate:
    """Holds a turn at a step, once."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.reached = False
        self.opened = False

    async def __call__(self, step: str) -> None:
        if step == self.step and not self.opened:
            self.reached = True
            while not self.opened:  # noqa: ASYNC110  (set from another thread)
                await asyncio.sleep(0.01)


class Break:
    """Breaks a step, once."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.broken = False

    async def __call__(self, step: str) -> None:
        if step == self.step and not self.broken:
            self.broken = True
            raise RuntimeError("broken by the test")


def test_a_question_taken_back_while_jira_will_not_take_the_comment_is_not_answered(
    here: World,
) -> None:
    here.jira.faults.add("POST", COMMENTS, "status", status=429, retry_after=3)
    comment = here.jira.comment("OPS-1", "Why?")
    until(lambda: here.turns() and here.turns()[0].not_before, "the comment to be put off")

    here.jira.delete_comment(comment)
    here.run_until_idle()

    assert here.answers("OPS-1") == []


def test_a_question_hidden_while_jira_will_not_take_the_comment_is_not_quoted(
    here: World,
) -> None:
    here.set(reply_audience="public")
    here.openai.answers(lambda request: f"You said: {request.last_user_text}")
    here.jira.faults.add("POST", COMMENTS, "status", status=429, retry_after=3)
    comment = here.jira.comment("SUP-2", "My card is CANARY-4711. Can both?", by="carlos")
    until(lambda: here.turns() and here.turns()[0].not_before, "the comment to be put off")

    here.jira.make_internal(comment)
    here.run_until_idle()

    assert all("CANARY" not in answer for answer in here.answers("SUP-2"))


def test_what_is_asked_while_it_posts_is_asked_although_the_posting_fails(
    database_url: str,
) -> None:
    gate = Gate("trying")
    with world(database_url, at_step=gate) as here:
        here.jira.comment("OPS-1", "Why?")
        until(lambda: gate.reached, "the comment to be tried")
        here.jira.comment("OPS-1", "And since when?")
        until(lambda: len([i for i in here.items() if i.asks]) == 2, "the second question")
        here.jira.faults.add("POST", COMMENTS, "status", status=413)
        gate.opened = True
        here.run_until_idle()

        assert len(here.answers("OPS-1")) == 1
        assert "since when" in here.openai.requests[-1].text


def test_an_old_note_of_ours_that_is_deleted_is_not_taken_for_the_new_one(
    database_url: str,
) -> None:
    gate = Gate("posting")
    gate.opened = True
    with world(database_url, at_step=gate) as here:
        here.jira.comment("SUP-2", "Can both be on one account?", by="carlos")
        here.run_until_idle()
        [old] = [c for c in here.jira.comments("SUP-2") if c.internal]
        gate.opened = False
        here.jira.comment("SUP-2", "And three?", by="carlos")
        until(lambda: gate.reached, "the second answer to be written")
        here.jira.delete_comment(old, by="agnes")
        until(lambda: not _unseen(here), "the deletion to be seen")
        gate.opened = True
        here.run_until_idle()

        assert [turn.state for turn in here.turns()] == ["completed", "completed"]
        assert len(here.answers("SUP-2")) == 1


def _unseen(here: World) -> bool:
    here.jira.webhooks.wait_until_delivered()
    return bool(here.read(_unseen_rows))


def _unseen_rows(db: Session) -> list[Unseen]:
    return list(db.exec(select(Unseen)).all())


def test_our_comment_deleted_before_we_knew_of_it_is_no_item(database_url: str) -> None:
    with world(database_url, at_step=Break("posted")) as here:
        here.jira.comment("OPS-1", "Why?")
        until(lambda: here.answers("OPS-1"), "the comment")
        here.jira.delete_comment(here.jira.comments("OPS-1")[-1])
        here.run_until_idle()

        assert here.answers("OPS-1") == []
        assert [item.kind for item in here.items()] == ["user_message"]


def test_a_note_that_is_public_all_the_same_is_taken_back(database_url: str) -> None:
    gate = Gate("trying")
    with world(database_url, at_step=gate) as here:
        here.jira.comment("SUP-2", "Can both be on one account?", by="carlos")
        until(lambda: gate.reached, "the note to be tried")
        here.jira.move("SUP-2", "OPS")  # where there are no notes: all can read it
        gate.opened = True
        here.run_until_idle()

        [issue] = [one for one in here.jira.tracker.issues() if "SUP-2" in one.former_keys]
        shown = [c for c in here.jira.comments(issue.key) if c.author.name == "app"]
        assert [c.internal for c in shown] == [False]
        assert [c.text.strip() for c in shown] == ["…"]


def test_where_it_was_moved_to_is_looked_at_before_posting(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")

    here.jira.webhooks.hold()
    moved = here.jira.move("OPS-1", "SUP")  # where answers are notes
    here.openai.release()
    until(lambda: here.jira.comments(moved.key)[1:], "the answer")

    assert here.jira.comments(moved.key)[-1].internal


def test_who_resolved_it_is_looked_at_before_posting(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")

    here.jira.webhooks.hold()
    here.jira.resolve("OPS-1", by="agnes")
    here.openai.release()
    until(lambda: here.turns()[0].finished_at, "the turn to end")

    assert here.answers("OPS-1") == []


def test_a_person_who_spoke_before_the_newest_comment_wins_too(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Why?")
    until(lambda: here.openai.active_streams, "the model to begin")

    here.jira.comment("OPS-1", "Because of me.", by="agnes", deliver=False)
    here.jira.comment("OPS-1", "Oh.", by="wim", deliver=False)
    here.openai.release()
    here.run_until_idle()

    assert here.answers("OPS-1") == []


def test_a_jira_that_cannot_be_read_is_not_asked_every_second_for_ever(here: World) -> None:
    here.jira.faults.add("GET", COMMENTS, "status", times=10_000)
    here.jira.comment("OPS-1", "Why?")
    here.jira.faults.clear()
    until(here.turns, "the turn")
    here.jira.faults.add("GET", COMMENTS, "status", times=10_000)
    until(lambda: here.turns()[0].state == "posting", "the answer")
    waits: list[float] = []
    seen: set[object] = set()

    def grown() -> bool:
        turn = here.turns()[0]
        if turn.not_before and turn.not_before not in seen:
            seen.add(turn.not_before)
            waits.append((turn.not_before - SystemClock().now()).total_seconds())
        return len(waits) == 3 or turn.state == "failed"

    until(grown, "three tries")
    assert max(waits) > 10, waits
