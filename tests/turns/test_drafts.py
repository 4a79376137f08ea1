"""Drafts: nobody but the team reads one before a person approves it; then it is posted once."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from app.clock import SystemClock
from app.sandbox.jira.faults import Kind
from app.store.tables import Issue, Outgoing, Tenant
from app.turns import drafts
from app.turns.policies import set_project
from tests.support.talks import Chat, text_of
from tests.support.world import World, until, world, world_of_processes

COMMENTS = "/rest/api/3/issue/*/comment"


class Break:
    """Breaks a step, once, when told to."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.broken = False

    async def __call__(self, step: str) -> None:
        if step == self.step and not self.broken:
            self.broken = True
            raise RuntimeError(step)


class Gate:
    """Holds a step until it is opened."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.reached = False
        self.opened = False

    async def __call__(self, step: str) -> None:
        if step == self.step and not self.opened:
            self.reached = True
            while not self.opened:  # noqa: ASYNC110  (set from another thread)
                await asyncio.sleep(0.01)


@pytest.fixture
def on_sqlite(sqlite_template: Path, tmp_path: Path) -> str:
    """``DATABASE_URL`` where the kind of database does not matter."""
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    return f"sqlite:///{tmp_path / 'app.db'}"


@pytest.fixture
def here(on_sqlite: str) -> Iterator[World]:
    """Every project's mode is ``draft``."""
    with world(on_sqlite, DEFAULT_REPLY_MODE="draft") as made:
        yield made


def rows(db: Session) -> list[Outgoing]:
    return list(db.exec(select(Outgoing).order_by(col(Outgoing.created_at))).all())


def a_draft(here: World, key: str = "OPS-1", by: str = "rita", says: str = "It swaps.") -> str:
    """A question, and the id of the draft that answers it."""
    here.openai.answers(says)
    here.jira.comment(key, "Why is it slow?", by=by)
    here.run_until_idle()
    return here.items("internal")[-1].id


def draft(here: World, item_id: str) -> dict[str, Any]:
    """What is known of it."""
    [item] = [item for item in here.items("internal") if item.id == item_id]
    known: dict[str, Any] = item.meta["draft"]
    return known


def team(here: World, key: str = "OPS-1", by: str = "agnes") -> Chat:
    return Chat(here, key, by, "internal")


def refused(chat: Chat, item_id: str, what: str, body: object = None) -> tuple[str, str]:
    """The code and the text with which something is refused."""
    answer = chat.post(f"/drafts/{item_id}/{what}", body)
    assert answer.status_code == 409, answer.text
    return answer.json()["code"], answer.json()["detail"]


# --- approved ---------------------------------------------------------------------------------


def test_nothing_is_posted_and_nothing_shown_until_a_person_approves(here: World) -> None:
    item_id = a_draft(here)
    assert here.answers("OPS-1") == []
    assert [item.kind for item in here.items()] == ["user_message"]
    assert draft(here, item_id) == {"state": "open", "by": None, "as": "public"}

    team(here).does(f"drafts/{item_id}/approve")
    here.run_until_idle()

    [answer] = here.answers("OPS-1")
    assert "It swaps." in answer
    assert answer.splitlines()[-1] == "Written by an AI assistant, approved by Agnes Ågren."


def test_an_approved_draft_is_an_item_of_the_public_thread(here: World) -> None:
    item_id = a_draft(here)
    agnes = here.jira.account_id("agnes")
    team(here).does(f"drafts/{item_id}/approve")
    here.run_until_idle()

    comment = here.jira.comments("OPS-1")[-1]
    [_, shown] = Chat(here, "OPS-1", "rita").thread()["items"]["data"]
    assert text_of(shown) == "It swaps."
    assert shown["meta"]["comment_id"] == comment.id
    assert shown["meta"]["approved_by"] == agnes
    assert shown["meta"]["turn_id"] == here.turns()[0].id
    assert draft(here, item_id) == {"state": "posted", "by": agnes, "as": "public"}
    assert comment.properties["jira-chatkit"]["turn_id"] == here.turns()[0].id
    assert comment.properties["jira-chatkit"]["role"] == "assistant"
    told = [event.type for event in here.events("internal")]
    assert told[-2:] == ["thread.item.replaced", "thread.item.replaced"]
    assert here.events()[-1].type == "thread.item.done"


