"""An administrator at the admin page: the admin API over real HTTP."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx2

from app.sandbox.jira import JiraSite
from app.store.tables import Turn
from app.store.turns import by_id
from tests.support.world import World, until


@dataclass
class Admin:
    """Adam, who administers Jira, with a session; on another site where one is named."""

    here: World
    site: JiraSite | None = None
    by: str = "adam"
    token: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        answer = open_admin(self.here, self.by, self.site)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["token"]

    def call(self, method: str, path: str, body: object = None, **query: str) -> httpx2.Response:
        return httpx2.request(
            method,
            f"{self.here.url}/api/admin/{path}",
            json=body,
            params=query,
            headers={"Authorization": f"Bearer {self.token}"},
            trust_env=False,
            timeout=30,
        )

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """What a call answers that must not fail."""
        answer = self.call("GET", path, **query)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def does(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Something that must not fail; what was answered, if anything."""
        answer = self.call(method, path, body)
        assert answer.status_code in {200, 202, 204}, answer.text
        told: dict[str, Any] = answer.json() if answer.content else {}
        return told

    def tries(self, text: str, thread_id: str | None = None) -> dict[str, Any]:
        """Send a message in the playground."""
        body = {"text": text, "client_id": secrets.token_hex(8), "thread_id": thread_id}
        return self.does("POST", "playground", body)

    def turn(self, turn_id: str) -> Turn:
        """The turn, once it is over."""

        def ended() -> Turn | None:
            found = self.here.read(by_id, self.tenant_id, turn_id)
            return found if found is not None and found.finished_at is not None else None

        found = until(ended, "the turn to end")
        assert found is not None
        return found

    @property
    def tenant_id(self) -> str:
        return self.here.read(_tenant_of, (self.site or self.here.jira).link.installed.client_key)


def open_admin(here: World, by: str = "adam", site: JiraSite | None = None) -> httpx2.Response:
    """Ask for an admin session with what Jira's frame script would have given that person."""
    token = (site or here.jira).context_token(by)
    return httpx2.post(
        f"{here.url}/api/admin/sessions",
        headers={"Authorization": f"JWT {token}"},
        trust_env=False,
    )


def _tenant_of(db: Any, client_key: str) -> str:
    from app.store.tenants import by_client_key  # noqa: PLC0415

    found = by_client_key(db, client_key)
    assert found is not None
    return str(found.id)
