"""A person at a page of ours: the chat API over real HTTP, a sentence a call."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.support.world import World


@dataclass
class Chat:
    """Somebody's session on one of an issue's threads.

    Attributes:
        by: the person's name at the simulated Jira.
    """

    here: World
    key: str
    by: str
    audience: str = "public"
    token: str = field(init=False)
    thread_id: str = field(init=False)

    def __post_init__(self) -> None:
        answer = open_session(self.here, self.key, self.by, self.audience)
        assert answer.status_code == 200, answer.text
        self.token, self.thread_id = answer.json()["token"], answer.json()["thread_id"]

    @property
    def url(self) -> str:
        return f"{self.here.url}/api/threads/{self.thread_id}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str = "", **params: str) -> httpx2.Response:
        return httpx2.get(f"{self.url}{path}", params=params, headers=self.headers, trust_env=False)

    def post(self, path: str, body: object = None) -> httpx2.Response:
        return httpx2.post(f"{self.url}{path}", json=body, headers=self.headers, trust_env=False)

    def say(self, text: str, client_id: str | None = None) -> dict[str, Any]:
        """Send a message; what the app answered to it."""
        message = {"text": text, "client_id": client_id or secrets.token_hex(8)}
        answer = self.post("/messages", message)
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def does(self, what: str, body: object = None) -> None:
        """Something that is answered 202, such as ``stop`` or ``drafts/item_…/approve``."""
        answer = self.post(f"/{what}", body)
        assert answer.status_code == 202, answer.text

    def thread(self) -> dict[str, Any]:
        answer = self.get()
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen

    def texts(self) -> list[str]:
        """What stands on the thread, oldest first."""
        return [text_of(item) for item in self.thread()["items"]["data"]]


def open_session(here: World, key: str, by: str, audience: str = "public") -> httpx2.Response:
    """Ask for a session with what Jira's frame script would have given that person."""
    issue = here.jira.issue(key)
    return httpx2.post(
        f"{here.url}/api/sessions",
        json={"issue_id": issue.id, "audience": audience},
        headers={"Authorization": f"JWT {here.jira.context_token(by, key)}"},
        trust_env=False,
    )


def text_of(item: dict[str, Any]) -> str:
    """An item's words."""
    return "".join(part["text"] for part in item["content"])
