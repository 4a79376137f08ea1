"""What somebody writes in the panel stands in Jira as well: once, under their name, as it may."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from app.sandbox.jira.faults import Kind
from app.sandbox.jira.model import Comment
from app.store import threads
from app.store.tables import Issue, Item, Outgoing, Tenant, Thread
from app.store.threads import Lease
from app.turns import brought, outgoing
from app.turns.brought import Chosen
from tests.support.clock import START
from tests.support.rows import add_tenant, add_thread, item_of, opened
from tests.support.talks import Chat
from tests.support.world import AppProcess, World, until, world, world_of_processes

COMMENTS = "/rest/api/3/issue/*/comment"


class Break:
    """Breaks a step, once."""

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
    """Every project's mode is ``auto``."""
    with world(on_sqlite) as made:
        yield made


def rows(db: Session) -> list[Outgoing]:
    return list(db.exec(select(Outgoing).order_by(col(Outgoing.created_at))).all())


def in_jira(here: World, key: str, words: str) -> list[Comment]:
    """The comments of people that we brought and that hold these words."""
    return [
        comment
        for comment in here.jira.comments(key)
        if comment.properties.get("jira-chatkit", {}).get("role") == "user"
        and words in comment.text
    ]


def message(here: World, words: str = "Why is it slow?") -> Item:
    [found] = [item for item in here.items() if item.kind == "user_message" and words in item.text]
    return found


# --- how it stands in Jira --------------------------------------------------------------------


def test_it_begins_with_the_writers_name_and_bears_our_mark(here: World) -> None:
    asked = Chat(here, "OPS-1", "rita").say("Why is *it* slow?")
    here.run_until_idle()

    comment = here.jira.comments("OPS-1")[0]
    assert comment.text.splitlines()[0] == "Rita Reyes:"
    assert not comment.internal
    item = message(here, "Why is *it* slow?")
    assert comment.properties["jira-chatkit"] == {
        "turn_id": asked["turn_id"],
        "thread_id": item.thread_id,
        "item_id": asked["item_id"],
        "role": "user",
    }


def test_its_item_takes_the_place_that_jira_gives_it(here: World) -> None:
    rita = Chat(here, "OPS-1", "rita")
    rita.say("Why is it slow?")
    here.run_until_idle()

    comment, item = here.jira.comments("OPS-1")[0], message(here)
    assert item.comment_id == comment.id
    assert item.created_at == comment.created.replace(  # Jira tells milliseconds
        microsecond=comment.created.microsecond // 1000 * 1000
    )
    assert [one.comment_id for one in here.items()] == [c.id for c in here.jira.comments("OPS-1")]
    [told] = [event for event in here.events() if event.type == "thread.item.replaced"]
    assert f'"comment_id":"{comment.id}"' in told.data


@pytest.mark.parametrize(("writer", "note"), [("carlos", False), ("agnes", True)])
def test_in_a_service_project_what_the_team_writes_is_a_note(
    here: World, writer: str, *, note: bool
) -> None:
    Chat(here, "SUP-2", writer).say("Can both be on one account?")
    here.run_until_idle()

    assert here.jira.comments("SUP-2")[0].internal is note
    item = message(here, "Can both")
    assert item.comment_id == here.jira.comments("SUP-2")[0].id
    assert item.role == ("agent" if note else "customer")


def test_it_mentions_nobody_loads_nothing_and_links_to_no_strange_place(here: World) -> None:
    text = "[~accountid:1] ![x](https://evil.example/a.png) [here](https://evil.example/b)"
    Chat(here, "OPS-1", "rita").say(text)
    here.run_until_idle()

    body = str(here.jira.comments("OPS-1")[0].body)
    assert "'mention'" not in body
    assert "media" not in body
    assert "'link'" not in body


def test_it_is_a_question_once_and_its_writer_takes_nothing_over(here: World) -> None:
    Chat(here, "OPS-1", "agnes").say("What do we know?")
    here.run_until_idle()

    assert [turn.state for turn in here.turns()] == ["completed"]
    assert len(here.openai.requests) == 1
    [issue] = here.read(lambda db: list(db.exec(select(Issue)).all()))
    assert issue.resting_until is None


def test_the_model_is_not_told_the_name_that_jira_shows(here: World) -> None:
    rita = Chat(here, "OPS-1", "rita")
    rita.say("Why is it slow?")
    here.run_until_idle()
    comment = here.jira.comments("OPS-1")[0]
    body = {**comment.body, "content": [comment.body["content"][0], _paragraph("Why, really?")]}
    here.jira.edit_comment(comment, body, by="agnes")
    here.run_until_idle()
    rita.say("And now?")
    here.run_until_idle()

    assert "Why, really?" in here.given()
    assert "Rita Reyes" not in here.given()


