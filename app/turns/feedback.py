"""What people think of an answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlmodel import Session

from app.doors.principal import Viewer
from app.errors import NotFound
from app.i18n import t
from app.store import threads
from app.store.statements import insert_new
from app.store.tables import Feedback

Kind = Literal["positive", "negative"]


def give(db: Session, viewer: Viewer, item_id: str, kind: Kind, now: datetime) -> None:
    """Note what the viewer thinks of an answer on the thread; a later word replaces it.

    Raises:
        NotFound: the thread has no answer of that id.
    """
    item = threads.item_by_id(db, viewer.tenant.id, viewer.thread_id, item_id)
    if item is None or item.kind != "assistant_message" or item.state == threads.HIDDEN:
        raise NotFound(t("The thread has no such answer of the assistant."))
    assert viewer.account_id is not None  # whoever has none may read no thread
    said = {"item_id": item.id, "by_id": viewer.account_id}
    row = {"tenant_id": item.tenant_id, "thread_id": item.thread_id, "kind": kind, "given_at": now}
    if not insert_new(db, Feedback, {**said, **row}):
        known = db.get_one(Feedback, (item.id, viewer.account_id), with_for_update=True)
        known.kind, known.given_at = kind, now
