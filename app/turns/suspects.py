"""What an earlier turn failed at may make a later one fail, too: then it is tried without.

A message that a model refuses, or of which nothing can be made, stays in its conversation. Nobody
can tell whether it is also why the next turn fails; so that one is tried once more, and its model
is not given what earlier turns failed at. A turn that alone has failed is not tried again for this.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from app.store import threads
from app.store.tables import Item, Thread, Turn

SUSPICIOUS = frozenset({"refused", "too_long", "incomplete", "empty", "crashed", "internal"})
"""Causes of a failure that a message may be behind."""


def try_without(db: Session, turn: Turn, cause: str) -> bool:
    """Whether the turn, about to fail, is worth a try without them; from now on it leaves them out.

    Args:
        db: in a transaction that holds its thread.
        turn: not being posted yet.
        cause: what it is about to fail for.
    """
    if turn.leaves_out or cause not in SUSPICIOUS or not _suspects(db, turn):
        return False
    turn.leaves_out = True
    return True


def left_out(db: Session, turn: Turn) -> frozenset[str]:
    """Ids of the items that the turn's model is not given."""
    return _suspects(db, turn) if turn.leaves_out else frozenset()


def _suspects(db: Session, turn: Turn) -> frozenset[str]:
    """What other turns failed at, on either thread of the issue."""
    thread = threads.by_id(db, turn.tenant_id, turn.thread_id)
    where = {turn.thread_id}
    if thread is not None and thread.issue_id is not None:
        both = select(Thread.id).where(
            Thread.tenant_id == turn.tenant_id, Thread.issue_id == thread.issue_id
        )
        where |= set(db.exec(both))
    failed = select(Turn.id).where(
        col(Turn.thread_id).in_(where),
        Turn.state == "failed",
        col(Turn.cause).in_(SUSPICIOUS),
        Turn.id != turn.id,
    )
    covered = select(Item.id).where(
        col(Item.thread_id).in_(where), col(Item.answered_by).in_(failed)
    )
    return frozenset(db.exec(covered))
