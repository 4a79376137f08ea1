"""A Jira that answers what it is told to, in the shapes of Atlassian's OpenAPI."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx2
from hypothesis import strategies as st

from app.jira.auth import ConnectAuthorizer
from app.jira.client import JiraClient
from app.jira.limits import Limits
from app.store import quotas
from app.store.quotas import Pause, Scope, Taken
from tests.support.clock import FakeClock

BASE = "https://acme.atlassian.net"
APP_KEY = "jira-chatkit"
SECRET = "a-shared-secret-that-is-made-up-for-these-tests"
RITA = "712020:rita"
AGNES = "712020:agnes"
OURS = "557058:our-own-app"

Answer = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "key", "value", "accountId", "created", "fields", "values"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


class LedgerInMemory:
    """What all processes share, for a test of one; ``away`` is raised by whatever is asked."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.away: Exception | None = None
        self._paused: dict[Scope, Pause] = {}
        self._writes: dict[tuple[str, str], list[int]] = {}

    async def take_points(self, hour: str, wanted: int, most: int) -> Taken:
        self._ask("points")
        granted = max(0, min(wanted, most - self.taken[hour]))
        self.taken[hour] += granted
        return Taken(granted, self.taken[hour])

    async def admit_write(self, tenant: str, issue: str, now: datetime) -> float:
        self._ask("write")
        admitted = quotas.with_one_more(self._writes.get((tenant, issue), []), now)
        if isinstance(admitted, float):
            return admitted
        self._writes[tenant, issue] = admitted
        return 0.0

    async def pause(self, scope: Scope, _: str | None, pause: Pause) -> None:
        self._ask("pause")
        self._paused[scope] = pause

    async def pauses(self, now: datetime) -> Mapping[Scope, Pause]:
        self._ask("pauses")
        return {scope: pause for scope, pause in self._paused.items() if pause.until > now}

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        if self.away is not None:
            raise self.away


class FakeJira:
    """Answers each call of a method and path in turn, the last answer again and again."""

    def __init__(self, clock: FakeClock) -> None:
        self.requests: list[httpx2.Request] = []
        self.ledger = LedgerInMemory()
        self.limits = Limits(clock, self.ledger)
        self._clock = clock
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        self.client = self.connected()

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self._answers[method, path] = list(answers)

    def connected(self, base_url: str = BASE, tenant: str = "tenant-1") -> JiraClient:
        return JiraClient(
            base_url,
            ConnectAuthorizer(APP_KEY, SECRET, base_url, self._clock),
            http=httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer)),
            clock=self._clock,
            limits=self.limits,
            tenant=tenant,
        )

    @property
    def calls(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.requests]

    def sent(self, number: int = -1) -> Any:
        """The JSON of a request's body."""
        return json.loads(self.requests[number].content)

    def query(self, number: int = -1) -> dict[str, str]:
        return dict(self.requests[number].url.params)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answers = self._answers.get((request.method, request.url.path))
        if answers is None:
            return httpx2.Response(404, json={"errorMessages": ["not there"], "errors": {}})
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(request)
        # A fresh one each time: an answer can be read only once.
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


def ok(value: object, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=value)


def status(code: int, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    secret_words = {"errorMessages": ["nobody's words may reach a log"], "errors": {}}
    return httpx2.Response(code, headers=headers, json=secret_words)


def account(account_id: str, account_type: str = "atlassian") -> dict[str, Any]:
    return {
        "self": f"{BASE}/rest/api/3/user?accountId={account_id}",
        "accountId": account_id,
        "accountType": account_type,
        "active": True,
        "displayName": "Somebody",
    }


def document(text: str) -> dict[str, Any]:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def comment(
    comment_id: str = "10000",
    *,
    author: str = RITA,
    created: str = "2026-11-02T09:58:00.000+0100",
    mark: object = None,
    **more: Any,
) -> dict[str, Any]:
    """A public comment; with a ``mark``, its properties hold it."""
    shown: dict[str, Any] = {
        "self": f"{BASE}/rest/api/3/issue/10010/comment/{comment_id}",
        "id": comment_id,
        "author": account(author),
        "body": document("Why?"),
        "updateAuthor": account(author),
        "created": created,
        "updated": created,
        "jsdPublic": True,
        "properties": [] if mark is None else [{"key": "jira-chatkit", "value": mark}],
    }
    return shown | more


def page(*comments: dict[str, Any], total: int | None = None, start: int = 0) -> dict[str, Any]:
    return {
        "startAt": start,
        "maxResults": 100,
        "total": len(comments) if total is None else total,
        "comments": list(comments),
    }


def issue(**fields: Any) -> dict[str, Any]:
    return {
        "id": "10010",
        "key": "SUP-3",
        "self": f"{BASE}/rest/api/3/issue/10010",
        "fields": {
            "project": {"id": "10001", "key": "SUP", "projectTypeKey": "service_desk"},
            "issuetype": {"id": "20001", "name": "Service request"},
            "reporter": account(RITA, "customer"),
            "creator": account(OURS, "app"),
            "assignee": None,
            "status": {"name": "Waiting", "statusCategory": {"id": 2, "key": "new"}},
            "resolution": None,
            "summary": "No invoices",
            "description": document("The page stays blank."),
            "created": "2026-11-02T09:00:00.000+0100",
            "updated": "2026-11-02T09:30:00.000+0100",
        }
        | fields,
    }
