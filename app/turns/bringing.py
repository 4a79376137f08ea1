"""What waits for Jira is brought there, in the order in which it was queued, each once.

A person's message becomes a comment of the app's that begins with the writer's name; an approved
draft a comment that names who approved it. ``delivering.py`` sees to it that each is one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.clock import Stopwatch
from app.errors import AppError, LeaseLost
from app.jira import comments, people
from app.jira.adf import paragraph
from app.jira.points import Urgency, urgency
from app.store import threads, turns
from app.store.tables import Issue, Item, Outgoing, Tenant, Turn
from app.store.threads import Lease
from app.turns import brought, delivering, items, outgoing
from app.turns.brought import Chosen
from app.turns.catching_up import catch_up
from app.turns.collaborators import Collaborators
from app.turns.delivering import Mark, Place, Tried, Words, signature
from app.turns.outcomes import Failure, Interrupted, failure_of
from app.turns.policies import policy_of
from app.turns.policy import Policy
from app.turns.remembering import Standings
from app.turns.sightings import Lookout

log = structlog.get_logger(__name__)

NOBODY = "Former user"
"""What Jira itself calls somebody whom it shows no more."""
LONGEST_NAME = 160


@dataclass(frozen=True)
class _Cargo:
    """A row, and what is delivered of it."""

    row: Outgoing
    item: Item
    tenant: Tenant
    issue_id: str
    turn: Turn | None = None
    policy: Policy | None = None
    asked: str = ""


async def bring(lease: Lease, c: Collaborators) -> datetime | None:
    """Deliver what waits; come back with when to go on, None where nothing is left.

    One that is put off holds up those behind it, so that Jira has them in order. What fails is
    recorded with its row and raised to nobody.

    Raises:
        LeaseLost: another worker has the thread.
    """
    while (row := await c.database.read(outgoing.first, lease.thread_id)) is not None:
        now = c.clock.now()
        if row.not_before is not None and row.not_before > now:
            return row.not_before
        if not await c.database.read(_is_installed, lease.tenant_id):
            return now  # it stays due, and goes on once the app is enabled again
        await _attempt(row, lease, c)
    return None


def _is_installed(db: Session, tenant_id: str) -> bool:
    return db.get_one(Tenant, tenant_id).state == "installed"


def _load(db: Session, row: Outgoing, c: Collaborators) -> _Cargo | None:
    """None where the item is gone, and with it all that there is to say."""
    thread = threads.by_id(db, row.tenant_id, row.thread_id)
    item = threads.item_by_id(db, row.tenant_id, row.item_thread_id, row.item_id)
    if thread is None or thread.issue_id is None or item is None or item.state == threads.HIDDEN:
        return None
    tenant = db.get_one(Tenant, row.tenant_id)
    turn = turns.by_id(db, row.tenant_id, row.turn_id) if row.turn_id else None
    if turn is None:
        return _Cargo(row, item, tenant, thread.issue_id)
    policy = policy_of(db, db.get_one(Issue, (row.tenant_id, thread.issue_id)), c.settings)
    asked = items.last_asked(db, turn)
    return _Cargo(row, item, tenant, thread.issue_id, turn, policy, asked)


async def _attempt(row: Outgoing, lease: Lease, c: Collaborators) -> None:
    """Once, whatever comes of it; a row that is over or withdrawn by then is left as it is."""
    with suppress(Interrupted):
        failure = await _failure(row, lease, c)
        if failure is not None:
            await c.database.write(brought.give_back, lease, row.id, failure, c.clock.now())


async def _failure(row: Outgoing, lease: Lease, c: Collaborators) -> Failure | None:
    try:
        await _deliver(row, lease, c)
    except (LeaseLost, SQLAlchemyError, Interrupted):
        raise
    except Exception as error:  # one row's poison is no other's
        if not isinstance(error, AppError):
            log.exception("bringing_broke", outgoing=row.id)
        failure = failure_of(error, row.failures + 1, c.clock.now(), posting=True)
        log.warning(
            "bringing_failed", outgoing=row.id, cause=failure.cause, final=failure.until is None
        )
        return failure
    return None


async def _deliver(row: Outgoing, lease: Lease, c: Collaborators) -> None:
    cargo = await c.database.read(_load, row, c)
    if cargo is None:
        await c.database.write(brought.drop, lease, row.id, c.clock.now())
        return
    place = Place(cargo.tenant, cargo.issue_id, c.jira(cargo.tenant))
    look = _look_at_message if row.role == "user" else _look_at_draft

    async def last_look() -> Words:
        words = await look(cargo, place, lease, c)
        await c.at_step("trying to bring")
        return words

    await c.at_step("bringing")
    with urgency(Urgency.ANSWER):
        posted = await delivering.once(place, _tried(cargo), last_look, c)
    await c.at_step("brought")
    await c.database.write(brought.finish, lease, row.id, posted, c.clock.now())
    await c.at_step("told")
    log.info("brought", outgoing=row.id, role=row.role, item=row.item_id, by=row.by_id)


def _tried(cargo: _Cargo) -> Tried:
    """What is recorded of the row; of a draft, also of its turn, which may have tried before."""
    row, turn = cargo.row, cargo.turn
    answering = cargo.item.given_to or cargo.item.answered_by or ""
    mark = Mark(row.turn_id or answering, row.item_thread_id, row.item_id, row.role)
    if turn is None:
        since = min(row.created_at, cargo.item.created_at)
        return Tried(mark, row.internal is True, since, row.posts, row.tried_at, row.comment_id)
    return Tried(
        mark=mark,
        internal=row.internal is True if row.posts else turn.reply_as == "internal",
        since=turn.created_at,
        posts=row.posts + turn.posts,
        tried_at=row.tried_at or turn.tried_at,
        comment_id=row.comment_id,
    )


async def _look_at_message(cargo: _Cargo, place: Place, lease: Lease, c: Collaborators) -> Words:
    """In a service project what is not a customer's own word becomes a note."""
    row, tenant = cargo.row, cargo.tenant
    issue = await comments.issue(place.client, place.issue_id)
    account = tenant.app_account_id or (await comments.myself(place.client)).account_id
    writer = await people.person(place.client, row.by_id or "")
    lookout = Lookout(place.client, issue, account, Standings(), c.clock.now())
    standing = await lookout.standing(writer.account)
    note = issue.service_project is not False and standing != "customer"
    chosen = Chosen(standing, internal=note or row.internal is True)
    tried = Stopwatch(c.clock)
    if not await c.database.write(brought.try_message, lease, row.id, chosen, c.clock.now()):
        raise Interrupted
    name = _shown(writer.name)
    header = (paragraph(f"{name}:", "strong"),)
    return Words(cargo.item.text, chosen.internal, tried, header=header)


async def _look_at_draft(cargo: _Cargo, place: Place, lease: Lease, c: Collaborators) -> Words:
    """Was the question taken back, was the issue moved? And who approved it?"""
    row = cargo.row
    await catch_up(lease, c, glance=True)
    approver = await people.person(place.client, row.by_id or "")
    tried = Stopwatch(c.clock)
    internal = await c.database.write(brought.try_draft, lease, row.id, c.settings, c.clock.now())
    if internal is None:
        raise Interrupted
    footer = signature(cargo.policy, cargo.asked, approved_by=_shown(approver.name))
    return Words(cargo.item.text, internal, tried, footer=tuple(footer))


def _shown(name: str | None) -> str:
    """A name on one line."""
    return " ".join((name or NOBODY).split())[:LONGEST_NAME]
