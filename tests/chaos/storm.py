"""A storm: people talk, processes are killed, both platforms have a bad day, lines are cut."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import IO

from sqlmodel import Session, func, select

from app.sandbox.openai.requests import ResponseRequest
from app.store.tables import Reconciliation, Tenant, Thread
from app.turns import policies
from tests.chaos.people import Asked, Conversation, Watcher
from tests.chaos.verdict import MARK, Verdict, judge, uncovered
from tests.support.world import AppProcess, World, free_port, until, world_of_processes

RETRIES = (0.3, 1.0, 2.0, 4.0, 8.0)
"""Seconds until Jira tries a webhook again; then it gives up, as the real one does."""
PACE = 0.02  # seconds a word of the model's
FILLER = "The new storage takes each file by itself, so it takes longer than it did before."
LOOK = 15.0  # seconds between looks for what no webhook brought, once the storm is over
HEARTBEAT = 15.0  # seconds: whoever has all learns only by the next one that it may go
CALM = 150.0  # seconds until all that was asked must have its reply
COMMENTS = "/rest/api/3/issue/*/comment"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Force:
    """How hard it blows.

    Attributes:
        kills: kill -9 of a process that serves.
        cuts: connections of watchers cut between two bytes, at the least.
        people: who talk at once.
    """

    kills: int
    cuts: int
    people: int = 5


def storm(database_url: str, force: Force, seed: int, say: Say, said: IO[bytes]) -> Verdict:
    """Let it blow over an app on that database, then count.

    Args:
        database_url: of an empty database with the newest schema.
        force: how hard.
        seed: of all that is left to chance here; what the machine does is not.
        say: told how far it is, now and then.
        said: takes what the processes print.
    """
    luck = random.Random(seed)
    with world_of_processes(database_url, RETRIES) as (here, first):
        apps = [first]
        if not database_url.startswith("sqlite"):
            apps.append(AppProcess({**first.values, "PORT": str(free_port())}))
        for app in apps:
            app.output = said
        try:
            return _blow(here, apps, force, luck, say)
        finally:
            for app in apps[1:]:
                app.stop()


def _blow(
    here: World, apps: list[AppProcess], force: Force, luck: random.Random, say: Say
) -> Verdict:
    for app in apps:
        app.start()
    here.install(max_replies=10_000)
    here.write(_answer_customers, here.jira.issue("SUP-1").project.id)
    here.openai.pace = PACE
    here.openai.answers(_answer)
    urls = [app.url for app in apps]
    people = [Conversation(here, urls, name, luck.randrange(2**32)) for name in range(force.people)]
    kills = 0
    while kills < force.kills or _cuts(people) < force.cuts:
        _bad_day(here, luck)
        time.sleep(luck.uniform(0.05, 1.5))
        if kills < force.kills:
            hit = luck.choice(apps)
            hit.kill()
            kills += 1
            time.sleep(luck.uniform(0.0, 0.3))
            hit.start()
        if kills % 20 == 0:
            asked = sum(len(one.asked) for one in people)
            say(f"{kills} kills, {_cuts(people)} cuts, {asked} questions")
    here.openai.faults.clear()
    here.jira.faults.clear()
    verdict = _calm(here, people)
    verdict.kills = kills
    return verdict


def _calm(here: World, people: list[Conversation]) -> Verdict:
    """Everybody stops talking; what is under way comes to its end."""
    assert all(one.end(60) for one in people), "somebody could not send a message"
    here.openai.pace = 0
    asked = [each for one in people for each in one.asked]
    here.jira.webhooks.wait_until_delivered(60)
    deadline = time.monotonic() + CALM
    while uncovered(here, asked) and time.monotonic() < deadline:
        with suppress(AssertionError):
            until(partial(_is_covered, here, asked), "replies", LOOK)
            break
        here.write(_look_now)  # what no webhook brought is looked for
    here.run_until_idle()
    watchers = [each for one in people for each in one.watchers]
    _send_home(here, watchers)
    return judge(here, asked, watchers)


def _is_covered(here: World, asked: list[Asked]) -> bool:
    return not uncovered(here, asked)


def _send_home(here: World, watchers: list[Watcher]) -> None:
    for watcher in watchers:
        watcher.leave_after(here.read(_last_of, watcher.thread_id))
    for watcher in watchers:
        gone = partial(watcher.has_left, 0.1)
        until(gone, f"{watcher} to be told all", 4 * HEARTBEAT)


def _bad_day(here: World, luck: random.Random) -> None:
    """Now and then something of what either platform does to its users."""
    what = luck.choice(("reset", "commit", "busy", "down", "cut", "model", "limit", *["fair"] * 5))
    if what == "reset":
        here.jira.faults.add("POST", COMMENTS, "reset")
    elif what == "commit":
        here.jira.faults.add("POST", COMMENTS, "reset_after_commit")
    elif what == "busy":
        reason = "jira-burst-based"
        here.jira.faults.add("GET", "**", "status", status=429, retry_after=1, reason=reason)
    elif what == "down":
        here.jira.faults.add("*", "**", "status", status=503)
    elif what == "cut":
        here.openai.faults.add("drop", 1, after=luck.randint(0, 9))
    elif what == "model":
        here.openai.faults.add("server_error", 1)
    elif what == "limit":
        here.openai.faults.add("rate_limited", 1, retry_after=1)


def _answer(request: ResponseRequest) -> str:
    """Name what was asked and not yet answered."""
    said = {role: " ".join(text for by, text in request.messages if by == role) for role in ROLES}
    open_marks = set(MARK.findall(said["user"])) - set(MARK.findall(said["assistant"]))
    return f"To {', '.join(sorted(open_marks)) or 'you'}: {FILLER}"


ROLES = ("user", "assistant")


def _cuts(people: list[Conversation]) -> int:
    return sum(watcher.cuts for one in people for watcher in one.watchers)


def _answer_customers(db: Session, project_id: str) -> None:
    tenant = db.exec(select(Tenant)).one()
    replies = {"reply_audience": "public"}
    policies.set_project(db, tenant.id, project_id, "auto", replies, datetime.now(UTC))


def _look_now(db: Session) -> None:
    for row in db.exec(select(Reconciliation)):
        row.due_at = datetime.now(UTC)


def _last_of(db: Session, thread_id: str) -> int:
    return db.exec(select(func.max(Thread.last_n)).where(Thread.id == thread_id)).one() or 0