def test_somebody_whom_jira_shows_no_more_is_named_as_jira_does(here: World) -> None:
    here.jira.faults.add("GET", "/rest/api/3/user", "status", status=404)
    Chat(here, "OPS-1", "rita").say("Why is it slow?")
    here.run_until_idle()

    assert here.jira.comments("OPS-1")[0].text.startswith("Former user:")


# --- once, whatever happens -------------------------------------------------------------------


@pytest.mark.parametrize("step", ["bringing", "trying to bring", "brought", "told"])
def test_one_comment_whichever_step_breaks(database_url: str, step: str) -> None:
    at_step = Break(step)
    with world(database_url, at_step=at_step) as here:
        Chat(here, "OPS-1", "rita").say("Why is it slow?")
        until(lambda: at_step.broken, "the step")
        until(lambda: [row.state for row in here.read(rows)] == ["posted"], "the end", 60)
        here.run_until_idle()

        [comment] = in_jira(here, "OPS-1", "Why is it slow?")
        assert message(here).comment_id == comment.id
        assert len(here.answers("OPS-1")) == 2


@pytest.mark.parametrize("kind", ["reset", "reset_after_commit", "status"])
def test_one_comment_although_bringing_it_went_wrong(here: World, kind: Kind) -> None:
    here.jira.faults.add("POST", COMMENTS, kind)
    Chat(here, "OPS-1", "rita").say("Why is it slow?")
    here.run_until_idle()

    [comment] = in_jira(here, "OPS-1", "Why is it slow?")
    assert message(here).comment_id == comment.id
    assert [item.kind for item in here.items()] == ["user_message", "assistant_message"]


def test_one_comment_although_no_webhook_tells_of_it(here: World) -> None:
    rita = Chat(here, "OPS-1", "rita")
    here.jira.webhooks.hold()
    here.jira.faults.add("POST", COMMENTS, "reset_after_commit")
    rita.say("Why is it slow?")
    until(lambda: here.read(rows)[0].state == "posted", "it to be found again")

    assert len(in_jira(here, "OPS-1", "Why is it slow?")) == 1


def test_a_webhook_that_is_faster_than_jiras_answer_makes_no_second_item(here: World) -> None:
    here.jira.webhooks.duplicate = 3
    here.openai.hold()
    here.jira.comment("OPS-1", "Hello?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")
    here.jira.faults.add("POST", COMMENTS, "reset_after_commit")
    Chat(here, "OPS-1", "rita").say("Why is it slow?")
    until(lambda: message(here).comment_id, "it to be brought")
    here.openai.release()
    here.run_until_idle()

    [comment] = in_jira(here, "OPS-1", "Why is it slow?")
    assert message(here).comment_id == comment.id


def test_jira_may_ask_us_to_wait(here: World) -> None:
    here.jira.faults.add("POST", COMMENTS, "status", status=429, retry_after=1)
    Chat(here, "OPS-1", "rita").say("Why is it slow?")
    here.run_until_idle()

    assert len(in_jira(here, "OPS-1", "Why is it slow?")) == 1
    tries = [one for one in here.jira.requests if one.method == "POST" and "/comment" in one.path]
    assert [one.status for one in tries if one.path.endswith("/comment")][:2] == [429, 201]
    assert here.read(rows)[0].failures == 0  # to be asked for patience is no failure


def test_messages_stand_in_the_order_in_which_they_were_written(here: World) -> None:
    here.jira.faults.add("POST", COMMENTS, "status")
    chats = [Chat(here, "OPS-1", name) for name in ("rita", "wim", "agnes")]
    for number, chat in enumerate(chats):
        chat.say(f"Word {number}.")
    here.run_until_idle()

    words = [comment.text.splitlines()[-1] for comment in in_jira(here, "OPS-1", "Word")]
    assert words == ["Word 0.", "Word 1.", "Word 2."]


def test_an_answer_never_stands_above_its_question(here: World) -> None:
    here.jira.faults.add("POST", COMMENTS, "status", status=429, retry_after=3)
    Chat(here, "OPS-1", "rita").say("Why is it slow?")
    here.run_until_idle()

    marks = [comment.properties["jira-chatkit"] for comment in here.jira.comments("OPS-1")]
    assert [mark["role"] for mark in marks] == ["user", "assistant"]
    assert [turn.attempt for turn in here.turns()] == [1]


