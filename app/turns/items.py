"""What becomes of an item once it stands: rewritten, or taken out, in the thread and its log."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.store import turns
from app.store.tables import Item
from app.stream import log
from app.stream.encoding import item_json


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


def is_read_now(db: Session, item: Item) -> bool:
    """Whether a running turn's reading holds the item, be it a question or what was said."""
    turn = turns.live(db, item.thread_id)
    return turn is not None and turn.read_through is not None and item.sort_key <= turn.read_through
