"""Spend that cannot overshoot: the worst case is held before a call, what it took after.

The sum of what is spent and what is held never passes the tenant's cap of the day (UTC). A
call that died costs at most what it held; :func:`settle` or :func:`heal` lets the rest go.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from app.settings import Settings
from app.store.statements import insert_new
from app.store.tables import Reservation, Tenant, Usage

HELD_AT_MOST = timedelta(hours=1)


def cap_of(tenant: Tenant, settings: Settings) -> int | None:
    """The tenant's cap of tokens a day; None where ``none`` was written."""
    if "daily_tokens" in tenant.settings:
        own: int | None = tenant.settings["daily_tokens"]
        return own
    return settings.default_daily_tokens


def reserve(
    db: Session,
    turn_id: str,
    attempt: int,
    tenant_id: str,
    tokens: int,
    cap: int | None,
    now: datetime,
) -> bool:
    """Hold ``tokens`` for one call. False if the cap has no room: then nothing may be sent."""
    day = now.strftime("%Y-%m-%d")
    insert_new(db, Usage, {"tenant_id": tenant_id, "day": day, "reserved": 0, "spent": 0})
    usage = db.exec(
        select(Usage).where(Usage.tenant_id == tenant_id, Usage.day == day).with_for_update()
    ).one()
    if db.get(Reservation, (turn_id, attempt)) is not None:
        return True  # this very operation, repeated
    if cap is not None and usage.reserved + usage.spent + tokens > cap:
        return False
    usage.reserved += tokens
    db.add(
        Reservation(
            turn_id=turn_id,
            attempt=attempt,
            tenant_id=tenant_id,
            day=day,
            tokens=tokens,
            made_at=now,
        )
    )
    return True


def settle(db: Session, turn_id: str, attempt: int, taken: int | None) -> bool:
    """Give back what a call did not take. ``None``: nobody knows, so it counts in full.

    False if nothing was held for it, or that was settled before.
    """
    held = db.exec(
        select(Reservation)
        .where(Reservation.turn_id == turn_id, Reservation.attempt == attempt)
        .with_for_update()  # of two who settle it at once, one does
    ).one_or_none()
    if held is None:
        return False
    usage = db.exec(
        select(Usage)
        .where(Usage.tenant_id == held.tenant_id, Usage.day == held.day)
        .with_for_update()
    ).one()
    usage.reserved -= held.tokens
    usage.spent += held.tokens if taken is None else taken
    db.delete(held)
    return True


def heal(db: Session, now: datetime) -> int:
    """Count in full what dead workers held, so that it is held no longer; return how many."""
    left = db.exec(select(Reservation).where(col(Reservation.made_at) < now - HELD_AT_MOST)).all()
    for one in left:
        settle(db, one.turn_id, one.attempt, None)
    return len(left)
