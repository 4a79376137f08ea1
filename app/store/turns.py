"""Turns: reading them. What writes them is ``app/turns``, under a lease."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import bindparam
from sqlalchemy import select as core_select
from sqlmodel import Session, col, func, or_, select

from app.store.tables import LIVE_STATES, Outgoing, Thread, Turn

_LIVE = select(Turn).where(
    Turn.thread_id == bindparam("thread_id"), col(Turn.state).in_(LIVE_STATES)
)
_ANSWERS = (
    select(Turn.id)
    .where(Turn.thread_id == bindparam("thread_id"), Turn.comment_id == bindparam("comment_id"))
    .limit(1)
)
_BROUGHT = (
    select(Outgoing.id)
    .where(
        Outgoing.thread_id == bindparam("thread_id"),
        Outgoing.comment_id == bindparam("comment_id"),
    )
    .limit(1)
)
_REPLIES = (
    select(func.count())
    .select_from(Turn)
    .join(Thread, col(Thread.id) == col(Turn.thread_id))
    .where(
        Turn.tenant_id == bindparam("tenant_id"),
        Thread.issue_id == bindparam("issue_id"),
        Turn.state == "completed",
        col(Turn.reply_as).in_(("public", "internal")),
        col(Turn.finished_at) >= bindparam("since"),
    )
)


_TURNS = cast("Any", Turn).__table__.c
_STANDING = core_select(
    _TURNS.id,
    _TURNS.tenant_id,
    _TURNS.attempt,
    _TURNS.state,
    _TURNS.reply_thread_id,
    _TURNS.reply_item_id,
).where(_TURNS.id.in_(bindparam("turns", expanding=True)))


def touching(db: Session, tenant_id: str, thread_id: str) -> list[Turn]:
    """The live turns that ask or answer on that thread."""
    return list(
        db.exec(
            select(Turn)
            .where(
                Turn.tenant_id == tenant_id,
                or_(Turn.thread_id == thread_id, Turn.reply_thread_id == thread_id),
                col(Turn.state).in_(LIVE_STATES),
            )
            .order_by(col(Turn.thread_id))
            .execution_options(populate_existing=True)
        ).all()
    )


def live(db: Session, thread_id: str) -> Turn | None:
    """The thread's one turn that has not ended."""
    return db.exec(_LIVE, params={"thread_id": thread_id}).one_or_none()


def by_id(db: Session, tenant_id: str, turn_id: str) -> Turn | None:
    if not turn_id.isprintable():  # such as NUL, which PostgreSQL refuses to look for
        return None
    turn = db.get(Turn, turn_id)
    return turn if turn is not None and turn.tenant_id == tenant_id else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a turn is, and where its answer stands."""

    tenant_id: str
    attempt: int
    state: str
    reply_thread_id: str
    reply_item_id: str | None


def standing(db: Session, turn_ids: Collection[str]) -> dict[str, Standing]:
    """How each of these turns stands, by its id."""
    rows = db.connection().execute(_STANDING, {"turns": sorted(turn_ids)})
    return {row[0]: Standing(*row[1:]) for row in rows}


def replies_since(db: Session, tenant_id: str, issue_id: str, since: datetime) -> int:
    """How many replies were posted on the issue since then."""
    named = {"tenant_id": tenant_id, "issue_id": issue_id, "since": since}
    return db.exec(_REPLIES, params=named).one()


def posted_as(db: Session, thread_id: str, comment_id: str) -> bool:
    """Whether we posted that comment from the thread: a turn's answer, or what we brought."""
    named = {"thread_id": thread_id, "comment_id": comment_id}
    return any(db.exec(one, params=named).first() is not None for one in (_ANSWERS, _BROUGHT))


def has_read(db: Session, thread_id: str, sort_key: str) -> bool:
    """Whether a turn that answered, or is answering, has read as far as that."""
    found = db.exec(
        select(Turn.id)
        .where(
            Turn.thread_id == thread_id,
            col(Turn.read_through) >= sort_key,
            col(Turn.state).in_((*LIVE_STATES, "completed")),
        )
        .limit(1)
    ).first()
    return found is not None


def any_begun(db: Session, thread_id: str) -> bool:
    """Whether a turn of the thread has answered, or is answering."""
    return has_read(db, thread_id, "")


def newest(db: Session, thread_id: str) -> Turn | None:
    """The thread's last turn, however it ended."""
    return db.exec(
        select(Turn)
        .where(Turn.thread_id == thread_id)
        .order_by(col(Turn.created_at).desc())
        .limit(1)
    ).first()


def newest_answering_on(db: Session, thread_id: str) -> Turn | None:
    """The last turn whose answer stands, or was to stand, on that thread."""
    return db.exec(
        select(Turn)
        .where(Turn.reply_thread_id == thread_id)
        .order_by(col(Turn.created_at).desc(), col(Turn.id))
        .limit(1)
    ).first()


def recent(db: Session, tenant_id: str, limit: int = 20) -> list[Turn]:
    """The tenant's newest turns, newest first."""
    return list(
        db.exec(
            select(Turn)
            .where(Turn.tenant_id == tenant_id)
            .order_by(col(Turn.created_at).desc())
            .limit(limit)
        ).all()
    )
