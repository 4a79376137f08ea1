"""Every route of the app, walked as those whom it must not let in.

A route stands in ``LETS_IN`` with what it lets in; one that is not there yet fails here. Each
walk tries all routes of a kind over one running app.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from sqlmodel import Session, select
from starlette.routing import Mount, Route

from app.doors import sessions
from app.doors.sessions import AdminSession, ChatSession
from app.sandbox.jira import JiraSite
from app.sandbox.jira.keys import generate
from app.store.secrets import Vault
from app.store.tables import Event, Feedback, Item, ProjectSettings, Tenant, Turn, Workflow
from app.web.routes import routes
from tests.doors import signing
from tests.support.calls import Caller, open_chat, signed
from tests.support.clock import ShiftedClock
from tests.support.world import World, world

Kind = Literal["anybody", "install", "request", "platform", "context", "chat", "admin"]

THREAD = "/api/threads/{thread_id}"
DRAFT = f"{THREAD}/drafts/{{item_id}}"
LETS_IN: dict[tuple[str, str], Kind] = {
    ("GET", "/atlassian-connect.json"): "anybody",
    ("GET", "/healthz"): "anybody",
    ("GET", "/readyz"): "anybody",
    ("GET", "/metrics"): "anybody",
    ("GET", "/i18n/{language}.json"): "anybody",
    ("POST", "/connect/installed"): "install",
    ("POST", "/connect/uninstalled"): "install",
    ("POST", "/connect/enabled"): "request",
    ("POST", "/connect/disabled"): "request",
    ("POST", "/connect/webhooks"): "request",
    ("GET", "/connect/panel"): "request",
    ("GET", "/connect/admin"): "request",
    ("POST", "/forge/events"): "platform",
    ("POST", "/forge/pre-uninstall"): "platform",
    ("POST", "/forge/schedule"): "platform",
    ("POST", "/api/sessions"): "context",
    ("GET", THREAD): "chat",
    ("GET", f"{THREAD}/events"): "chat",
    ("GET", f"{THREAD}/items"): "chat",
    ("POST", f"{THREAD}/items/{{item_id}}/feedback"): "chat",
    ("GET", f"{THREAD}/panel"): "chat",
    ("GET", f"{THREAD}/people"): "chat",
    ("POST", f"{THREAD}/messages"): "chat",
    ("POST", f"{THREAD}/stop"): "chat",
    ("POST", f"{THREAD}/turns/{{turn_id}}/retry"): "chat",
    ("POST", f"{DRAFT}/approve"): "chat",
    ("POST", f"{DRAFT}/edit"): "chat",
    ("POST", f"{DRAFT}/reject"): "chat",
    ("POST", f"{DRAFT}/regenerate"): "chat",
    ("POST", f"{THREAD}/pause"): "chat",
    ("POST", f"{THREAD}/resume"): "chat",
    ("POST", "/chatkit"): "chat",
    ("POST", "/api/admin/sessions"): "context",
    ("GET", "/api/admin/overview"): "admin",
    ("PUT", "/api/admin/key"): "admin",
    ("DELETE", "/api/admin/key"): "admin",
    ("GET", "/api/admin/workflow"): "admin",
    ("PUT", "/api/admin/workflow"): "admin",
    ("POST", "/api/admin/workflow/publish"): "admin",
    ("GET", "/api/admin/projects"): "admin",
    ("PUT", "/api/admin/projects/{project_id}"): "admin",
    ("PUT", "/api/admin/limits"): "admin",
    ("POST", "/api/admin/playground"): "admin",
    ("GET", "/api/admin/doctor"): "admin",
    ("GET", "/api/admin/turns"): "admin",
}
BODIES: dict[str, dict[str, Any]] = {
    f"{THREAD}/messages": {"text": "Why?", "client_id": "c"},
    f"{THREAD}/items/{{item_id}}/feedback": {"kind": "positive"},
    f"{DRAFT}/edit": {"text": "Other words."},
    "/chatkit": {"type": "threads.list", "params": {}},
    "/api/sessions": {"issue_id": "10000"},
    "/api/admin/limits": {"daily_tokens": 5},
    "/api/admin/playground": {"text": "Why?", "client_id": "c"},
}
"""What would be taken, so that nothing but the guard can refuse it."""

KEPT = (Tenant, ProjectSettings, Workflow, Item, Turn, Event, Feedback)


def known() -> set[tuple[str, str]]:
    """Every method and path that the app answers, but for files."""
    return {
        (method, route.path)
        for route in routes()
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


def of(*kinds: Kind) -> list[tuple[str, str]]:
    return [route for route, kind in LETS_IN.items() if kind in kinds]


@dataclass(frozen=True)
class Walker:
    """Tries routes on one app, on the thread that the sessions are for unless told another."""

    here: World
    http: httpx2.Client
    team: Caller
    public: Caller
    item_id: str
    turn_id: str

    def call(
        self,
        method: str,
        path: str,
        *,
        header: str | None = None,
        query: str = "",
        thread_id: str | None = None,
    ) -> httpx2.Response:
        filled = path.format(
            thread_id=thread_id or self.team.thread_id,
            item_id=self.item_id,
            turn_id=self.turn_id,
            project_id="10000",
            language="es",
        )
        headers = {"Authorization": header} if header is not None else {}
        body = None if method == "GET" else BODIES.get(path, {})
        return self.http.request(
            method, f"{self.here.url}{filled}{query}", headers=headers, json=body
        )

    def admin(self, **changes: Any) -> str:
        """The header of an admin session, signed as the app would; a change lies over it."""
        vault = Vault(self.here.settings.secret_keys)
        expires = datetime.fromisoformat(self.team.expires_at)
        chat = sessions.verify_chat(self.team.token, vault, expires - sessions.LIFE)
        adam = self.here.jira.account_id("adam")
        session = AdminSession(chat.tenant_id, chat.generation, adam, expires)
        session = replace(session, **changes)
        return f"Bearer {sessions.sign(session, vault, session.expires_at - sessions.LIFE)}"

    def kept(self) -> list[str]:
        """What is stored, but for the clock of a worker."""
        return self.here.read(_rows)


def _rows(db: Session) -> list[str]:
    rows = [row for table in KEPT for row in db.exec(select(table)).all()]
    return sorted(f"{type(row).__name__} {sorted(row.model_dump().items())}" for row in rows)


@pytest.fixture(scope="module")
def clock_ahead() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture(scope="module")
def walker(
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    clock_ahead: ShiftedClock,
) -> Iterator[Walker]:
    """One app for all walks: none of them may change anything."""
    path = tmp_path_factory.mktemp("every_route") / "app.db"
    shutil.copyfile(sqlite_template, path)
    with (
        world(f"sqlite:///{path}", clock=clock_ahead) as here,
        httpx2.Client(trust_env=False) as http,
    ):
        here.openai.answers("CANARY-INTERNAL")
        public = open_chat(here, http, "agnes")
        team = open_chat(here, http, "agnes", audience="internal")
        told = team.say("CANARY-INTERNAL?").json()
        here.run_until_idle()
        item = team.thread()["items"]["data"][-1]
        yield Walker(here, http, team, public, item["id"], told["turn_id"])


@pytest.fixture
def unchanged(walker: Walker) -> Iterator[None]:
    """Whoever is not let in changes nothing."""
    before = walker.kept()
    yield
    assert walker.kept() == before


def is_refused(answer: httpx2.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, f"{answer.request.method} {answer.request.url}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert (answer.status_code == 401) == ("www-authenticate" in answer.headers)
    assert "CANARY" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def is_bare_401(answer: httpx2.Response) -> bool:
    plain = answer.content == b"" and "www-authenticate" not in answer.headers
    return answer.status_code == 401 and plain


# --- the table ------------------------------------------------------------------------------


def test_every_route_says_whom_it_lets_in() -> None:
    assert known() == set(LETS_IN)


def test_what_is_mounted_is_files() -> None:
    mounted = [route for route in routes() if not isinstance(route, Route)]
    assert [route.path for route in mounted if isinstance(route, Mount)] == ["/static"]
    assert len(mounted) == 1


def test_everything_is_there_below_our_public_path_too() -> None:
    [below] = [route for route in routes("/app") if getattr(route, "path", "") == "/app"]
    assert isinstance(below, Mount)
    assert {route.path for route in below.routes if isinstance(route, Route)} == {
        path for _, path in LETS_IN
    }


# --- nobody, and those with nothing that is genuine -----------------------------------------


@pytest.mark.usefixtures("unchanged")
def test_nobody_gets_nothing(walker: Walker) -> None:
    for method, path in of("install", "request", "platform"):
        assert is_bare_401(walker.call(method, path)), path
    for method, path in of("context", "chat", "admin"):
        is_refused(walker.call(method, path), 401)
    for method, path in of("anybody"):
        assert walker.call(method, path).status_code == 200, path


@pytest.mark.usefixtures("unchanged")
def test_what_is_no_token_opens_nothing(walker: Walker) -> None:
    token = walker.team.token
    for header in (
        "", "Bearer", "Bearer a.b.c", f"Bearer {token}x", f"Bearer {token[:-5]}AAAAA",
        token, f"JWT {token}", f"Basic {token}", f"Bearer {token}, Bearer {token}",
        f"Bearer {token} {token}", f"Bearer {'x' * 6000}", "JWT a.b.c", "Bearer null",
        f"Bearer {signing.unsigned({'aud': 'chat'})}",
    ):  # fmt: skip
        for method, path in of("context", "chat", "admin"):
            is_refused(walker.call(method, path, header=header), 401)
        for method, path in of("install", "request", "platform"):
            assert is_bare_401(walker.call(method, path, header=header)), path


@pytest.mark.usefixtures("unchanged")
def test_a_token_in_the_address_opens_nothing(walker: Walker) -> None:
    genuine = f"Bearer {walker.team.token}"
    context = walker.here.jira.context_token("agnes")
    for name in ("token", "access_token", "jwt", "session", "Token"):
        for method, path in of("chat", "admin"):
            query = f"?{name}={walker.team.token}"
            is_refused(walker.call(method, path, query=query), 401)
            is_refused(walker.call(method, path, header=genuine, query=query), 401)
    for method, path in of("context"):
        is_refused(walker.call(method, path, query=f"?jwt={context}"), 401)
        both = walker.call(method, path, header=f"JWT {context}", query=f"?jwt={context}")
        is_refused(both, 401)


@pytest.mark.usefixtures("unchanged")
def test_a_session_that_is_over_opens_nothing(walker: Walker, clock_ahead: ShiftedClock) -> None:
    admin = walker.admin()
    clock_ahead.ahead = sessions.LIFE
    try:
        for method, path in of("chat"):
            is_refused(walker.call(method, path, header=f"Bearer {walker.team.token}"), 401)
        for method, path in of("admin"):
            is_refused(walker.call(method, path, header=admin), 401)
    finally:
        clock_ahead.ahead = timedelta()


# --- those with something genuine that is for something else --------------------------------


@pytest.mark.usefixtures("unchanged")
def test_no_kind_of_token_passes_for_another(walker: Walker) -> None:
    jira = walker.here.jira
    of_kind = {
        "chat": f"Bearer {walker.team.token}",
        "admin": walker.admin(),
        "context": f"JWT {jira.context_token('adam', 'OPS-1')}",
        "request": f"JWT {jira.link.sign_request_token('GET', walker.here.url)}",
        "install": f"JWT {jira.link.sign_install_token('installed', qsh='x')}",
        "platform": f"Bearer {invocation_token(jira)}",
        "a page": f"Bearer {invocation_token(jira, 'adam', 'jira-chatkit-admin')}",
    }
    for kind, header in of_kind.items():
        for method, path in of("install", "request"):  # theirs are for one address each
            assert is_bare_401(walker.call(method, path, header=header)), (kind, path)
        for method, path in of("platform") if kind != "platform" else []:
            assert is_bare_401(walker.call(method, path, header=header)), (kind, path)
        for wanted in ("context", "chat", "admin"):
            opens = wanted == kind or (wanted, kind) == ("context", "a page")
            for method, path in of(wanted) if not opens else []:
                is_refused(walker.call(method, path, header=header), 401)


def invocation_token(jira: JiraSite, *of_a_page: str) -> str:
    """What Forge would sign for an installation of the app on that site."""
    jira.forge.installation_id = "ari:cloud:ecosystem::installation/one"
    return jira.forge.invocation_token(*of_a_page)


def threads_of(kind: Kind) -> list[tuple[str, str]]:
    return [(method, path) for method, path in of(kind) if "{thread_id}" in path]


@pytest.mark.usefixtures("unchanged")
def test_a_session_opens_its_own_thread_alone(walker: Walker) -> None:
    other = open_chat(walker.here, walker.http, "agnes", "OPS-2")
    for method, path in threads_of("chat"):
        for session in (walker.public, other):
            answer = walker.call(method, path, header=f"Bearer {session.token}")
            is_refused(answer, 403)
            assert answer.json()["code"] == "WRONG_THREAD"
        for thread_id in ("thr_none", other.thread_id, "%2e%2e"):
            header = f"Bearer {walker.team.token}"
            answer = walker.call(method, path, header=header, thread_id=thread_id)
            is_refused(answer, 403)


def test_the_public_thread_knows_nothing_of_the_teams(walker: Walker) -> None:
    header, thread_id = f"Bearer {walker.public.token}", walker.public.thread_id
    before = walker.kept()
    for method, path in threads_of("chat"):
        if "{item_id}" in path or "{turn_id}" in path:
            answer = walker.call(method, path, header=header, thread_id=thread_id)
            is_refused(answer, 404)
    assert walker.kept() == before
    for path in ("", "items"):
        assert "CANARY" not in walker.public.get(path).text
    with walker.http.stream(
        "GET",
        f"{walker.here.url}/api/threads/{thread_id}/events",
        headers={"Authorization": header},
    ) as stream:
        assert stream.status_code == 200
        first = next(line for line in stream.iter_lines() if line.startswith("data:"))
        assert "stream.resync" in first
        assert "CANARY" not in first


# --- other tenants, and those who lost their rights: each with an app of its own ------------


@pytest.fixture
def fresh(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[Walker, JiraSite, ShiftedClock]]:
    """An app that two sites have installed; the walker is of the first."""
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    clock = ShiftedClock()
    with (
        JiraSite(clock=clock).serve() as other,
        world(f"sqlite:///{tmp_path / 'app.db'}", also=other, clock=clock) as here,
        httpx2.Client(trust_env=False) as http,
    ):
        other.install(here.url)
        public = open_chat(here, http, "agnes")
        team = open_chat(here, http, "agnes", audience="internal")
        here.openai.answers("CANARY-OURS")
        told = team.say("CANARY-OURS?").json()
        here.run_until_idle()
        item = team.thread()["items"]["data"][-1]
        yield Walker(here, http, team, public, item["id"], told["turn_id"]), other, clock


def test_another_tenant_gets_nothing_of_ours(
    fresh: tuple[Walker, JiraSite, ShiftedClock],
) -> None:
    walker, other, _ = fresh
    theirs = open_chat(walker.here, walker.http, "agnes", audience="internal", jira=other)
    walker.here.run_until_idle()
    before = walker.kept()
    # Theirs on our thread; theirs that says it is for our thread; ours that says it is theirs.
    lying = signed(theirs, thread_id=walker.team.thread_id)
    ours = signed(walker.team, tenant_id=tenant_of(theirs))
    for method, path in of("chat"):
        if "{thread_id}" in path:
            is_refused(walker.call(method, path, header=f"Bearer {theirs.token}"), 403)
        is_refused(walker.call(method, path, header=f"Bearer {lying.token}"), 404)
        is_refused(walker.call(method, path, header=f"Bearer {ours.token}"), 404)
    for method, path in of("admin"):
        answer = walker.call(method, path, header=walker.admin(tenant_id="tenant_none"))
        is_refused(answer, 401)
    named = other.context_token("agnes", iss=walker.here.client_key)
    for method, path in of("context"):
        is_refused(walker.call(method, path, header=f"JWT {named}"), 401)
    for method, path in of("install", "request", "platform"):
        assert is_bare_401(walker.call(method, path, header=f"JWT {named}"))
    evil = {"apiBaseUrl": "https://evil.example/ex/jira/x"}
    tokens = [
        other.forge.invocation_token(app=evil),
        other.forge.invocation_token(key=generate()),
        other.forge.invocation_token(aud="ari:cloud:ecosystem::app/another"),
    ]
    for method, path in of("platform", "context"):
        for token in tokens:
            answer = walker.call(method, path, header=f"Bearer {token}")
            assert answer.status_code == 401, path
    assert walker.kept() == before


def tenant_of(caller: Caller) -> str:
    vault = Vault(caller.here.settings.secret_keys)
    now = datetime.fromisoformat(caller.expires_at) - sessions.LIFE
    session: ChatSession = sessions.verify_chat(caller.token, vault, now)
    return session.tenant_id


LOSSES = {
    "the project": lambda jira: jira.revoke("agnes", "OPS", "BROWSE_PROJECTS"),
    "the issue": lambda jira: jira.set_security_level("OPS-1", "Admins", ["adam", "app"]),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_who_may_not_see_the_issue_any_more_gets_nothing(
    fresh: tuple[Walker, JiraSite, ShiftedClock], loss: str
) -> None:
    walker, _, clock = fresh
    LOSSES[loss](walker.here.jira)
    walker.here.run_until_idle()
    clock.ahead = timedelta(seconds=31)
    before = walker.kept()
    for session in (walker.public, walker.team):
        for method, path in of("chat"):
            header = f"Bearer {session.token}"
            answer = walker.call(method, path, header=header, thread_id=session.thread_id)
            is_refused(answer, 403)
            assert answer.json()["code"] == "BROWSE_PROJECTS", path
    for audience in ("public", "internal"):
        issue = {"issue_id": walker.here.jira.issue("OPS-1").id, "audience": audience}
        header = f"JWT {walker.here.jira.context_token('agnes')}"
        url = f"{walker.here.url}/api/sessions"
        answer = walker.http.post(url, headers={"Authorization": header}, json=issue)
        is_refused(answer, 403)
    assert walker.kept() == before


def test_who_administers_no_more_gets_nothing(
    fresh: tuple[Walker, JiraSite, ShiftedClock],
) -> None:
    walker, _, _ = fresh
    before = walker.kept()
    header = walker.admin(account_id=walker.here.jira.account_id("agnes"))
    for method, path in of("admin"):
        answer = walker.call(method, path, header=header)
        is_refused(answer, 403)
        assert answer.json()["code"] == "ADMINISTER"
    context = f"JWT {walker.here.jira.context_token('agnes')}"
    is_refused(walker.call("POST", "/api/admin/sessions", header=context), 403)
    assert walker.kept() == before


def test_after_an_uninstall_nothing_is_let_in(
    fresh: tuple[Walker, JiraSite, ShiftedClock],
) -> None:
    walker, _, clock = fresh
    admin, context = walker.admin(), walker.here.jira.context_token("adam")
    clock.ahead = timedelta(seconds=2)
    walker.here.jira.uninstall()
    walker.here.run_until_idle()
    before = walker.kept()
    for method, path in of("chat"):
        is_refused(walker.call(method, path, header=f"Bearer {walker.team.token}"), 401)
    for method, path in of("admin"):
        is_refused(walker.call(method, path, header=admin), 401)
    for method, path in of("context"):
        is_refused(walker.call(method, path, header=f"JWT {context}"), 401)
    assert walker.kept() == before


# --- other methods and other addresses ------------------------------------------------------


@pytest.mark.usefixtures("unchanged")
def test_another_method_is_not_allowed(walker: Walker) -> None:
    paths = {path for _, path in LETS_IN}
    for path in sorted(paths):
        taken = {method for method, other in LETS_IN if other == path}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - taken:
            answer = walker.call(method, path, header=f"Bearer {walker.team.token}")
            assert answer.status_code == 405, (method, path)
            assert answer.headers["allow"]
            if path.startswith("/api"):
                is_refused(answer, 405)


@pytest.mark.usefixtures("unchanged")
def test_anything_else_is_not_there(walker: Walker) -> None:
    for path in ("/api", "/api/", "/api/nowhere", "/api/threads", "/api/sessions/",
                 "/api/threads/x/y/z", "/api/admin", "/api/admin/"):  # fmt: skip
        is_refused(walker.http.get(f"{walker.here.url}{path}", follow_redirects=False), 404)
    for path in ("/", "/nowhere", "/connect", "/connect/", "/static/", "/static/../app/cli.py",
                 "/static/%2e%2e/pyproject.toml", "/static/css", "/docs", "/openapi.json",
                 "/healthz/", "/apis"):  # fmt: skip
        answer = walker.http.get(f"{walker.here.url}{path}", follow_redirects=False)
        assert answer.status_code == 404, path
