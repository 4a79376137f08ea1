"""Calls of the chat API, whatever they are answered; ``talks`` has those that succeed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx2

from app.doors import sessions
from app.sandbox.jira import JiraSite
from app.store.secrets import Vault
from tests.support.talks import text_of
from tests.support.world import World

JSON = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """Somebody's session. ``jira`` is the site that let them in."""

    here: World
    http: httpx2.Client
    jira: JiraSite
    token: str
    thread_id: str
    expires_at: str

    def ask(self, method: str, path: str = "", **options: Any) -> httpx2.Response:
        """A call below the session's thread."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = f"{self.here.url}/api/threads/{self.thread_id}/{path}".rstrip("/")
        return self.http.request(method, url, headers=headers, **options)

    def get(self, path: str = "", **params: Any) -> httpx2.Response:
        return self.ask("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> httpx2.Response:
        return self.ask("POST", path, **({} if body is None else {"json": body}))

    def say(self, text: str, client_id: str = "c1") -> httpx2.Response:
        return self.post("messages", {"text": text, "client_id": client_id})

    def thread(self) -> JSON:
        """The thread as it stands; the call has to succeed."""
        answer = self.get()
        assert answer.status_code == 200, answer.text
        view: JSON = answer.json()
        return view

    def texts(self) -> list[str]:
        return [text_of(item) for item in self.thread()["items"]["data"]]

    def at(self, thread_id: str) -> Caller:
        """The same session, tried on another thread."""
        return replace(self, thread_id=thread_id)


def ask_for_session(
    here: World,
    http: httpx2.Client,
    name: str,
    body: Any,
    jira: JiraSite | None = None,
    **claims: Any,
) -> httpx2.Response:
    """``POST /api/sessions`` with somebody's context token."""
    token = (jira or here.jira).context_token(name, **claims)
    headers = {"Authorization": f"JWT {token}"}
    return http.post(f"{here.url}/api/sessions", headers=headers, json=body)


def open_chat(
    here: World,
    http: httpx2.Client,
    name: str = "rita",
    issue: str = "OPS-1",
    audience: str = "public",
    jira: JiraSite | None = None,
) -> Caller:
    """Somebody's session on an issue's thread; it has to be given."""
    jira = jira or here.jira
    body = {"issue_id": jira.issue(issue).id, "audience": audience}
    answer = ask_for_session(here, http, name, body, jira)
    assert answer.status_code == 200, answer.text
    return Caller(here, http, jira, **answer.json())


def signed(caller: Caller, **changes: Any) -> Caller:
    """The session with something else in it, signed as the app would sign it."""
    vault = Vault(caller.here.settings.secret_keys)
    now = datetime.fromisoformat(caller.expires_at) - sessions.LIFE
    session = replace(sessions.verify_chat(caller.token, vault, now), **changes)
    token = sessions.sign(session, vault, now)
    return replace(caller, token=token, thread_id=session.thread_id)
