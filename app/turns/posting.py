"""Posting: one comment for a turn, whatever happens between asking Jira and hearing of it.

That it is going to be asked is recorded first. So whoever comes after a crash, a reset or a
time-out knows that the comment may stand, and looks for the turn's mark before asking again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlmodel import Session

from app.errors import JiraNotFound, JiraRefused
from app.jira import comments
from app.jira.adf import paragraph, plain_adf, to_adf
from app.jira.client import JiraClient
from app.jira.types import Comment
from app.store import threads, turns
from app.store.tables import Issue, Item, Tenant, Turn
from app.store.threads import Lease
from app.turns import recording
from app.turns.attribution import attribution
from app.turns.catching_up import catch_up
from app.turns.collaborators import Collaborators
from app.turns.language import language_of
from app.turns.outcomes import Interrupted, NotInternal, TooSoon
from app.turns.policies import policy_of
from app.turns.policy import Policy
from app.turns.reading import links_of
from app.turns.texts import WITHDRAWN


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
    said, _ = threads.items_page(
        db, turn.tenant_id, turn.thread_id, limit=20, order="desc", through=turn.read_through
    )
    asked = next((one.text for one in said if one.kind == "user_message"), "")
    policy = policy_of(db, issue, c.settings) if issue else None
    return _Delivery(turn, db.get_one(Tenant, turn.tenant_id), issue, item, policy, asked)


async def post(turn_id: str, lease: Lease, c: Collaborators) -> None:
    """Bring the turn's answer to where it belongs, once.

    Raises:
        JiraError, NotInternal, TooSoon: it could not be; the turn is still to be posted.
    """
    delivery = await c.database.read(_read, turn_id, lease, c)
    posted: recording.Posted | None = None
    if delivery.turn.reply_as in {"public", "internal"}:
        posted = await _to_jira(delivery, lease, c)
        await c.at_step("posted")
    await c.database.write(recording.finish, lease, turn_id, posted, c.clock.now())
    await c.at_step("finished")


async def _to_jira(delivery: _Delivery, lease: Lease, c: Collaborators) -> recording.Posted:
    turn, item, issue = delivery.turn, delivery.item, delivery.issue
    assert issue is not None  # what is posted has an issue to be posted on
    client = c.jira(delivery.tenant)
    internal = turn.reply_as == "internal"
    if turn.comment_id is not None:
        return await _as_told(client, delivery)
    if turn.posts:
        found = await _find(client, delivery)
        if found is not None:
            return await _checked(client, issue, found, internal=internal)
        if turn.tried_at is not None and c.clock.now() < turn.tried_at + c.grace:
            raise TooSoon(turn.tried_at + c.grace)
    # The last look before a public word: did a person speak, was the question taken back?
    await catch_up(lease, c, glance=True)
    go_on = await c.database.write(recording.note_try, lease, turn.id, c.settings, c.clock.now())
    if item is None or not go_on:
        raise Interrupted
    await c.at_step("trying")
    comment = await _add(client, delivery, item, internal=internal)
    return await _checked(client, issue, comment, internal=internal)


async def _as_told(client: JiraClient, delivery: _Delivery) -> recording.Posted:
    """Its own webhook was faster than the answer to posting it, or has told of its deletion."""
    turn, issue = delivery.turn, delivery.issue
    assert issue is not None
    assert turn.comment_id is not None
    try:
        comment = await comments.comment(client, issue.issue_id, turn.comment_id)
    except JiraNotFound:
        return recording.Posted(turn.comment_id, turn.created_at, gone=True)
    return await _checked(client, issue, comment, internal=turn.reply_as == "internal")


async def _find(client: JiraClient, delivery: _Delivery) -> Comment | None:
    turn, issue = delivery.turn, delivery.issue
    assert issue is not None
    account = delivery.tenant.app_account_id or (await comments.myself(client)).account_id
    return await comments.find_marked(
        client,
        issue.issue_id,
        turn.id,
        since=turn.created_at,
        own_account_id=account,
    )


async def post_reply(tenant_id: str, turn_id: str, c: Collaborators) -> str:
    """Post a private answer after all, because an operator says so; return the comment's id.

    In a service project it becomes an internal note, elsewhere a comment.

    Raises:
        JiraError: Jira did not take it.
    """
    delivery = await c.database.read(_private, tenant_id, turn_id, c)
    issue = delivery.issue
    assert issue is not None
    assert delivery.item is not None
    client = c.jira(delivery.tenant)
    seen = await comments.issue(client, issue.issue_id)
    internal = seen.service_project is not False
    comment = await _add(client, delivery, delivery.item, internal=internal)
    await _checked(client, issue, comment, internal=internal)
    await c.database.write(_note_comment, tenant_id, turn_id, comment.id)
    return comment.id


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


async def _add(client: JiraClient, delivery: _Delivery, item: Item, *, internal: bool) -> Comment:
    """The comment; in plain paragraphs where Jira will not take it as it is."""
    turn, issue, policy = delivery.turn, delivery.issue, delivery.policy
    assert issue is not None
    footer = (
        [paragraph(attribution(language_of(delivery.asked)), "em")]
        if policy is None or policy.attribution
        else []
    )
    mark = {
        "turn_id": turn.id,
        "thread_id": turn.reply_thread_id,
        "item_id": item.id,
        "role": "assistant",
    }
    # Beside the loop: a hostile text costs a second to read.
    rich = await asyncio.to_thread(
        to_adf, item.text, link_allowed=links_of(delivery.tenant), footer=footer
    )
    try:
        return await comments.add_comment(
            client, issue.issue_id, rich, internal=internal, mark=mark
        )
    except JiraRefused as refused:
        if refused.status != 400:
            raise
    plain = plain_adf(item.text, footer=footer)
    return await comments.add_comment(client, issue.issue_id, plain, internal=internal, mark=mark)


async def _checked(
    client: JiraClient, issue: Issue, comment: Comment, *, internal: bool
) -> recording.Posted:
    """An internal note is read back before it is called one; if it is public it is blanked."""
    if internal and not await comments.verify_internal(client, issue.issue_id, comment.id):
        blank = plain_adf(WITHDRAWN)
        await comments.blank_comment(client, issue.issue_id, comment.id, blank)
        raise NotInternal
    return recording.Posted(comment.id, comment.created)
