"""What is done now and then: what dead workers held is counted, what is kept too long is deleted.

Any number of processes may do it at once; each step is one transaction that can be repeated.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, delete

from app.store import forge_tenants, quotas, tenants, user_tokens
from app.store.tables import Delivery
from app.stream import log as log_of_streams
from app.turns import budget
from app.turns.collaborators import Collaborators
from app.turns.ending import end_all

log = structlog.get_logger(__name__)

EVERY = 60.0  # seconds
KEEP_UNINSTALLED = timedelta(days=30)
KEEP_DELIVERIES = timedelta(days=7)
"""Jira repeats a delivery for minutes; nothing is replayed after a week."""
KEEP_EVENTS = timedelta(days=7)
"""Whoever comes back to a stream later than that begins with the thread as it is then."""
EVENTS_AT_ONCE = 500
"""Deleted in one transaction, so that what people wait for is not held up."""


async def keep_house(c: Collaborators) -> None:
    """Go on until cancelled."""
    while True:
        try:
            healed, purged = await c.database.write(tidy, c.clock.now())
            await heed_silence(c)
            await forget_events(c)
        except SQLAlchemyError as error:
            log.error("housekeeping_failed", error=type(error).__name__)  # noqa: TRY400  (no trace)
        else:
            if healed or purged:
                log.info("house_kept", reservations=healed, tenants=purged)
        await asyncio.sleep(EVERY)


async def heed_silence(c: Collaborators) -> None:
    """Mark tenants of the Forge door that call no more; nobody tells of every uninstall."""
    silent, gone = await c.database.write(forge_tenants.look_for_silent, end_all, c.clock.now())
    for tenant_id in silent:
        log.warning("tenant_silent", tenant_id=tenant_id)
    for tenant_id in gone:
        log.warning("tenant_gone", tenant_id=tenant_id)


async def forget_events(c: Collaborators) -> None:
    """Delete what streams told too long ago to be asked for again."""
    before = c.clock.now() - KEEP_EVENTS
    while await c.database.write(log_of_streams.forget, before, EVENTS_AT_ONCE) == EVENTS_AT_ONCE:
        pass


def tidy(db: Session, now: datetime) -> tuple[int, int]:
    """Return how many reservations were healed, and how many tenants deleted."""
    healed = budget.heal(db, now)
    purged = tenants.purge(db, now - KEEP_UNINSTALLED)
    quotas.forget(db, now)
    user_tokens.forget(db, now)
    db.exec(delete(Delivery).where(col(Delivery.received_at) < now - KEEP_DELIVERIES))
    return healed, purged
