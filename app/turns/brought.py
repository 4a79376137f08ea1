"""What delivering an outgoing row records, step by step: each a transaction under the lease.

Each first looks whether the row still waits: what was delivered or withdrawn beside writes nothing
more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.settings import Settings
from app.store import threads, turns
from app.store.ids import new_id
from app.store.tables import Issue, Item, Outgoing, Tenant, Thread
from app.store.threads import Lease
from app.stream import log
from app.stream.encoding import item_json
from app.turns import draft_state, drafts, items, outgoing
from app.turns.answering import Standing
from app.turns.comments import role_of
from app.turns.outcomes import CAUSES, Failure
from app.turns.policies import policy_of, stands
from app.turns.posted import Posted

ISSUE_GONE = "issue_gone"


@dataclass(frozen=True)
class Chosen:
    """How a message is brought, by what its writer is to the issue."""

    standing: Standing
    internal: bool


def drop(db: Session, lease: Lease, row_id: str, now: datetime) -> None:
    """Its item is gone: there is nothing left to say, and nobody to tell."""
    outgoing.close(outgoing.held(db, lease, row_id), "withdrawn", "question_gone", now)


def try_message(db: Session, lease: Lease, row_id: str, chosen: Chosen, now: datetime) -> bool:
    """That Jira is about to be asked to take a message. False: it is not to be asked."""
    row = outgoing.held(db, lease, row_id)
    item = _item_of(db, row)
    if item is None:
        outgoing.close(row, "withdrawn", "question_gone", now)
        return False
    if _issue_of(db, row).deleted_at is not None or _is_of_before(db, row):
        cause = "uninstalled" if _is_of_before(db, row) else ISSUE_GONE
        _fail(db, row, item, cause, now)
        return False
    if not _may_write(db, row):
        return False
    item.role = role_of(chosen.standing)
    if chosen.internal:
        item.meta = {**item.meta, "note": True}  # so that no public answer is made of it
    outgoing.note_try(db, lease, row, now, internal=chosen.internal)
    return True


def try_draft(
    db: Session, lease: Lease, row_id: str, settings: Settings, now: datetime
) -> bool | None:
    """That Jira is about to be asked to take an approved draft: True as a note, False publicly.

    The last look: None if it is not to be posted after all.
    """
    row = outgoing.held(db, lease, row_id)
    item = _item_of(db, row)
    cause = _against(db, row, item, settings)
    if cause is not None:
        outgoing.close(row, "withdrawn", cause, now)
        if item is not None and draft_state.state_of(item) == "approved":
            told = CAUSES[cause]
            draft_state.tell(db, item, now, "withdrawn", cause=cause, message=told)
        return None
    if not _may_write(db, row):
        return None
    internal = row.internal is not False or stands(db, _issue_of(db, row)) == "internal"
    outgoing.note_try(db, lease, row, now, internal=internal)
    return internal


def _against(db: Session, row: Outgoing, item: Item | None, settings: Settings) -> str | None:
    """Why an approved draft is not to be posted after all, if so."""
    issue = _issue_of(db, row)
    turn = turns.by_id(db, row.tenant_id, row.turn_id or "")
    if item is None or turn is None or issue.deleted_at is not None:
        return "question_gone"
    if draft_state.state_of(item) != "approved":
        return (draft_state.draft_of(item) or {}).get("cause") or "question_gone"
    if drafts.is_unasked(db, turn):
        return "question_gone"
    if _is_of_before(db, row):
        return "uninstalled"
    return "switched_off" if policy_of(db, issue, settings).mode == "off" else None


def finish(db: Session, lease: Lease, row_id: str, posted: Posted, now: datetime) -> None:
    """Jira has it: its item says so, where everybody sees it who may."""
    row = outgoing.held(db, lease, row_id)
    item = _item_of(db, row)
    row.comment_id = posted.comment_id
    outgoing.close(row, "posted", None, now)
    if item is None:
        return  # taken out meanwhile
    if row.role == "user":
        _message_stands(db, row, item, posted, now)
    else:
        _draft_stands(db, row, item, posted, now)


def _message_stands(db: Session, row: Outgoing, item: Item, posted: Posted, now: datetime) -> None:
    if posted.gone:
        if items.is_read_now(db, item) and (turn := turns.live(db, item.thread_id)) is not None:
            turn.outdated = True
        items.take_out(db, item, now)
        return
    _make_room(db, item, posted, now)
    item.comment_id = posted.comment_id
    item.meta = {name: value for name, value in item.meta.items() if name != "undelivered"}
    if not row.internal:
        _move(db, item, posted)
    items.tell_replaced(db, item, now)


def _move(db: Session, item: Item, posted: Posted) -> None:
    """To where Jira has it. A running turn that has read it still has."""
    turn = turns.live(db, item.thread_id)
    read = turn.read_through if turn is not None else None
    if turn is not None and read is not None and item.sort_key <= read < posted.sort_key:
        turn.read_through = posted.sort_key
    item.created_at, item.sort_key = posted.created, posted.sort_key
    db.flush()


def _draft_stands(db: Session, row: Outgoing, item: Item, posted: Posted, now: datetime) -> None:
    """As a note it stays where it is; publicly it is an item of the public thread as well."""
    turn = turns.by_id(db, row.tenant_id, row.turn_id or "")
    if turn is not None:
        turn.comment_id = posted.comment_id
    if posted.gone and row.internal:
        items.take_out(db, item, now)
        return
    item.state, item.comment_id = "done", posted.comment_id
    draft_state.tell(
        db, item, now, "posted", by=row.by_id, **{"as": "internal" if row.internal else "public"}
    )
    if not row.internal and not posted.gone:
        shown = _shown(db, row, item, posted, now)
        done = ("thread.item.done", {"item": item_json(shown)})
        log.append(db, shown.tenant_id, shown.thread_id, [done], now)


def _shown(db: Session, row: Outgoing, draft: Item, posted: Posted, now: datetime) -> Item:
    """The draft as an item of the public thread."""
    public = Item(
        id=new_id("item"),
        tenant_id=row.tenant_id,
        thread_id=row.thread_id,
        sort_key=posted.sort_key,
        kind="assistant_message",
        role="assistant",
        comment_id=posted.comment_id,
        text=draft.text,
        written_by=row.turn_id,
        created_at=posted.created,
        updated_at=now,
        meta={"approved_by": row.by_id},
    )
    _make_room(db, public, posted, now)
    return threads.add_item(db, public)


def _make_room(db: Session, item: Item, posted: Posted, now: datetime) -> None:
    """A comment is one item: another one, made before its mark could be read, goes."""
    other = threads.item_by_comment(db, item.thread_id, posted.comment_id)
    if other is not None and other.id != item.id:
        items.take_out(db, other, now)


def give_back(db: Session, lease: Lease, row_id: str, failure: Failure, now: datetime) -> None:
    """A delivery failed: put it off, or give it up and say so with the item.

    Where the app was disabled meanwhile, that is why, and it goes on waiting.
    """
    row = outgoing.held(db, lease, row_id)
    row.failures += 1 if failure.counts else 0
    if failure.sure:
        row.tried_at = None
    if not _may_write(db, row):
        return
    if failure.until is not None:
        row.cause, row.not_before = failure.cause, failure.until
        return
    # 404 is about the issue here, not about what was asked on it.
    cause = ISSUE_GONE if failure.cause == "question_gone" else failure.cause
    item = _item_of(db, row)
    if item is None:
        outgoing.close(row, "withdrawn", cause, now)
    else:
        _fail(db, row, item, cause, now)


def _fail(db: Session, row: Outgoing, item: Item, cause: str, now: datetime) -> None:
    """Given up. A draft is open again, since another approval may do."""
    outgoing.close(row, "failed", cause, now)
    if draft_state.state_of(item) == "approved":
        draft_state.change(item, now, "open", by=None)
    item.meta = {**item.meta, "undelivered": cause}
    items.tell_replaced(db, item, now)


def _may_write(db: Session, row: Outgoing) -> bool:
    """Whether the app is on the site; what waits is delivered once it is enabled again."""
    return db.get_one(Tenant, row.tenant_id).state == "installed"


def _is_of_before(db: Session, row: Outgoing) -> bool:
    """Whether the app was uninstalled since; nobody waits for it any more."""
    return row.created_at < db.get_one(Tenant, row.tenant_id).installed_at


def _item_of(db: Session, row: Outgoing) -> Item | None:
    item = threads.item_by_id(db, row.tenant_id, row.item_thread_id, row.item_id)
    return item if item is not None and item.state != threads.HIDDEN else None


def _issue_of(db: Session, row: Outgoing) -> Issue:
    thread = db.get_one(Thread, row.thread_id)
    return db.get_one(Issue, (row.tenant_id, thread.issue_id))
