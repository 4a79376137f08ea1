"""Who calls, proved: what every handler is given instead of a token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.store.tables import Tenant


@dataclass(frozen=True, slots=True)
class TenantRef:
    """A tenant as it stood when the request came; it holds none of its secrets."""

    id: str
    door: str
    client_key: str | None
    installation_id: str | None
    cloud_id: str | None
    base_url: str
    display_url: str | None
    state: str
    session_generation: int
    app_account_id: str | None
    settings: dict[str, Any]

    @classmethod
    def of(cls, tenant: Tenant) -> TenantRef:
        return cls(
            id=tenant.id,
            door=tenant.door,
            client_key=tenant.client_key,
            installation_id=tenant.installation_id,
            cloud_id=tenant.cloud_id,
            base_url=tenant.base_url,
            display_url=tenant.display_url,
            state=tenant.state,
            session_generation=tenant.session_generation,
            app_account_id=tenant.app_account_id,
            settings=tenant.settings,
        )


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody of a tenant; ``account_id`` is None where no person stands behind the call.

    ``until`` is when we can ask no more what the person may do; None where that does not end.
    """

    tenant: TenantRef
    account_id: str | None
    until: datetime | None = None


Audience = Literal["public", "internal"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who holds a session of ours: one person (or visitor), one thread, for minutes.

    Attributes:
        account_id: the person's; None for a visitor.
        thread_id: the only thread that the session opens.
        issue_id: the thread's issue; None where it has none (yet).
        expires_at: the session and every stream opened with it end then.
    """

    tenant: TenantRef
    account_id: str | None
    thread_id: str
    issue_id: str | None
    audience: Audience
    expires_at: datetime
