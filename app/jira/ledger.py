"""Where all processes keep what Jira allows the app, as the room of Jira sees it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from app.store import quotas
from app.store.database import Database
from app.store.quotas import Pause, Scope, Taken


class Ledger(Protocol):
    """See the functions of these names in ``store/quotas.py``."""

    async def take_points(self, hour: str, wanted: int, most: int) -> Taken: ...

    async def admit_write(self, tenant: str, issue: str, now: datetime) -> float: ...

    async def pause(self, scope: Scope, tenant: str | None, pause: Pause, /) -> None: ...

    async def pauses(self, now: datetime) -> Mapping[Scope, Pause]: ...


class DatabaseLedger:
    """In the database: one for all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_points(self, hour: str, wanted: int, most: int) -> Taken:
        return await self._database.write(quotas.take_points, hour, wanted, most)

    async def admit_write(self, tenant: str, issue: str, now: datetime) -> float:
        return await self._database.write(quotas.admit_write, tenant, issue, now)

    async def pause(self, scope: Scope, tenant: str | None, pause: Pause) -> None:
        await self._database.write(quotas.pause, scope, tenant, pause.until, pause.reason)

    async def pauses(self, now: datetime) -> Mapping[Scope, Pause]:
        return await self._database.read(quotas.pauses, now)
