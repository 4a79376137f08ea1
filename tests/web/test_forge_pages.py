"""Pages under Forge: who may open what, as Jira tells each person with a token of one's own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import Session, select

from app import doctor
from app.findings import Finding
from app.main import assemble
from app.sandbox.jira import JiraSite
from app.sandbox.jira.forge.link import ADMIN, PANEL
from app.store import forge_tenants
from app.store.forge_tenants import SILENT_AFTER
from app.store.tables import Tenant, Thread, UserToken
from app.turns.ending import end_all
from tests.doors.door import dump
from tests.support.calls import Caller
from tests.support.clock import ShiftedClock
from tests.support.world import World, until, world

JSON = dict[str, Any]
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Pages:
    """An app that came through Forge, and how its pages call it."""

    here: World
    http: httpx2.Client
    clock: ShiftedClock

    @property
    def jira(self) -> JiraSite:
        return self.here.jira

    def asks(
        self,
        name: str | None,
        path: str = "/api/sessions",
        *,
        module: str | None = PANEL,
        body: JSON | None = None,
        user: str | None = "",
        **claims: Any,
    ) -> httpx2.Response:
        """What the platform sends for a page; ``user`` is the person's token, by default a new."""
        token = self.jira.forge.invocation_token(name, module, "OPS-1", **claims)
        headers = {"Authorization": f"Bearer {token}"}
        own = self.jira.forge.user_token(name) if user == "" and name else user
        headers |= {"x-forge-oauth-user": own} if own else {}
        given = {"issue_id": "OPS-1"} if body is None else body
        return self.http.post(f"{self.here.url}{path}", headers=headers, json=given)

    def opens(self, name: str, audience: str = "public", issue: str = "OPS-1") -> Caller:
        answer = self.asks(name, body={"issue_id": issue, "audience": audience})
        assert answer.status_code == 200, answer.text
        return Caller(self.here, self.http, self.jira, **answer.json())

    def administers(self, name: str = "adam", **more: Any) -> httpx2.Response:
        return self.asks(name, "/api/admin/sessions", body={}, **{"module": ADMIN, **more})

    def later(self, by: timedelta) -> None:
        self.clock.ahead += by

    def kept(self) -> list[UserToken]:
        return self.here.read(_kept)


def _kept(db: Session) -> list[UserToken]:
    return list(db.exec(select(UserToken)).all())


@pytest.fixture
def pages(sqlite_template: Path, tmp_path: Path) -> Iterator[Pages]:
    (tmp_path / "app.db").write_bytes(sqlite_template.read_bytes())
    clock = ShiftedClock()
    with (
        world(f"sqlite:///{tmp_path / 'app.db'}", door="forge", clock=clock) as here,
        httpx2.Client(trust_env=False) as http,
    ):
        yield Pages(here, http, clock)


