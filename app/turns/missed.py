"""What Jira shows of an issue and its threads do not know: what a webhook would have told.

Nothing is believed here either: what is found becomes unseen rows, as if it had been told, and
is fetched and judged when the thread is caught up. Told twice, by whomever, it is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from app.jira.adf import body_to_markdown
from app.jira.types import Comment
from app.jira.types import Issue as JiraIssue
from app.settings import Settings
from app.store import threads, turns
from app.store.statements import sort_key
from app.store.tables import Issue, Item, Tenant, Thread, Unseen
from app.turns import outgoing
from app.turns.filing import FIRST_MESSAGE, first_words
from app.turns.policies import policy_of
from app.turns.policy import Policy
from app.turns.sightings import audience

SPARE = 50
"""How many items more than the comments shown are looked through for deleted ones."""


@dataclass(frozen=True)
class Missed:
    """One thing that nobody told of; the fields are those of an unseen row."""

    event: str
    occurred_at: datetime
    comment_id: str | None = None
    author_id: str | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """An issue as Jira shows it: its newest comments, the newest first; ``whole``: all of them."""

    issue: JiraIssue
    comments: Sequence[Comment]
    whole: bool


@dataclass(frozen=True)
class _Known:
    """What is known of it here, read in one view."""

    tenant: Tenant
    row: Issue  # as it is stored, or as it would be
    thread: Thread | None
    policy: Policy
    items: Mapping[str, Item]  # of both threads, by comment
    first: Item | None

    @property
    def filled(self) -> bool:
        return self.thread is not None and self.thread.filled_at is not None


def is_watched(db: Session, tenant_id: str, issue: JiraIssue, settings: Settings) -> bool:
    """Whether anybody would miss something: the assistant answers there, or a thread is shown."""
    thread = threads.of_issue(db, tenant_id, issue.id, "public")
    if thread is not None and thread.filled_at is not None:
        return True
    return policy_of(db, _row(db, tenant_id, issue), settings).mode != "off"


def missed(
    db: Session, tenant_id: str, shown: Shown, since: datetime, settings: Settings
) -> tuple[Missed, ...]:
    """What nobody told of; what is new only if it was written at ``since`` or later."""
    known = _known(db, tenant_id, shown, settings)
    since = max(since, known.tenant.installed_at)
    if not known.filled:
        if known.policy.mode == "off":
            return ()
        since = max(since, known.policy.mode_since)
    found = [*_of_issue(known, shown.issue, since)]
    for comment in reversed(shown.comments):
        found += _of_comment(db, known, comment, since)
    return (*found, *_gone(known, shown))


def tell(
    db: Session, tenant_id: str, issue_id: str, found: Sequence[Missed], now: datetime
) -> bool:
    """Put it where a webhook would have. False where all of it waits to be looked at already."""
    thread = threads.ensure_thread(db, tenant_id, issue_id, "public", now)
    waiting = {(row.event, row.comment_id) for row in threads.unseen_of(db, thread.id)}
    fresh = [one for one in found if (one.event, one.comment_id) not in waiting]
    for one in fresh:
        db.add(
            Unseen(
                tenant_id=tenant_id,
                thread_id=thread.id,
                event=one.event,
                comment_id=one.comment_id,
                author_id=one.author_id,
                changed=list(one.changed),
                occurred_at=one.occurred_at,
                received_at=now,
            )
        )
    if fresh:
        threads.make_due(db, thread.id, now)
    return bool(fresh)


# --- what is known ----------------------------------------------------------------------------


def _known(db: Session, tenant_id: str, shown: Shown, settings: Settings) -> _Known:
    row = _row(db, tenant_id, shown.issue)
    public = threads.of_issue(db, tenant_id, shown.issue.id, "public")
    internal = threads.of_issue(db, tenant_id, shown.issue.id, "internal")
    both = [thread for thread in (internal, public) if thread is not None]
    return _Known(
        db.get_one(Tenant, tenant_id),
        row,
        public,
        policy_of(db, row, settings),
        {item.comment_id or "": item for item in _items(db, both, shown)},  # the public one last
        threads.item_by_client(db, public.id, FIRST_MESSAGE) if public else None,
    )


def _row(db: Session, tenant_id: str, issue: JiraIssue) -> Issue:
    """The issue's row with project and type as they are now; it is not stored."""
    stored = db.get(Issue, (tenant_id, issue.id))
    service = issue.service_project
    if service is None and stored is not None:
        service = stored.service_project
    return Issue(
        tenant_id=tenant_id,
        issue_id=issue.id,
        project_id=issue.project_id,
        type_id=issue.issue_type_id,
        service_project=service,
    )


