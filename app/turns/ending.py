"""The ways in which a turn, or an attempt of it, ends without an answer.

Each leaves the thread's stream true: what had been shown of an answer is removed before the
end is told.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete, select

from app.store import threads
from app.store.ids import new_id
from app.store.statements import sort_key
from app.store.tables import LIVE_STATES, Item, Turn, Unseen
from app.stream import log
from app.stream.encoding import item_json
from app.turns import draft_state, items
from app.turns.outcomes import CAUSES

STOPPED = "stopped"
"""State of an item that a person stopped: its words stay where they were shown, nowhere else."""


def abandon(db: Session, turn: Turn, now: datetime) -> None:
    """Back to waiting: what was generated is removed, what was covered asks again."""
    _remove_partial(db, turn, now)
    _uncover(db, turn)
    if turn.state == "posting":
        turn.failures = 0
    turn.state = "waiting"
    turn.reply_item_id = None
    turn.read_through = None
    turn.outdated = False
    turn.tried_at = None


def stop(db: Session, turn: Turn, cause: str, now: datetime) -> None:
    """A person wants it ended. What was asked stays asked, for when the assistant resumes.

    Where it was this answer that was stopped, what it covers is not asked again by itself, and
    what was shown of it stays, marked as such.
    """
    if cause == "stopped":
        _keep_partial(db, turn, now)
    else:
        _remove_partial(db, turn, now)
        _uncover(db, turn)
    _end(db, turn, "stopped", cause, now)


def drop(db: Session, turn: Turn, cause: str, now: datetime) -> None:
    """Nothing is left to answer."""
    _remove_partial(db, turn, now)
    _end(db, turn, "dropped", cause, now)


def fail(db: Session, turn: Turn, cause: str, now: datetime) -> None:
    """No answer could be made. What it covers is not asked again by itself."""
    _remove_partial(db, turn, now)
    _end(db, turn, "failed", cause, now)


def keep_as_draft(db: Session, turn: Turn, now: datetime) -> None:
    """Jira will not have the answer: its words stay, as a draft on the internal thread."""
    item = _reply(db, turn)
    thread = threads.by_id(db, turn.tenant_id, turn.thread_id)
    if item is None or thread is None or thread.issue_id is None or not item.text:
        return
    internal = threads.ensure_thread(db, turn.tenant_id, thread.issue_id, "internal", now)
    draft = threads.add_item(
        db,
        Item(
            id=new_id("item"),
            tenant_id=turn.tenant_id,
            thread_id=internal.id,
            sort_key=sort_key(now, 0),
            kind="assistant_message",
            role="assistant",
            text=item.text,
            state="draft",
            written_by=turn.id,
            created_at=now,
            updated_at=now,
            meta=draft_state.open_meta("internal" if turn.reply_as == "internal" else "public"),
        ),
    )
    done = ("thread.item.done", {"item": item_json(draft)})
    log.append(db, turn.tenant_id, internal.id, [done], now)


def postpone(db: Session, turn: Turn, cause: str, until: datetime, now: datetime) -> None:
    """Try again later, from the beginning, or where it was being posted from there."""
    if turn.state != "posting":
        abandon(db, turn, now)
    turn.cause = cause
    turn.not_before = until


def end_all(db: Session, tenant_id: str, now: datetime) -> None:
    """The tenant leaves: what runs ends, and nothing that was asked is answered later."""
    live = select(Turn).where(Turn.tenant_id == tenant_id, col(Turn.state).in_(LIVE_STATES))
    for turn in db.exec(live).all():
        threads.lock(db, turn.thread_id)  # as whoever works on it does, before the turn
    for turn in db.exec(live.with_for_update().execution_options(populate_existing=True)).all():
        stop(db, turn, "uninstalled", now)
    waiting = select(Item).where(
        Item.tenant_id == tenant_id, col(Item.asks), col(Item.answered_by).is_(None)
    )
    for item in db.exec(waiting).all():
        item.asks = False
    db.execute(delete(Unseen).where(col(Unseen.tenant_id) == tenant_id))


def _end(db: Session, turn: Turn, state: str, cause: str, now: datetime) -> None:
    turn.state, turn.cause, turn.finished_at, turn.not_before = state, cause, now, None
    kind = "turn.failed" if state == "failed" else "turn.stopped"
    told = {"turn_id": turn.id, "cause": cause, "message": CAUSES[cause]}
    log.append(db, turn.tenant_id, turn.reply_thread_id, [(kind, told)], now)
    db.flush()


def _uncover(db: Session, turn: Turn) -> None:
    covered = select(Item).where(Item.thread_id == turn.thread_id, Item.answered_by == turn.id)
    for item in db.exec(covered):
        item.answered_by = None


def _reply(db: Session, turn: Turn) -> Item | None:
    if turn.reply_item_id is None:
        return None
    return threads.item_by_id(db, turn.tenant_id, turn.reply_thread_id, turn.reply_item_id)


def _keep_partial(db: Session, turn: Turn, now: datetime) -> None:
    item = _reply(db, turn)
    if item is None:
        return
    item.state, item.updated_at = STOPPED, now
    item.meta = {**_without_draft(item.meta), "stopped": True}
    done = ("thread.item.done", {"item": item_json(item)})
    log.append(db, item.tenant_id, item.thread_id, [done], now)


def _without_draft(meta: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in meta.items() if name != "draft"}


def _remove_partial(db: Session, turn: Turn, now: datetime) -> None:
    item = _reply(db, turn)
    if item is None:
        return
    # Its words go, too: they may quote what was the reason to abandon it.
    items.take_out(db, item, now)
