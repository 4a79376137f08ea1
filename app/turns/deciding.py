"""What is to be done on a leased thread now, decided and recorded in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from app.settings import Settings
from app.store import threads, turns
from app.store.ids import new_id
from app.store.tables import Issue, Item, Tenant, Thread, Turn
from app.store.threads import Lease
from app.stream import log
from app.turns import ending, outgoing, resting, suspects
from app.turns.acting import asked_of, heed_stop, rest_cause
from app.turns.answering import (
    Answer,
    HandOver,
    Nothing,
    Plan,
    Question,
    Rest,
    Wait,
    hour_before,
    plan,
)
from app.turns.openings import make_turn, reply_thread
from app.turns.outcomes import CAUSES, MAX_ATTEMPTS
from app.turns.policies import policy_of

MOST_BEGINNINGS = 40
"""However a turn came to begin again and again: at some time it stops costing money."""


@dataclass(frozen=True)
class Idle:
    """Nothing to do before ``until``; None: nothing at all."""

    until: datetime | None


@dataclass(frozen=True)
class Run:
    """Run this attempt of this turn."""

    turn: Turn


@dataclass(frozen=True)
class Resume:
    """The turn's answer is written and must still reach Jira."""

    turn: Turn


Step = Idle | Run | Resume


def decide(db: Session, lease: Lease, settings: Settings, now: datetime) -> Step:
    """Look at the thread as it is, end what has lost its point, begin what is due.

    A turn that a dead worker left half generated begins again; its abandoned item is removed
    from the stream first. One that was being posted is resumed, never written anew.
    """
    thread = threads.hold(db, lease)
    step = _decide(db, lease, thread, settings, now)
    _end_promise(db, thread, now)
    return step


def _decide(db: Session, lease: Lease, thread: Thread, settings: Settings, now: datetime) -> Step:
    if db.get_one(Tenant, lease.tenant_id).state != "installed":
        return Idle(now)  # it stays due, and is taken up once the app is enabled again
    turn = heed_stop(db, thread, now)
    if turn is not None and turn.state == "posting":
        return _postponed(turn, now) or Resume(turn)
    if turn is not None and turn.state != "waiting":
        turn.failures += 1
        if turn.failures >= MAX_ATTEMPTS and suspects.try_without(db, turn, "crashed"):
            turn.failures = 0
        if turn.failures >= MAX_ATTEMPTS:
            ending.fail(db, turn, "crashed", now)
            turn = None
        else:
            ending.abandon(db, turn, now)
    if turn is not None and turn.attempt >= MOST_BEGINNINGS:
        ending.fail(db, turn, "crashed", now)
        turn = None
    if turn is not None and (wait := _postponed(turn, now)):
        return wait
    asked = asked_of(db, thread, turn)
    if turn is None and not asked:
        return Idle(None)
    issue = db.get(Issue, (lease.tenant_id, thread.issue_id)) if thread.issue_id else None
    if issue is not None and _may_become_notes(db, thread, issue, asked):
        return Idle(None)  # once they are brought, it is known who reads the answer
    chosen = _plan(db, thread, issue, asked, settings, now)
    return _carry_out(db, thread, issue, turn, chosen, settings, now)


def _postponed(turn: Turn, now: datetime) -> Idle | None:
    return Idle(turn.not_before) if turn.not_before and turn.not_before > now else None


def _plan(
    db: Session,
    thread: Thread,
    issue: Issue | None,
    asked: Sequence[Item],
    settings: Settings,
    now: datetime,
) -> Plan:
    questions = [
        Question(
            item_id=item.id,
            created=item.created_at,
            seen=item.updated_at,
            as_draft=item.as_draft,
            direct=item.direct,
            note=is_note(item, issue),
        )
        for item in asked
    ]
    if thread.audience == "internal" or issue is None:
        # The team's own talk with the assistant: whoever writes there is answered, always.
        return Answer(tuple(q.item_id for q in questions), "private") if questions else Nothing()
    if issue.deleted_at is not None:
        return Nothing(tuple(question.item_id for question in questions))
    return plan(
        questions,
        policy_of(db, issue, settings),
        Rest(issue.resting_until, issue.spoken_at, issue.rested_at),
        service_project=issue.service_project,
        replies_last_hour=turns.replies_since(
            db, thread.tenant_id, issue.issue_id, hour_before(now)
        ),
        now=now,
    )