def test_in_a_service_project_it_becomes_a_note_and_nobody_outside_hears_of_it(
    here: World,
) -> None:
    item_id = a_draft(here, "SUP-2", "carlos")
    before = len(here.events())
    team(here, "SUP-2").does(f"drafts/{item_id}/approve")
    here.run_until_idle()

    comment = here.jira.comments("SUP-2")[-1]
    assert comment.internal
    assert draft(here, item_id)["as"] == "internal"
    [item] = [one for one in here.items("internal") if one.id == item_id]
    assert (item.comment_id, item.state) == (comment.id, "done")
    assert len(here.events()) == before


@pytest.mark.parametrize("wanted", ["before", "after"])
def test_what_an_admin_wants_as_notes_by_now_is_posted_as_a_note(
    on_sqlite: str, wanted: str
) -> None:
    gate = Gate("bringing")
    with world(on_sqlite, DEFAULT_REPLY_MODE="draft", at_step=gate) as here:
        here.set(reply_audience="public")
        item_id = a_draft(here, "SUP-2", "carlos")
        assert draft(here, item_id)["as"] == "public"
        if wanted == "before":
            here.set(reply_audience="internal")
        team(here, "SUP-2").does(f"drafts/{item_id}/approve")
        until(lambda: gate.reached, "the delivery to begin")
        here.set(reply_audience="internal")
        assert draft(here, item_id)["as"] == ("internal" if wanted == "before" else "public")
        gate.opened = True
        here.run_until_idle()

        assert here.jira.comments("SUP-2")[-1].internal
        assert draft(here, item_id)["as"] == "internal"


def test_what_was_shown_as_a_note_is_not_posted_publicly(here: World) -> None:
    item_id = a_draft(here, "SUP-2", "carlos")
    here.set(reply_audience="public")
    team(here, "SUP-2").does(f"drafts/{item_id}/approve")
    here.run_until_idle()

    assert here.jira.comments("SUP-2")[-1].internal


def test_two_who_approve_at_once_and_again_have_one_comment(database_url: str) -> None:
    with world(database_url, DEFAULT_REPLY_MODE="draft") as here:
        item_id = a_draft(here)
        chats = [team(here, by=name) for name in ("agnes", "adam")]
        answers: list[int] = []

        def approve(chat: Chat) -> None:
            answers.append(chat.post(f"/drafts/{item_id}/approve").status_code)

        clicks = [threading.Thread(target=approve, args=(chat,)) for chat in chats * 3]
        for click in clicks:
            click.start()
        for click in clicks:
            click.join()
        here.run_until_idle()
        approve(chats[0])
        here.run_until_idle()

        assert answers == [202] * 7
        assert len(here.answers("OPS-1")) == 1
        assert len(here.read(rows)) == 1


@pytest.mark.parametrize(
    ("step", "project"),
    [
        ("bringing", "OPS-1"),
        ("trying to bring", "OPS-1"),
        ("brought", "OPS-1"),
        ("brought", "SUP-2"),
        ("told", "OPS-1"),
    ],
)
def test_one_comment_whichever_step_breaks(database_url: str, step: str, project: str) -> None:
    at_step = Break(step)
    with world(database_url, DEFAULT_REPLY_MODE="draft", at_step=at_step) as here:
        item_id = a_draft(here, project, "rita" if project == "OPS-1" else "carlos")
        team(here, project).does(f"drafts/{item_id}/approve")
        until(lambda: at_step.broken, "the step")
        until(lambda: draft(here, item_id)["state"] == "posted", "the end", 60)
        here.run_until_idle()

        assert len(here.answers(project)) == 1
        assert len(here.items()) == (2 if project == "OPS-1" else 1)


@pytest.mark.parametrize("kind", ["reset", "reset_after_commit", "status"])
def test_one_comment_although_posting_it_went_wrong(here: World, kind: Kind) -> None:
    item_id = a_draft(here)
    here.jira.webhooks.duplicate = 2
    here.jira.faults.add("POST", COMMENTS, kind)
    team(here).does(f"drafts/{item_id}/approve")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    assert [item.kind for item in here.items()] == ["user_message", "assistant_message"]
    assert draft(here, item_id)["state"] == "posted"


