"""A thread as who opens it sees it: its newest items, and how the assistant stands to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.errors import NotFound
from app.settings import Settings
from app.store import threads, turns
from app.store.tables import Issue, Thread, Turn
from app.stream.encoding import item_json, thread_json
from app.turns.outcomes import CAUSES
from app.turns.policies import policy_of

NEWEST = 50


def thread_view(
    db: Session, tenant_id: str, thread_id: str, settings: Settings, now: datetime
) -> dict[str, Any]:
    """ChatKit's ``Thread``, with what our pages show beside it.

    ``items`` are the newest 50, oldest first; where there are older ones, ``has_more`` is true
    and ``after`` is the oldest item's id, to page back from. ``turn`` is the live one whose answer
    will stand here, or the newest, or None. ``last_event_id`` is of the newest event that the
    view holds: read on from there.

    Raises:
        NotFound: the tenant has no such thread.
    """
    thread = threads.by_id(db, tenant_id, thread_id)
    if thread is None:
        raise NotFound
    newest, more = threads.items_page(db, tenant_id, thread_id, limit=NEWEST, order="desc")
    turn = turns.newest_answering_on(db, thread_id)
    return {
        **thread_told(db, thread, settings, now),
        "items": {
            "data": [item_json(item) for item in reversed(newest)],
            "has_more": more,
            "after": newest[-1].id if more else None,
        },
        "turn": _turn(turn) if turn is not None else None,
        "last_event_id": f"{thread.epoch}-{thread.last_n}",
    }


def thread_told(db: Session, thread: Thread, settings: Settings, now: datetime) -> dict[str, Any]:
    """A thread without its items: what ``thread.updated`` tells.

    ``mode`` is the project's; ``reply_as`` what becomes of an answer to what is asked now.
    """
    issue = db.get(Issue, (thread.tenant_id, thread.issue_id)) if thread.issue_id else None
    told = thread_json(thread, issue)
    if issue is None:
        return {**told, "mode": "auto", "reply_as": "private"}
    if issue.resting_until is not None and issue.resting_until <= now:
        told["resting_until"], told["rest_cause"] = None, None
    policy = policy_of(db, issue, settings)
    reply_as = policy.reply_as(service_project=issue.service_project)
    private = thread.audience == "internal"
    return {**told, "mode": policy.mode, "reply_as": "private" if private else reply_as}


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "state": turn.state,
        "cause": turn.cause,
        "message": CAUSES.get(turn.cause or "", ""),
        "item_id": turn.reply_item_id,
    }
