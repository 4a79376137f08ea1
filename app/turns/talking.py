"""What people write to the assistant itself, and what they ask of it besides.

A message goes straight onto its thread: on the internal one it is the team's own talk, on the
public one it is brought to Jira as well. Whoever writes there is answered, also while the
assistant rests; where it is switched off the composer is closed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from app.doors.principal import Viewer
from app.errors import Conflict, NotFound
from app.i18n import t
from app.jira.types import Issue as JiraIssue
from app.settings import Settings
from app.store import threads, turns
from app.store.ids import new_id
from app.store.statements import sort_key
from app.store.tables import Issue, Item, Thread, Unseen
from app.stream import log
from app.stream.encoding import item_json
from app.turns import acting, ending, outgoing
from app.turns.acting import interruptible
from app.turns.openings import make_turn
from app.turns.policies import policy_of
from app.turns.policy import ReplyAs
from app.turns.sightings import OPENED

SWITCHED_OFF = t(
    "The assistant is switched off in this project. A Jira administrator can switch it on."
)


@dataclass(frozen=True)
class Said:
    """A message. ``client_id`` is the writer's own name for it: the same again is no second one."""

    client_id: str
    text: str = field(repr=False)
    author_id: str | None = None


@dataclass(frozen=True)
class Asked:
    """Where a message went."""

    thread_id: str
    item_id: str
    turn_id: str


def say(db: Session, viewer: Viewer, said: Said, settings: Settings, now: datetime) -> Asked:
    """Take a message from a page; come back with the turn that will answer it.

    Raises:
        Conflict: the assistant is switched off here.
        NotFound: the thread is gone.
    """
    thread = _own_thread(db, viewer)
    if item := threads.item_by_client(db, thread.id, _client_id(said)):
        return _asked(item)
    issue = db.get(Issue, (thread.tenant_id, thread.issue_id)) if thread.issue_id else None
    if issue is not None and policy_of(db, issue, settings).mode == "off":
        raise Conflict("switched_off", SWITCHED_OFF)
    if thread.audience == "internal" or issue is None:
        return ask_on(db, thread, said, now)
    acting.heed_stop(db, thread, now)  # what was asked for before this comes before it
    turn = turns.live(db, thread.id)
    if turn is not None and interruptible(turn):
        acting.ends(db, turn, settings, now)  # a rest may have begun that this message outlasts
    reply_as = policy_of(db, issue, settings).reply_as(service_project=issue.service_project)
    asked = _ask(db, thread, said, reply_as, now)
    item = threads.item_by_id(db, thread.tenant_id, thread.id, asked.item_id)
    assert item is not None
    outgoing.put(
        db,
        tenant_id=thread.tenant_id,
        thread_id=thread.id,
        item=item,
        role="user",
        by_id=said.author_id,
        internal=None,
        turn_id=None,
        now=now,
    )
    return asked


def opened(db: Session, tenant_id: str, seen: JiraIssue, audience: str, now: datetime) -> str:
    """Somebody opens an issue's thread; return its id.

    Both threads are made where they are missing, and the public one is filled from Jira, also
    where the assistant is switched off.
    """
    issue = threads.ensure_issue(db, tenant_id, seen.id)
    issue.deleted_at = None  # it has just been read
    if issue.project_id is None:  # else catching up decides what a move means
        issue.key, issue.project_id, issue.type_id = seen.key, seen.project_id, seen.issue_type_id
        issue.service_project, issue.security_level = seen.service_project, seen.security_level
    public = threads.ensure_thread(db, tenant_id, seen.id, "public", now)
    internal = threads.ensure_thread(db, tenant_id, seen.id, "internal", now)
    if public.filled_at is None and not threads.has_unseen(db, public.id, OPENED):
        db.add(
            Unseen(
                tenant_id=tenant_id,
                thread_id=public.id,
                event=OPENED,
                occurred_at=now,
                received_at=now,
            )
        )
        threads.make_due(db, public.id, now)
    return internal.id if audience == "internal" else public.id


def ask_privately(
    db: Session, tenant_id: str, issue_id: str, client_id: str, text: str, now: datetime
) -> Asked:
    """Put a message to the assistant on an issue's internal thread, as an operator's check does.

    The same ``client_id`` again finds the first one: no second message.
    """
    thread = threads.ensure_thread(db, tenant_id, issue_id, "internal", now)
    return ask_on(db, thread, Said(client_id, text), now)


def ask_on(db: Session, thread: Thread, said: Said, now: datetime) -> Asked:
    """Put a message to the assistant on an internal thread. Answered always, and posted nowhere."""
    threads.lock(db, thread.id)
    db.refresh(thread)
    if item := threads.item_by_client(db, thread.id, _client_id(said)):
        return _asked(item)
    acting.heed_stop(db, thread, now)
    return _ask(db, thread, said, "private", now)


def ask_stop(db: Session, viewer: Viewer, now: datetime) -> None:
    """Have the turn stopped that runs for this thread, wherever it runs. None may be running."""
    tenant_id, thread_id = viewer.tenant.id, viewer.thread_id
    for asking_on in sorted({turn.thread_id for turn in turns.touching(db, tenant_id, thread_id)}):
        threads.lock(db, asking_on)  # as whoever works on a turn does, before the turn
    for turn in turns.touching(db, tenant_id, thread_id):
        turn.stop_asked_at = turn.stop_asked_at or now
        threads.make_due(db, turn.thread_id, now)


def _own_thread(db: Session, viewer: Viewer) -> Thread:
    thread = threads.by_id(db, viewer.tenant.id, viewer.thread_id)
    if thread is None:
        raise NotFound
    threads.lock(db, thread.id)
    db.refresh(thread)
    return thread


def _client_id(said: Said) -> str:
    """Unique by its writer: two people's pages may choose the same."""
    return f"{said.author_id or ''}/{said.client_id}"


def _asked(item: Item) -> Asked:
    return Asked(item.thread_id, item.id, item.answered_by or item.given_to or "")


def _ask(db: Session, thread: Thread, said: Said, reply_as: ReplyAs, now: datetime) -> Asked:
    item = threads.add_item(
        db,
        Item(
            id=new_id("item"),
            tenant_id=thread.tenant_id,
            thread_id=thread.id,
            sort_key=sort_key(now, secrets.randbelow(10**20)),
            kind="user_message",
            role="person",
            author_id=said.author_id,
            client_id=_client_id(said),
            text=said.text,
            asks=True,
            direct=True,
            created_at=now,
            updated_at=now,
        ),
    )
    done = ("thread.item.done", {"item": item_json(item)})
    log.append(db, thread.tenant_id, thread.id, [done], now)
    item.given_to = give(db, thread, reply_as, now)
    threads.make_due(db, thread.id, now)
    return _asked(item)


def give(db: Session, thread: Thread, reply_as: ReplyAs, now: datetime) -> str:
    """The id of the turn that will answer: the one that waits or can begin again, or the next."""
    turn = turns.live(db, thread.id)
    if turn is None:
        return make_turn(db, thread, reply_as, now).id
    if turn.state == "waiting" and turn.hint is None:
        return turn.id
    if turn.state != "waiting" and acting.can_begin_again(turn):
        ending.abandon(db, turn, now)
        turn.restarts += 1
        return turn.id
    thread.next_turn_id = thread.next_turn_id or new_id("turn")
    return thread.next_turn_id
