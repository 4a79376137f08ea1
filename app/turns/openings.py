"""A turn is opened as soon as something asks for it; its thread's worker does the rest."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.store import threads, turns
from app.store.ids import new_id
from app.store.tables import Issue, Tenant, Thread, Turn
from app.stream import log
from app.turns.policy import Policy, ReplyAs


def open_turn(
    db: Session, thread: Thread, issue: Issue, policy: Policy, now: datetime
) -> Turn | None:
    """The thread's live turn, made where there is none and the assistant does not rest."""
    if issue.resting_until is not None and issue.resting_until > now:
        return None
    if db.get_one(Tenant, thread.tenant_id).state != "installed":
        return None
    found = turns.live(db, thread.id)
    if found is not None:
        return found
    reply_as = policy.reply_as(service_project=issue.service_project)
    if all(item.as_draft for item in threads.asking(db, thread.id)):
        reply_as = "draft"
    return make_turn(db, thread, reply_as, now)


def make_turn(db: Session, thread: Thread, reply_as: ReplyAs, now: datetime) -> Turn:
    """A new turn that waits for a worker. Told on the thread where its answer will stand."""
    promised, thread.next_turn_id = thread.next_turn_id, None
    turn = Turn(
        id=promised or new_id("turn"),
        tenant_id=thread.tenant_id,
        thread_id=thread.id,
        reply_thread_id=reply_thread(db, thread, reply_as, now).id,
        reply_as=reply_as,
        state="waiting",
        created_at=now,
    )
    db.add(turn)
    db.flush()
    log.append(
        db, turn.tenant_id, turn.reply_thread_id, [("turn.queued", {"turn_id": turn.id})], now
    )
    return turn


def reply_thread(db: Session, thread: Thread, reply_as: ReplyAs, now: datetime) -> Thread:
    """Where an answer of that kind stands: only a public one on the public thread."""
    if reply_as == "public" or thread.audience == "internal" or thread.issue_id is None:
        return thread
    return threads.ensure_thread(db, thread.tenant_id, thread.issue_id, "internal", now)
