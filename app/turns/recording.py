"""What an attempt records, step by step. Each function is one transaction under the lease.

Every one of them first looks whether the turn is still this attempt's: what was ended or
begun again beside it writes nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.assistant.context import Usage
from app.errors import AppError, LeaseLost
from app.settings import Settings
from app.store import database_clock, threads, turns
from app.store.statements import sort_key
from app.store.tables import Issue, Item, Tenant, Turn
from app.store.threads import Lease
from app.stream import log
from app.stream.encoding import item_json
from app.turns import budget, ending, items, suspects
from app.turns.acting import RUNNING, ends, interruptible
from app.turns.draft_state import open_meta
from app.turns.outcomes import Failure, Interrupted
from app.turns.policies import stands
from app.turns.posted import Posted


@dataclass(frozen=True)
class Told:
    """What is shown now, and all that was shown so far."""

    delta: str
    text: str


@dataclass(frozen=True)
class Call:
    """What a model is to be asked: by which version of the workflow, and what it may cost."""

    workflow_version: int
    model: str
    worst_case: int  # tokens


@dataclass(frozen=True)
class Running:
    """The attempt that a worker has under way."""

    turn_id: str
    attempt: int


def mine(db: Session, lease: Lease, running: Running, *states: str) -> Turn:
    """The turn, if it is still this attempt's and in one of these states.

    Raises:
        Interrupted: it is not.
        LeaseLost: nor is the thread.
    """
    threads.hold(db, lease)
    turn = turns.by_id(db, lease.tenant_id, running.turn_id)
    if turn is None or turn.attempt != running.attempt or turn.state not in states:
        raise Interrupted
    return turn


def admit(
    db: Session,
    lease: Lease,
    running: Running,
    call: Call,
    settings: Settings,
    now: datetime,
) -> bool:
    """All is gathered: hold the worst case of the call, and generate.

    False: there is no room, and nothing may be sent.
    """
    turn = mine(db, lease, running, "gathering", "generating")
    turn.state = "generating"
    turn.workflow_version, turn.model = call.workflow_version, call.model
    cap = budget.cap_of(db.get_one(Tenant, turn.tenant_id), settings)
    return budget.reserve(db, turn.id, turn.attempt, turn.tenant_id, call.worst_case, cap, now)


def settle(db: Session, tenant_id: str, running: Running, usage: Usage) -> None:
    """What the call took, counted also where its turn is over.

    Where the model was stopped before it reported, nobody knows: then the worst case counts.
    """
    taken = None if usage.estimated else usage.input_tokens + usage.output_tokens
    held = budget.settle(db, running.turn_id, running.attempt, taken)
    turn = turns.by_id(db, tenant_id, running.turn_id)
    if held and turn is not None:
        turn.input_tokens += usage.input_tokens
        turn.output_tokens += usage.output_tokens


def tell(db: Session, lease: Lease, running: Running, told: Told, now: datetime) -> None:
    """Show more of the answer: on the stream, and for who opens the thread now."""
    turn = mine(db, lease, running, "generating")
    item = _reply_item(db, turn)
    lines: list[log.Line] = []
    if item is None:
        item = _new_reply(db, turn, now)
        lines.append(("thread.item.added", {"item": item_json(item)}))
        lines.append(_update(item.id, "content_part.added", {"content": _part("")}))
        item.text = told.text
        threads.add_item(db, item)
    item.text = told.text
    lines.append(_update(item.id, "content_part.text_delta", {"delta": told.delta}))
    log.append(db, turn.tenant_id, turn.reply_thread_id, lines, now)


@dataclass(frozen=True)
class Telling:
    """More of an answer that is shown already."""

    lease: Lease
    running: Running
    told: Told
    at: datetime


def tell_more(db: Session, tellings: Sequence[Telling]) -> list[AppError | None]:
    """Show more of several answers at once; what kept one from being shown, in their order.

    Many turns write at once, each many times a second: together they cost hardly more than one.
    """
    held = threads.held(db, [one.lease for one in tellings])
    standing = turns.standing(db, {one.running.turn_id for one in tellings})
    outcomes: list[AppError | None] = []
    shown: dict[tuple[str, str], list[log.Line]] = {}
    texts = []
    for one in tellings:
        turn = standing.get(one.running.turn_id)
        if one.lease not in held:
            outcomes.append(LeaseLost())
        elif turn is None or (turn.attempt, turn.state) != (one.running.attempt, "generating"):
            outcomes.append(Interrupted())
        else:
            assert turn.reply_item_id is not None  # it is shown already
            outcomes.append(None)
            texts.append((turn.reply_item_id, one.told.text))
            said = _update(turn.reply_item_id, "content_part.text_delta", {"delta": one.told.delta})
            shown.setdefault((turn.tenant_id, turn.reply_thread_id), []).append(said)
    # What a draft's answer stands on is not what is leased for it.
    threads.lock_all(db, {thread for _, thread in shown} - {one.thread_id for one in held})
    threads.rewrite(db, texts)
    log.append_to_each(db, shown, tellings[-1].at)
    return outcomes


def say(db: Session, lease: Lease, running: Running, text: str, now: datetime) -> None:
    """Show a whole answer that no model wrote."""
    tell(db, lease, running, Told(text, text), now)


def begin_posting(
    db: Session, lease: Lease, running: Running, text: str, usage: Usage | None, now: datetime
) -> None:
    """The answer is whole: from here on it is only delivered, never written anew.

    ``usage``: what the model's call took; None where no model wrote it.
    """
    turn = mine(db, lease, running, "generating")
    if usage is not None:
        settle(db, lease.tenant_id, running, usage)
    item = _reply_item(db, turn)
    assert item is not None  # an answer without words never comes this far
    item.text = text
    lines = [_update(item.id, "content_part.done", {"content": _part(text)})]
    log.append(db, turn.tenant_id, turn.reply_thread_id, lines, now)
    turn.state, turn.failures = "posting", 0


def over(db: Session, lease: Lease, running: Running, settings: Settings, now: datetime) -> bool:
    """Whether this attempt was ended or begun again beside itself, or is now."""
    threads.hold(db, lease)
    turn = turns.by_id(db, lease.tenant_id, running.turn_id)
    if turn is None or turn.attempt != running.attempt:
        return True
    if turn.state not in (*RUNNING, "posting"):
        return True
    return interruptible(turn) and ends(db, turn, settings, now)


def note_try(db: Session, lease: Lease, turn_id: str, settings: Settings, now: datetime) -> bool:
    """That Jira is about to be asked to take the comment: known also after a crash.

    The last look: False if the comment is not to be posted after all. The lease holds from here on
    for its whole length, which is longer than a request may wait to be sent.
    """
    turn = _posting(db, lease, turn_id)
    if ends(db, turn, settings, now):
        return False
    turn.posts += 1
    turn.tried_at = database_clock.present(db, now)
    threads.renew(db, lease, now)
    return True


def finish(db: Session, lease: Lease, turn_id: str, posted: Posted | None, now: datetime) -> None:
    """The answer stands where it belongs; the turn is over."""
    turn = _posting(db, lease, turn_id)
    item, cost = _reply_item(db, turn), _cost_told(db, turn, now)
    lines: list[log.Line] = []
    if item is not None and posted is not None and posted.gone:
        items.take_out(db, item, now)
    elif item is not None:
        _settle_item(turn, item, posted, now)
        item.meta = {**item.meta, **cost}
        lines.append(("thread.item.done", {"item": item_json(item)}))
    turn.comment_id = posted.comment_id if posted else turn.comment_id
    turn.state, turn.finished_at, turn.cause, turn.not_before = "completed", now, None, None
    told = {"item_id": turn.reply_item_id, "comment_id": turn.comment_id, **cost}
    lines.append(("turn.completed", {"turn_id": turn.id, **told}))
    log.append(db, turn.tenant_id, turn.reply_thread_id, lines, now)


def _cost_told(db: Session, turn: Turn, now: datetime) -> dict[str, Any]:
    """What the answer took, where the team alone reads it."""
    thread = threads.by_id(db, turn.tenant_id, turn.reply_thread_id)
    if thread is None or thread.audience != "internal":
        return {}
    return {
        "cost": {
            "input_tokens": turn.input_tokens,
            "output_tokens": turn.output_tokens,
            "duration_ms": (now - turn.created_at) // timedelta(milliseconds=1),
            "model": turn.model,
        }
    }


def _settle_item(turn: Turn, item: Item, posted: Posted | None, now: datetime) -> None:
    item.state = "draft" if turn.reply_as == "draft" else "done"
    item.updated_at = now
    if posted is not None:
        item.comment_id = posted.comment_id
        if turn.reply_as == "public":
            item.created_at = posted.created
            item.sort_key = posted.sort_key


def give_back(db: Session, lease: Lease, turn_id: str, failure: Failure, now: datetime) -> None:
    """An attempt failed: put the turn off, or end it."""
    threads.hold(db, lease)
    turn = turns.by_id(db, lease.tenant_id, turn_id)
    if turn is None or turn.state not in (*RUNNING, "posting"):
        return
    cause, until = failure.cause, failure.until
    turn.failures += 1 if failure.counts else 0
    if failure.sure:
        turn.tried_at = None
    if until is None and turn.state != "posting" and suspects.try_without(db, turn, cause):
        until = now
    if until is not None:
        ending.postpone(db, turn, cause, until, now)
    elif cause == "question_gone":
        ending.drop(db, turn, cause, now)
    else:
        if turn.state == "posting":
            ending.keep_as_draft(db, turn, now)
        ending.fail(db, turn, cause, now)


def _posting(db: Session, lease: Lease, turn_id: str) -> Turn:
    threads.hold(db, lease)
    turn = turns.by_id(db, lease.tenant_id, turn_id)
    if turn is None or turn.state != "posting":
        raise Interrupted
    return turn


def _reply_item(db: Session, turn: Turn) -> Item | None:
    if turn.reply_item_id is None:
        return None
    return threads.item_by_id(db, turn.tenant_id, turn.reply_thread_id, turn.reply_item_id)


def _new_reply(db: Session, turn: Turn, now: datetime) -> Item:
    assert turn.reply_item_id is not None
    return Item(
        id=turn.reply_item_id,
        tenant_id=turn.tenant_id,
        thread_id=turn.reply_thread_id,
        sort_key=sort_key(now, 0),
        kind="assistant_message",
        role="assistant",
        text="",
        state="streaming",
        written_by=turn.id,
        created_at=now,
        updated_at=now,
        meta=_draft_meta(db, turn) if turn.reply_as == "draft" else {},
    )


def _draft_meta(db: Session, turn: Turn) -> dict[str, Any]:
    thread = threads.by_id(db, turn.tenant_id, turn.thread_id)
    assert thread is not None
    assert thread.issue_id is not None  # what is drafted is drafted for an issue
    return open_meta(stands(db, db.get_one(Issue, (turn.tenant_id, thread.issue_id))))


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": []}


def _update(item_id: str, kind: str, what: dict[str, object]) -> log.Line:
    update = {"type": f"assistant_message.{kind}", "content_index": 0, **what}
    return "thread.item.updated", {"item_id": item_id, "update": update}
