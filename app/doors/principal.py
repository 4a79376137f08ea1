"""Who calls, proved: what every handler is given instead of a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    """Somebody of a tenant; ``account_id`` is None where no person stands behind the call."""

    tenant: TenantRef
    account_id: str | None
