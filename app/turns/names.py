"""Names of those who wrote on a thread: kept in memory for minutes, stored nowhere."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from app.clock import Clock
from app.doors.principal import Viewer
from app.jira import people
from app.jira.points import Urgency, urgency
from app.store import threads
from app.store.database import Database
from app.store.tables import Item, Tenant
from app.turns.collaborators import JiraFor

KEPT_FOR = timedelta(minutes=10)
KEPT = 10_000


class NameDesk:
    """Asks Jira for names, and remembers them for ``KEPT_FOR``. One a process."""

    def __init__(self, jira: JiraFor, database: Database, clock: Clock) -> None:
        self._jira = jira
        self._database = database
        self._clock = clock
        # Longest known first. None: Jira knows nobody by that id, or does not say who it is.
        self._kept: OrderedDict[tuple[str, str], tuple[datetime, str | None]] = OrderedDict()

    async def on_thread(self, viewer: Viewer, wanted: Iterable[str]) -> dict[str, str]:
        """The names of those of ``wanted`` who wrote or decided something on the viewer's thread.

        Args:
            viewer: who may read the thread.
            wanted: account ids; of others than the thread's nothing is told.

        Raises:
            JiraError: Jira does not say.
        """
        tenant, known = await self._database.read(_people, viewer)
        asked = known.intersection(wanted)
        found = {each: self._remembered(tenant.id, each) for each in asked}
        missing = [each for each in sorted(asked) if found[each] is None]
        for at in range(0, len(missing), people.MOST):
            part = missing[at : at + people.MOST]
            with urgency(Urgency.LATER):
                told = await people.names(self._jira(tenant), part)
            found |= {each: self._keep(tenant.id, each, told.get(each)) for each in part}
        return {each: kept[1] for each, kept in found.items() if kept is not None and kept[1]}

    def _remembered(self, tenant_id: str, account_id: str) -> tuple[datetime, str | None] | None:
        kept = self._kept.get((tenant_id, account_id))
        if kept is None or not kept[0] <= self._clock.now() < kept[0] + KEPT_FOR:
            return None
        return kept

    def _keep(
        self, tenant_id: str, account_id: str, name: str | None
    ) -> tuple[datetime, str | None]:
        kept = (self._clock.now(), name)
        self._kept[tenant_id, account_id] = kept
        self._kept.move_to_end((tenant_id, account_id))
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept


def _people(db: Session, viewer: Viewer) -> tuple[Tenant, set[str]]:
    """The tenant, and whose names the thread shows: writers, who decided on drafts, the viewer."""
    tenant_id, thread_id = viewer.tenant.id, viewer.thread_id
    authors = db.exec(
        select(Item.author_id)
        .where(
            Item.tenant_id == tenant_id,
            Item.thread_id == thread_id,
            Item.state != threads.HIDDEN,
            col(Item.author_id).is_not(None),
        )
        .distinct()
    )
    meta = col(Item.meta)
    decided: list[str] = []
    for by in (
        meta["draft"]["by"].as_string(),
        meta["draft"]["edited_by"].as_string(),
        meta["approved_by"].as_string(),
    ):
        decided += db.exec(
            select(by)
            .where(Item.tenant_id == tenant_id, Item.thread_id == thread_id, by.is_not(None))
            .distinct()
        )
    shown = {each for each in (*authors, *decided, viewer.account_id) if each}
    return db.get_one(Tenant, tenant_id), shown