def _carry_out(
    db: Session,
    thread: Thread,
    issue: Issue | None,
    turn: Turn | None,
    chosen: Plan,
    settings: Settings,
    now: datetime,
) -> Step:
    if isinstance(chosen, Wait):
        if issue is not None and chosen.until == issue.resting_until and turn is not None:
            ending.stop(db, turn, rest_cause(issue), now)
        return Idle(chosen.until)
    if isinstance(chosen, HandOver):
        return _hand_over(db, issue, turn, settings, now)
    if chosen.forget:
        _forget(db, chosen.forget)
    if isinstance(chosen, Nothing):
        if turn is not None:
            off = issue is not None and policy_of(db, issue, settings).mode == "off"
            ending.drop(db, turn, "switched_off" if off else "question_gone", now)
        return Idle(now if threads.asking(db, thread.id) else None)
    return _begin(db, thread, turn, chosen, now)


def _may_become_notes(db: Session, thread: Thread, issue: Issue, asked: Sequence[Item]) -> bool:
    """Whether a question is a message of which nobody knows yet if Jira has it as a note."""
    if issue.service_project is False or thread.audience == "internal":
        return False
    undecided = {
        row.item_id
        for row in outgoing.waiting(db, thread.id)
        if row.role == "user" and row.internal is None
    }
    return any(item.id in undecided for item in asked)


def is_note(item: Item, issue: Issue | None) -> bool:
    """Whether what was written here stands in Jira as a note, or could not be brought there."""
    service_project = issue is None or issue.service_project is not False
    return bool(item.meta.get("note") or ("undelivered" in item.meta and service_project))


def _end_promise(db: Session, thread: Thread, now: datetime) -> None:
    """Nothing asks any more what the next turn was promised for: it will not come."""
    promised = thread.next_turn_id
    if promised is None or any(item.given_to == promised for item in threads.asking(db, thread.id)):
        return
    thread.next_turn_id = None
    cause = "question_gone"
    told = {"turn_id": promised, "cause": cause, "message": CAUSES[cause]}
    log.append(db, thread.tenant_id, thread.id, [("turn.stopped", told)], now)


def _begin(db: Session, thread: Thread, turn: Turn | None, chosen: Answer, now: datetime) -> Step:
    promised = _not_yet(db, thread, turn) if turn is not None else None
    if turn is None:
        turn = make_turn(db, thread, chosen.reply_as, now)
    _aim(db, thread, turn, chosen, now)
    for item in db.exec(select(Item).where(col(Item.id).in_(chosen.item_ids))):
        item.answered_by = turn.id
        turn.direct = turn.direct or item.direct
    newest, _ = threads.items_page(
        db, thread.tenant_id, thread.id, limit=1, order="desc", after=promised
    )
    turn.read_through = newest[0].sort_key if newest else None
    turn.state = "gathering"
    turn.attempt += 1
    turn.reply_item_id = new_id("item")
    turn.not_before = None
    log.append(
        db, turn.tenant_id, turn.reply_thread_id, [("turn.started", {"turn_id": turn.id})], now
    )
    db.flush()
    return Run(turn)


def _not_yet(db: Session, thread: Thread, turn: Turn) -> str | None:
    """Where that begins which the next turn is to read first."""
    ours = {item.id for item in asked_of(db, thread, turn)}
    return min(
        (item.sort_key for item in threads.asking(db, thread.id) if item.id not in ours),
        default=None,
    )


def _aim(db: Session, thread: Thread, turn: Turn, chosen: Answer, now: datetime) -> None:
    """Where the answer will stand; who watches elsewhere is told that it will not be there."""
    aim = reply_thread(db, thread, chosen.reply_as, now).id
    turn.reply_as = chosen.reply_as
    if aim != turn.reply_thread_id:
        told = {"turn_id": turn.id, "cause": "moved", "message": CAUSES["moved"]}
        log.append(db, turn.tenant_id, turn.reply_thread_id, [("turn.stopped", told)], now)
        turn.reply_thread_id = aim
        queued = ("turn.queued", {"turn_id": turn.id})
        log.append(db, turn.tenant_id, aim, [queued], now)


def _hand_over(
    db: Session, issue: Issue | None, turn: Turn | None, settings: Settings, now: datetime
) -> Step:
    assert issue is not None  # only an issue's public thread has a number of replies
    until = now + policy_of(db, issue, settings).resume_after
    issue.resting_until = until
    issue.spoken_at, issue.rested_at, issue.rest_cause = now, now, "too_many_replies"
    resting.tell(db, issue, settings, now)
    if turn is not None:
        ending.stop(db, turn, "too_many_replies", now)
    return Idle(until)


def _forget(db: Session, item_ids: tuple[str, ...]) -> None:
    for item in db.exec(select(Item).where(col(Item.id).in_(item_ids))):
        item.asks = False
