"""An arrival becomes something unseen: once, durable before the 2xx, and nothing slow.

One transaction holds the delivery (so that a repeated one has no second effect), the unseen
row, and the thread being due; those that come at once share it. What was told is believed by
nobody yet: see catching_up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.clock import Clock
from app.doors.arrivals import Arrival
from app.store import deliveries, threads, turns
from app.store.database import Database
from app.store.deliveries import Key, Standing


@dataclass(frozen=True)
class _Told:
    """An arrival, of whom, verified by which secret (sealed), and when it came in."""

    tenant_id: str
    arrival: Arrival
    signed_with: str | None
    at: datetime

    @property
    def key(self) -> tuple[str, str]:
        return self.tenant_id, self.arrival.identifier

    @property
    def issue(self) -> tuple[str, str]:
        return self.tenant_id, self.arrival.issue_id


async def receive(arrival: Arrival, tenant_id: str, *, database: Database, clock: Clock) -> bool:
    """Take a delivery in; come back once it is durable. False if it was here before."""
    told = _Told(tenant_id, arrival, None, clock.now())
    return bool(await database.write_together(_take_in, told))


async def receive_signed(
    arrival: Arrival, tenant_id: str, signed_with: str, *, database: Database, clock: Clock
) -> bool | None:
    """The same for one that was verified by a secret of the tenant's which may be another by now.

    None, and nothing is taken in, where ``signed_with``, that secret as it is sealed, is not the
    tenant's when the delivery is committed, or the tenant is not let in.
    """
    told = _Told(tenant_id, arrival, signed_with, clock.now())
    return await database.write_together(_take_in, told)


def _take_in(db: Session, told: Sequence[_Told]) -> list[bool | None]:
    known = deliveries.standing(db, {one.issue for one in told})
    welcome = {id(one) for one in told if _is_welcome(one, known)}
    first = {one.key: one for one in reversed(told) if id(one) in welcome}
    at = told[0].at
    new = deliveries.keep_new(db, first.keys(), at) if first else set()
    # Of the same delivery twice, the first.
    fresh = [one for one in told if one.key in new and one is first[one.key]]
    _file(db, [one for one in fresh if not _is_echo(db, one, known)], known.threads)
    news = {id(one) for one in fresh}
    return [id(one) in news if id(one) in welcome else None for one in told]


def _is_welcome(one: _Told, known: Standing) -> bool:
    """Verified with the secret of now, or with none."""
    return one.signed_with in {None, known.secrets.get(one.tenant_id)}


def _is_echo(db: Session, one: _Told, known: Standing) -> bool:
    """Whether it tells a thread nothing but that a comment was written which we recorded as ours.

    Who wrote it is believed for this alone: whether it is worth a look at what we posted.
    """
    arrival, thread_id = one.arrival, known.threads.get(one.issue)
    if arrival.event != "comment_created" or thread_id not in known.filled:
        return False
    if arrival.author_id is None or arrival.author_id != known.accounts.get(one.tenant_id):
        return False
    return turns.posted_as(db, thread_id, arrival.comment_id or "")


def _file(db: Session, fresh: Sequence[_Told], known: dict[Key, str]) -> None:
    for one in fresh:
        # Nothing is done where nothing is known of the issue, and nothing asked.
        if one.issue not in known and _begins_a_thread(db, one.tenant_id, one.arrival):
            known[one.issue] = threads.ensure_thread(db, *one.issue, "public", one.at).id
    kept = [one for one in fresh if one.issue in known]
    if kept:
        deliveries.add_unseen(db, [_unseen(one, known[one.issue]) for one in kept])
        due = {known[one.issue] for one in kept}
        deliveries.make_due(db, due, min(one.at for one in kept))


def _unseen(one: _Told, thread_id: str) -> dict[str, object]:
    return {
        "tenant_id": one.tenant_id,
        "thread_id": thread_id,
        "event": one.arrival.event,
        "comment_id": one.arrival.comment_id,
        "actor_id": one.arrival.actor_id,
        "author_id": one.arrival.author_id,
        "changed": list(one.arrival.changed),
        "occurred_at": one.arrival.occurred_at,
        "received_at": one.at,
    }


def _begins_a_thread(db: Session, tenant_id: str, arrival: Arrival) -> bool:
    """A comment or an issue does; so does a deletion, of what only the team talked about."""
    if arrival.event == "issue_deleted":
        return threads.of_issue(db, tenant_id, arrival.issue_id, "internal") is not None
    return arrival.event in {"comment_created", "comment_updated", "issue_created"}
