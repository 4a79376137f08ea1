"""What the tour cannot do by itself: the app's process, and what people have set in the app."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlmodel import Session, select

from app.clock import SystemClock
from app.demonstration.process import AppProcess, Apps
from app.sandbox.jira import JiraSite
from app.sandbox.jira.model import Issue
from app.sandbox.jira.representations import issue_type_id
from app.sandbox.tour.rules import Rules
from app.sandbox.tour.tour import Worker
from app.settings import Settings
from app.store import ids, tables, tenants
from app.store.database import Database
from app.turns.policies import policy_of, set_project
from app.turns.policy import Mode

T = TypeVar("T")

MODES: dict[str, Mode] = {"OPS": "auto", "SUP": "auto", "HR": "draft"}
SETTINGS = {"reply_audience": "public", "answer_to": "reporter"}
"""The demo's service project answers its customers; everywhere else a note is the default."""


class Actions:
    """``app.sandbox.tour.tour.TourActions`` for the app between these two."""

    def __init__(self, values: Mapping[str, str], jira: JiraSite, apps: Apps) -> None:
        self._settings = Settings(database_url=values["DATABASE_URL"], default_reply_mode="auto")
        self._database = Database.open(self._settings)
        self._jira = jira
        self._apps = apps
        self._loop = ThreadPoolExecutor(1, "actions")  # who calls may be on a loop of his own

    def close(self) -> None:
        self._loop.shutdown()
        self._database.close()

    def set_up(self) -> None:
        """As the admin of this site would."""
        self._run(self._set_up())

    def rules(self, issue: Issue) -> Rules:
        client_key = self._jira.link.client_key
        return self._run(self._database.read(_rules, client_key, issue, self._settings))

    def worker(self) -> Worker:
        worker = self._at_work()
        return Worker(worker.pid, worker.up)

    def kill_worker(self) -> None:
        self._at_work().kill()

    def _at_work(self) -> AppProcess:
        """The worker that holds a thread; where none does, the first."""
        first, *others = self._apps.workers
        if not others:
            return first
        pids = self._run(self._database.read(_at_work))
        return next((worker for worker in others if worker.pid in pids), first)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.submit(asyncio.run, work).result()

    async def _set_up(self) -> None:
        tenant = await self._database.read(tenants.by_client_key, self._jira.link.client_key)
        if tenant is None:
            return  # uninstalled and purged: nothing is answered until it is installed again
        for key, mode in MODES.items():
            project, now = self._jira.directory.project(key), SystemClock().now()
            await self._database.write(set_project, tenant.id, project.id, mode, SETTINGS, now)


def _at_work(db: Session) -> set[int]:
    """Of which processes of this machine the workers are that hold a thread."""
    owners = db.exec(select(tables.Thread.lease_owner).distinct()).all()
    return {ids.pid_of(owner) for owner in owners if owner is not None}


def _rules(db: Session, client_key: str, issue: Issue, settings: Settings) -> Rules:
    now = SystemClock().now()
    tenant = tenants.by_client_key(db, client_key)
    if tenant is None or tenant.state != "installed":
        return Rules("off", now)
    row = tables.Issue(
        tenant_id=tenant.id,
        issue_id=issue.id,
        project_id=issue.project.id,
        type_id=issue_type_id(issue.project),
    )
    policy = policy_of(db, row, settings)
    known = db.get(tables.Issue, (tenant.id, issue.id))
    rests = known is not None and known.resting_until is not None and known.resting_until > now
    return Rules(
        policy.mode,
        max(policy.mode_since, tenant.installed_at),
        policy.answer_to,
        policy.trigger_word,
        paused=rests and known is not None and known.rest_cause == "paused",
    )
