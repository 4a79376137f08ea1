"""Deliveries that came in at once are stored by a few statements for all of them.

A webhook is answered when these are done. They are written for the tables, past the session; each
is put together once; and what is stored goes to the database as one list in JSON, which it takes
apart itself: a value by itself costs more on the way than all else that is done with it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    JSON,
    Executable,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from app.store import threads
from app.store.tables import Delivery, Tenant, Thread, Unseen
from app.store.writer import announce

Key = tuple[str, str]
"""A tenant's id, and what names something of the tenant's."""


def _table(of: Any) -> Table:
    table: Table = of.__table__
    return table


_deliveries, _unseen = _table(Delivery), _table(Unseen)
_tenants, _threads = _table(Tenant), _table(Thread)

_STANDING = (
    select(
        _tenants.c.id,
        _tenants.c.state,
        _tenants.c.shared_secret,
        _tenants.c.app_account_id,
        _threads.c.filled_at,
        _threads.c.issue_id,
        _threads.c.id.label("thread_id"),
    )
    .join_from(
        _tenants,
        _threads,
        and_(
            _threads.c.tenant_id == _tenants.c.id,
            _threads.c.issue_id.in_(bindparam("issue_ids", expanding=True)),
            _threads.c.audience == "public",
        ),
        isouter=True,
    )
    .where(_tenants.c.id.in_(bindparam("tenant_ids", expanding=True)))
)
_late = or_(_threads.c.due_at.is_(None), _threads.c.due_at > bindparam("at"))
_MAKE_DUE = (
    update(_threads)
    .where(
        _threads.c.id.in_(
            # Locked in the order of ids, and no stronger than other doors do that file something
            # on the same thread: else two would wait for each other.
            select(_threads.c.id)
            .where(_threads.c.id.in_(bindparam("thread_ids", expanding=True)), _late)
            .order_by(_threads.c.id)
            .with_for_update(key_share=True)
        )
    )
    .values(due_at=bindparam("at"))
)


@dataclass
class Standing:
    """What is known of those who sent deliveries.

    Attributes:
        secrets: the sealed shared secrets of those tenants that are let in, by id.
        threads: ids of the public threads that there are, by tenant and issue.
        accounts: of the app itself, by tenant, as far as they are known.
        filled: ids of the threads that hold what Jira shows.
    """

    secrets: dict[str, str | None] = field(default_factory=dict)
    threads: dict[Key, str] = field(default_factory=dict)
    accounts: dict[str, str | None] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)


def standing(db: Session, issues: Collection[Key]) -> Standing:
    """What is known, by tenants and issues."""
    named = {
        "tenant_ids": list({tenant_id for tenant_id, _ in issues}),
        "issue_ids": list({issue_id for _, issue_id in issues}),
    }
    known = Standing()
    rows = db.connection().execute(_STANDING, named)
    for tenant_id, state, secret, account, filled_at, issue_id, thread_id in rows:
        if state == "installed":
            known.secrets[tenant_id], known.accounts[tenant_id] = secret, account
        if thread_id is not None:
            known.threads[tenant_id, issue_id] = thread_id
            if filled_at is not None:
                known.filled.add(thread_id)
    return known


def keep_new(db: Session, keys: Collection[Key], at: datetime) -> set[Key]:
    """Remember deliveries by tenant and identifier; return those that were not here before."""
    rows = [
        {"tenant_id": tenant_id, "identifier": identifier, "received_at": at}
        for tenant_id, identifier in sorted(keys)  # in one order, whichever process does so
    ]
    return {(row.tenant_id, row.identifier) for row in _store(db, _deliveries, rows)}


def add_unseen(db: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store what nobody has looked at yet; each row has all columns but the id."""
    _store(db, _unseen, rows)


def make_due(db: Session, thread_ids: Collection[str], at: datetime) -> None:
    """Have a worker look at these threads at that instant, or earlier where one is due earlier."""
    db.connection().execute(_MAKE_DUE, {"thread_ids": list(thread_ids), "at": at})
    announce(db, threads.DUE)
    for thread_id in thread_ids:
        announce(db, f"{threads.DUE}:{thread_id}")


def _store(db: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> Sequence[Row[Any]]:
    """Insert rows, of the same columns each, unless their key stands already: tell the new keys."""
    connection = db.connection()
    dialect = connection.dialect.name
    listed = json.dumps(rows, ensure_ascii=False, default=partial(_spelt, dialect))
    return connection.execute(_insert(dialect, table, *rows[0]), {"rows": listed}).all()


@cache
def _insert(dialect: str, table: Table, *names: str) -> Executable:
    listed = bindparam("rows", type_=Text)
    on_postgresql = dialect == "postgresql"
    if on_postgresql:
        typed = (column(name, table.c[name].type) for name in names)
        rows = func.json_to_recordset(cast(listed, JSON)).table_valued(*typed)
        given = select(rows.render_derived(with_types=True))
    else:
        value = func.json_each(listed).table_valued("value").c.value
        # A WHERE ends the SELECT: else SQLite takes ON CONFLICT for a part of it.
        given = select(*(func.json_extract(value, f"$.{name}") for name in names)).where(true())
    into = postgresql.insert(table) if on_postgresql else sqlite.insert(table)
    return (
        into.from_select(names, given)
        .on_conflict_do_nothing()
        .returning(*table.primary_key.columns)
    )


def _spelt(dialect: str, instant: datetime) -> str:
    """As the database keeps it: SQLite keeps text, without a zone."""
    plain = instant.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return plain if dialect == "sqlite" else f"{plain}+00"
