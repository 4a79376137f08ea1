"""A day behind the Forge door, with a canary in all that anybody wrote: no log holds one."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from app.sandbox.jira.forge.link import ADMIN, PANEL
from tests.support.world import QUICK, RETRIES, AppProcess, World, until, world_of_processes

CANARY = "CANARY"
TOKENS = ("eyJ", "Bearer", "JWT ", "uthorization", "oauth-", "ari:cloud:ecosystem::installation")
JSON_BODY = {"content-type": "application/json"}


def a_day(here: World, app: AppProcess) -> list[str]:
    """From the installation to the end; return the tokens that came along."""
    app.start()
    here.install(**QUICK)
    kept = [here.jira.forge.system_token(), here.jira.forge.user_token("rita")]
    here.openai.answers(f"{CANARY}-ANSWER")
    here.jira.comment("OPS-1", f"{CANARY}-COMMENT?")
    until(lambda: here.answers("OPS-1"), "the answer")
    _pages(here)
    _bad_days(here)
    _strange_calls(here, kept)
    here.jira.forge.uninstall()
    app.stop()
    return kept


def _pages(here: World) -> None:
    forge = here.jira.forge
    body = b'{"issue_id": "OPS-1", "audience": "internal"}'
    for name, status in (("agnes", 200), ("rita", 403)):
        got = forge.invoke_remote(name, PANEL, "OPS-1", "POST", "/api/sessions", JSON_BODY, body)
        assert got.status == status
    got = forge.invoke_remote("rita", ADMIN, None, "POST", "/api/admin/sessions", JSON_BODY)
    assert got.status == 403


def _bad_days(here: World) -> None:
    here.jira.forge.oauth.refuses = True
    here.jira.comment("OPS-1", f"{CANARY}-LATER?")
    here.jira.webhooks.wait_until_delivered()
    got = here.jira.forge.invoke_remote(
        "wim", PANEL, "OPS-1", "POST", "/api/sessions", JSON_BODY, b'{"issue_id": "OPS-1"}'
    )
    assert got.status == 401
    here.jira.forge.oauth.refuses = False


def _strange_calls(here: World, tokens: list[str]) -> None:
    token = here.jira.forge.invocation_token()
    good = {"authorization": f"Bearer {token}"}
    with httpx2.Client(trust_env=False) as http:
        events = f"{here.url}/forge/events"
        for body in (
            f'{{"{CANARY}": ',
            f'{{"eventType": "avi:jira:commented:issue", "{CANARY}": 1}}',
        ):
            assert http.post(events, content=body, headers=good).status_code == 400
        for claims in ({"iss": CANARY}, {"aud": CANARY}, {"app": {"installationId": [CANARY]}}):
            bad = here.jira.forge.invocation_token(**claims)
            headers = {"authorization": f"Bearer {bad}"}
            assert http.post(events, content=CANARY, headers=headers).status_code == 401
        bad = here.jira.forge.invocation_token(kid=CANARY)
        for given in (f"Bearer {bad}", f"Bearer {CANARY}", CANARY):
            answer = http.post(f"{events}?jwt={CANARY}", headers={"authorization": given})
            assert answer.status_code == 401
            assert http.post(events, headers={"authorization": given}).status_code == 401
        page = here.jira.forge.invocation_token("rita", PANEL)
        for path, caller in (("/forge/schedule", token), ("/api/sessions", page)):
            for name in ("x-forge-oauth-system", "x-forge-oauth-user"):
                odd = {"authorization": f"Bearer {caller}", name: f"{CANARY} {tokens[0]}"}
                assert http.post(f"{here.url}{path}", headers=odd).status_code in {204, 401}


@pytest.fixture(scope="module")
def written(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[str]]:
    """All that was logged at the level ``debug``, and the tokens that it must not hold."""
    folder = tmp_path_factory.mktemp("day_by_forge")
    (folder / "app.db").write_bytes(sqlite_template.read_bytes())
    log, url = folder / "log", f"sqlite:///{folder / 'app.db'}"
    with (
        log.open("wb") as output,
        world_of_processes(url, RETRIES, "forge", LOG_LEVEL="debug") as (
            here,
            app,
        ),
    ):
        app.output = output
        tokens = a_day(here, app)
    return log.read_text(), tokens


def test_nobodys_words_are_in_the_log(written: tuple[str, list[str]]) -> None:
    log, _ = written
    assert [line for line in log.splitlines() if CANARY in line or "canary" in line] == []


def test_no_token_is_in_the_log(written: tuple[str, list[str]]) -> None:
    log, tokens = written
    assert [line for line in log.splitlines() for kept in (*tokens, *TOKENS) if kept in line] == []


def test_what_an_operator_needs_is_in_the_log(written: tuple[str, list[str]]) -> None:
    log, _ = written
    for event in (
        "tenant_installed", "jira_request", "request_refused", "tenant_uninstalled",
        "INVALID_AUDIENCE", "INVALID_ISSUER", "UNKNOWN_KID", "MALFORMED_OAUTH_TOKEN",
        "USER_TOKEN_GONE", "ADMINISTER", "TOKEN_IN_QUERY",
    ):  # fmt: skip
        assert event in log, event
