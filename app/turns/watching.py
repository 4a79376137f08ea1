"""A person comes to look at an issue's thread, and reads on in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from app.clock import Clock
from app.doors import sessions
from app.doors.principal import Audience, Principal, Viewer
from app.doors.sessions import ChatSession
from app.errors import Forbidden, JiraNotFound, NotFound
from app.i18n import t
from app.jira import comments
from app.settings import Settings
from app.store import tenants, threads
from app.store.database import Database
from app.store.secrets import Vault
from app.store.tables import Feedback, Tenant
from app.stream.encoding import item_json
from app.turns import talking
from app.turns.collaborators import JiraFor
from app.turns.rights import Rights, RightsDesk, require_readable
from app.turns.snapshots import thread_view


@dataclass(frozen=True, slots=True)
class Opened:
    """A session on a thread, which is there by now."""

    token: str
    expires_at: datetime
    thread_id: str


async def open_thread(
    principal: Principal,
    issue_id: str,
    audience: Audience,
    *,
    database: Database,
    jira: JiraFor,
    rights: RightsDesk,
    vault: Vault,
    clock: Clock,
) -> Opened:
    """A session for somebody whom a door has let in, on one of an issue's threads.

    The issue is read as the app sees it, the viewer's own right is asked for now; together that
    is 3 points. The thread is made where it is missing, and filled from Jira.

    Args:
        principal: who calls.
        issue_id: the issue's id or key.
        audience: which of its two threads.
        database: where the threads are.
        jira: a client for the tenant's site.
        rights: who may do what.
        vault: signs the session.
        clock: the time.

    Raises:
        Forbidden: names the right that the viewer lacks.
        NotFound: there is no such issue, or the app may not see it.
        JiraUnavailable, JiraRateLimited: Jira does not say.
    """
    tenant_id, account_id = principal.tenant.id, principal.account_id
    if account_id is None:
        raise Forbidden("SIGNED_OUT")
    try:
        tenant = await database.read(_tenant, tenant_id)
        issue = await comments.issue(jira(tenant), issue_id)
    except JiraNotFound:
        raise NotFound(t("There is no such issue here, or the app may not see it.")) from None
    found = await rights.on_issue(tenant_id, account_id, issue)
    require_readable(found, audience)
    now = clock.now()
    thread_id = await database.write(talking.opened, tenant_id, issue, audience, now)
    session = ChatSession(
        tenant_id=tenant_id,
        generation=principal.tenant.session_generation,
        account_id=account_id,
        thread_id=thread_id,
        issue_id=issue.id,
        audience=audience,
        expires_at=sessions.expiry(now, principal.until),
    )
    return Opened(sessions.sign(session, vault, now), session.expires_at, thread_id)


def view_for(
    db: Session, viewer: Viewer, rights: Rights, settings: Settings, now: datetime
) -> dict[str, Any]:
    """The thread as ``snapshots.thread_view`` has it, and what is the viewer's own in it.

    ``may`` is what the viewer may do, ``viewer`` an account id, ``feedback`` what the viewer said
    of answers, by item.
    """
    own = db.exec(
        select(Feedback.item_id, Feedback.kind).where(
            Feedback.tenant_id == viewer.tenant.id,
            Feedback.thread_id == viewer.thread_id,
            Feedback.by_id == viewer.account_id,
        )
    ).all()
    return {
        **thread_view(db, viewer.tenant.id, viewer.thread_id, settings, now),
        "may": {"comment": rights.comment, "work": rights.work},
        "viewer": viewer.account_id,
        "feedback": dict(own),
    }


def items_page(
    db: Session, viewer: Viewer, after: str | None, limit: int, order: str
) -> dict[str, Any]:
    """ChatKit's ``Page`` of the thread's items, behind the item ``after`` in that order.

    Raises:
        NotFound: the thread has no item of that id.
    """
    place = None
    if after is not None:
        item = threads.item_by_id(db, viewer.tenant.id, viewer.thread_id, after)
        if item is None:
            raise NotFound(t("The item to go on after is not on this thread any more."))
        place = item.sort_key
    found, more = threads.items_page(
        db, viewer.tenant.id, viewer.thread_id, after=place, limit=limit, order=order
    )
    return {
        "data": [item_json(item) for item in found],
        "has_more": more,
        "after": found[-1].id if more else None,
    }


def _tenant(db: Session, tenant_id: str) -> Tenant:
    tenant = tenants.by_id(db, tenant_id)
    if tenant is None:
        raise NotFound
    return tenant
