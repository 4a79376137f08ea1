"""What is seen the first time, late, out of order, or not as the webhook told."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from app.clock import SystemClock
from app.store.tables import AppState, Issue, Tenant, Thread, Unseen
from tests.support.world import World, until, world

COMMENTS = "/rest/api/3/issue/*/comment"


def _issues(db: Session) -> list[Issue]:
    return list(db.exec(select(Issue)).all())


def _threads(db: Session) -> list[Thread]:
    return list(db.exec(select(Thread)).all())


def test_a_question_that_the_first_fill_brings_before_its_webhook_is_answered(here: World) -> None:
    here.jira.webhooks.hold()
    here.jira.comment("OPS-1", "Why?", by="rita")  # its webhook is slow
    held = here.jira.webhooks._held
    here.jira.webhooks._held = None
    here.jira.comment("OPS-1", "Build 7 is out.", by="robot")  # the first that we hear of
    here.run_until_idle()
    assert len(here.items()) == 2
    here.jira.webhooks._held = held
    here.jira.webhooks.release()
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1


def test_a_person_who_answered_before_we_looked_first_has_taken_over(here: World) -> None:
    here.set(settle_for=1.0)
    here.jira.webhooks.hold()
    here.jira.comment("OPS-1", "Why?", by="rita")
    question = here.jira.webhooks._held
    here.jira.webhooks._held = []
    here.jira.comment("OPS-1", "I have this one: the disk is full.", by="agnes")
    answer = here.jira.webhooks._held
    here.jira.webhooks._held = question
    here.jira.webhooks.release()  # the question's comes first, as both stand in Jira already
    until(lambda: len(here.items()) == 2, "the thread to be filled")
    here.jira.webhooks._held = answer
    here.jira.webhooks.release()
    here.run_until_idle()

    assert here.answers("OPS-1") == []
    assert here.read(_issues)[0].rest_cause == "takeover"


def test_a_late_question_after_a_persons_rest_is_over_becomes_a_draft(here: World) -> None:
    here.set(resume_after=0.2, answer_within=0.5)
    here.jira.comment("OPS-1", "I had this one.", by="agnes")
    here.run_until_idle()
    time.sleep(0.3)
    here.jira.webhooks.hold()
    written = here.jira.comment("OPS-1", "Why?", by="rita").created
    until(lambda: SystemClock().now() > written + timedelta(seconds=0.6), "the time to pass")
    here.jira.webhooks.release()
    here.run_until_idle()

    assert here.answers("OPS-1") == []
    assert [item.state for item in here.items("internal")] == ["draft"]


def test_an_earlier_word_of_a_person_that_comes_late_shortens_no_rest(here: World) -> None:
    now = SystemClock().now()
    here.set(resume_after=3600.0)
    here.jira.comment("OPS-1", "Mine.", by="agnes")
    here.run_until_idle()
    first = here.read(_issues)[0].resting_until
    here.write(_older_mode)
    here.jira.comment("OPS-1", "Earlier.", by="agnes", created=now - timedelta(minutes=30))
    here.run_until_idle()

    second = here.read(_issues)[0].resting_until
    assert first is not None
    assert second is not None
    assert second >= first


def _older_mode(db: Session) -> None:
    for state in db.exec(select(AppState)):
        state.since -= timedelta(days=1)
    for tenant in db.exec(select(Tenant)):
        tenant.installed_at -= timedelta(days=1)


def test_a_description_that_the_first_answer_has_read_is_not_answered_again(here: World) -> None:
    here.jira.webhooks.hold()
    issue = here.jira.create_issue("OPS", "The printer smokes", "It began at nine.", by="rita")
    created = here.jira.webhooks._held
    here.jira.webhooks._held = None
    here.jira.comment(issue.key, "What shall we do?", by="rita")
    here.run_until_idle()
    assert len(here.answers(issue.key)) == 1
    here.jira.webhooks._held = created
    here.jira.webhooks.release()
    here.run_until_idle()

    assert len(here.answers(issue.key)) == 1


def test_a_question_edited_to_ask_somebody_else_is_not_answered(here: World) -> None:
    here.openai.hold()
    comment = here.jira.comment("OPS-1", "Why?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")

    here.jira.edit_comment(comment, here.jira.mentioning("agnes", "why?"))
    until(lambda: here.openai.cancelled, "the first stream to be ended")
    here.openai.release()
    here.run_until_idle()

    assert here.answers("OPS-1") == []


def test_a_comment_that_jira_will_not_show_does_not_block_its_issue(here: World) -> None:
    hidden = here.jira.comment("OPS-1", "Hidden.", by="wim", deliver=False)
    here.jira.comment("OPS-1", "First: why?", by="rita")
    here.run_until_idle()
    here.jira.faults.add(
        "GET", f"/rest/api/3/issue/*/comment/{hidden.id}", "status", times=1000, status=403
    )
    here.jira.edit_comment(hidden, "Hidden still.")
    here.jira.webhooks.wait_until_delivered()
    here.jira.comment("OPS-1", "Second: why?", by="rita")

    until(lambda: len(here.answers("OPS-1")) == 2, "the second answer")


def test_a_first_fill_of_many_rich_comments_comes_through(here: World) -> None:
    part = {"type": "text", "text": "word ", "marks": [{"type": "strong"}, {"type": "em"}]}
    rich = {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [part] * 1500}],
    }  # 7,500 characters
    for _ in range(50):
        here.jira.comment("OPS-1", rich, by="wim", deliver=False)
    here.jira.comment("OPS-1", "Why?", by="rita")

    until(lambda: here.answers("OPS-1"), "the answer")


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_what_two_doors_took_in_at_once_is_all_looked_at(database_url: str) -> None:
    with world(database_url) as here:
        here.openai.hold()
        here.jira.comment("OPS-1", "Why?", by="rita")
        until(lambda: here.openai.active_streams, "the model to begin")
        [thread] = [t for t in here.read(_threads) if t.audience == "public"]

        person = here.jira.comment("OPS-1", "I have this one.", by="agnes", deliver=False)
        engine = here.database._write_engine
        with Session(engine) as other:  # another process, whose commit takes its time
            other.add(
                Unseen(
                    tenant_id=thread.tenant_id,
                    thread_id=thread.id,
                    event="comment_created",
                    comment_id=person.id,
                    occurred_at=person.created,
                    received_at=person.created,
                )
            )
            other.flush()
            late = here.jira.comment("OPS-1", "And since when?", by="rita")
            path = f"/comment/{late.id}"
            until(lambda: any(r.path.endswith(path) for r in here.jira.requests), "a look")
            other.commit()
        here.openai.release()
        here.run_until_idle()

        assert person.id in {item.comment_id for item in here.items()}
        assert here.answers("OPS-1") == []
