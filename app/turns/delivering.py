"""A comment of ours stands in Jira once, whatever falls between asking for it and hearing of it.

That Jira is going to be asked is recorded first. So whoever comes after a crash, a reset or a
time-out knows that the comment may stand, and looks for its mark before asking again.

Whoever comes looks no sooner than ``grace`` after the try was recorded. Until then the one who
recorded it has either sent its request and given it up, or will never send it: it looks at two
clocks in the last moment before the request's head and again before its body, and keeps back what
was recorded more than ``sending`` ago, such as by a process that stood still.

Jira has no conditional post, so this remains: a process that stands still *between* that last look
and the system call behind it, some ten microseconds, for longer than ``grace``; and a request that
Jira, or what lies between, has in hand for more than ``grace - sending`` (46 s) before Jira commits
it. Either may make a second comment of one answer; both bear the same mark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from app.clock import Stopwatch
from app.errors import JiraNotFound, JiraRefused, JiraUnavailable
from app.jira import comments
from app.jira.adf import Node, paragraph, plain_adf, to_adf
from app.jira.client import JiraClient
from app.jira.types import Comment
from app.store import database_clock
from app.store.tables import Tenant
from app.turns.attribution import attribution
from app.turns.collaborators import Collaborators
from app.turns.language import language_of
from app.turns.outcomes import NotInternal, TooSoon
from app.turns.policy import Policy
from app.turns.posted import Posted
from app.turns.reading import links_of
from app.turns.texts import WITHDRAWN

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Place:
    """An issue of a tenant's, for the app to comment on."""

    tenant: Tenant
    issue_id: str
    client: JiraClient


@dataclass(frozen=True)
class Mark:
    """The property by which a comment of ours is found again; ``role`` is assistant or user."""

    turn_id: str  # empty for a person's message
    thread_id: str
    item_id: str
    role: str


@dataclass(frozen=True)
class Tried:
    """What is recorded of a comment.

    Attributes:
        internal: whether it was tried as a note.
        since: it was certainly not tried before.
        posts: how often Jira was asked to take it.
        tried_at: when it was last asked, where it may still take it; by the database's clock.
        comment_id: Jira's, where its webhook was faster than its answer.
    """

    mark: Mark
    internal: bool
    since: datetime
    posts: int
    tried_at: datetime | None
    comment_id: str | None


@dataclass(frozen=True)
class Words:
    """What a comment says, in Markdown, between lines of the app's own; and to whom.

    ``tried`` began just before the try was recorded; None where none is.
    """

    text: str
    internal: bool
    tried: Stopwatch | None
    header: tuple[Node, ...] = ()
    footer: tuple[Node, ...] = ()


async def once(
    place: Place, tried: Tried, last_look: Callable[[], Awaitable[Words]], c: Collaborators
) -> Posted:
    """Have the comment in Jira, once.

    Args:
        place: where.
        tried: what is recorded of it.
        last_look: called where Jira has certainly not got it. Looks whether it is still to be
            posted, records the try, and returns what to say; or raises ``Interrupted``.
        c: the clocks, and how long a request may wait to be sent, and be under way.

    Raises:
        JiraError, NotInternal, TooSoon: it could not be; it is still to be posted.
    """
    if tried.comment_id is not None:
        return await _as_told(place, tried, tried.comment_id)
    if tried.posts:
        found = await _find(place, tried)
        if found is not None:
            return await _checked(place, found, internal=tried.internal)
        if tried.tried_at is not None:
            await _see_that_it_is_over(tried.tried_at, c)
    words = await last_look()
    return await add(place, words, tried.mark, c)


async def _see_that_it_is_over(tried_at: datetime, c: Collaborators) -> None:
    """Raise ``TooSoon`` where what was tried then may still come: by the clock it was recorded by,
    since another host may have recorded it.
    """
    now = c.clock.now()
    left = tried_at + c.grace - await c.database.read(database_clock.present, now)
    if left > timedelta():
        raise TooSoon(now + left)


async def add(place: Place, words: Words, mark: Mark, c: Collaborators) -> Posted:
    """Ask Jira for the comment; in plain paragraphs where it will not take it as it is.

    Raises:
        JiraError: Jira did not take it, or did not say; or too long after the try was recorded
            nothing was sent.
        NotInternal: it did not keep the note internal.
    """
    # Beside the loop: a hostile text costs a second to read.
    rich = await asyncio.to_thread(
        to_adf,
        words.text,
        link_allowed=links_of(place.tenant),
        header=words.header,
        footer=words.footer,
    )
    place = replace(place, client=place.client.checked(partial(_see_that_it_is_time, words, c)))
    try:
        comment = await _add(place, rich, words, mark)
    except JiraRefused as refused:
        if refused.status != 400:
            raise
        plain = plain_adf(words.text, header=words.header, footer=words.footer)
        comment = await _add(place, plain, words, mark)
    return await _checked(place, comment, internal=words.internal)


def _see_that_it_is_time(words: Words, c: Collaborators) -> None:
    """Raise where another worker may be about to look for the comment already."""
    if words.tried is not None and words.tried.seconds() > c.sending.total_seconds():
        log.warning("posting_kept_back", seconds=round(words.tried.seconds(), 1))
        raise JiraUnavailable(comments.ADD_COMMENT)


def signature(policy: Policy | None, asked: str, *, approved_by: str | None = None) -> list[Node]:
    """The line that says an AI assistant wrote it, in the language of what was asked.

    None of it where an admin has removed it.
    """
    if policy is not None and not policy.attribution:
        return []
    return [paragraph(attribution(language_of(asked), approved_by=approved_by), "em")]


async def _add(place: Place, adf: Node, words: Words, mark: Mark) -> Comment:
    return await comments.add_comment(
        place.client, place.issue_id, adf, internal=words.internal, mark=vars(mark)
    )


async def _as_told(place: Place, tried: Tried, comment_id: str) -> Posted:
    """Its own webhook was faster than the answer to posting it, or has told of its deletion."""
    try:
        comment = await comments.comment(place.client, place.issue_id, comment_id)
    except JiraNotFound:
        return Posted(comment_id, tried.since, gone=True)
    return await _checked(place, comment, internal=tried.internal)


async def _find(place: Place, tried: Tried) -> Comment | None:
    """A turn has one comment, whatever item it stands in; a message is told by its item."""
    mark = tried.mark
    account = place.tenant.app_account_id or (await comments.myself(place.client)).account_id
    return await comments.find_marked(
        place.client,
        place.issue_id,
        mark.turn_id,
        since=tried.since,
        own_account_id=account,
        role=mark.role,
        item_id=mark.item_id if mark.role == "user" else None,
    )


async def _checked(place: Place, comment: Comment, *, internal: bool) -> Posted:
    """An internal note is read back before it is called one; if it is public it is blanked."""
    client, issue_id = place.client, place.issue_id
    if internal and not await comments.verify_internal(client, issue_id, comment.id):
        await comments.blank_comment(client, issue_id, comment.id, plain_adf(WITHDRAWN))
        raise NotInternal
    return Posted(comment.id, comment.created)
