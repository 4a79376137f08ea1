"""What is known of a draft, kept with its item as ``meta.draft`` and told with it.

::

    open ──▶ approved ──▶ posted
     │ ▲         │
     │ └─────────┤  Jira will not have it: it may be approved again
     │           ▼
     └──▶ rejected | replaced | withdrawn

``as`` is how it will stand in Jira (public, or internal: a note), ``by`` the account id of who
approved, rejected or replaced it, ``edited_by`` of who changed its words last. ``reason`` is a
person's, with a rejection; ``cause`` and ``message`` are ours, with a withdrawal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session

from app.store.tables import Item
from app.turns import items

State = Literal["open", "approved", "posted", "rejected", "replaced", "withdrawn"]


def open_meta(reply_as: Literal["public", "internal"]) -> dict[str, Any]:
    """The ``meta`` of a new draft's item."""
    return {"draft": {"state": "open", "by": None, "as": reply_as}}


def draft_of(item: Item) -> dict[str, Any] | None:
    """What is known of the draft that the item is; None where it is none."""
    draft = item.meta.get("draft")
    return draft if isinstance(draft, dict) else None


def state_of(item: Item) -> State | None:
    """Where the draft stands; None where the item is none."""
    draft = draft_of(item)
    return draft["state"] if draft is not None else None


def change(item: Item, now: datetime, state: State, **beside: str | None) -> None:
    """Another state of the draft, and what goes with it. Nobody is told yet."""
    draft = {**(draft_of(item) or {}), "state": state, **beside}
    meta = {name: value for name, value in item.meta.items() if name != "undelivered"}
    item.meta, item.updated_at = {**meta, "draft": draft}, now


def tell(db: Session, item: Item, now: datetime, state: State, **beside: str | None) -> None:
    """Another state of the draft, told to who watches."""
    change(item, now, state, **beside)
    items.tell_replaced(db, item, now)
