"""``jira-chatkit check``: the doctor's findings, printed, and a round trip through it all.

The round trip is a real one: a message on the issue's internal thread, answered by the tenant's own
workflow, of which nothing is posted unless asked for.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app import doctor
from app.errors import JiraError, JiraNotFound, LeaseLost, SettingsError
from app.findings import Finding
from app.jira import comments
from app.main import Parts, assemble
from app.settings import Settings
from app.store import threads, turns
from app.store.ids import new_id
from app.store.signals import Wakes
from app.store.tables import Tenant, Turn
from app.store.threads import Lease
from app.turns.collaborators import Collaborators
from app.turns.outcomes import CAUSES, cause_of
from app.turns.posting import post_reply
from app.turns.talking import Asked, ask_privately
from app.turns.working import work

LONGEST = timedelta(seconds=120)
TAKE_AFTER = timedelta(seconds=2)
"""How long a running `serve` has to take the message before this process works on it."""
LOOK = 0.1

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Trip:
    """A message to send on a real round trip."""

    issue: str
    message: str
    post: bool


@dataclass(frozen=True)
class RoundTrip:
    """What became of a message that the doctor sent.

    Attributes:
        seconds: from the message to its answer.
        reply: Markdown; empty where there was none.
        problem: why there was none, for a person.
        comment_id: Jira's, where it was told to post.
    """

    thread_id: str
    turn_id: str
    seconds: float
    reply: str
    problem: str = ""
    comment_id: str | None = None


async def check(settings: Settings, reference: str | None, trip: Trip | None, echo: Echo) -> bool:
    """Print what is found. True if all is well."""
    try:
        async with assemble(settings) as parts:
            return await _check(parts, reference, trip, echo)
    except SettingsError as error:
        _print(Finding("configuration", well=False, found=str(error)), echo)
        return False


async def _check(parts: Parts, reference: str | None, trip: Trip | None, echo: Echo) -> bool:
    well = True
    seen: dict[str, Tenant] = {}
    async for finding, tenant in doctor.examine(reference, parts.collaborators):
        _print(finding, echo)
        well = well and finding.well
        if tenant is not None:
            seen[tenant.id] = tenant
    if trip is None:
        return well
    if len(seen) > 1:
        several = f"{len(seen)} tenants to choose from"
        return _not_tried(several, "Name one with --tenant.", echo)
    if not well:
        return _not_tried("not tried", "Mend what is found bad above first.", echo)
    return await _round_trip(parts, next(iter(seen.values())), trip, echo)


def _not_tried(found: str, cure: str, echo: Echo) -> bool:
    _print(Finding("round trip", well=False, found=found, cure=cure), echo)
    echo("success: no")
    return False


def _print(finding: Finding, echo: Echo) -> None:
    mark = "ok " if finding.well else "BAD"
    echo(f"{mark}  {finding.name}: {finding.found}")
    if finding.cure:
        echo(f"     cure: {finding.cure}")


async def _round_trip(parts: Parts, tenant: Tenant, trip: Trip, echo: Echo) -> bool:
    found = await _find_issue(tenant, trip.issue, parts.collaborators)
    if isinstance(found, Finding):
        _print(found, echo)
        return _not_tried("not tried", "Mend what is found bad above first.", echo)
    begun = parts.clock.now()
    asked = await parts.database.write(
        ask_privately, tenant.id, found, f"check:{secrets.token_hex(8)}", trip.message, begun
    )
    turn = await _ended(parts, tenant, asked)
    result = await parts.database.read(_result, tenant.id, asked, turn, begun)
    if trip.post and not result.problem:
        result = await _posted(parts, tenant, result)
    for line in _told(result):
        echo(line)
    return not result.problem


async def _posted(parts: Parts, tenant: Tenant, result: RoundTrip) -> RoundTrip:
    try:
        comment_id = await post_reply(tenant.id, result.turn_id, parts.collaborators)
    except JiraError as error:
        return replace(result, problem=f"answered, not posted: {CAUSES[cause_of(error)]}")
    return replace(result, comment_id=comment_id)


async def _ended(parts: Parts, tenant: Tenant, asked: Asked) -> Turn | None:
    """The message's turn, once it is over: worked on by a running `serve`, else here.

    None where even its beginning was not seen in that time: another talk was before it.
    """
    begun = parts.clock.now()
    wakes = Wakes(parts.database)
    while True:
        turn = await parts.database.read(turns.by_id, tenant.id, asked.turn_id)
        now = parts.clock.now()
        if (turn is not None and turn.finished_at is not None) or now > begun + LONGEST:
            return turn
        if now > begun + TAKE_AFTER and parts.database.hold_process_lock():
            await _work_here(parts, asked.thread_id, wakes)
        await asyncio.sleep(LOOK)


async def _work_here(parts: Parts, thread_id: str, wakes: Wakes) -> None:
    lease = await parts.database.write(_take, thread_id, parts.clock.now())
    if lease is not None:
        with suppress(LeaseLost):  # another worker goes on with it
            await work(lease, parts.collaborators, wakes)


def _take(db: Session, thread_id: str, now: datetime) -> Lease | None:
    return threads.claim_one(db, thread_id, new_id("worker"), now, LONGEST.total_seconds())


def _result(
    db: Session, tenant_id: str, asked: Asked, turn: Turn | None, begun: datetime
) -> RoundTrip:
    late = f"no answer within {LONGEST.seconds} seconds"
    if turn is None:
        problem = f"{late}: an earlier message is still being answered"
        return RoundTrip(asked.thread_id, asked.turn_id, LONGEST.total_seconds(), "", problem)
    item = (
        threads.item_by_id(db, tenant_id, turn.reply_thread_id, turn.reply_item_id)
        if turn.reply_item_id
        else None
    )
    problem = ""
    if turn.finished_at is None:
        waiting = CAUSES.get(turn.cause or "", "nobody took it up")
        problem = f"{late}: {waiting}"
    elif turn.state != "completed":
        problem = CAUSES.get(turn.cause or "", turn.state)
    return RoundTrip(
        thread_id=asked.thread_id,
        turn_id=turn.id,
        seconds=((turn.finished_at or begun + LONGEST) - begun).total_seconds(),
        reply=item.text if item else "",
        problem=problem,
    )


async def _find_issue(tenant: Tenant, key: str, c: Collaborators) -> str | Finding:
    """The issue's id, or why there is none."""
    try:
        issue = await comments.issue(c.jira(tenant), key)
    except JiraNotFound:
        return Finding(
            "issue",
            well=False,
            found=f"Jira shows no issue {key}",
            cure="Check the key, and that the app may browse its project.",
        )
    except JiraError as error:
        return Finding(
            "issue", well=False, found=str(error), cure="Try again once Jira can be reached."
        )
    return issue.id


def _told(trip: RoundTrip) -> list[str]:
    """The trip as lines to print: success, duration, thread, and the reply."""
    lines = [
        f"{'BAD' if trip.problem else 'ok '}  round trip: {trip.problem or 'answered'}",
        f"success: {'no' if trip.problem else 'yes'}",
        f"duration: {trip.seconds:.2f} s",
        f"thread: {trip.thread_id}",
    ]
    if trip.comment_id:
        lines.append(f"comment: {trip.comment_id}")
    if trip.reply:
        lines += ["reply:", trip.reply]
    return lines
