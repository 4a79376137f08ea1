"""What Jira allows the app, kept where every process looks: writes, points, pauses.

All functions run inside a session. Those that count lock the row that they count in, so that
of any number of processes together none goes over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import Session, col, delete, select, update

from app.store import database_clock
from app.store.statements import UNIX_EPOCH, insert_new
from app.store.tables import JiraPause, JiraPoints, JiraWrites

# A little longer than Jira's: of two writes the first may be the slower one to reach it.
LONGEST_WINDOW = timedelta(seconds=31)
WRITE_WINDOWS = ((20, timedelta(seconds=2.5)), (100, LONGEST_WINDOW))
KEEP_WRITES = timedelta(hours=1)
KEEP_POINTS = timedelta(days=7)

Scope = str
"""What a pause holds up: ``app``, or a tenant or one of its issues, by :func:`scope_of`."""

APP: Scope = "app"


Row = TypeVar("Row", JiraWrites, JiraPoints)


@dataclass(frozen=True)
class Taken:
    """Points that were taken for one process; and how many all have taken this hour."""

    granted: int
    total: int


@dataclass(frozen=True)
class Pause:
    """Nothing is sent before ``until``. ``reason`` is Jira's ``RateLimit-Reason``."""

    until: datetime
    reason: str


def scope_of(tenant_id: str, issue_id: str | None = None) -> Scope:
    """A tenant's, or an issue's, as it stands in its path."""
    return f"tenant/{tenant_id}" if issue_id is None else f"issue/{tenant_id}/{issue_id}"


def admit_write(db: Session, tenant_id: str, issue_id: str, now: datetime) -> float:
    """0 where one more write to the issue fits, which is counted at once; else the seconds until
    it may, with nothing counted: wait, and ask again.
    """
    key = {"tenant_id": tenant_id, "issue_id": issue_id}
    row = _locked(db, JiraWrites, key, {"written_at": [], "last_at": now})
    now = database_clock.present(db, now)  # once it is ours: who waited for it comes later
    admitted = with_one_more(row.written_at, now)
    if isinstance(admitted, float):
        return admitted
    row.written_at, row.last_at = admitted, now
    return 0.0


def with_one_more(written: list[int], now: datetime) -> list[int] | float:
    """The writes to an issue that still count, and one more; or the seconds until it fits.

    Args:
        written: in microseconds since 1970, ascending. What a clock that was set back has left
            in the future is none.
        now: aware.
    """
    microsecond = timedelta(microseconds=1)
    moment, longest = (now - UNIX_EPOCH) // microsecond, LONGEST_WINDOW // microsecond
    counting = [at for at in written if abs(moment - at) < longest]
    free = [counting[-n] + span // microsecond for n, span in WRITE_WINDOWS if len(counting) >= n]
    if free and max(free) > moment:
        return (max(free) - moment) / 1_000_000
    return sorted([*counting, moment])


def take_points(db: Session, hour: str, wanted: int, most: int) -> Taken:
    """Take up to ``wanted`` points for a process, as far as all together stay within ``most``.

    Args:
        db: in a transaction.
        hour: in UTC: ``2026-11-22T10``.
        wanted: 0 or more.
        most: that all processes together may take in that hour.
    """
    row = _locked(db, JiraPoints, {"hour": hour}, {"taken": 0})
    granted = max(0, min(wanted, most - row.taken))
    row.taken += granted
    return Taken(granted, row.taken)


def pause(db: Session, scope: Scope, tenant_id: str | None, until: datetime, reason: str) -> None:
    """Hold up what ``scope`` names, unless it is held up for longer already."""
    values = {"tenant_id": tenant_id, "until": until, "reason": reason}
    if not insert_new(db, JiraPause, {"scope": scope, **values}):
        shorter = (col(JiraPause.scope) == scope, col(JiraPause.until) < until)
        db.execute(update(JiraPause).where(*shorter).values(until=until, reason=reason))


def pauses(db: Session, now: datetime) -> Mapping[Scope, Pause]:
    """What is held up now."""
    rows = db.exec(select(JiraPause).where(col(JiraPause.until) > now)).all()
    return {row.scope: Pause(row.until, row.reason) for row in rows}


def forget(db: Session, now: datetime) -> None:
    """Delete what counts no more."""
    oldest_hour = hour_of(now - KEEP_POINTS)
    db.execute(delete(JiraWrites).where(col(JiraWrites.last_at) < now - KEEP_WRITES))
    db.execute(delete(JiraPoints).where(col(JiraPoints.hour) < oldest_hour))
    db.execute(delete(JiraPause).where(col(JiraPause.until) < now))


def hour_of(now: datetime) -> str:
    """``now`` is in UTC."""
    return now.strftime("%Y-%m-%dT%H")


def _locked(
    db: Session, table: type[Row], key: Mapping[str, object], values: Mapping[str, object]
) -> Row:
    """The row, made with ``values`` where it is missing; until the transaction ends, ours."""
    row = None
    while row is None:  # it may be forgotten between the two
        insert_new(db, table, {**key, **values})
        row = db.exec(select(table).filter_by(**key).with_for_update()).one_or_none()
    return row