def test_a_restart_after_jira_took_it_and_before_we_knew(on_sqlite: str) -> None:
    with world_of_processes(on_sqlite, DEFAULT_REPLY_MODE="draft") as (here, app):
        app.start()
        here.install()
        item_id = a_draft(here)
        agnes = team(here)
        here.jira.faults.add("POST", COMMENTS, "hang", seconds=60)
        agnes.does(f"drafts/{item_id}/approve")
        until(lambda: here.read(rows)[0].posts, "the posting to be tried")
        app.kill()
        here.jira.faults.clear()
        mark = {"turn_id": here.turns()[0].id, "role": "assistant"}
        here.jira.comment(  # as Jira has it now
            "OPS-1",
            "It stands already.",
            by="app",
            properties={"jira-chatkit": mark},
            deliver=False,
        )
        app.start()
        until(lambda: draft(here, item_id)["state"] == "posted", "it to be found", 40)

        assert here.answers("OPS-1") == ["It stands already."]


def test_what_jira_will_not_take_is_open_again_and_may_be_approved_again(here: World) -> None:
    item_id = a_draft(here)
    agnes = team(here)
    here.jira.faults.add("POST", COMMENTS, "status", status=413)
    agnes.does(f"drafts/{item_id}/approve")
    here.run_until_idle()
    assert draft(here, item_id)["state"] == "open"
    assert agnes.thread()["items"]["data"][-1]["meta"]["undelivered"] == "comment_cap"

    agnes.does(f"drafts/{item_id}/approve")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1
    assert "undelivered" not in agnes.thread()["items"]["data"][-1]["meta"]


def test_an_answer_that_jira_would_not_take_is_a_draft_to_approve(on_sqlite: str) -> None:
    with world(on_sqlite) as here:
        here.jira.faults.add("POST", COMMENTS, "status", status=413)
        item_id = a_draft(here)
        assert draft(here, item_id) == {"state": "open", "by": None, "as": "public"}
        team(here).does(f"drafts/{item_id}/approve")
        here.run_until_idle()

        assert len(here.answers("OPS-1")) == 1


def test_an_answer_that_jira_has_although_it_said_otherwise_is_not_posted_again(
    on_sqlite: str,
) -> None:
    with world(on_sqlite) as here:
        here.jira.faults.add("POST", COMMENTS, "status", status=413)
        item_id = a_draft(here)
        mark = {"turn_id": here.turns()[0].id, "role": "assistant"}
        props: dict[str, object] = {"jira-chatkit": mark}
        here.jira.comment("OPS-1", "It swaps.", by="app", properties=props, deliver=False)
        team(here).does(f"drafts/{item_id}/approve")
        here.run_until_idle()

        assert here.answers("OPS-1") == ["It swaps."]
        assert draft(here, item_id)["state"] == "posted"
        assert [item.text for item in here.items()] == ["Why is it slow?", "It swaps."]


def test_approved_while_a_newer_question_is_answered_it_is_posted_beside(here: World) -> None:
    item_id = a_draft(here)
    here.openai.hold()
    here.jira.comment("OPS-1", "And since when?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")
    team(here).does(f"drafts/{item_id}/approve")

    until(lambda: here.answers("OPS-1"), "the comment")
    until(lambda: draft(here, item_id)["state"] == "posted", "it to be known")
    here.openai.release()
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1
    assert [turn.attempt for turn in here.turns()] == [1, 1]
    assert draft(here, here.items("internal")[-1].id)["state"] == "open"


# --- not posted after all ---------------------------------------------------------------------


def test_a_draft_whose_question_is_taken_back_is_withdrawn(here: World) -> None:
    here.openai.answers("It swaps.")
    question = here.jira.comment("OPS-1", "Why is it slow?", by="rita")
    here.run_until_idle()
    item_id = here.items("internal")[-1].id
    here.jira.delete_comment(question)
    here.run_until_idle()

    known = draft(here, item_id)
    assert (known["state"], known["cause"]) == ("withdrawn", "question_gone")
    code, text = refused(team(here), item_id, "approve")
    assert code == "withdrawn"
    assert "taken back" in text
    assert here.answers("OPS-1") == []


