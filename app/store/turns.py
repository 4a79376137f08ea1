"""Turns: reading them. What writes them is ``app/turns``, under a lease."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, or_, select

from app.store.tables import LIVE_STATES, Outgoing, Thread, Turn


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
    return db.exec(
        select(Turn).where(Turn.thread_id == thread_id, col(Turn.state).in_(LIVE_STATES))
    ).one_or_none()


def by_id(db: Session, tenant_id: str, turn_id: str) -> Turn | None:
    if not turn_id.isprintable():  # such as NUL, which PostgreSQL refuses to look for
        return None
    return db.exec(
        select(Turn).where(Turn.tenant_id == tenant_id, Turn.id == turn_id)
    ).one_or_none()


def replies_since(db: Session, tenant_id: str, issue_id: str, since: datetime) -> int:
    """How many replies were posted on the issue since then."""
    return db.exec(
        select(func.count())
        .select_from(Turn)
        .join(Thread, col(Thread.id) == col(Turn.thread_id))
        .where(
            Turn.tenant_id == tenant_id,
            Thread.issue_id == issue_id,
            Turn.state == "completed",
            col(Turn.reply_as).in_(("public", "internal")),
            col(Turn.finished_at) >= since,
        )
    ).one()


def posted_as(db: Session, thread_id: str, comment_id: str) -> bool:
    """Whether we posted that comment from the thread: a turn's answer, or what we brought."""
    answer = select(Turn.id).where(Turn.thread_id == thread_id, Turn.comment_id == comment_id)
    brought = select(Outgoing.id).where(
        Outgoing.thread_id == thread_id, Outgoing.comment_id == comment_id
    )
    return any(db.exec(one.limit(1)).first() is not None for one in (answer, brought))


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
