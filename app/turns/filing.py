"""What was found is filed: items, questions, takeovers. One transaction, under the lease."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.jira.adf import body_mentions, body_to_markdown
from app.jira.types import Issue as JiraIssue
from app.settings import Settings
from app.store import threads, turns
from app.store.ids import new_id
from app.store.statements import sort_key
from app.store.tables import Issue, Item, Tenant, Unseen
from app.store.threads import Lease
from app.turns import comments, drafts, ending, items, openings, resting
from app.turns.acting import Caught, act
from app.turns.answering import Message, Standing
from app.turns.desk import Desk
from app.turns.policies import policy_of
from app.turns.policy import FILL, Policy
from app.turns.sightings import Sighting

FIRST_MESSAGE = "issue"
"""``client_id`` of the item that holds a new issue's summary and description."""


MOVED = "issue_moved"
"""Why drafts are withdrawn: the issue is in another project, or has another security level."""

ENDING = frozenset({"resolution", "status"})
"""Fields whose change may mean that somebody resolved the issue."""


@dataclass(frozen=True)
class Findings:
    """What a look at Jira brought.

    Attributes:
        happenings: what befell the issue itself, each with the standing of who did it.
        told: ids of the unseen rows that this covers.
        last_look: the next thing to be done is to post.
        opened: somebody opened the thread, and sees it also where nothing is answered.
        fresh: the issue was read now; else it is a remembered one, of which nothing is filed.
        outdated: an answer under way was made from words of the issue that are other ones now.
    """

    issue: JiraIssue
    app_account: str
    sightings: tuple[Sighting, ...] = ()
    happenings: tuple[tuple[Unseen, str], ...] = ()
    told: tuple[int, ...] = ()
    last_look: bool = False
    opened: bool = False
    fresh: bool = True
    outdated: bool = False


def set_aside(db: Session, lease: Lease, told: tuple[int, ...]) -> None:
    """Nobody looks at this thread: what came in is forgotten, and fetched if ever it is opened."""
    threads.hold(db, lease)
    threads.drop_unseen(db, lease.thread_id, told)


@dataclass(frozen=True)
class Gone:
    """The issue is out of our sight. ``deleted``: Jira told that it is for ever."""

    told: tuple[int, ...]
    deleted: bool


def file_gone(db: Session, lease: Lease, gone: Gone, settings: Settings, now: datetime) -> None:
    """What runs on the issue ends; if it was deleted, its threads are emptied."""
    thread = threads.hold(db, lease)
    assert thread.issue_id is not None
    issue = db.get_one(Issue, (lease.tenant_id, thread.issue_id))
    issue.deleted_at = issue.deleted_at or now
    threads.drop_unseen(db, lease.thread_id, gone.told)
    thread.failures = 0
    thread.filled_at = None  # should it come back into sight, it is read anew
    act(db, thread.id, Caught(), settings, now)
    if gone.deleted:
        for audience in ("public", "internal"):
            one = threads.of_issue(db, lease.tenant_id, thread.issue_id, audience)
            if one is None:
                continue
            threads.lock(db, one.id)
            if (turn := turns.live(db, one.id)) is not None:
                ending.drop(db, turn, "question_gone", now)
            items.empty(db, one, now)


def file(db: Session, lease: Lease, findings: Findings, settings: Settings, now: datetime) -> None:
    """Make items of what was seen, open a turn where something asks for one, act on a live one."""
    thread = threads.hold(db, lease)
    issue, resolved_now = _refresh(db, lease.tenant_id, findings, now)
    rest = (issue.resting_until, issue.rest_cause)
    policy, caught = policy_of(db, issue, settings), Caught(changed=findings.outdated)
    desk = Desk(db, thread, issue, policy, findings.app_account, now, caught)
    threads.drop_unseen(db, thread.id, findings.told)
    thread.failures = 0
    if db.get_one(Tenant, lease.tenant_id).state == "uninstalled":
        return  # nothing that comes in now is to be answered, even after a reinstall
    if desk.policy.mode == "off" and thread.filled_at is None and not findings.opened:
        return
    if thread.filled_at is None:
        thread.filled_at = now
        _forget_what_is_gone(desk, findings)
    for row, actor in findings.happenings:
        _file_happening(desk, row, actor, findings.issue)
    if resolved_now and _may_be_taken_over(desk.policy):
        desk.rest_for_now()
    for sighting in sorted(findings.sightings, key=lambda s: (s.created, len(s.comment_id))):
        comments.file_sighting(desk, sighting)
    if rest != (issue.resting_until, issue.rest_cause):
        resting.tell(db, issue, settings, now)
    act(db, thread.id, desk.caught, settings, now)
    if desk.caught.asked:
        openings.open_turn(db, thread, issue, desk.policy, now)


