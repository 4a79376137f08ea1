"""What acts on a live turn from beside: a person, a question taken back, one more message.

It is applied in the transaction that files what was found, so that nobody who continues a turn
can miss it. Once Jira may have been asked to take the comment, nothing is undone from beside:
what matters then is written on the turn, and the next try looks at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.settings import Settings
from app.store import threads, turns
from app.store.tables import Issue, Item, Tenant, Thread, Turn
from app.turns import ending
from app.turns.policies import policy_of
from app.turns.policy import Policy

MOST_RESTARTS = 1
PAUSED = "paused"
RUNNING = ("gathering", "generating")


@dataclass(frozen=True)
class Caught:
    """What catching up changed, as far as a live turn is concerned."""

    asked: bool = False  # a new question
    changed: bool = False  # a message that the turn may have read is another one now, or none


def interruptible(turn: Turn) -> bool:
    """Whether Jira was certainly not asked to take its comment yet."""
    return turn.state in RUNNING or (turn.state == "posting" and turn.posts == 0)


def can_begin_again(turn: Turn) -> bool:
    """Whether a running turn may still take in what is asked now."""
    return interruptible(turn) and turn.restarts < MOST_RESTARTS and turn.hint is None


def act(db: Session, thread_id: str, caught: Caught, settings: Settings, now: datetime) -> None:
    """Let what was caught act on the thread's live turn."""
    turn = turns.live(db, thread_id)
    if turn is None or turn.state == "waiting":
        return
    if not interruptible(turn):
        turn.outdated = turn.outdated or caught.changed
        return
    if ends(db, turn, settings, now):
        return
    if caught.changed:
        ending.abandon(db, turn, now)
    elif caught.asked and can_begin_again(turn):
        ending.abandon(db, turn, now)
        turn.restarts += 1


def heed_stop(db: Session, thread: Thread, now: datetime) -> Turn | None:
    """A person asked for the live turn to be stopped, and Jira need not be asked for that.

    What it would have answered is covered with it; what is promised to the next turn is not.
    Returns the turn that is live after this.
    """
    turn = turns.live(db, thread.id)
    if turn is None or turn.stop_asked_at is None:
        return turn
    if turn.state == "posting" and turn.tried_at is not None:
        return turn  # Jira may still take it: first it is looked for
    if turn.state == "waiting":
        for item in asked_of(db, thread, turn):
            item.answered_by = turn.id
    ending.stop(db, turn, "stopped", now)
    return turns.live(db, thread.id)


def asked_of(db: Session, thread: Thread, turn: Turn | None) -> list[Item]:
    """What waits for an answer from this turn; where there is none, from the next one.

    A draft that is written anew answers what it was for, and nothing that came since.
    """
    if turn is not None and turn.hint is not None:
        return [item for item in threads.asking(db, thread.id) if item.given_to == turn.id]
    promised = thread.next_turn_id if turn is not None else None
    waiting = threads.asking(db, thread.id)
    return [item for item in waiting if promised is None or item.given_to != promised]


def ends(db: Session, turn: Turn, settings: Settings, now: datetime) -> bool:
    """End the turn, or begin it again, if what is recorded says so by now. True if it did."""
    issue = _issue_of(db, turn)
    policy = policy_of(db, issue, settings) if issue is not None else None
    tenant = db.get_one(Tenant, turn.tenant_id)
    if tenant.state != "installed":
        ending.stop(db, turn, "uninstalled", now)
    elif turn.stop_asked_at is not None:
        ending.stop(db, turn, "stopped", now)
    elif issue is None or policy is None or turn.reply_as == "private":
        return False
    elif issue.deleted_at is not None:
        ending.drop(db, turn, "question_gone", now)
    elif _rests(turn, issue, now):
        ending.stop(db, turn, rest_cause(issue), now)
    elif turn.outdated or not _still_so(turn, issue, policy):
        ending.abandon(db, turn, now)
    else:
        return False
    return True


def rest_cause(issue: Issue) -> str:
    """What the end of a turn is called that a rest ended."""
    return PAUSED if issue.rest_cause == PAUSED else "takeover"


def _rests(turn: Turn, issue: Issue, now: datetime) -> bool:
    """Whether the assistant rests. Who asked it itself after the rest began is answered."""
    if issue.resting_until is None or issue.resting_until <= now:
        return False
    asked_at_rest = issue.rested_at is not None and turn.created_at > issue.rested_at
    return not (turn.direct and asked_at_rest)


def _issue_of(db: Session, turn: Turn) -> Issue | None:
    thread = threads.by_id(db, turn.tenant_id, turn.thread_id)
    if thread is None or thread.issue_id is None or thread.audience == "internal":
        return None
    return db.get(Issue, (turn.tenant_id, thread.issue_id))


def _still_so(turn: Turn, issue: Issue, policy: Policy) -> bool:
    """Whether an answer would still be given in this way.

    A draft stays one in any mode but off, and a note where a public answer would be allowed.
    """
    if turn.reply_as == "draft":
        return policy.mode != "off"
    wanted = policy.reply_as(service_project=issue.service_project)
    return wanted == turn.reply_as or (wanted, turn.reply_as) == ("public", "internal")
