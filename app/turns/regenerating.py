"""ChatKit's way to have a draft written anew: by the item that it followed."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from app.doors.principal import Viewer
from app.errors import Conflict, NotFound
from app.i18n import t
from app.settings import Settings
from app.store import threads
from app.store.tables import Item
from app.turns import drafts
from app.turns.draft_state import state_of


def regenerate_after(
    db: Session, viewer: Viewer, item_id: str, settings: Settings, now: datetime
) -> str:
    """Have the newest open draft at or behind an item written anew; return the turn that does.

    Raises:
        NotFound: the thread has no such item.
        Conflict: no draft there is open; what was posted is never taken back.
    """
    item = threads.item_by_id(db, viewer.tenant.id, viewer.thread_id, item_id)
    if item is None:
        raise NotFound
    behind = db.exec(
        select(Item)
        .where(
            Item.thread_id == item.thread_id,
            Item.state == "draft",
            Item.sort_key >= item.sort_key,
        )
        .order_by(col(Item.sort_key).desc())
    ).all()
    newest = next((one for one in behind if state_of(one) == "open"), None)
    if newest is None:
        raise Conflict(
            "no_open_draft", t("Only a draft that nobody has decided about can be written anew.")
        )
    return drafts.regenerate(db, viewer, newest.id, None, settings, now)
