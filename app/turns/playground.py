"""The playground: an administrator tries the workflow, draft included, before a customer does.

A thread of its own, with no issue: nothing of it can reach Jira. It is answered as any other
thread is, by the same workers and within the same budget.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from app.errors import NotFound
from app.store import threads
from app.store.ids import new_epoch
from app.store.statements import insert_new
from app.store.tables import Event, Thread
from app.turns.talking import Said, ask_on
from app.turns.workflows import is_playground


@dataclass(frozen=True)
class Trial:
    """A message on its way. The thread's stream begins with it behind ``last_event_id``."""

    thread_id: str
    item_id: str
    turn_id: str
    last_event_id: str

    def shown(self) -> dict[str, str]:
        return asdict(self)


def try_out(db: Session, tenant_id: str, said: Said, thread_id: str | None, now: datetime) -> Trial:
    """Put a message to the assistant; on a new thread, unless one goes on.

    The same ``client_id`` again finds the first one: no second message, no second thread.

    Raises:
        NotFound: that is no playground thread of this writer's.
    """
    if thread_id is None:
        thread = _new_thread(db, tenant_id, said, now)
    else:
        thread = _own_thread(db, tenant_id, said, thread_id)
    asked = ask_on(db, thread, said, now)
    before = _before(db, thread.id, asked.item_id)
    return Trial(asked.thread_id, asked.item_id, asked.turn_id, f"{thread.epoch}-{before}")


def _new_thread(db: Session, tenant_id: str, said: Said, now: datetime) -> Thread:
    """Named after its first message, so that sending that again finds it."""
    named = "\0".join((tenant_id, said.author_id or "", said.client_id))
    thread_id = f"thr_{hashlib.sha256(named.encode()).hexdigest()[:32]}"
    insert_new(
        db,
        Thread,
        {
            "id": thread_id,
            "tenant_id": tenant_id,
            "audience": "internal",
            "epoch": new_epoch(),
            "last_n": 0,
            "fence": 0,
            "failures": 0,
            "created_at": now,
        },
    )
    return db.get_one(Thread, thread_id)


def _own_thread(db: Session, tenant_id: str, said: Said, thread_id: str) -> Thread:
    thread = threads.by_id(db, tenant_id, thread_id)
    if thread is None or not is_playground(thread):
        raise NotFound
    first, _ = threads.items_page(db, tenant_id, thread_id, limit=1)
    if not first or first[0].author_id != said.author_id:
        raise NotFound  # another administrator's
    return thread


def _before(db: Session, thread_id: str, item_id: str) -> int:
    """The event before the message's own; 0, which is none, where the log begins later."""
    own = db.exec(
        select(func.min(Event.n)).where(
            Event.thread_id == thread_id, col(Event.data).contains(item_id, autoescape=True)
        )
    ).one()
    return own - 1 if own is not None else 0
