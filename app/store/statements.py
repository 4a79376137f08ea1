"""Statements that SQLAlchemy knows by dialect only, under one name each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def insert_new(db: Session, table: type[SQLModel], values: Mapping[str, Any]) -> bool:
    """Insert a row unless its key stands already. True if it is new."""
    statement = (
        _unless_there(db, table)
        .values(**values)
        .execution_options(preserve_rowcount=True)  # else PostgreSQL's is not kept
    )
    return cast("CursorResult[Any]", db.execute(statement)).rowcount == 1


def _unless_there(db: Session, table: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """The table itself is inserted into, not its class: the session has no part in it."""
    build = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    return build(cast("Any", table).__table__).on_conflict_do_nothing()


def sort_key(created: datetime, tie: int) -> str:
    """A place in a thread: 20 digits of microseconds, then 20 of what tells two apart.

    Digits alone, so that every collation of every database sorts it alike.
    """
    microseconds = (created - UNIX_EPOCH) // timedelta(microseconds=1)  # exact, as no float is
    return f"{microseconds:020d}{tie % 10**20:020d}"
