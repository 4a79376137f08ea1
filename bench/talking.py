"""Threads, sessions and watchers for the benchmarks of streams."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from app.doors import sessions
from app.doors.sessions import ChatSession
from app.store import tenants, threads
from app.store.secrets import Vault
from app.store.tables import Tenant
from app.turns import talking
from bench.stage import ROOT
from tests.support.world import World

BY = "agnes"


@dataclass(frozen=True)
class Place:
    """An issue's internal thread, where the team talks to the assistant."""

    tenant_id: str
    issue_id: str
    thread_id: str


def places(here: World, count: int) -> list[Place]:
    """So many issues of their own at the simulated Jira, each with its internal thread."""
    issues = [here.jira.create_issue("OPS", f"Printer {n}", by="rita").id for n in range(count)]
    here.run_until_idle()
    return here.write(_threads_of, here.client_key, issues)


def _threads_of(db: Session, client_key: str, issues: list[str]) -> list[Place]:
    now = datetime.now(UTC)
    tenant_id = _tenant(db, client_key).id
    made = [threads.ensure_thread(db, tenant_id, issue, "internal", now) for issue in issues]
    return [Place(tenant_id, thread.issue_id or "", thread.id) for thread in made]


def _tenant(db: Session, client_key: str) -> Tenant:
    tenant = tenants.by_client_key(db, client_key)
    assert tenant is not None
    return tenant


def ask_all(here: World, everywhere: Sequence[Place], name: str) -> None:
    """Put a question to the assistant on each of them, all in one transaction."""
    here.write(_ask, everywhere, name)


def _ask(db: Session, everywhere: Sequence[Place], name: str) -> None:
    now = datetime.now(UTC)
    for place in everywhere:
        talking.ask_privately(db, place.tenant_id, place.issue_id, name, "Why?", now)


def stream_of(here: World, place: Place) -> tuple[str, str]:
    """Path and headers of the stream of somebody who was let in just now."""
    now, person = datetime.now(UTC), here.jira.directory.person(BY)
    session = ChatSession(
        tenant_id=place.tenant_id,
        generation=1,
        account_id=person.account_id,
        thread_id=place.thread_id,
        issue_id=place.issue_id,
        audience="internal",
        expires_at=sessions.expiry(now),
    )
    token = sessions.sign(session, Vault(here.settings.secret_keys), now)
    return f"/api/threads/{place.thread_id}/events", f"Authorization: Bearer {token}\r\n"


class Watchers:
    """A process that watches; see ``watch.py``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def leave(self) -> dict[str, Any]:
        """End it; what it has seen."""
        out, _ = self._process.communicate("\n")
        seen: dict[str, Any] = json.loads(out)
        assert not seen["lost"], f"{seen['lost']} streams were lost"
        return seen


@contextmanager
def watching(port: int, streams: Sequence[tuple[str, str]]) -> Iterator[Watchers]:
    """Somebody watches each of these streams; every one has begun."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.watch"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"port": port, "streams": list(streams)}) + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "open\n", "the streams did not begin"
            yield Watchers(process)
        finally:
            process.kill()