def test_what_is_asked_in_a_note_is_answered_in_a_note_and_once(here: World) -> None:
    here.set(reply_audience="public")
    Chat(here, "SUP-2", "agnes").say("What do we know?")
    here.run_until_idle()

    assert [comment.internal for comment in here.jira.comments("SUP-2")] == [True, True]
    assert [(turn.reply_as, turn.attempt) for turn in here.turns()] == [("internal", 1)]
    assert len(here.openai.requests) == 1


def test_it_is_brought_while_an_answer_is_being_written(here: World) -> None:
    here.openai.hold()
    here.jira.comment("OPS-1", "Hello?", by="rita")
    until(lambda: here.openai.active_streams, "the model to begin")
    Chat(here, "OPS-1", "wim").say("Why is it slow?")

    until(lambda: in_jira(here, "OPS-1", "Why is it slow?"), "the comment")
    here.openai.release()
    here.run_until_idle()
    assert message(here).answered_by is not None


def test_a_restart_after_jira_took_it_and_before_we_knew(on_sqlite: str) -> None:
    with world_of_processes(on_sqlite) as (here, app):
        app.start()
        here.install()
        rita = Chat(here, "OPS-1", "rita")
        here.run_until_idle()
        _kill_while_posting(here, app, rita)
        item = message(here)
        mark = {"turn_id": "", "thread_id": item.thread_id, "item_id": item.id, "role": "user"}
        here.jira.comment(  # as Jira has it now
            "OPS-1",
            "Rita Reyes:\nWhy is it slow?",
            by="app",
            properties={"jira-chatkit": mark},
            deliver=False,
        )
        app.start()
        until(lambda: message(here).comment_id, "it to be found", 40)

        assert len(in_jira(here, "OPS-1", "Why is it slow?")) == 1


def _kill_while_posting(here: World, app: AppProcess, chat: Chat) -> None:
    here.jira.faults.add("POST", COMMENTS, "hang", seconds=60)
    chat.say("Why is it slow?")
    until(lambda: any(row.posts for row in here.read(rows)), "the posting to be tried")
    app.kill()
    here.jira.faults.clear()


# --- what is not taken ------------------------------------------------------------------------


def test_what_jira_will_not_take_says_so_and_is_answered_all_the_same(here: World) -> None:
    rita = Chat(here, "OPS-1", "rita")
    here.jira.faults.add("POST", COMMENTS, "status", status=413)
    rita.say("Why is it slow?")
    here.run_until_idle()

    assert in_jira(here, "OPS-1", "Why is it slow?") == []
    assert rita.thread()["items"]["data"][0]["meta"]["undelivered"] == "comment_cap"
    assert [row.state for row in here.read(rows)] == ["failed"]
    assert [turn.state for turn in here.turns()] == ["completed"]


def test_a_note_that_is_public_all_the_same_is_taken_back(on_sqlite: str) -> None:
    gate = Gate("trying to bring")
    with world(on_sqlite, at_step=gate) as here:
        agnes = Chat(here, "SUP-2", "agnes")
        agnes.say("CANARY for the team.")
        until(lambda: gate.reached, "the note to be tried")
        moved = here.jira.move("SUP-2", "OPS")  # where there are no notes: all can read it
        gate.opened = True
        here.run_until_idle()

        assert in_jira(here, moved.key, "CANARY") == []
        assert message(here, "CANARY").meta["undelivered"] == "not_internal"


def test_what_waited_when_the_app_was_disabled_is_brought_once_it_is_enabled(
    on_sqlite: str,
) -> None:
    gate = Gate("bringing")
    with world(on_sqlite, at_step=gate) as here:
        Chat(here, "OPS-1", "rita").say("Why is it slow?")
        until(lambda: gate.reached, "the bringing to begin")
        here.jira.link.disable()
        gate.opened = True
        until(lambda: not here.read(_held), "the thread to be let go of")
        assert here.jira.comments("OPS-1") == []

        here.jira.link.enable()
        until(lambda: in_jira(here, "OPS-1", "Why is it slow?"), "the comment", 8)


def _held(db: Session) -> bool:
    held = select(Thread).where(col(Thread.lease_owner).is_not(None))
    return db.exec(held).first() is not None


def test_a_deleted_issue_is_written_to_no_more(on_sqlite: str) -> None:
    gate = Gate("bringing")
    with world(on_sqlite, at_step=gate) as here:
        Chat(here, "OPS-1", "rita").say("Why is it slow?")
        until(lambda: gate.reached, "the bringing to begin")
        here.jira.delete_issue("OPS-1")
        gate.opened = True
        here.run_until_idle()

        assert [row.state for row in here.read(rows)] in (["failed"], ["withdrawn"])
        assert here.items() == []


# --- what becomes of the comment --------------------------------------------------------------


