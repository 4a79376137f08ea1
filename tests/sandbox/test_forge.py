"""The simulated Forge platform: what it sends is what Atlassian documents, and it takes no less."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.jira import JiraSite
from app.sandbox.jira.forge import APP_ID
from app.sandbox.jira.forge.link import PANEL
from app.sandbox.jira.installation import InstallRefused
from app.sandbox.serving import serve
from tests.support.clock import ShiftedClock

JSON = dict[str, Any]


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> JSON:
        told: JSON = json.loads(self.body)
        return told


@dataclass
class Remote:
    """An app's remote that keeps what it is sent, and answers as it is told."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def got(self, path: str) -> list[Received]:
        return [each for each in self.received if each.path == path]


@contextmanager
def remote() -> Iterator[Remote]:
    made = Remote()

    async def take(request: Request) -> Response:
        body = await request.body()
        made.received.append(Received(request.url.path, dict(request.headers), body))
        return Response(status_code=made.statuses.pop(0) if made.statuses else 204)

    routes = [Route("/{path:path}", take, methods=["GET", "POST"])]
    with serve(Starlette(routes=routes)) as served:
        made.url = served.url
        yield made


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def jira(clock: ShiftedClock) -> Iterator[JiraSite]:
    with JiraSite(door="forge", clock=clock).serve() as site:
        yield site


@pytest.fixture
def app(jira: JiraSite) -> Iterator[Remote]:
    with remote() as made:
        jira.install_forge(made.url)
        yield made


def claims_of(jira: JiraSite, authorization: str) -> JSON:
    """What an invocation token says, verified as an app is told to."""
    token = authorization.removeprefix("Bearer ")
    keys = jwt.PyJWKSet.from_dict(get(f"{jira.base_url}/forge/jwks.json").json())
    kid = jwt.get_unverified_header(token)["kid"]
    told: JSON = jwt.decode(
        token,
        keys[kid].key,
        algorithms=["RS256"],
        audience=APP_ID,
        issuer="forge/invocation-token",
    )
    return told


