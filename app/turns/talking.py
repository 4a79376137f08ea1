"""The team's own talk with the assistant: a message straight onto the internal thread."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.store import threads, turns
from app.store.ids import new_id
from app.store.statements import sort_key
from app.store.tables import Item, Thread
from app.stream import log
from app.stream.encoding import item_json
from app.turns import ending
from app.turns.acting import MOST_RESTARTS, interruptible
from app.turns.openings import make_turn


@dataclass(frozen=True)
class Asked:
    """Where a message went."""

    thread_id: str
    item_id: str
    turn_id: str


def ask_privately(
    db: Session, tenant_id: str, issue_id: str, client_id: str, text: str, now: datetime
) -> Asked:
    """Put a message to the assistant on an issue's internal thread. Answered always.

    The same ``client_id`` again finds the first one: no second message.
    """
    thread = threads.ensure_thread(db, tenant_id, issue_id, "internal", now)
    threads.lock(db, thread.id)
    item = threads.item_by_client(db, thread.id, client_id)
    if item is None:
        item = threads.add_item(
            db,
            Item(
                id=new_id("item"),
                tenant_id=tenant_id,
                thread_id=thread.id,
                sort_key=sort_key(now, secrets.randbelow(10**20)),
                kind="user_message",
                role="person",
                client_id=client_id,
                text=text,
                asks=True,
                created_at=now,
                updated_at=now,
            ),
        )
        log.append(db, tenant_id, thread.id, [("thread.item.done", {"item": item_json(item)})], now)
        item.given_to = _give(db, thread, now)
        threads.make_due(db, thread.id, now)
    return Asked(thread.id, item.id, item.answered_by or item.given_to or "")


def _give(db: Session, thread: Thread, now: datetime) -> str:
    """The id of the turn that will answer: the one that waits or can begin again, or the next."""
    turn = turns.live(db, thread.id)
    if turn is None:
        return make_turn(db, thread, "private", now).id
    if turn.state == "waiting":
        return turn.id
    if interruptible(turn) and turn.restarts < MOST_RESTARTS:
        ending.abandon(db, turn, now)
        turn.restarts += 1
        return turn.id
    thread.next_turn_id = thread.next_turn_id or new_id("turn")
    return thread.next_turn_id