def test_a_question_that_is_taken_back_as_it_is_approved_is_not_answered(
    on_sqlite: str,
) -> None:
    gate = Gate("bringing")
    with world(on_sqlite, DEFAULT_REPLY_MODE="draft", at_step=gate) as here:
        item_id = a_draft(here)
        team(here).does(f"drafts/{item_id}/approve")
        until(lambda: gate.reached, "the delivery to begin")
        here.jira.delete_comment(here.jira.comments("OPS-1")[0])
        here.jira.webhooks.wait_until_delivered()
        gate.opened = True
        here.run_until_idle()

        assert here.answers("OPS-1") == []
        assert draft(here, item_id)["state"] == "withdrawn"
        assert [row.state for row in here.read(rows)] == ["withdrawn"]


@pytest.mark.parametrize("change", ["moved", "hidden"])
def test_a_move_or_a_security_level_withdraws_what_is_open(here: World, change: str) -> None:
    item_id = a_draft(here)
    key = _change(here, change)
    here.run_until_idle()

    assert draft(here, item_id)["state"] == "withdrawn"
    assert refused(team(here, key), item_id, "approve")[0] == "withdrawn"
    assert here.answers(key) == []


@pytest.mark.parametrize("change", ["moved", "hidden"])
def test_a_move_that_nobody_told_of_is_seen_before_an_approved_draft_is_posted(
    on_sqlite: str, change: str
) -> None:
    gate = Gate("bringing")
    with world(on_sqlite, DEFAULT_REPLY_MODE="draft", at_step=gate) as here:
        item_id = a_draft(here)
        team(here).does(f"drafts/{item_id}/approve")
        until(lambda: gate.reached, "the delivery to begin")
        here.jira.webhooks.hold()
        key = _change(here, change)
        gate.opened = True
        until(lambda: here.read(rows)[0].state != "waiting", "the end")

        assert here.answers(key) == []
        assert draft(here, item_id)["state"] == "withdrawn"


def _change(here: World, change: str) -> str:
    if change == "moved":
        return here.jira.move("OPS-1", "SUP").key
    here.jira.set_security_level("OPS-1", "Team only")
    return "OPS-1"


def test_a_draft_that_jira_may_have_is_not_posted_again_after_a_move(here: World) -> None:
    item_id = a_draft(here)
    here.jira.faults.add("POST", COMMENTS, "reset")  # nobody knows whether it is taken
    team(here).does(f"drafts/{item_id}/approve")
    until(lambda: here.read(rows)[0].tried_at, "the comment to be tried")
    key = here.jira.move("OPS-1", "SUP").key
    here.run_until_idle()

    assert here.answers(key) == []
    assert draft(here, item_id)["state"] == "withdrawn"
    assert [row.state for row in here.read(rows)] == ["withdrawn"]


def test_where_it_is_switched_off_no_draft_is_posted(here: World) -> None:
    item_id = a_draft(here)
    here.write(_switch_off, here.jira.issue("OPS-1").project.id)
    agnes = team(here)
    assert refused(agnes, item_id, "approve")[0] == "switched_off"
    assert refused(agnes, item_id, "regenerate", {})[0] == "switched_off"
    here.run_until_idle()
    assert here.answers("OPS-1") == []


def test_switched_off_as_it_is_approved_it_is_withdrawn(on_sqlite: str) -> None:
    gate = Gate("bringing")
    with world(on_sqlite, DEFAULT_REPLY_MODE="draft", at_step=gate) as here:
        item_id = a_draft(here)
        team(here).does(f"drafts/{item_id}/approve")
        until(lambda: gate.reached, "the delivery to begin")
        here.write(_switch_off, here.jira.issue("OPS-1").project.id)
        gate.opened = True
        here.run_until_idle()

        assert here.answers("OPS-1") == []
        assert draft(here, item_id)["cause"] == "switched_off"


def _switch_off(db: Session, project_id: str) -> None:
    tenant = db.exec(select(Tenant)).one()
    set_project(db, tenant.id, project_id, "off", {}, SystemClock().now())


