"""What a thread is called."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.doors.principal import Viewer
from app.errors import Invalid, NotFound
from app.i18n import t
from app.settings import Settings
from app.store import threads
from app.stream import log
from app.turns.snapshots import thread_told

MOST = 200


def rename(db: Session, viewer: Viewer, title: str, settings: Settings, now: datetime) -> None:
    """Give the viewer's thread another title, and tell who watches it.

    Raises:
        Invalid: it is empty or too long.
        NotFound: the thread is gone.
    """
    title = " ".join(title.replace("\0", "").split())
    if not title or len(title) > MOST:
        raise Invalid(t("A title has 1 to {most} characters.", most=MOST))
    thread = threads.by_id(db, viewer.tenant.id, viewer.thread_id)
    if thread is None:
        raise NotFound
    threads.lock(db, thread.id)
    thread.title = title
    db.flush()
    told = ("thread.updated", {"thread": thread_told(db, thread, settings, now)})
    log.append(db, thread.tenant_id, thread.id, [told], now)