def _forget_what_is_gone(desk: Desk, findings: Findings) -> None:
    """A thread that is filled anew: what it held and Jira shows no more is taken out."""
    shown = {sighting.comment_id for sighting in findings.sightings}
    listed = [comments.place_of(sighting) for sighting in findings.sightings if sighting.listed]
    since = min(listed) if len(listed) >= FILL else ""  # several may be of one instant
    for item in threads.with_comments(desk.db, desk.thread.id):
        if item.comment_id in shown or item.sort_key < since:
            continue
        if items.is_read_now(desk.db, item):
            desk.note_changed()
        items.take_out(desk.db, item, desk.now)


def _may_be_taken_over(policy: Policy) -> bool:
    return policy.mode != "off" and policy.answer_to == "reporter"


def _refresh(db: Session, tenant_id: str, findings: Findings, now: datetime) -> tuple[Issue, bool]:
    """The issue as it is now, and whether the last look sees it resolved and nobody told by whom.

    Until then, or until it is told, what an ordinary look sees of that is not used up.
    """
    seen = findings.issue
    issue = threads.ensure_issue(db, tenant_id, seen.id)
    if not findings.fresh:
        return issue, False
    told = any(ENDING & set(row.changed) for row, _ in findings.happenings)
    resolved_now = issue.resolved is False and seen.is_done and findings.last_look and not told
    if not seen.is_done or issue.resolved is None or told or findings.last_look:
        issue.resolved = seen.is_done
    if issue.project_id is not None and _is_elsewhere(issue, seen):
        drafts.withdraw_all(db, issue, MOVED, now)
    issue.key, issue.security_level = seen.key, seen.security_level
    issue.project_id, issue.type_id = seen.project_id, seen.issue_type_id
    issue.service_project = seen.service_project
    issue.deleted_at = None
    tenant = db.get_one(Tenant, tenant_id)
    if tenant.app_account_id != findings.app_account:
        tenant.app_account_id = findings.app_account
    return issue, resolved_now


def _is_elsewhere(issue: Issue, seen: JiraIssue) -> bool:
    """Whether other people may read the issue now than when its drafts were written."""
    known = (issue.project_id, issue.security_level)
    return known != (seen.project_id, seen.security_level)


# --- what befell the issue ------------------------------------------------------------------


def _file_happening(desk: Desk, row: Unseen, actor: str, seen: JiraIssue) -> None:
    if row.event == "issue_created":
        _file_description(desk, seen, create=True)
    elif row.event == "issue_updated":
        if {"summary", "description"} & set(row.changed):
            _file_description(desk, seen, create=False)
        if _taken_by_hand(row, actor, seen, desk.policy):
            desk.take_over(row.occurred_at)
        elif ENDING & set(row.changed):
            desk.rest_no_more()


def _taken_by_hand(row: Unseen, actor: str, seen: JiraIssue, policy: Policy) -> bool:
    """Whether a person who may work the issue assigned it to himself, or resolved it."""
    if actor != "agent" or not _may_be_taken_over(policy):
        return False
    if row.occurred_at < policy.mode_since:
        return False
    assignee = seen.assignee.account_id if seen.assignee else None
    to_himself = "assignee" in row.changed and assignee == row.actor_id
    return to_himself or (bool(ENDING & set(row.changed)) and seen.is_done)


def first_words(seen: JiraIssue) -> str:
    """An issue's first message: its summary and description."""
    return f"**{seen.summary}**\n\n{body_to_markdown(seen.description)}".strip()


def _file_description(desk: Desk, seen: JiraIssue, *, create: bool) -> None:
    text = first_words(seen)
    item = threads.item_by_client(desk.db, desk.thread.id, FIRST_MESSAGE)
    if item is not None:
        comments.replace(desk, item, text)
    elif create:
        message = Message(
            text,
            _creator_standing(seen, desk.app_account),
            seen.created,
            body_mentions(seen.description),
        )
        # An answer that was begun before has read it as the issue's facts.
        covered = turns.any_begun(desk.db, desk.thread.id)
        comments.ask_or_keep(
            desk,
            message,
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
            covered=covered,
        )


def _creator_standing(seen: JiraIssue, app_account: str) -> Standing:
    creator = seen.creator or seen.reporter
    if creator is not None and creator.account_id == app_account:
        return "ourselves"
    if creator is not None and creator.account_type == "app":
        return "app"
    return "customer"