def get(url: str, token: str = "", **params: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.get(url, headers=headers, params=params, trust_env=False)


def test_an_install_is_told_and_the_schedule_runs(jira: JiraSite, app: Remote) -> None:
    [told] = app.got("/forge/events")
    assert (told.json["eventType"], told.json["id"]) == (
        "avi:forge:installed:app", jira.forge.installation_id,
    )  # fmt: skip
    [ran] = app.got("/forge/schedule")
    for call in (told, ran):
        claims = claims_of(jira, call.headers["authorization"])
        assert claims["app"]["installationId"] == jira.forge.installation_id
        assert claims["app"]["apiBaseUrl"] == jira.forge.api_base_url
        assert "principal" not in claims
        assert claims["exp"] - claims["iat"] == 25
        assert call.headers["x-forge-oauth-system"]
        assert "x-forge-oauth-user" not in call.headers


def test_an_app_that_refuses_is_not_installed(jira: JiraSite) -> None:
    with remote() as made:
        made.statuses = [500]
        with pytest.raises(InstallRefused, match="500"):
            jira.install_forge(made.url)


def test_creating_and_editing_a_comment_are_one_event(
    jira: JiraSite, app: Remote, clock: ShiftedClock
) -> None:
    comment = jira.comment("OPS-1", "Why?")
    jira.webhooks.wait_until_delivered()
    clock.ahead += timedelta(seconds=1)
    jira.edit_comment(comment, "Why not?")
    jira.webhooks.wait_until_delivered()
    jira.delete_comment(comment)
    jira.webhooks.wait_until_delivered()
    created, edited, deleted = [each.json for each in app.got("/forge/events")[1:]]
    assert created["eventType"] == edited["eventType"] == "avi:jira:commented:issue"
    assert deleted["eventType"] == "avi:jira:deleted:comment"
    assert created["comment"]["updated"] == created["comment"]["created"]
    assert edited["comment"]["updated"] > edited["comment"]["created"]
    assert {each["comment"]["id"] for each in (created, edited, deleted)} == {comment.id}
    assert edited["atlassianId"] == jira.account_id("rita")


def test_the_apps_own_doings_are_not_told(jira: JiraSite, app: Remote) -> None:
    before = len(app.received)
    jira.comment("OPS-1", "By the app.", "app")
    jira.webhooks.wait_until_delivered()
    assert len(app.received) == before


def test_whatever_is_no_success_is_told_four_times_more(jira: JiraSite, app: Remote) -> None:
    app.statuses = [401, 302, 404, 500, 503]
    jira.comment("OPS-1", "Why?")
    jira.webhooks.wait_until_delivered()
    tries = [each.json.get("retryContext") for each in app.got("/forge/events")[1:]]
    assert [each and each["retryCount"] for each in tries] == [None, 1, 2, 3, 4]
    jira.comment("OPS-1", "And?")
    jira.webhooks.wait_until_delivered()
    assert jira.webhooks.deliveries[-1].statuses == [204]


def test_a_context_may_be_absent(jira: JiraSite, app: Remote) -> None:
    jira.forge.tells_context = False
    jira.forge.run_schedule()
    assert "context" not in claims_of(jira, app.received[-1].headers["authorization"])


def test_leaving_is_told_twice(jira: JiraSite, app: Remote) -> None:
    jira.forge.uninstall()
    assert len(app.got("/forge/pre-uninstall")) == 1
    assert app.got("/forge/events")[-1].json["eventType"] == "avi:forge:uninstalled:app"
    sent = len(app.received)
    jira.comment("OPS-1", "Why?")
    jira.webhooks.wait_until_delivered()
    assert len(app.received) == sent


def test_a_pages_call_bears_who_looks_and_both_tokens(jira: JiraSite, app: Remote) -> None:
    answer = jira.forge.invoke_remote(
        "rita", PANEL, "OPS-1", "POST", "/api/sessions", {"x-mine": "1"}, b'{"a": 1}'
    )
    assert answer.status == 204
    sent = app.received[-1]
    claims = claims_of(jira, sent.headers["authorization"])
    assert claims["principal"] == jira.account_id("rita")
    assert claims["app"]["module"] == {"type": "jira:issuePanel", "key": PANEL}
    assert claims["context"]["extension"]["issue"]["key"] == "OPS-1"
    assert (sent.body, sent.headers["x-mine"]) == (b'{"a": 1}', "1")
    for name in ("system", "user"):
        token = sent.headers[f"x-forge-oauth-{name}"]
        assert get(f"{jira.forge.api_base_url}/rest/api/3/myself", token).status_code == 200


def test_jira_is_called_as_the_app_or_as_a_person(jira: JiraSite, app: Remote) -> None:
    assert app.url
    myself = f"{jira.forge.api_base_url}/rest/api/3/myself"
    forge = jira.forge
    for token, name in ((forge.system_token(), "app"), (forge.user_token("agnes"), "agnes")):
        assert get(myself, token).json()["accountId"] == jira.account_id(name)


def test_a_token_that_ended_or_is_another_sites_is_refused(jira: JiraSite, app: Remote) -> None:
    assert app.url
    forge, path = jira.forge, "/rest/api/3/myself"
    other = JiraSite().forge
    other.oauth = forge.oauth
    refused = (
        ("", forge.api_base_url),
        ("nonsense", forge.api_base_url),
        (forge.system_token(-1), forge.api_base_url),
        (other.system_token(), forge.api_base_url),
        (forge.system_token(), f"{jira.base_url}/ex/jira/{other.cloud_id}"),
    )
    for token, base in refused:
        assert get(f"{base}{path}", token).status_code == 401
    assert get(f"{jira.base_url}{path}", forge.system_token()).status_code == 401, "nor without it"
    jira.forge.oauth.refuses = True
    assert get(f"{forge.api_base_url}{path}", forge.system_token()).status_code == 401


def test_each_is_told_of_own_permissions_alone(jira: JiraSite, app: Remote) -> None:
    assert app.url
    forge, base = jira.forge, f"{jira.forge.api_base_url}/rest/api/3"
    issue = jira.issue("OPS-1")
    asked = {"issueId": issue.id, "permissions": "EDIT_ISSUES,ADD_COMMENTS"}
    for name, edits in (("rita", False), ("agnes", True)):
        told = get(f"{base}/mypermissions", forge.user_token(name), **asked).json()["permissions"]
        assert {each: told[each]["havePermission"] for each in told} == {
            "EDIT_ISSUES": edits, "ADD_COMMENTS": True,
        }  # fmt: skip
    hidden = {"issueId": jira.issue("SUP-1").id, "permissions": "BROWSE_PROJECTS"}
    assert get(f"{base}/mypermissions", forge.user_token("rita"), **hidden).status_code == 404
    of_another = {"accountId": jira.account_id("agnes"), "globalPermissions": ["ADMINISTER"]}
    answer = httpx2.post(
        f"{base}/permissions/check",
        json=of_another,
        headers={"Authorization": f"Bearer {forge.system_token()}"},
        trust_env=False,
    )
    assert answer.status_code == 403


def test_who_has_a_permission_is_found_by_who_administers_the_project(
    jira: JiraSite, app: Remote
) -> None:
    assert app.url
    forge = jira.forge
    url = f"{forge.api_base_url}/rest/api/3/user/permission/search"

    def found(name: str, token: str) -> httpx2.Response:
        asked = {
            "accountId": jira.account_id(name),
            "issueKey": "OPS-1",
            "permissions": "EDIT_ISSUES",
        }
        return get(url, token, **asked)

    assert [each["accountId"] for each in found("agnes", forge.system_token()).json()] == [
        jira.account_id("agnes")
    ]
    assert found("rita", forge.system_token()).json() == []
    assert found("agnes", forge.user_token("rita")).status_code == 403
