"""Rows to begin a test with, and a database for the length of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.settings import Settings
from app.store import threads
from app.store.database import Database
from app.store.ids import new_id
from app.store.statements import sort_key
from app.store.tables import Item, Tenant, Thread
from tests.support.clock import START


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A database with whatever schema it has; closed at the end."""
    database = Database.open(Settings(database_url=url))
    try:
        yield database
    finally:
        database.close()


def add_tenant(db: Session, /, tenant_id: str = "acme", **columns: Any) -> None:
    """An installed tenant, unless ``columns`` say otherwise."""
    values: dict[str, Any] = {
        "door": "connect",
        "client_key": f"key of {tenant_id}",
        "base_url": f"https://{tenant_id}.atlassian.net",
        "state": "installed",
        "installed_at": START - timedelta(days=30),
    }
    db.add(Tenant(id=tenant_id, **{**values, **columns}))
    db.flush()


def add_thread(
    db: Session,
    tenant_id: str = "acme",
    issue_id: str = "10001",
    audience: str = "public",
    due_at: datetime | None = None,
) -> str:
    """The issue's thread, due where an instant is given; its id."""
    thread = threads.ensure_thread(db, tenant_id, issue_id, audience, START)
    if due_at is not None:
        threads.make_due(db, thread.id, due_at)
    return thread.id


def item_of(thread: Thread, created: datetime = START, tie: int = 0, **columns: Any) -> Item:
    """An item for a thread, not stored yet."""
    values: dict[str, Any] = {
        "id": new_id("item"),
        "kind": "user_message",
        "role": "customer",
        "text": "Why?",
        "sort_key": sort_key(created, tie),
        "created_at": created,
        "updated_at": created,
    }
    return Item(tenant_id=thread.tenant_id, thread_id=thread.id, **{**values, **columns})
