"""What people do with drafts: approve, edit, reject, ask for another; and what withdraws them.

An approval queues the draft for Jira and is all that a person does; ``bringing.py`` posts it.
Repeated, or by two people at once, it has one effect. Whatever else is asked of a draft that is
not open any more is refused, with what became of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from app.doors.principal import Viewer
from app.errors import Conflict, NotFound
from app.i18n import t
from app.settings import Settings
from app.store import threads, turns
from app.store.tables import Issue, Item, Thread, Turn
from app.turns import draft_state, items, outgoing
from app.turns.draft_state import draft_of, state_of
from app.turns.openings import make_turn
from app.turns.outcomes import CAUSES
from app.turns.policies import policy_of, stands

NO_DRAFT = t("This thread has no such draft.")
SWITCHED_OFF = t(
    "The assistant is switched off in this project, so it posts nothing. A Jira administrator can"
    " switch it on."
)
QUESTION_GONE = t("What this draft answers was taken back, so there is nothing to answer any more.")
NOT_READY = t("This draft is still being written. Wait until it is whole.")
BUSY = t("Another answer is being written on this issue. Ask again once it stands.")
ANSWERED = t("The draft of this answer was approved, so it is the answer.")
_BECAME = {
    "approved": (t("You have approved this draft."), t("Somebody else has approved this draft.")),
    "posted": (
        t("You have approved this draft, and it stands in Jira."),
        t("Somebody else has approved this draft, and it stands in Jira."),
    ),
    "rejected": (t("You have rejected this draft."), t("Somebody else has rejected this draft.")),
    "replaced": (
        t("You have asked for another draft in its place."),
        t("Somebody else has asked for another draft in its place."),
    ),
}


@dataclass(frozen=True)
class _Desk:
    """A draft at hand: its rows, ours alone until the transaction ends."""

    item: Item
    turn: Turn
    public: Thread
    issue: Issue


def approve(db: Session, viewer: Viewer, item_id: str, settings: Settings, now: datetime) -> bool:
    """Have the draft posted. False: somebody has approved it before, and that is that.

    Raises:
        NotFound: the thread has no such draft.
        Conflict: it is not to be posted any more, or not yet.
    """
    desk = _take(db, viewer, item_id)
    if state_of(desk.item) in {"approved", "posted"}:
        return False
    _require_open(desk, viewer)
    _require_answerable(db, desk, settings)
    shown = (draft_of(desk.item) or {}).get("as")
    # What was shown as a note stays one; what was not, becomes one where the project says so now.
    internal = shown != "public" or stands(db, desk.issue) == "internal"
    outgoing.put(
        db,
        tenant_id=desk.item.tenant_id,
        thread_id=desk.public.id,
        item=desk.item,
        role="assistant",
        by_id=viewer.account_id,
        internal=internal,
        turn_id=desk.turn.id,
        now=now,
    )
    draft_state.tell(
        db,
        desk.item,
        now,
        "approved",
        by=viewer.account_id,
        **{"as": "internal" if internal else "public"},
    )
    return True


def edit(db: Session, viewer: Viewer, item_id: str, text: str, now: datetime) -> None:
    """Other words for an open draft; the old ones leave the log.

    Args:
        db: in a transaction.
        viewer: who has the right to.
        item_id: the draft's.
        text: 1 to 32,000 characters of Markdown.
        now: by our clock.

    Raises:
        NotFound: the thread has no such draft.
        Conflict: it is not open any more, or not yet whole.
    """
    desk = _take(db, viewer, item_id)
    _require_open(desk, viewer)
    draft_state.change(desk.item, now, "open", edited_by=viewer.account_id)
    items.rewrite(db, desk.item, text, now)


def reject(db: Session, viewer: Viewer, item_id: str, reason: str | None, now: datetime) -> None:
    """Keep an open draft from being posted; raises as ``edit`` does."""
    desk = _take(db, viewer, item_id)
    _require_open(desk, viewer)
    draft_state.tell(db, desk.item, now, "rejected", by=viewer.account_id, reason=reason or None)


def regenerate(
    db: Session,
    viewer: Viewer,
    item_id: str,
    hint: str | None,
    settings: Settings,
    now: datetime,
) -> str:
    """Have another draft written in an open one's place; return the id of the turn that does.

    Whatever the project's mode is by now, and although the assistant may rest: what comes of it
    is a draft again.

    Args:
        db: in a transaction.
        viewer: who has the right to.
        item_id: the draft's.
        hint: what the model is told beside the workflow's instructions.
        settings: of the installation.
        now: by our clock.

    Raises:
        NotFound: the thread has no such draft.
        Conflict: it is not open, its question is gone, or another answer is being written.
    """
    desk = _take(db, viewer, item_id)
    _require_open(desk, viewer)
    _require_answerable(db, desk, settings)
    if turns.live(db, desk.public.id) is not None or desk.public.next_turn_id is not None:
        raise Conflict("busy", BUSY)
    turn = make_turn(db, desk.public, "draft", now)
    turn.hint, turn.direct = hint or "", True
    for question in _questions(db, desk.turn):
        question.asks, question.answered_by, question.given_to = True, None, turn.id
        question.as_draft, question.direct, question.updated_at = True, True, now
    draft_state.tell(db, desk.item, now, "replaced", by=viewer.account_id)
    threads.make_due(db, desk.public.id, now)
    return turn.id


def give_way(db: Session, turn: Turn, by_id: str | None, now: datetime) -> None:
    """What the turn answered is asked again: its open draft is replaced by what will come.

    Raises:
        Conflict: it was approved, so it is the answer.
    """
    for item in _written_by(db, turn):
        state = state_of(item)
        if state in {"approved", "posted"}:
            raise Conflict("approved", ANSWERED)
        if state == "open":
            draft_state.tell(db, item, now, "replaced", by=by_id)


# --- withdrawn --------------------------------------------------------------------------------


def withdraw_all(db: Session, issue: Issue, cause: str, now: datetime) -> None:
    """Other people may read the issue now: what was drafted for it is not to be posted.

    Call it under the lease of the issue's public thread. A draft that Jira may have by now is
    posted no second time; if Jira has it, it is told as posted.
    """
    internal = threads.of_issue(db, issue.tenant_id, issue.issue_id, "internal")
    if internal is None:
        return
    drafts = select(Item).where(
        Item.thread_id == internal.id, col(Item.state).in_(("draft", "streaming"))
    )
    _withdraw(db, db.exec(drafts).all(), cause, now)


def withdraw_unasked(db: Session, question: Item, now: datetime) -> None:
    """A question is taken back: so is the draft that answers nothing else."""
    turn = turns.by_id(db, question.tenant_id, question.answered_by or "")
    if turn is None or any(one.id != question.id for one in _questions(db, turn)):
        return
    _withdraw(db, _written_by(db, turn), "question_gone", now)


def is_unasked(db: Session, turn: Turn) -> bool:
    """Whether nothing is left of what the turn's draft answers."""
    return not _questions(db, turn)