def test_a_note_is_not_hidden_for_being_one_and_a_deleted_one_goes(here: World) -> None:
    agnes = Chat(here, "SUP-2", "agnes")
    agnes.say("Can both be on one account?")
    here.run_until_idle()
    note = here.jira.comments("SUP-2")[0]
    here.jira.edit_comment(note, "CANARY, for the team alone.", by="agnes")
    here.run_until_idle()
    assert message(here, "Can both").comment_id == note.id
    assert all("CANARY" not in event.data for event in here.events())

    here.jira.delete_comment(note)
    here.run_until_idle()
    assert all("Can both" not in item.text for item in here.items())


def test_a_comment_that_somebody_edits_or_hides_is_heeded(here: World) -> None:
    rita = Chat(here, "SUP-2", "carlos")
    rita.say("Can both?")
    here.run_until_idle()
    comment = here.jira.comments("SUP-2")[0]
    body = {**comment.body, "content": [comment.body["content"][0], _paragraph("Can three?")]}
    here.jira.edit_comment(comment, body, by="agnes")
    here.run_until_idle()
    assert message(here, "Can").text == "Can three?"
    assert len(here.turns()) == 1

    here.jira.make_internal(comment)
    here.run_until_idle()
    assert all("Can three?" not in text for text in rita.texts())


def _paragraph(text: str) -> dict[str, object]:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}


def test_one_deleted_before_we_knew_of_it_is_not_posted_again(on_sqlite: str) -> None:
    with world(on_sqlite, at_step=Break("brought")) as here:
        Chat(here, "OPS-1", "rita").say("Why is it slow?")
        until(lambda: in_jira(here, "OPS-1", "Why is it slow?"), "the comment")
        here.jira.delete_comment(here.jira.comments("OPS-1")[0])
        until(lambda: here.read(rows)[0].state == "posted", "the end")
        here.run_until_idle()

        assert in_jira(here, "OPS-1", "Why is it slow?") == []
        assert all("Why is it slow?" not in item.text for item in here.items())


# --- the queue --------------------------------------------------------------------------------


def _put(db: Session, thread_id: str, text: str) -> Outgoing:
    thread = threads.by_id(db, "acme", thread_id)
    assert thread is not None
    item = threads.item_by_client(db, thread_id, text)
    if item is None:
        made = item_of(thread, START, client_id=text, text=text)
        item = threads.add_item(db, made)
    return outgoing.put(
        db,
        tenant_id="acme",
        thread_id=thread_id,
        item=item,
        role="user",
        by_id="rita",
        internal=None,
        turn_id=None,
        now=START,
    )


def _prepared(db: Session) -> str:
    add_tenant(db)
    return add_thread(db)


async def test_an_item_is_queued_once_and_its_thread_is_due(database_url: str) -> None:
    with opened(database_url) as database:
        thread_id = await database.write(_prepared)
        first = await database.write(_put, thread_id, "a")
        again = await database.write(_put, thread_id, "a")
        found = await database.read(outgoing.waiting, thread_id)
        thread = await database.read(threads.by_id, "acme", thread_id)

    assert first.id == again.id
    assert [row.id for row in found] == [first.id]
    assert thread is not None
    assert thread.due_at == START


async def test_one_that_was_given_up_is_tried_again_knowing_that_it_may_stand(
    database_url: str,
) -> None:
    def give_up(db: Session, row_id: str) -> None:
        row = db.get_one(Outgoing, row_id)
        row.internal, row.posts, row.tried_at = True, 1, START
        outgoing.close(row, "failed", "jira_unreachable", START)

    with opened(database_url) as database:
        thread_id = await database.write(_prepared)
        first = await database.write(_put, thread_id, "a")
        await database.write(give_up, first.id)
        again = await database.write(_put, thread_id, "a")

    assert again.id == first.id
    assert (again.state, again.posts, again.tried_at, again.internal) == ("waiting", 1, START, True)


async def test_what_waited_when_the_tenant_left_is_not_brought_after_a_reinstall(
    database_url: str,
) -> None:
    def come_back(db: Session, thread_id: str) -> Lease:
        db.get_one(Tenant, "acme").installed_at = START + timedelta(days=1)
        lease = threads.claim_one(db, thread_id, "worker", START, 15)
        assert lease is not None
        return lease

    chosen = Chosen("customer", internal=False)
    with opened(database_url) as database:
        thread_id = await database.write(_prepared)
        row = await database.write(_put, thread_id, "a")
        lease = await database.write(come_back, thread_id)
        assert not await database.write(brought.try_message, lease, row.id, chosen, START)
        item = await database.read(threads.item_by_id, "acme", thread_id, row.item_id)

    assert item is not None
    assert item.meta["undelivered"] == "uninstalled"
