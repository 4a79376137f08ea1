"""Run again: a turn that failed or was stopped is answered after all, because a person says so."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from app.doors.principal import Viewer
from app.errors import Conflict, NotFound
from app.i18n import t
from app.settings import Settings
from app.store import threads, turns
from app.store.statements import sort_key
from app.store.tables import Issue, Item, Thread, Turn
from app.stream import log
from app.stream.encoding import item_json
from app.turns import draft_state, drafts, ending, items
from app.turns.draft_state import state_of
from app.turns.policies import policy_of
from app.turns.policy import ReplyAs
from app.turns.talking import SWITCHED_OFF, give


def ask_again(db: Session, viewer: Viewer, turn_id: str, settings: Settings, now: datetime) -> str:
    """Run a turn again; return the id of the one that will answer.

    One that Jira was asked to take is itself posted again, so that its comment is looked for
    first; any other is asked anew.

    Raises:
        NotFound: there is no such turn on this thread.
        Conflict: it neither failed nor was stopped, or there is nothing left to answer.
    """
    found = turns.by_id(db, viewer.tenant.id, turn_id)
    if found is None or found.reply_thread_id != viewer.thread_id:
        raise NotFound
    threads.lock(db, found.thread_id)
    thread = db.get_one(Thread, found.thread_id, populate_existing=True)
    turn = db.get_one(Turn, turn_id, populate_existing=True)
    running = turns.live(db, thread.id)
    if running is not None and running.id == turn.id:
        return turn.id  # repeated
    if turn.state not in {"failed", "stopped"}:
        raise Conflict("not_failed", t("This answer neither failed nor was stopped."))
    reply_as = _reply_as(db, thread, settings)
    if running is None and _post_again(db, turn, viewer, now):
        threads.make_due(db, thread.id, now)
        return turn.id
    drafts.give_way(db, turn, viewer.account_id, now)
    asked = _left_by(db, turn) or ([] if running else threads.asking(db, thread.id))
    if not asked and running is None:
        raise Conflict("nothing_to_answer", t("What was asked is answered, or was taken back."))
    _take_out_partial(db, turn, now)
    for item in asked:
        item.answered_by, item.direct, item.updated_at = None, True, now
    answering = give(db, thread, reply_as, now)
    for item in asked:
        item.given_to = answering
    threads.make_due(db, thread.id, now)
    return answering


def _reply_as(db: Session, thread: Thread, settings: Settings) -> ReplyAs:
    if thread.issue_id is None or thread.audience == "internal":
        return "private"
    issue = db.get_one(Issue, (thread.tenant_id, thread.issue_id))
    policy = policy_of(db, issue, settings)
    if policy.mode == "off":
        raise Conflict("switched_off", SWITCHED_OFF)
    return policy.reply_as(service_project=issue.service_project)


def _left_by(db: Session, turn: Turn) -> list[Item]:
    """What the turn covered, and nobody has answered."""
    return list(
        db.exec(
            select(Item).where(
                Item.thread_id == turn.thread_id,
                Item.answered_by == turn.id,
                Item.state != threads.HIDDEN,
            )
        ).all()
    )


def _post_again(db: Session, turn: Turn, viewer: Viewer, now: datetime) -> bool:
    """Where Jira was asked to take it: on from there, with the words that were kept as a draft."""
    if not turn.posts or turn.state != "failed" or turn.reply_item_id is None:
        return False
    kept = db.exec(select(Item).where(Item.written_by == turn.id, Item.state == "draft")).first()
    if kept is None or state_of(kept) != "open":
        return False
    if (draft_state.draft_of(kept) or {}).get("edited_by"):
        raise Conflict(
            "kept_as_draft", t("This answer was kept as a draft and edited: approve it there.")
        )
    draft_state.tell(db, kept, now, "replaced", by=viewer.account_id)
    reply = threads.add_item(
        db,
        Item(
            id=turn.reply_item_id,
            tenant_id=turn.tenant_id,
            thread_id=turn.reply_thread_id,
            sort_key=sort_key(now, 0),
            kind="assistant_message",
            role="assistant",
            text=kept.text,
            state="streaming",
            written_by=turn.id,
            created_at=now,
            updated_at=now,
        ),
    )
    turn.state, turn.finished_at, turn.cause = "posting", None, None
    turn.failures, turn.not_before, turn.stop_asked_at = 0, None, None
    db.flush()
    lines: list[log.Line] = [
        ("turn.started", {"turn_id": turn.id}),
        ("thread.item.added", {"item": item_json(reply)}),
    ]
    log.append(db, turn.tenant_id, turn.reply_thread_id, lines, now)
    return True


def _take_out_partial(db: Session, turn: Turn, now: datetime) -> None:
    if turn.reply_item_id is None:
        return
    item = threads.item_by_id(db, turn.tenant_id, turn.reply_thread_id, turn.reply_item_id)
    if item is not None and item.state == ending.STOPPED:
        items.take_out(db, item, now)
