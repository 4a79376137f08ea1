"""Posting: one comment for a turn; ``delivering.py`` sees to it that it is one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from app.clock import Stopwatch
from app.jira import comments
from app.jira.points import Urgency, urgency
from app.store import threads, turns
from app.store.tables import Issue, Item, Tenant, Turn
from app.store.threads import Lease
from app.turns import delivering, items, outgoing, recording
from app.turns.catching_up import catch_up
from app.turns.collaborators import Collaborators
from app.turns.delivering import Mark, Place, Tried, Words, signature
from app.turns.outcomes import Interrupted, TooSoon
from app.turns.policies import policy_of
from app.turns.policy import Policy
from app.turns.posted import Posted


@dataclass(frozen=True)
class _Delivery:
    turn: Turn
    tenant: Tenant
    issue: Issue | None
    item: Item | None
    policy: Policy | None
    asked: str


def _read(db: Session, turn_id: str, lease: Lease, c: Collaborators) -> _Delivery:
    turn = turns.by_id(db, lease.tenant_id, turn_id)
    if turn is None or turn.state != "posting":
        raise Interrupted
    return _delivery(db, turn, c)


def _delivery(db: Session, turn: Turn, c: Collaborators) -> _Delivery:
    thread = threads.by_id(db, turn.tenant_id, turn.thread_id)
    assert thread is not None
    issue = db.get(Issue, (turn.tenant_id, thread.issue_id)) if thread.issue_id else None
    item = (
        threads.item_by_id(db, turn.tenant_id, turn.reply_thread_id, turn.reply_item_id)
        if turn.reply_item_id
        else None
    )
    policy = policy_of(db, issue, c.settings) if issue else None
    asked = items.last_asked(db, turn)
    return _Delivery(turn, db.get_one(Tenant, turn.tenant_id), issue, item, policy, asked)


async def post(turn_id: str, lease: Lease, c: Collaborators) -> None:
    """Bring the turn's answer to where it belongs, once.

    Raises:
        JiraError, NotInternal, TooSoon: it could not be; the turn is still to be posted.
    """
    delivery = await c.database.read(_read, turn_id, lease, c)
    posted: Posted | None = None
    if delivery.turn.reply_as in {"public", "internal"}:
        posted = await _to_jira(delivery, lease, c)
        await c.at_step("posted")
    await c.database.write(recording.finish, lease, turn_id, posted, c.clock.now())
    await c.at_step("finished")


async def _to_jira(delivery: _Delivery, lease: Lease, c: Collaborators) -> Posted:
    turn, item = delivery.turn, delivery.item

    async def last_look() -> Words:
        """Before a public word: did a person speak, was the question taken back?"""
        later = await c.database.read(outgoing.before_answer, turn, c.clock.now())
        if later is not None:
            raise TooSoon(later)
        await catch_up(lease, c, glance=True)
        tried = Stopwatch(c.clock)
        now = c.clock.now()
        go_on = await c.database.write(recording.note_try, lease, turn.id, c.settings, now)
        if item is None or not go_on:
            raise Interrupted
        await c.at_step("trying")
        return _words(delivery, item, tried, internal=turn.reply_as == "internal")

    tried = Tried(
        mark=_mark(turn),
        internal=turn.reply_as == "internal",
        since=turn.created_at,
        posts=turn.posts,
        tried_at=turn.tried_at,
        comment_id=turn.comment_id,
    )
    with urgency(Urgency.ANSWER):
        return await delivering.once(_place(delivery, c), tried, last_look, c)


async def post_reply(tenant_id: str, turn_id: str, c: Collaborators) -> str:
    """Post a private answer after all, because an operator says so; return the comment's id.

    In a service project it becomes an internal note, elsewhere a comment.

    Raises:
        JiraError: Jira did not take it.
    """
    delivery = await c.database.read(_private, tenant_id, turn_id, c)
    assert delivery.item is not None
    place = _place(delivery, c)
    seen = await comments.issue(place.client, place.issue_id)
    words = _words(delivery, delivery.item, None, internal=seen.service_project is not False)
    posted = await delivering.add(place, words, _mark(delivery.turn), c)
    await c.database.write(_note_comment, tenant_id, turn_id, posted.comment_id)
    return posted.comment_id


def _private(db: Session, tenant_id: str, turn_id: str, c: Collaborators) -> _Delivery:
    turn = turns.by_id(db, tenant_id, turn_id)
    assert turn is not None
    return _delivery(db, turn, c)


def _note_comment(db: Session, tenant_id: str, turn_id: str, comment_id: str) -> None:
    turn = turns.by_id(db, tenant_id, turn_id)
    assert turn is not None
    turn.comment_id = comment_id
    item = threads.item_by_id(db, tenant_id, turn.reply_thread_id, turn.reply_item_id or "")
    if item is not None:
        item.comment_id = comment_id


def _place(delivery: _Delivery, c: Collaborators) -> Place:
    assert delivery.issue is not None  # what is posted has an issue to be posted on
    return Place(delivery.tenant, delivery.issue.issue_id, c.jira(delivery.tenant))


def _mark(turn: Turn) -> Mark:
    return Mark(turn.id, turn.reply_thread_id, turn.reply_item_id or "", "assistant")


def _words(delivery: _Delivery, item: Item, tried: Stopwatch | None, *, internal: bool) -> Words:
    footer = signature(delivery.policy, delivery.asked)
    return Words(item.text, internal, tried, footer=tuple(footer))