def refused(answer: httpx2.Response, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json().get("code") == code
    assert answer.json()["detail"]


# --- who may open what ----------------------------------------------------------------------


def test_the_panel_is_opened_and_read_as_the_person(pages: Pages) -> None:
    pages.here.openai.answers("Because.")
    pages.jira.comment("OPS-1", "Why?")
    pages.here.run_until_idle()
    caller = pages.opens("rita")
    assert caller.texts() == ["Why?", "Because."]
    asked = [each.path for each in pages.jira.requests]
    assert "/rest/api/3/mypermissions" in asked
    assert "/rest/api/3/permissions/check" not in asked


def test_what_is_asked_in_the_panel_is_answered(pages: Pages) -> None:
    pages.here.openai.answers("A private answer.")
    caller = pages.opens("agnes", "internal")
    assert caller.say("Why?").status_code == 202
    pages.here.run_until_idle()
    assert caller.texts()[-1] == "A private answer."
    assert pages.here.answers("OPS-1") == []


def test_only_who_works_the_issue_opens_the_teams_thread(pages: Pages) -> None:
    refused(pages.asks("rita", body={"issue_id": "OPS-1", "audience": "internal"}), 403, "WORK")
    assert pages.opens("agnes", "internal").thread()["audience"] == "internal"


def test_who_may_not_see_the_issue_opens_nothing(pages: Pages) -> None:
    refused(pages.asks("rita", body={"issue_id": "SUP-1"}), 403, "BROWSE_PROJECTS")
    assert pages.asks("rita", body={"issue_id": "OPS-99"}).status_code == 404


def test_a_right_that_is_taken_away_is_lost_here_too(pages: Pages) -> None:
    caller = pages.opens("rita")
    pages.jira.revoke("rita", "OPS")
    pages.later(MINUTE)
    refused(caller.get(), 403, "BROWSE_PROJECTS")
    refused(caller.say("Why?"), 403, "BROWSE_PROJECTS")


def test_only_administrators_open_the_admin_page(pages: Pages) -> None:
    opened = pages.administers()
    assert opened.status_code == 200, opened.text
    headers = {"Authorization": f"Bearer {opened.json()['token']}"}
    shown = pages.http.get(f"{pages.here.url}/api/admin/overview", headers=headers)
    assert shown.status_code == 200
    refused(pages.administers("rita"), 403, "ADMINISTER")


def test_the_admin_page_is_opened_from_its_own_module_alone(pages: Pages) -> None:
    refused(pages.administers(module=PANEL), 401)
    refused(pages.administers(module="another-module"), 401)
    assert pages.asks("rita", module="another-module").status_code == 200  # it may as a person
    unnamed = {"module": None}
    assert pages.administers(app=unnamed, context={"moduleKey": None}).status_code == 200


def test_nobody_signed_in_opens_nothing(pages: Pages) -> None:
    refused(pages.asks(None, user=pages.jira.forge.user_token("rita")), 401)
    refused(pages.asks(None, user=None), 401)
    refused(pages.asks(None, module=None), 401)


# --- the person's token ---------------------------------------------------------------------


def test_the_persons_token_is_kept_sealed_and_for_that_person(pages: Pages) -> None:
    raw = pages.jira.forge.user_token("rita")
    assert pages.asks("rita", user=raw).status_code == 200
    [kept] = pages.kept()
    assert kept.account_id == pages.jira.account_id("rita")
    assert raw not in str(pages.here.read(dump))
    assert kept.expires_at <= datetime.now(UTC) + timedelta(minutes=56)


def test_a_kept_token_serves_the_next_session(pages: Pages) -> None:
    pages.opens("rita")
    assert pages.asks("rita", user=None).status_code == 200
    assert pages.asks("agnes", user=None).status_code == 401, "and nobody else's"


def test_without_a_token_nobody_can_be_asked_about(pages: Pages) -> None:
    refused(pages.asks("rita", user=None), 401, "USER_TOKEN_GONE")
    assert pages.kept() == []


@pytest.mark.parametrize("whose", ["agnes", "adam"])
def test_somebody_elses_token_gives_nobody_that_ones_rights(pages: Pages, whose: str) -> None:
    other = pages.jira.forge.user_token(whose)
    refused(pages.asks("rita", user=other), 401)
    refused(pages.administers("rita", user=other), 401)
    assert pages.kept() == []


@pytest.mark.parametrize("raw", ["not-a-token", "two words"])
def test_what_jira_does_not_take_is_not_kept(pages: Pages, raw: str) -> None:
    assert pages.asks("rita", user=raw).status_code == 401
    assert pages.kept() == []


def test_one_that_ends_at_once_begins_nothing(pages: Pages) -> None:
    for seconds in (-10, 30):
        raw = pages.jira.forge.user_token("rita", seconds)
        refused(pages.asks("rita", user=raw), 401, "USER_TOKEN_GONE")


def test_a_session_ends_with_the_token_at_the_latest(pages: Pages) -> None:
    raw = pages.jira.forge.user_token("rita", 300)
    ends = datetime.fromisoformat(pages.asks("rita", user=raw).json()["expires_at"])
    assert ends <= pages.clock.now() + timedelta(seconds=300)
    adams = pages.jira.forge.user_token("adam", 300)
    ends = datetime.fromisoformat(pages.administers(user=adams).json()["expires_at"])
    assert ends <= pages.clock.now() + timedelta(seconds=300)


def test_when_jira_takes_it_no_more_the_session_says_so(pages: Pages) -> None:
    caller = pages.opens("rita")
    opened = pages.administers().json()
    pages.jira.forge.oauth.refuses = True
    pages.later(MINUTE)
    refused(caller.get(), 401, "USER_TOKEN_GONE")
    refused(caller.say("Why?"), 401, "USER_TOKEN_GONE")
    headers = {"Authorization": f"Bearer {opened['token']}"}
    answer = pages.http.get(f"{pages.here.url}/api/admin/overview", headers=headers)
    refused(answer, 401, "USER_TOKEN_GONE")
    pages.jira.forge.oauth.refuses = False
    assert pages.opens("rita").get().status_code == 200


def test_a_stream_ends_when_nothing_is_left_to_ask_with(pages: Pages) -> None:
    caller = pages.opens("rita")
    with caller.http.stream(
        "GET",
        f"{pages.here.url}/api/threads/{caller.thread_id}/events",
        headers={"Authorization": f"Bearer {caller.token}"},
        timeout=40,
    ) as stream:
        lines = stream.iter_lines()
        next(lines)
        pages.jira.forge.oauth.refuses = True
        pages.later(MINUTE)
        assert list(lines), "it comes to its end"


def test_an_uninstall_forgets_the_tokens_and_ends_the_sessions(pages: Pages) -> None:
    caller = pages.opens("rita")
    pages.jira.forge.uninstall()
    assert pages.kept() == []
    refused(caller.get(), 401, "SESSION_OVER")


# --- what calls Jira as the app -------------------------------------------------------------


def findings(pages: Pages) -> dict[str, JSON]:
    opened = pages.administers().json()
    headers = {"Authorization": f"Bearer {opened['token']}"}
    shown = pages.http.get(f"{pages.here.url}/api/admin/doctor", headers=headers).json()
    return {each["name"]: each for each in shown["findings"]}


def test_the_doctor_finds_an_install_through_forge_well(pages: Pages) -> None:
    found = findings(pages)
    assert [name for name, each in found.items() if not each["well"]] == []
    assert found["secret"]["found"] == "Forge has sent a token to call Jira with"


def test_a_turn_that_finds_no_token_waits_for_the_schedule(pages: Pages) -> None:
    pages.later(timedelta(hours=5))
    pages.jira.forge.system_seconds = -10
    pages.here.openai.answers("Because.")
    pages.jira.comment("OPS-1", "Why?")
    for look in range(1, 8):  # any number of looks is no reason to give up
        until(lambda: _looks(pages) >= look, "somebody to look for a token")  # noqa: B023
        pages.later(MINUTE)
    found = findings(pages)
    assert found["secret"]["found"] == "the token that Forge sent has ended"
    assert "schedule" in found["secret"]["cure"]
    assert (pages.here.answers("OPS-1"), _failures(pages)) == ([], 1)

    pages.jira.forge.system_seconds = 3600
    pages.jira.forge.run_schedule()
    pages.later(MINUTE)
    until(lambda: pages.here.answers("OPS-1"), "the answer, now that there is a token")


def _looks(pages: Pages) -> int:
    """How often a worker has taken up the thread, and let go of it."""
    done = [each for each in pages.here.read(_threads) if each.lease_owner is None]
    return sum(thread.fence for thread in done)


def _failures(pages: Pages) -> int:
    return sum(thread.failures for thread in pages.here.read(_threads))


def _threads(db: Session) -> list[Thread]:
    return list(db.exec(select(Thread)).all())


def test_events_without_a_context_are_answered_as_well(pages: Pages) -> None:
    pages.jira.forge.tells_context = False
    pages.here.openai.answers("Because.")
    pages.jira.comment("OPS-1", "Why?")
    pages.here.run_until_idle()
    assert len(pages.here.answers("OPS-1")) == 1
    assert pages.here.tenant().base_url == pages.jira.base_url


def test_a_token_that_jira_takes_no_more_is_waited_for_as_well(pages: Pages) -> None:
    pages.jira.forge.oauth.refuses = True
    pages.jira.comment("OPS-1", "Why?")
    until(lambda: _failures(pages) > 0, "Jira to refuse the token")
    assert pages.here.answers("OPS-1") == []
    pages.jira.forge.oauth.refuses = False
    pages.later(MINUTE)
    until(lambda: pages.here.answers("OPS-1"), "the answer, now that Jira takes the token")


def test_who_fell_silent_is_kept_out_and_told_of_until_the_next_call(pages: Pages) -> None:
    caller = pages.opens("rita")
    pages.later(timedelta(minutes=14))
    pages.here.write(_long_ago, pages.clock.now() - SILENT_AFTER - MINUTE)
    pages.here.write(forge_tenants.look_for_silent, end_all, pages.clock.now())
    refused(caller.get(), 401, "TENANT_NOT_ENABLED")
    [*_, told] = asyncio.run(_examined(pages.here))
    assert (told.name, told.well) == ("tenant", False)
    assert "has not called since" in told.found
    assert "every hour" in told.cure
    pages.jira.forge.run_schedule()
    assert caller.get().status_code == 200


def _long_ago(db: Session, seen: datetime) -> None:
    db.exec(select(Tenant)).one().forge_seen_at = seen


async def _examined(here: World) -> list[Finding]:
    async with assemble(here.settings) as parts:
        return [found async for found, _ in doctor.examine(here.reference, parts.collaborators)]


# --- a site of both doors -------------------------------------------------------------------


def test_a_connect_tenants_pages_under_forge_ask_as_connect_does(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """Carried over to Forge, it keeps its threads; while Connect lasts, no token is needed."""
    (tmp_path / "app.db").write_bytes(sqlite_template.read_bytes())
    with (
        world(f"sqlite:///{tmp_path / 'app.db'}") as here,
        httpx2.Client(trust_env=False) as http,
    ):
        here.jira.comment("OPS-1", "Why?")
        here.run_until_idle()
        before = here.tenant()
        _name_installation(here, http)
        here.jira.install_forge(here.url, anew=False)
        pages = Pages(here, http, ShiftedClock())
        answer = pages.asks("rita", user=None)
        assert answer.status_code == 200, answer.text
        caller = Caller(here, http, here.jira, **answer.json())
        assert caller.texts()[0] == "Why?"
        assert (here.tenant().id, here.tenant().cloud_id) == (before.id, here.jira.forge.cloud_id)
        assert pages.kept() == []
        refused(pages.asks("rita", body={"issue_id": "OPS-1", "audience": "internal"}), 403, "WORK")


def _name_installation(here: World, http: httpx2.Client) -> None:
    """Jira tells the app, by Connect, which installation it has become."""
    here.jira.forge.installation_id = "ari:cloud:ecosystem::installation/carried-over"
    body = here.jira.link.lifecycle_body(
        "installed", installationId=here.jira.forge.installation_id
    )
    token = here.jira.link.sign_install_token(iat=int(time.time()) + 1)
    headers = {"Authorization": f"JWT {token}"}
    answer = http.post(f"{here.url}/connect/installed", json=body, headers=headers)
    assert answer.status_code == 204


# --- a closed door, and other sites ---------------------------------------------------------


def test_behind_a_closed_door_there_is_nothing(sqlite_template: Path, tmp_path: Path) -> None:
    (tmp_path / "app.db").write_bytes(sqlite_template.read_bytes())
    with (
        world(f"sqlite:///{tmp_path / 'app.db'}", install=False, FORGE_APP_ID="") as here,
        httpx2.Client(trust_env=False) as http,
    ):
        nothing = http.post(f"{here.url}/nothing-of-that-name")
        here.jira.forge.app_url = here.url
        here.jira.forge.installation_id = "ari:cloud:ecosystem::installation/1"
        bearer = f"Bearer {here.jira.forge.invocation_token()}"
        for path in ("events", "pre-uninstall", "schedule"):
            answer = http.post(f"{here.url}/forge/{path}", headers={"Authorization": bearer})
            assert (answer.status_code, answer.content) == (404, nothing.content)
        for path in ("/api/sessions", "/api/admin/sessions"):
            refused(http.post(f"{here.url}{path}", headers={"Authorization": bearer}), 401)
        assert here.read(dump)["tenant"] == []


def test_another_sites_person_opens_nothing_here(pages: Pages) -> None:
    """Agnes works Umbrella's issues; what Forge signs for Umbrella opens Umbrella's threads."""
    caller = pages.opens("agnes", "internal")
    with JiraSite(door="forge").serve() as umbrella:
        umbrella.forge.app_url, umbrella.forge.keys = pages.here.url, pages.jira.forge.keys
        for installation in (
            pages.jira.forge.installation_id,
            "ari:cloud:ecosystem::installation/umbrella",
        ):
            umbrella.forge.installation_id = installation
            theirs = replace(pages, here=replace(pages.here, jira=umbrella))
            answer = theirs.asks("agnes", body={"issue_id": "OPS-1", "audience": "internal"})
            assert answer.status_code == 401, "nor is its address one that tenants may have"
    assert caller.get().status_code == 200


def test_json_of_answers_is_never_kept(pages: Pages) -> None:
    answer = pages.asks("rita")
    assert answer.headers["cache-control"] == "no-store"
    assert json.loads(answer.text)["thread_id"]
