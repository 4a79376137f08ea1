"""The clock that all workers share: whoever compares instants of several hosts compares by it.

A host's own clock may be wrong by an hour. On PostgreSQL it is the server's clock that says whether
a lease still holds and how long ago Jira was asked for a comment. On SQLite all is one process, and
its clock will do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, DateTime, bindparam, func, literal, select
from sqlmodel import Session

from app.store.tables import UtcDateTime

_CLOCK = func.clock_timestamp(type_=DateTime(timezone=True))
"""Within a subquery: taken once for the whole statement, so that an index can be used."""


@cache
def now_on(dialect: str) -> ColumnElement[datetime]:
    """The present, to stand in a statement that is built once; it takes ``now`` as a parameter.

    Args:
        dialect: a database's name.
    """
    named = bindparam("now", type_=UtcDateTime())
    return select(_CLOCK).scalar_subquery() if dialect == "postgresql" else named


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
    return select(_CLOCK + later).scalar_subquery()


def present(db: Session, now: datetime) -> datetime:
    """The present; ``now`` is that by this process's clock."""
    if db.get_bind().dialect.name != "postgresql":
        return now
    clock = func.clock_timestamp(type_=UtcDateTime())
    server: datetime = db.execute(select(clock)).scalar_one()
    return server
