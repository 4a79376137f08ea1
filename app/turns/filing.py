"""What was found is filed: items, questions, takeovers. One transaction, under the lease."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from app.jira.adf import body_mentions, body_to_markdown
from app.jira.types import Issue as JiraIssue
from app.settings import Settings
from app.store import threads, turns
from app.store.ids import new_id
from app.store.statements import sort_key
from app.store.tables import Issue, Item, Tenant, Thread, Turn, Unseen
from app.store.threads import Lease
from app.stream import log
from app.stream.encoding import item_json
from app.turns import items, openings
from app.turns.answering import Message, Standing, judge, takes_over
from app.turns.policies import policy_of
from app.turns.policy import Policy
from app.turns.sightings import Sighting

FIRST_MESSAGE = "issue"
"""``client_id`` of the item that holds a new issue's summary and description."""


@dataclass(frozen=True)
class Findings:
    """What a look at Jira brought.

    Attributes:
        happenings: what befell the issue itself, each with the standing of who did it.
        through: id of the newest unseen row that this covers.
    """

    issue: JiraIssue
    app_account: str
    sightings: tuple[Sighting, ...] = ()
    happenings: tuple[tuple[Unseen, str], ...] = ()
    through: int = 0


@dataclass(frozen=True)
class Caught:
    """What catching up changed, as a running turn must know it."""

    asked: bool = False  # a new question
    changed: bool = False  # a message that the turn may have read is another one now, or none
    taken_over: bool = False
    gone: bool = False  # the issue


NOTHING_NEW = Caught()


@dataclass
class _Desk:
    """One filing under way."""

    db: Session
    thread: Thread
    issue: Issue
    policy: Policy
    app_account: str
    now: datetime
    caught: Caught = NOTHING_NEW

    def note(self, **what: bool) -> None:
        self.caught = replace(self.caught, **what)

    def tell(self, kind: str, item: Item) -> None:
        self.log((kind, {"item": item_json(item)}))

    def log(self, *lines: log.Line) -> None:
        log.append(self.db, self.thread.tenant_id, self.thread.id, lines, self.now)


def set_aside(db: Session, lease: Lease, through: int) -> None:
    """Nobody looks at this thread: what came in is forgotten, and fetched if ever it is opened."""
    threads.hold(db, lease)
    threads.drop_unseen(db, lease.thread_id, through)


def file_gone(db: Session, lease: Lease, through: int, deleted: bool, now: datetime) -> Caught:  # noqa: FBT001  (handed through the writer by position)
    """The issue is out of our sight. If it was deleted, its threads are emptied."""
    thread = threads.hold(db, lease)
    assert thread.issue_id is not None
    issue = db.get_one(Issue, (lease.tenant_id, thread.issue_id))
    issue.deleted_at = issue.deleted_at or now
    for audience in ("public", "internal") if deleted else ():
        one = threads.of_issue(db, lease.tenant_id, thread.issue_id, audience)
        while one is not None:
            page, _ = threads.items_page(db, lease.tenant_id, one.id, limit=200)
            if not page:
                break
            for item in page:
                items.take_out(db, item, now)
    threads.drop_unseen(db, lease.thread_id, through)
    thread.failures = 0
    return Caught(changed=True, gone=True)


def file(
    db: Session, lease: Lease, findings: Findings, settings: Settings, now: datetime
) -> Caught:
    """Make items of what was seen; open a turn where something asks for one."""
    thread = threads.hold(db, lease)
    issue = _refresh(db, lease.tenant_id, findings)
    desk = _Desk(db, thread, issue, policy_of(db, issue, settings), findings.app_account, now)
    threads.drop_unseen(db, thread.id, findings.through)
    thread.failures = 0
    if desk.policy.mode == "off" and thread.filled_at is None:
        return desk.caught
    thread.filled_at = thread.filled_at or now
    for row, actor in findings.happenings:
        _file_happening(desk, row, actor, findings.issue)
    for sighting in sorted(findings.sightings, key=lambda s: (s.created, len(s.comment_id))):
        _file_sighting(desk, sighting)
    if desk.caught.asked:
        openings.open_turn(db, thread, issue, desk.policy, now)
    return desk.caught


def _refresh(db: Session, tenant_id: str, findings: Findings) -> Issue:
    seen = findings.issue
    issue = threads.ensure_issue(db, tenant_id, seen.id)
    issue.key = seen.key
    issue.project_id, issue.type_id = seen.project_id, seen.issue_type_id
    issue.service_project = seen.service_project
    issue.reporter_id = seen.reporter.account_id if seen.reporter else None
    issue.security_level = seen.security_level
    issue.deleted_at = None
    tenant = db.get_one(Tenant, tenant_id)
    if tenant.app_account_id != findings.app_account:
        tenant.app_account_id = findings.app_account
    return issue


# --- what befell the issue ------------------------------------------------------------------


def _file_happening(desk: _Desk, row: Unseen, actor: str, seen: JiraIssue) -> None:
    if row.event == "issue_created":
        _file_description(desk, seen, create=True)
    elif row.event == "issue_updated":
        if {"summary", "description"} & set(row.changed):
            _file_description(desk, seen, create=False)
        if _taken_by_hand(row, actor, seen, desk.policy):
            _take_over(desk, row.occurred_at)


def _taken_by_hand(row: Unseen, actor: str, seen: JiraIssue, policy: Policy) -> bool:
    """Whether a person who may work the issue assigned it to himself, or resolved it."""
    if actor != "agent" or policy.answer_to != "reporter" or policy.mode == "off":
        return False
    if row.occurred_at < policy.mode_since:
        return False
    assignee = seen.assignee.account_id if seen.assignee else None
    to_himself = "assignee" in row.changed and assignee == row.actor_id
    return to_himself or ("resolution" in row.changed and seen.resolution)