def test_a_draft_that_is_still_written_cannot_be_approved(here: World) -> None:
    here.openai.hold(after=3)
    here.jira.comment("OPS-1", "Why?", by="rita")
    until(lambda: here.items("internal"), "its first words")
    item_id = here.items("internal")[-1].id

    agnes = team(here)
    for what, body in (("approve", None), ("edit", {"text": "No."}), ("regenerate", {})):
        assert refused(agnes, item_id, what, body)[0] == "not_ready"
    here.openai.release()
    here.run_until_idle()
    agnes.does(f"drafts/{item_id}/approve")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1


def test_a_person_who_took_over_may_still_approve(here: World) -> None:
    item_id = a_draft(here)
    here.jira.comment("OPS-1", "I have this one.", by="agnes")
    here.run_until_idle()
    team(here).does(f"drafts/{item_id}/approve")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1


# --- edited, rejected -------------------------------------------------------------------------


def test_an_edited_draft_is_posted_as_edited_and_its_old_words_leave_the_log(here: World) -> None:
    item_id = a_draft(here, says="It swaps, says CANARY.")
    agnes = team(here)
    agnes.does(f"drafts/{item_id}/edit", {"text": "It **swaps**."})
    known = draft(here, item_id)
    assert (known["state"], known["edited_by"]) == ("open", here.jira.account_id("agnes"))
    assert all("CANARY" not in event.data for event in here.events("internal"))

    agnes.does(f"drafts/{item_id}/approve")
    here.run_until_idle()
    assert here.answers("OPS-1")[0].startswith("It swaps.")


def test_no_draft_becomes_empty_or_too_long(here: World) -> None:
    item_id = a_draft(here)
    for text in ("", " \n", "x" * 32_001, None, 7):
        answer = team(here).post(f"/drafts/{item_id}/edit", {"text": text})
        assert answer.status_code == 422
        assert list(answer.json()["fields"]) == ["text"]

    assert here.items("internal")[-1].text == "It swaps."


def test_a_rejected_draft_keeps_who_and_why_and_is_posted_never(here: World) -> None:
    item_id = a_draft(here)
    agnes, adam = team(here), team(here, by="adam")
    agnes.does(f"drafts/{item_id}/reject", {"reason": "It does not swap."})

    known = draft(here, item_id)
    assert (known["state"], known["reason"]) == ("rejected", "It does not swap.")
    assert known["by"] == here.jira.account_id("agnes")
    assert refused(agnes, item_id, "approve") == ("rejected", "You have rejected this draft.")
    for what, body in (("approve", None), ("edit", {"text": "So."}), ("regenerate", None)):
        code, text = refused(adam, item_id, what, body)
        assert (code, text) == ("rejected", "Somebody else has rejected this draft.")
    here.run_until_idle()
    assert here.answers("OPS-1") == []


def test_an_approved_draft_is_neither_edited_nor_rejected(here: World) -> None:
    item_id = a_draft(here)
    agnes = team(here)
    agnes.does(f"drafts/{item_id}/approve")
    here.run_until_idle()

    assert refused(agnes, item_id, "edit", {"text": "No."})[0] == "posted"
    assert refused(agnes, item_id, "reject")[0] == "posted"
    assert refused(agnes, item_id, "regenerate")[0] == "posted"


def test_drafts_are_the_internal_threads_and_the_teams(here: World) -> None:
    item_id = a_draft(here)
    public = Chat(here, "OPS-1", "agnes")
    assert public.post(f"/drafts/{item_id}/approve").status_code == 404
    assert team(here).post("/drafts/item_of_nobody/approve").status_code == 404
    assert team(here, "OPS-2").post(f"/drafts/{item_id}/approve").status_code == 404
    assert Chat(here, "OPS-1", "rita").post(f"/drafts/{item_id}/approve").status_code == 403

    agnes = team(here)
    here.jira.revoke("agnes", "OPS", "ADD_COMMENTS")
    assert agnes.post(f"/drafts/{item_id}/approve").status_code == 403
    here.run_until_idle()
    assert here.answers("OPS-1") == []


# --- written anew -----------------------------------------------------------------------------


