"""The assistant rests on an issue because a person has it, or wants it to; and it resumes."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from app.doors.principal import Viewer
from app.errors import Conflict
from app.i18n import t
from app.settings import Settings
from app.store import threads
from app.store.tables import Issue, Thread
from app.stream import log
from app.turns.acting import PAUSED, Caught, act
from app.turns.policies import policy_of
from app.turns.snapshots import thread_told


def pause(db: Session, viewer: Viewer, settings: Settings, now: datetime) -> None:
    """Rest from now on, as after a takeover; what is being written ends at once."""
    issue, public = _locked(db, viewer, now)
    issue.resting_until = now + policy_of(db, issue, settings).resume_after
    issue.rested_at, issue.rest_cause = now, PAUSED
    db.flush()
    act(db, public.id, Caught(), settings, now)
    threads.make_due(db, public.id, now)
    tell(db, issue, settings, now)


def resume(db: Session, viewer: Viewer, settings: Settings, now: datetime) -> None:
    """Rest no longer. What was asked since the last person spoke is answered now."""
    issue, public = _locked(db, viewer, now)
    if issue.resting_until is None:
        return
    issue.resting_until, issue.rest_cause = None, None
    threads.make_due(db, public.id, now)
    tell(db, issue, settings, now)


def tell(db: Session, issue: Issue, settings: Settings, now: datetime) -> None:
    """Whoever watches one of the issue's threads sees that the rest began or ended."""
    for audience in ("public", "internal"):
        thread = threads.of_issue(db, issue.tenant_id, issue.issue_id, audience)
        if thread is not None:
            updated = {"thread": thread_told(db, thread, settings, now)}
            log.append(db, thread.tenant_id, thread.id, [("thread.updated", updated)], now)


def _locked(db: Session, viewer: Viewer, now: datetime) -> tuple[Issue, Thread]:
    """The issue, and its public thread, ours alone until this transaction ends."""
    if viewer.issue_id is None:
        raise Conflict("no_issue", t("This conversation has no issue yet, so nothing rests on it."))
    public = threads.ensure_thread(db, viewer.tenant.id, viewer.issue_id, "public", now)
    threads.lock(db, public.id)
    return db.get_one(Issue, (viewer.tenant.id, viewer.issue_id)), public