def _items(db: Session, both: Iterable[Thread], shown: Shown) -> list[Item]:
    """Those of the comments shown, and those that should be among them; thread by thread."""
    ids = [comment.id for comment in shown.comments]
    found: list[Item] = []
    for thread in both:
        listed = or_(col(Item.comment_id).in_(ids), col(Item.sort_key) >= _oldest(shown))
        own = select(Item).where(
            Item.thread_id == thread.id, col(Item.comment_id).is_not(None), listed
        )
        found += db.exec(own.order_by(col(Item.sort_key).desc()).limit(len(ids) + SPARE)).all()
    return found


def _oldest(shown: Shown) -> str:
    """The place from which on all comments are shown."""
    return "" if shown.whole else min(sort_key(one.created, 0) for one in shown.comments)


# --- what is not ------------------------------------------------------------------------------


def _of_issue(known: _Known, issue: JiraIssue, since: datetime) -> Iterable[Missed]:
    if known.first is None:
        if known.policy.mode != "off" and issue.created >= max(since, known.policy.mode_since):
            yield Missed("issue_created", issue.created)
    elif known.first.text != first_words(issue):
        yield Missed("issue_updated", issue.updated, changed=("summary", "description"))


def _of_comment(db: Session, known: _Known, comment: Comment, since: datetime) -> Iterable[Missed]:
    author = comment.author.account_id if comment.author else None
    item = known.items.get(comment.id)
    if author is not None and author == known.tenant.app_account_id:
        if item is not None and _is_no_longer_shown(db, known, item, comment):
            yield Missed("comment_updated", comment.updated, comment.id, author)
    elif _is_news(db, known, item, comment, since):
        yield Missed("comment_created", comment.created, comment.id, author)
    elif item is not None and not _is_as_shown(known, item, comment):
        yield Missed("comment_updated", comment.updated, comment.id, author)


def _is_news(
    db: Session, known: _Known, item: Item | None, comment: Comment, since: datetime
) -> bool:
    """Whether a person wrote it and nobody told of it; what a first fill brought is news still."""
    if item is not None:
        if not item.history or turns.has_read(db, item.thread_id, item.sort_key):
            return False
        since = max(since, known.policy.mode_since)
    return comment.created >= since and _is_public(known, comment)


def _is_public(known: _Known, comment: Comment) -> bool:
    return audience(comment, service_project=known.row.service_project) == "public"


def _is_as_shown(known: _Known, item: Item, comment: Comment) -> bool:
    """Whether a person's item is what the comment is now."""
    if not _is_public(known, comment):
        return item.state == threads.HIDDEN
    return item.state != threads.HIDDEN and item.text == body_to_markdown(comment.body)


def _is_no_longer_shown(db: Session, known: _Known, item: Item, comment: Comment) -> bool:
    """Whether a comment of ours, which stands on the public thread, is public no more."""
    public = known.thread is not None and item.thread_id == known.thread.id
    shown = public and item.state != threads.HIDDEN and not outgoing.is_note(db, item)
    return shown and not _is_public(known, comment)


def _gone(known: _Known, shown: Shown) -> Iterable[Missed]:
    """Items whose comments should be among those shown, and are not."""
    ids, oldest = {comment.id for comment in shown.comments}, _oldest(shown)
    for comment_id, item in known.items.items():
        if comment_id in ids or item.sort_key < oldest or item.state == threads.HIDDEN:
            continue
        author = known.tenant.app_account_id if item.role == "assistant" else item.author_id
        yield Missed("comment_deleted", item.created_at, comment_id, author)
