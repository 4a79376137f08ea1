"""The tenants' shared secrets, remembered from one webhook to the next.

A delivery is verified by the secret that its tenant had when it was last looked up: no look into
the database stands before the one transaction that takes it in. What is remembered is never enough
by itself. That transaction asks whether the secret is still the tenant's, and the tenant still let
in (``tenants.signing``); so whoever was given another secret, disabled or uninstalled, in whichever
process, is refused at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.errors import AuthError
from app.store import tenants
from app.store.database import Database
from app.store.secrets import Vault

MOST = 10_000
"""Tenants that are remembered; then it begins anew."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a tenant signs with.

    Attributes:
        sealed: the secret as it stands in the database: by this it is known again.
    """

    tenant_id: str
    client_key: str
    sealed: str
    secret: str = field(repr=False)


class Credentials:
    """See the module. One in a process."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._known: dict[str, Credential] = {}

    def remembered(self, client_key: str) -> Credential | None:
        """What the tenant signed with when it was last looked up, if it ever was."""
        return self._known.get(client_key)

    async def look_up(self, client_key: str) -> Credential:
        """What the tenant signs with now.

        Raises:
            AuthError: it is unknown, or not let in.
            SealBroken: the key that sealed its secret is gone.
        """
        self._known.pop(client_key, None)
        tenant = await self._database.read_together(tenants.by_client_keys, client_key)
        if tenant is None:
            raise AuthError("UNKNOWN_TENANT")
        secret = tenants.shared_secret(tenant, self._vault)
        if tenant.state != "installed":
            raise AuthError("TENANT_NOT_ENABLED")
        if len(self._known) >= MOST:
            self._known.clear()
        credential = Credential(tenant.id, client_key, tenant.shared_secret or "", secret)
        self._known[client_key] = credential
        return credential