def _file_description(desk: _Desk, seen: JiraIssue, *, create: bool) -> None:
    text = f"**{seen.summary}**\n\n{body_to_markdown(seen.description)}".strip()
    item = threads.item_by_client(desk.db, desk.thread.id, FIRST_MESSAGE)
    if item is not None:
        _replace(desk, item, text)
    elif create:
        _ask_or_keep(
            desk,
            Message(
                text,
                _creator_standing(seen, desk.app_account),
                seen.created,
                body_mentions(seen.description),
            ),
            Item(
                id=new_id("item"),
                tenant_id=desk.thread.tenant_id,
                thread_id=desk.thread.id,
                sort_key=sort_key(seen.created, 0),
                kind="user_message",
                role="customer",
                author_id=seen.reporter.account_id if seen.reporter else None,
                client_id=FIRST_MESSAGE,
                text=text,
                created_at=seen.created,
                updated_at=desk.now,
            ),
        )


def _creator_standing(seen: JiraIssue, app_account: str) -> Standing:
    creator = seen.creator or seen.reporter
    if creator is not None and creator.account_id == app_account:
        return "ourselves"
    if creator is not None and creator.account_type == "app":
        return "app"
    return "customer"


# --- comments -------------------------------------------------------------------------------


def _file_sighting(desk: _Desk, sighting: Sighting) -> None:
    item = threads.item_by_comment(desk.db, desk.thread.id, sighting.comment_id)
    if sighting.standing == "ourselves" or sighting.author_id == desk.app_account:
        _file_own(desk, sighting, item)
    elif sighting.audience != "public":
        if item is not None:
            _take_out(desk, item)
    elif item is not None:
        _replace(desk, item, sighting.text)
    else:
        _file_new(desk, sighting)


def _file_new(desk: _Desk, sighting: Sighting) -> None:
    message = Message(sighting.text, sighting.standing, sighting.created, sighting.mentions)
    item = _item_of(desk, sighting)
    if sighting.history:
        threads.add_item(desk.db, item)
        desk.tell("thread.item.done", item)
        return
    _ask_or_keep(desk, message, item)
    if takes_over(message, desk.policy):
        _take_over(desk, sighting.created)


def _item_of(desk: _Desk, sighting: Sighting) -> Item:
    ours = sighting.standing == "ourselves" and sighting.mark.get("role") != "user"
    tie = int(sighting.comment_id) if sighting.comment_id.isdigit() else 0
    return Item(
        id=new_id("item"),
        tenant_id=desk.thread.tenant_id,
        thread_id=desk.thread.id,
        sort_key=sort_key(sighting.created, tie),
        kind="assistant_message" if ours else "user_message",
        role="assistant" if ours else _role(sighting.standing),
        author_id=sighting.author_id,
        comment_id=sighting.comment_id,
        text=sighting.text,
        created_at=sighting.created,
        updated_at=desk.now,
    )


def _role(standing: Standing) -> str:
    return {"customer": "customer", "agent": "agent", "app": "app"}.get(standing, "person")


def _ask_or_keep(desk: _Desk, message: Message, item: Item) -> None:
    verdict = judge(message, desk.policy, app_account=desk.app_account, now=desk.now)
    item.asks = verdict != "ignore"
    item.as_draft = verdict == "draft"
    threads.add_item(desk.db, item)
    desk.tell("thread.item.done", item)
    if item.asks:
        desk.note(asked=True)


def _file_own(desk: _Desk, sighting: Sighting, item: Item | None) -> None:
    """Our own comment: it belongs to its turn, and is never a question."""
    if sighting.audience == "gone":
        if item is not None:
            _take_out(desk, item)
        else:
            _note_posted(sighting, turns.live(desk.db, desk.thread.id))
        return
    turn = turns.by_id(desk.db, desk.thread.tenant_id, str(sighting.mark.get("turn_id", "")))
    if item is not None:
        if sighting.audience != "public":
            _take_out(desk, item)
        elif sighting.edited_by_person:
            _replace(desk, item, sighting.text)
    elif turn is not None:
        _note_posted(sighting, turn)
    elif sighting.audience == "public":
        threads.add_item(desk.db, made := _item_of(desk, sighting))
        desk.tell("thread.item.done", made)


def _note_posted(sighting: Sighting, turn: Turn | None) -> None:
    """Jira has the turn's comment, or had it: it is not posted again."""
    if turn is not None and turn.state == "posting" and turn.comment_id is None:
        turn.comment_id = sighting.comment_id


def _replace(desk: _Desk, item: Item, text: str) -> None:
    if item.text == text:
        return
    items.rewrite(desk.db, item, text, desk.now)
    desk.note(changed=desk.caught.changed or items.is_read_now(desk.db, item))


def _take_out(desk: _Desk, item: Item) -> None:
    desk.note(changed=desk.caught.changed or items.is_read_now(desk.db, item))
    items.take_out(desk.db, item, desk.now)


def _take_over(desk: _Desk, at: datetime) -> None:
    """A person has it now: the assistant rests."""
    issue = desk.issue
    issue.spoken_at = max(issue.spoken_at, at) if issue.spoken_at else at
    issue.resting_since = issue.resting_since or desk.now
    issue.resting_until = at + desk.policy.resume_after
    issue.rest_cause = "takeover"
    desk.note(taken_over=True)
