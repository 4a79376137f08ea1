"""Answers that are written at one moment are told together, and each as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from app.errors import AppError, LeaseLost
from app.settings import Settings
from app.store import threads
from app.store.database import Database
from app.store.tables import Event, Item, Turn
from app.store.threads import Lease
from app.turns import recording
from app.turns.deciding import Run, decide
from app.turns.openings import make_turn
from app.turns.outcomes import Interrupted
from app.turns.recording import Call, Running, Telling, Told
from app.turns.talking import ask_privately
from tests.support.clock import START
from tests.support.rows import add_tenant, opened
from tests.support.world import World, until

ISSUES = ("10001", "10002", "10003")


def _answering(db: Session, issue_id: str) -> Telling:
    """A turn whose answer has begun with ``Be``, and what follows of it."""
    ask_privately(db, "acme", issue_id, "client", "Why?", START)
    thread = threads.of_issue(db, "acme", issue_id, "internal")
    assert thread is not None
    lease = threads.claim_one(db, thread.id, "worker", START, 15)
    assert lease is not None
    step = decide(db, lease, Settings(), START)
    assert isinstance(step, Run)
    running = Running(step.turn.id, step.turn.attempt)
    recording.admit(db, lease, running, Call(1, "a model", 10), Settings(), START)
    recording.tell(db, lease, running, Told("Be", "Be"), START)
    return Telling(lease, running, Told("cause", "Because"), START)


def _all_answering(db: Session) -> list[Telling]:
    add_tenant(db)
    return [_answering(db, issue_id) for issue_id in ISSUES]


def _told(db: Session, lease: Lease) -> tuple[list[int], list[str], str]:
    """Numbers and types of a thread's events, and the answer's text as it stands."""
    events = db.exec(
        select(Event).where(Event.thread_id == lease.thread_id).order_by(col(Event.n))
    ).all()
    item = db.exec(
        select(Item).where(Item.thread_id == lease.thread_id, Item.state == "streaming")
    ).one()
    return [event.n for event in events], [event.data for event in events], item.text


async def _tell(database: Database, tellings: Sequence[Telling]) -> list[AppError | None]:
    return await database.write(recording.tell_more, tellings)


async def test_each_thread_has_its_own_words_under_its_next_number(database_url: str) -> None:
    with opened(database_url) as database:
        tellings = await database.write(_all_answering)
        assert await _tell(database, tellings) == [None, None, None]

        for one in tellings:
            numbers, lines, text = await database.read(_told, one.lease)
            assert numbers == list(range(1, len(numbers) + 1))
            assert '"delta":"cause"' in lines[-1].replace(" ", "")
            assert text == "Because"


async def test_two_tellings_of_one_thread_are_both_told_in_order(database_url: str) -> None:
    with opened(database_url) as database:
        first, *others = await database.write(_all_answering)
        second = replace(first, told=Told(" of it", "Because of it"))
        assert await _tell(database, [first, *others, second]) == [None] * 4

        numbers, lines, text = await database.read(_told, first.lease)
        assert numbers == list(range(1, len(numbers) + 1))
        assert "cause" in lines[-2]
        assert "of it" in lines[-1]
        assert text == "Because of it"


def _drafting(db: Session, issue_id: str) -> Telling:
    """A draft for a public thread: its words stand on the internal one."""
    thread = threads.ensure_thread(db, "acme", issue_id, "public", START)
    turn = make_turn(db, thread, "draft", START)
    lease = threads.claim_one(db, thread.id, "worker", START, 15)
    assert lease is not None
    turn.state, turn.attempt, turn.reply_item_id = "generating", 1, f"item of {issue_id}"
    running = Running(turn.id, 1)
    recording.tell(db, lease, running, Told("Be", "Be"), START)
    return Telling(lease, running, Told("cause", "Because"), START)


def _all_drafting(db: Session) -> list[Telling]:
    add_tenant(db)
    return [_drafting(db, issue_id) for issue_id in ISSUES]


async def test_drafts_are_told_together_where_they_stand(database_url: str) -> None:
    with opened(database_url) as database:
        tellings = await database.write(_all_drafting)
        assert await _tell(database, tellings) == [None, None, None]

        for issue_id in ISSUES:
            internal = await database.read(threads.of_issue, "acme", issue_id, audience="internal")
            assert internal is not None
            where = replace(tellings[0].lease, thread_id=internal.id)
            numbers, lines, text = await database.read(_told, where)
            assert numbers == list(range(1, internal.last_n + 1))
            assert "cause" in lines[-1]
            assert text == "Because"


async def test_who_lost_the_lease_tells_nothing_and_hinders_nobody(database_url: str) -> None:
    with opened(database_url) as database:
        first, second, third = await database.write(_all_answering)
        older = replace(second, lease=replace(second.lease, fence=second.lease.fence - 1))
        before = await database.read(_told, second.lease)

        lost = await _tell(database, [first, older, third])

        assert [type(one) for one in lost] == [type(None), LeaseLost, type(None)]
        assert await database.read(_told, second.lease) == before


async def test_an_attempt_that_was_ended_beside_itself_tells_nothing(database_url: str) -> None:
    with opened(database_url) as database:
        first, second, third = await database.write(_all_answering)
        await database.write(_begin_again, first.running)
        await database.write(_stop, second.running)
        before = [await database.read(_told, one.lease) for one in (first, second)]

        ended = await _tell(database, [first, second, third])

        assert [type(one) for one in ended] == [Interrupted, Interrupted, type(None)]
        assert [await database.read(_told, one.lease) for one in (first, second)] == before


def _begin_again(db: Session, running: Running) -> None:
    db.get_one(Turn, running.turn_id).attempt += 1


def _stop(db: Session, running: Running) -> None:
    db.get_one(Turn, running.turn_id).state = "stopped"


def test_what_a_model_said_before_a_pause_is_told_during_it(here: World) -> None:
    here.openai.answers("One two three four five six seven eight.")
    here.openai.hold(after=5)
    here.jira.comment("OPS-1", "Why?")

    until(lambda: len(_shown(here).split()) >= 4, "all that was said to be shown")

    here.openai.release()
    here.run_until_idle()


def _shown(here: World) -> str:
    return next((item.text for item in here.items() if item.state == "streaming"), "")