def test_another_draft_takes_the_place_of_the_old_one_and_heeds_the_hint(here: World) -> None:
    item_id = a_draft(here)
    here.openai.answers("It swaps, since Monday.")
    answer = team(here).post(f"/drafts/{item_id}/regenerate", {"hint": "Say since WHEN-4711."})
    assert answer.status_code == 202
    here.run_until_idle()

    assert draft(here, item_id)["state"] == "replaced"
    new = here.items("internal")[-1]
    assert (new.text, draft(here, new.id)["state"]) == ("It swaps, since Monday.", "open")
    assert new.written_by == answer.json()["turn_id"]
    assert "WHEN-4711" in str(here.openai.requests[-1].body["instructions"])
    assert "WHEN-4711" not in str(here.openai.requests[0].body)
    assert here.answers("OPS-1") == []


def test_another_draft_stays_a_draft_whatever_the_mode_is(here: World) -> None:
    item_id = a_draft(here)
    here.write(_answer_aloud, here.jira.issue("OPS-1").project.id)
    team(here).does(f"drafts/{item_id}/regenerate")
    here.run_until_idle()

    assert here.answers("OPS-1") == []
    assert draft(here, here.items("internal")[-1].id)["state"] == "open"


def _answer_aloud(db: Session, project_id: str) -> None:
    tenant = db.exec(select(Tenant)).one()
    set_project(db, tenant.id, project_id, "auto", {}, SystemClock().now())


def test_another_draft_is_written_although_a_person_has_taken_over(here: World) -> None:
    item_id = a_draft(here)
    here.jira.comment("OPS-1", "I have this one.", by="agnes")
    here.run_until_idle()
    team(here).does(f"drafts/{item_id}/regenerate")
    here.run_until_idle()

    assert [turn.state for turn in here.turns()] == ["completed", "completed"]
    assert draft(here, here.items("internal")[-1].id)["state"] == "open"


def test_a_question_asked_meanwhile_has_an_answer_of_its_own(here: World) -> None:
    item_id = a_draft(here)
    here.write(_answer_aloud, here.jira.issue("OPS-1").project.id)
    here.openai.hold()
    team(here).does(f"drafts/{item_id}/regenerate")
    until(lambda: here.openai.active_streams, "the model to begin")
    here.jira.comment("OPS-1", "And since when?", by="rita")
    until(lambda: len([i for i in here.items() if i.asks]) == 2, "the other question")
    here.openai.release()
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    assert [turn.reply_as for turn in here.turns()] == ["draft", "draft", "public"]


def test_no_other_draft_is_begun_beside_a_running_answer(here: World) -> None:
    item_id = a_draft(here)
    here.openai.hold()
    here.jira.comment("OPS-1", "And since when?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")

    assert refused(team(here), item_id, "regenerate")[0] == "busy"
    here.openai.release()
    here.run_until_idle()
    assert draft(here, item_id)["state"] == "open"


def test_a_hint_has_an_end(here: World) -> None:
    item_id = a_draft(here)
    answer = team(here).post(f"/drafts/{item_id}/regenerate", {"hint": "x" * 2_001})
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == ["hint"]


def test_what_is_withdrawn_with_its_issue_is_each_open_draft_and_no_other(here: World) -> None:
    rejected, still_open = a_draft(here), a_draft(here)
    team(here).does(f"drafts/{rejected}/reject")
    here.write(_withdraw)

    assert draft(here, rejected)["state"] == "rejected"
    assert draft(here, still_open)["state"] == "withdrawn"


def _withdraw(db: Session) -> None:
    issue = db.exec(select(Issue)).one()
    drafts.withdraw_all(db, issue, "issue_moved", SystemClock().now())


def test_who_decided_is_in_the_log_and_nobodys_words_are(
    here: World, capsys: pytest.CaptureFixture[str]
) -> None:
    item_id = a_draft(here)
    agnes = team(here)
    agnes.does(f"drafts/{item_id}/edit", {"text": "CANARY-EDIT"})
    agnes.does(f"drafts/{item_id}/reject", {"reason": "CANARY-REASON"})
    logged = capsys.readouterr().out

    [line] = [each for each in logged.splitlines() if "decision=rejected" in each]
    assert item_id in line
    assert here.jira.account_id("agnes") in line
    assert "CANARY" not in logged
