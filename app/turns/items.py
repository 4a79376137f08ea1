"""What becomes of an item once it stands: rewritten, or taken out, in the thread and its log."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, delete

from app.store import threads, turns
from app.store.ids import new_epoch
from app.store.tables import Event, Item, Thread, Turn
from app.stream import log
from app.stream.encoding import item_json, thread_json


def rewrite(db: Session, item: Item, text: str, now: datetime) -> None:
    """Other words in its place; the old ones leave the log, too."""
    item.text, item.updated_at = text, now
    log.redact(db, item.tenant_id, item.thread_id, item.id)
    replaced = ("thread.item.replaced", {"item": item_json(item)})
    log.append(db, item.tenant_id, item.thread_id, [replaced], now)


def take_out(db: Session, item: Item, now: datetime) -> None:
    """Out of the thread, and its words out of the log."""
    log.redact(db, item.tenant_id, item.thread_id, item.id)
    removed = ("thread.item.removed", {"item_id": item.id})
    log.append(db, item.tenant_id, item.thread_id, [removed], now)
    db.delete(item)
    db.flush()


def hide(db: Session, item: Item, now: datetime) -> None:
    """Out of every view, though it may come back: its place stays, its words do not."""
    log.redact(db, item.tenant_id, item.thread_id, item.id)
    removed = ("thread.item.removed", {"item_id": item.id})
    log.append(db, item.tenant_id, item.thread_id, [removed], now)
    item.text, item.state, item.updated_at = "", threads.HIDDEN, now


def empty(db: Session, thread: Thread, now: datetime) -> None:
    """All of a thread, and its log, in a few statements; who watches begins anew."""
    db.execute(delete(Item).where(col(Item.thread_id) == thread.id))
    db.execute(delete(Event).where(col(Event.thread_id) == thread.id))
    thread.epoch, thread.last_n = new_epoch(), 0
    log.append(
        db, thread.tenant_id, thread.id, [("thread.updated", {"thread": thread_json(thread)})], now
    )


def is_read_now(db: Session, item: Item) -> bool:
    """Whether a running turn's reading holds the item, be it a question or what was said."""
    turn = turns.live(db, item.thread_id)
    return turn is not None and turn.read_through is not None and item.sort_key <= turn.read_through


def last_asked(db: Session, turn: Turn) -> str:
    """The last message that the turn has read, whose language its answer is in; or nothing."""
    said, _ = threads.items_page(
        db, turn.tenant_id, turn.thread_id, limit=20, order="desc", through=turn.read_through
    )
    return next((item.text for item in said if item.kind == "user_message"), "")


def tell_replaced(db: Session, item: Item, now: datetime) -> None:
    """Something else than its words is different now."""
    replaced = ("thread.item.replaced", {"item": item_json(item)})
    log.append(db, item.tenant_id, item.thread_id, [replaced], now)
