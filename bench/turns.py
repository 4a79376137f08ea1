"""Turns a second and the CPU of a turn, with a model that answers at once; and whether it is flat.

.venv/bin/python -m bench.turns [issues]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import func, insert
from sqlmodel import Session, SQLModel, select

from app.store.ids import new_epoch, new_id
from app.store.statements import sort_key
from app.store.tables import Issue, Item, Tenant, Thread, Turn
from bench import stage
from bench.machine import cpu_seconds
from bench.results import Result
from tests.support.world import World, until

ISSUES = 60
ROUNDS = 3
WORDS = 10
THREADS = (100, 10_000, 100_000)
LONG_ISSUES = 10
ITEMS = (10, 1_000, 10_000)
PIECE = 10_000
METHOD = (
    "A comment on each of 60 issues at the simulated Jira, whose webhooks the app takes in; a turn"
    " is over when its reply stands in Jira. It is all that a turn takes: two webhooks, catching"
    " up, the model's answer of 10 deltas, the last look, the comment. CPU is the app's process"
    " alone, divided by turns; one round warms up, three count. Both simulators and the database"
    " server run beside it on the same cores, so turns a second are what this machine holds with"
    " them. For flatness, rows of other threads, or of older items on the threads that are asked"
    " on (10 issues, turns one after another on each), are put into SQLite before."
)
BOUNDS = (
    "the interpreter: some twenty short transactions through the ORM, four or five requests to"
    " Jira and one to the model, each with a signed token, and what the Agents SDK and ChatKit do"
    " for a run."
)


def measure(
    kind: str, issues: int, rounds: int, *, threads: int = 0, items: int = 0
) -> tuple[float, float]:
    """Turns a second, and milliseconds of CPU a turn."""
    with ExitStack() as stack:
        url = stack.enter_context(stage.database(kind))
        _, port = stack.enter_context(
            stage.beside(sys.executable, "-m", "bench.model", "0", str(WORDS))
        )
        here, _, pid = stack.enter_context(
            stage.app_on(url, OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1")
        )
        here.set(max_replies=10_000)
        keys = [
            here.jira.create_issue("OPS", f"Printer {number}", by="rita").key
            for number in range(issues)
        ]
        _answered(here, issues)
        _fill(here, threads, items)
        _ask(here, keys, 1, issues)
        begun, used = time.monotonic(), cpu_seconds(pid)
        for number in range(rounds):
            _ask(here, keys, number + 2, issues)
        took, cpu = time.monotonic() - begun, cpu_seconds(pid) - used
    turns = issues * rounds
    return turns / took, cpu / turns * 1000


def _ask(here: World, keys: Sequence[str], number: int, issues: int) -> None:
    for key in keys:
        here.jira.comment(key, f"Why, for the {number}th time?", by="rita")
    _answered(here, issues * (number + 1))


def _answered(here: World, count: int) -> None:
    until(lambda: here.read(_completed) >= count, f"{count} turns to end", 120)


def _completed(db: Session) -> int:
    return db.exec(select(func.count()).where(Turn.state == "completed")).one()


def _fill(here: World, threads: int, items: int) -> None:
    for at in range(0, threads, PIECE):
        here.write(_add_threads, at, min(PIECE, threads - at))
    if items:
        for thread in here.read(_asked_on):
            here.write(_add_items, thread.tenant_id, thread.id, items)


def _asked_on(db: Session) -> list[Thread]:
    return list(db.exec(select(Thread).where(Thread.audience == "public")))


def _add_threads(db: Session, start: int, count: int) -> None:
    tenant_id, now = db.exec(select(Tenant.id)).one(), datetime.now(UTC)
    issues = [str(10**9 + number) for number in range(start, start + count)]
    _insert(db, Issue, [{"tenant_id": tenant_id, "issue_id": issue} for issue in issues])
    made = {
        "tenant_id": tenant_id,
        "audience": "public",
        "last_n": 0,
        "fence": 3,
        "failures": 0,
        "created_at": now,
        "filled_at": now,
    }
    rows = [
        {**made, "id": new_id("thr"), "issue_id": issue, "epoch": new_epoch()} for issue in issues
    ]
    _insert(db, Thread, rows)


def _add_items(db: Session, tenant_id: str, thread_id: str, count: int) -> None:
    first = datetime.now(UTC) - timedelta(days=30)
    said = {
        "tenant_id": tenant_id,
        "thread_id": thread_id,
        "kind": "user_message",
        "role": "customer",
        "text": "It still prints nothing, whatever I try.",
        "state": "done",
        "history": True,
        "asks": False,
        "direct": False,
        "as_draft": False,
        "meta": {},
    }
    rows = []
    for number in range(count):
        at = first + timedelta(seconds=number)
        told = {"id": new_id("item"), "sort_key": sort_key(at, 0), "comment_id": f"9{number:08d}"}
        rows.append({**said, **told, "created_at": at, "updated_at": at})
    _insert(db, Item, rows)


def _insert(db: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows as they are, past the session."""
    db.execute(insert(cast("Any", table).__table__), rows)


def run(issues: int = ISSUES, *, rounds: int = ROUNDS) -> Result:
    result = Result("Turns: a second, and what one takes", METHOD, BOUNDS)
    for kind in ("sqlite", "postgresql"):
        rate, cpu = measure(kind, issues, rounds)
        if kind == "sqlite":
            result.ratios.append(f"CPU of a turn on SQLite: {cpu / 6:.1f} times the aim of 6 ms")
        result.figures.append(f"{kind}: {rate:.1f} turns/s, {cpu:.1f} ms CPU a turn")
    for_threads = [measure("sqlite", issues, rounds, threads=count)[1] for count in THREADS]
    long_ones = min(issues, LONG_ISSUES)
    for_items = [measure("sqlite", long_ones, rounds * 2, items=count)[1] for count in ITEMS]
    many, long = for_threads[-1] / for_threads[0], for_items[-1] / for_items[0]
    result.ratios += [
        f"CPU of a turn: {many:.2f} times with {THREADS[-1]:,} threads that with {THREADS[0]}",
        f"CPU of a turn: {long:.2f} times on a thread of {ITEMS[-1]:,} items that on {ITEMS[0]}",
    ]
    result.figures += [
        f"{count:,} threads present: {cpu:.1f} ms CPU a turn"
        for count, cpu in zip(THREADS, for_threads, strict=True)
    ]
    result.figures += [
        f"{count:,} items in the thread: {cpu:.1f} ms CPU a turn"
        for count, cpu in zip(ITEMS, for_items, strict=True)
    ]
    return result


if __name__ == "__main__":
    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else ISSUES).markdown())
