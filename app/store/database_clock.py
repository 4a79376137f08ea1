"""The clock that all workers share: whoever compares instants of several hosts compares by it.

A host's own clock may be wrong by an hour. On PostgreSQL it is the server's clock that says whether
a lease still holds and how long ago Jira was asked for a comment. On SQLite all is one process, and
its clock will do.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, DateTime, func, literal, select
from sqlmodel import Session

from app.store.tables import UtcDateTime


def instant(db: Session, now: datetime, ahead: float = 0.0) -> ColumnElement[datetime]:
    """The present plus ``ahead`` seconds, to stand in a statement.

    Args:
        db: says which database it is for.
        now: by this process's clock; looked at on SQLite alone.
        ahead: seconds.
    """
    later = timedelta(seconds=ahead)
    if db.get_bind().dialect.name != "postgresql":
        return literal(now + later, UtcDateTime())
    # A subquery: taken once for the whole statement, so that an index can be used.
    clock = func.clock_timestamp(type_=DateTime(timezone=True))
    return select(clock + later).scalar_subquery()


def present(db: Session, now: datetime) -> datetime:
    """The present; ``now`` is that by this process's clock."""
    if db.get_bind().dialect.name != "postgresql":
        return now
    clock = func.clock_timestamp(type_=UtcDateTime())
    server: datetime = db.execute(select(clock)).scalar_one()
    return server