def _withdraw(db: Session, drafts: Iterable[Item], cause: str, now: datetime) -> None:
    for item in drafts:
        if state_of(item) not in {"open", "approved"}:
            continue
        row = outgoing.by_item(db, item.tenant_id, item.id)
        if row is not None and row.state == "waiting" and outgoing.is_untried(row):
            outgoing.close(row, "withdrawn", cause, now)
        draft_state.tell(db, item, now, "withdrawn", cause=cause, message=CAUSES[cause])


def _written_by(db: Session, turn: Turn) -> list[Item]:
    return list(db.exec(select(Item).where(Item.written_by == turn.id)).all())


# --- a draft at hand --------------------------------------------------------------------------


def _take(db: Session, viewer: Viewer, item_id: str) -> _Desk:
    """Both threads of the issue are locked, the public one first, as a worker does."""
    tenant_id = viewer.tenant.id
    if viewer.audience != "internal" or viewer.issue_id is None:
        raise NotFound(NO_DRAFT)
    public = threads.of_issue(db, tenant_id, viewer.issue_id, "public")
    if public is None or threads.by_id(db, tenant_id, viewer.thread_id) is None:
        raise NotFound(NO_DRAFT)
    threads.lock(db, public.id)
    threads.lock(db, viewer.thread_id)
    db.refresh(public)
    item = threads.item_by_id(db, tenant_id, viewer.thread_id, item_id)
    turn = turns.by_id(db, tenant_id, item.written_by or "") if item is not None else None
    if item is None or turn is None or draft_of(item) is None:
        raise NotFound(NO_DRAFT)
    return _Desk(item, turn, public, db.get_one(Issue, (tenant_id, viewer.issue_id)))


def _require_open(desk: _Desk, viewer: Viewer) -> None:
    draft = draft_of(desk.item) or {}
    state = draft.get("state")
    if state == "withdrawn":
        cause = CAUSES[draft["cause"]]
        raise Conflict("withdrawn", t("This draft was withdrawn. {cause}", cause=cause))
    if state in _BECAME:
        mine, others = _BECAME[state]
        raise Conflict(state, mine if draft.get("by") == viewer.account_id else others)
    if desk.item.state != "draft":
        raise Conflict("not_ready", NOT_READY)


def _require_answerable(db: Session, desk: _Desk, settings: Settings) -> None:
    """The issue is there, the assistant is on, and somebody still asks."""
    if desk.issue.deleted_at is not None or is_unasked(db, desk.turn):
        raise Conflict("question_gone", QUESTION_GONE)
    if policy_of(db, desk.issue, settings).mode == "off":
        raise Conflict("switched_off", SWITCHED_OFF)


def _questions(db: Session, turn: Turn) -> list[Item]:
    """What the turn has answered, as far as it is still there."""
    return list(
        db.exec(
            select(Item).where(
                Item.thread_id == turn.thread_id,
                Item.answered_by == turn.id,
                Item.state != threads.HIDDEN,
            )
        ).all()
    )
