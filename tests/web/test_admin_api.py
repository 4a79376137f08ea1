"""The admin API over the whole app: what administrators see and set, and nobody else."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import Session, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route as Path_

from app.sandbox.jira import JiraSite
from app.sandbox.openai import DEMO_KEY
from app.sandbox.serving import serve
from app.store.tables import Tenant
from app.web import routes
from tests.support.admins import Admin, open_admin
from tests.support.talks import open_session
from tests.support.world import World, free_port, until, world

OWN_KEY = "sk-own-canary-4711"
DRAFT = {"instructions": "Answer like a pirate.", "model": "gpt-5.4", "greeting": "Ahoy!"}
AUTO = {"mode": "auto", "understood": True}


@pytest.fixture
def other() -> Iterator[JiraSite]:
    """Another site, which may install the app."""
    with JiraSite().serve() as site:
        yield site


@pytest.fixture
def here(sqlite_template: Path, tmp_path: Path, other: JiraSite) -> Iterator[World]:
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    url = f"sqlite:///{tmp_path / 'app.db'}"
    with world(url, also=other, DEFAULT_REPLY_MODE="off", OUTBOUND_HOSTS="api.example.com") as made:
        made.openai.keys.add(OWN_KEY)
        yield made


@pytest.fixture
def adam(here: World) -> Admin:
    return Admin(here)


@pytest.fixture(scope="module")
def still(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    """An administrator for the tests that change nothing."""
    path = tmp_path_factory.mktemp("still") / "app.db"
    shutil.copyfile(sqlite_template, path)
    with world(f"sqlite:///{path}", DEFAULT_REPLY_MODE="off") as made:
        yield Admin(made)


def fields_of(answer: httpx2.Response) -> dict[str, str]:
    """What is told beside each field of a body that is not taken."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, str] = answer.json()["fields"]
    return told


def conflict(answer: httpx2.Response) -> tuple[str, str]:
    assert answer.status_code == 409, answer.text
    return answer.json()["code"], answer.json()["detail"]


def tenant_row(here: World) -> Tenant:
    return here.read(_first)


def _first(db: Session) -> Tenant:
    found = db.exec(select(Tenant)).first()
    assert found is not None
    return found


# --- who is let in --------------------------------------------------------------------------

CALLS = sorted(
    (method, route.path.removeprefix(f"{routes.ADMIN}/").replace("{project_id}", "10000"))
    for route in routes.routes()
    if isinstance(route, Path_)
    and route.path.startswith(routes.ADMIN)
    and not route.path.endswith("/sessions")
    for method in (route.methods or set()) - {"HEAD"}
)


def test_every_call_is_of_the_admin_api() -> None:
    assert len(CALLS) == 12


def test_who_does_not_administer_jira_is_given_no_session(still: Admin) -> None:
    for name in ("agnes", "rita", "carlos"):
        answer = open_admin(still.here, name)
        assert answer.status_code == 403, name
        assert answer.json()["code"] == "ADMINISTER"
        assert "token" not in answer.json()


def test_no_other_token_opens_a_session(still: Admin) -> None:
    url = f"{still.here.url}/api/admin/sessions"
    token = still.here.jira.context_token("adam")
    frame = still.here.jira.admin_url().rpartition("jwt=")[2]
    for headers in ({}, {"Authorization": f"Bearer {token}"}, {"Authorization": f"JWT {frame}"}):
        assert httpx2.post(url, headers=headers, trust_env=False).status_code == 401
    assert httpx2.post(f"{url}?jwt={token}", trust_env=False).status_code == 401


def test_every_call_needs_an_admin_session(still: Admin) -> None:
    chat = open_session(still.here, "OPS-1", "adam").json()["token"]
    for method, path in CALLS:
        url = f"{still.here.url}/api/admin/{path}"
        for token in ("", chat, still.token[:-4] + "AAAA"):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            answer = httpx2.request(method, url, headers=headers, trust_env=False)
            assert answer.status_code == 401, (method, path)
            assert "www-authenticate" in answer.headers


def test_who_loses_the_right_is_let_in_no_longer(here: World, adam: Admin) -> None:
    here.jira.permissions._global.clear()
    for method, path in CALLS:
        if method != "GET":  # a look may be half a minute behind
            assert adam.call(method, path, {}).status_code == 403, (method, path)
    assert open_admin(here).status_code == 403
    assert tenant_row(here).openai_key is None


def test_another_tenants_administrator_sees_and_sets_nothing_here(
    here: World, adam: Admin, other: JiraSite
) -> None:
    adam.does("PUT", "key", {"key": OWN_KEY})
    adam.does("PUT", "workflow", {"definition": DRAFT})
    adam.does("PUT", "projects/10000", AUTO)
    trial = adam.tries("Who are you?")
    adam.turn(trial["turn_id"])
    other.install(here.url)
    stranger = Admin(here, other)

    seen = stranger.get("overview")
    assert seen["key"]["source"] == "operator"
    assert seen["workflow"] == {"published": 1, "draft": False}
    assert seen["usage"]["spent"] == 0
    assert stranger.get("turns") == {"turns": []}
    assert stranger.get("workflow")["draft"] is None
    assert {one["mode"] for one in stranger.get("projects")["projects"]} == {"off"}
    stranger.does("DELETE", "key")
    stranger.does("PUT", "limits", {"daily_tokens": 0})
    body = {"text": "And here?", "client_id": "x", "thread_id": trial["thread_id"]}
    assert stranger.call("POST", "playground", body).status_code == 404

    mine = adam.get("overview")
    assert (mine["key"]["source"], mine["usage"]["cap_source"]) == ("own", "default")


def test_an_uninstall_ends_the_session(here: World, adam: Admin) -> None:
    here.jira.uninstall()
    assert adam.call("GET", "overview").status_code == 401


# --- the short path -------------------------------------------------------------------------


def test_from_install_to_the_first_answer(here: World, adam: Admin) -> None:
    seen = adam.get("overview")
    assert seen["site"] == here.jira.base_url.removeprefix("http://")
    assert seen["default_mode"] == "off"
    assert seen["key"] == {"source": "operator", "base_url": None}
    steps = {"key": True, "workflow": True, "project": False, "answered": False}
    assert seen["steps"] == steps
    usage = {"spent": 0, "held": 0, "cap": 2_000_000, "cap_source": "default"}
    assert seen["usage"].items() >= usage.items()

    adam.does("PUT", "projects/10000", AUTO)
    assert adam.get("overview")["steps"] == {**steps, "project": True}
    here.jira.comment("OPS-1", "Why is it slow?")
    here.run_until_idle()

    assert len(here.answers("OPS-1")) == 1
    seen = adam.get("overview")
    assert seen["steps"] == {**steps, "project": True, "answered": True}
    assert seen["usage"]["spent"] > 0


def test_what_is_only_tried_in_the_playground_is_no_first_answer(adam: Admin) -> None:
    adam.turn(adam.tries("Who are you?")["turn_id"])
    assert adam.get("overview")["steps"]["answered"] is False


# --- the key --------------------------------------------------------------------------------


def test_a_key_is_tried_kept_sealed_and_used(here: World, adam: Admin) -> None:
    adam.does("PUT", "key", {"key": f"  {OWN_KEY}\n"})

    assert adam.get("overview")["key"] == {"source": "own", "base_url": None}
    adam.turn(adam.tries("Who pays?")["turn_id"])
    assert here.openai.requests[-1].key == OWN_KEY
    kept = tenant_row(here).openai_key
    assert kept is not None
    assert kept.startswith("v1.")
    assert OWN_KEY not in kept

    adam.does("DELETE", "key")
    assert adam.get("overview")["key"]["source"] == "operator"
    assert tenant_row(here).openai_key is None
    adam.turn(adam.tries("And now?")["turn_id"])
    assert here.openai.requests[-1].key == DEMO_KEY


def test_a_key_is_never_told_again(
    here: World,
    adam: Admin,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    answers = []
    with caplog.at_level(logging.DEBUG):
        for key in (OWN_KEY, "sk-refused-canary"):
            answers.append(adam.call("PUT", "key", {"key": key, "base_url": ""}).text)
            answers.append(adam.call("PUT", "key", {"key": key, "base_url": f"h://{key}"}).text)
        adam.turn(adam.tries("Who pays?")["turn_id"])
        answers += [adam.call("GET", path).text for method, path in CALLS if method == "GET"]

    printed = capfd.readouterr()
    assert "key_set" in printed.out
    for told in (*answers, caplog.text, printed.out, printed.err):
        assert "canary" not in told
    database = here.settings.sqlite_path
    for file in database.parent.glob(f"{database.name}*"):
        assert b"canary" not in file.read_bytes()


def test_a_key_that_openai_refuses_leaves_the_old_one(here: World, adam: Admin) -> None:
    adam.does("PUT", "key", {"key": OWN_KEY})
    before = tenant_row(here).openai_key

    told = fields_of(adam.call("PUT", "key", {"key": "sk-of-somebody-else"}))

    assert "refuses this key" in told["key"]
    assert tenant_row(here).openai_key == before


class Refusing:
    """An OpenAI that answers one thing, which a test may change."""

    def __init__(self) -> None:
        self.answer: Response = Response(status_code=500)
        self.asgi = Starlette(routes=[Path_("/v1/models", self._models)])

    async def _models(self, _: Request) -> Response:
        return self.answer

    def refuses(self, status: int, code: str) -> None:
        error = {"message": "canary", "type": code, "code": code}
        self.answer = JSONResponse({"error": error}, status)


@pytest.fixture
def elsewhere(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[World, Refusing]]:
    """The operator's OpenAI is not what it should be."""
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    openai = Refusing()
    with serve(openai.asgi) as served:
        base_url = f"{served.url}/v1"
        with world(f"sqlite:///{tmp_path / 'app.db'}", OPENAI_BASE_URL=base_url) as made:
            yield made, openai


def test_why_a_key_could_not_be_tried_is_told(elsewhere: tuple[World, Refusing]) -> None:
    here, openai = elsewhere
    adam = Admin(here)
    typed = {"key": OWN_KEY, "base_url": f"{here.settings.openai_base_url}/"}

    def told() -> tuple[str, dict[str, str]]:
        alone = fields_of(adam.call("PUT", "key", {"key": OWN_KEY}))
        beside = fields_of(adam.call("PUT", "key", typed))
        assert "canary" not in f"{alone}{beside}"
        assert list(alone.values()) == list(beside.values())
        return alone["key"], beside

    openai.refuses(429, "insufficient_quota")
    text, beside = told()
    assert "no credit left" in text
    assert "key" in beside
    openai.refuses(429, "rate_limit_exceeded")
    assert "Try again in a minute" in told()[0]
    openai.refuses(500, "server_error")
    text, beside = told()
    assert "could not be reached" in text
    assert "base_url" in beside
    for answer in (
        JSONResponse({"detail": "canary"}, 404),
        Response(status_code=302, headers={"Location": "/canary"}),
        HTMLResponse("<html>canary</html>"),
        JSONResponse(["canary"]),
    ):
        openai.answer = answer
        text, beside = told()
        assert "not OpenAI's API" in text
        assert "base_url" in beside
    assert tenant_row(here).openai_key is None


def test_an_openai_that_is_not_there_is_told(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    nobody = f"http://127.0.0.1:{free_port()}/v1"
    with world(f"sqlite:///{tmp_path / 'app.db'}", OPENAI_BASE_URL=nobody) as here:
        told = fields_of(Admin(here).call("PUT", "key", {"key": OWN_KEY}))
    assert "could not be reached" in told["key"]


BAD_KEYS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({}, "key", "is missing"),
    ({"key": "  "}, "key", "must not be empty"),
    ({"key": "sk-a sk-b-canary"}, "key", "must be the key alone"),
    ({"key": "sk-\u00e9canary"}, "key", "must be the key alone"),
    ({"key": "canary" * 100}, "key", "at most 512"),
    ({"key": ["canary"]}, "key", "must be text"),
    ({"key": OWN_KEY, "base_url": "http://api.example.com/v1"}, "base_url", "https://"),
    ({"key": OWN_KEY, "base_url": "https://canary.test/v1"}, "base_url", "OUTBOUND_HOSTS"),
    ({"key": OWN_KEY, "base_url": "https://127.0.0.1/v1"}, "base_url", "OUTBOUND_HOSTS"),
    ({"key": OWN_KEY, "base_url": "https://api.example.com:8443"}, "base_url", "https://"),
)


def test_a_key_that_cannot_be_taken_is_told_beside_its_field(still: Admin) -> None:
    for body, field, told in BAD_KEYS:
        answer = still.call("PUT", "key", body)

        assert told in fields_of(answer)[field]
        assert "canary" not in answer.text
        assert tenant_row(still.here).openai_key is None


def test_the_operators_own_address_may_be_named(here: World, adam: Admin) -> None:
    base_url = here.settings.openai_base_url

    adam.does("PUT", "key", {"key": OWN_KEY, "base_url": f"{base_url}/"})

    assert adam.get("overview")["key"] == {"source": "own", "base_url": base_url}
    assert adam.turn(adam.tries("Who pays?")["turn_id"]).state == "completed"


def test_a_host_that_is_allowed_no_longer_gets_no_key(here: World, adam: Admin) -> None:
    adam.does("PUT", "key", {"key": OWN_KEY})
    here.write(_moved_to, "https://gateway.example.net/v1")

    turn = adam.turn(adam.tries("Who pays?")["turn_id"])

    assert (turn.state, turn.cause) == ("failed", "host_refused")
    [openai] = [one for one in adam.get("doctor")["findings"] if one["name"] == "openai"]
    assert not openai["well"]
    assert "OUTBOUND_HOSTS" in openai["cure"]


def _moved_to(db: Session, url: str) -> None:
    db.exec(select(Tenant)).one().openai_base_url = url


# --- the workflow ---------------------------------------------------------------------------


def test_a_draft_is_saved_changed_and_published(here: World, adam: Admin) -> None:
    seen = adam.get("workflow")
    assert (seen["published"]["version"], seen["draft"]) == (1, None)
    assert seen["models"] == ["gpt-5-mini", "gpt-5.4", "gpt-5.4-mini"]
    assert seen["shutdowns"] == {"gpt-5-mini": "2026-12-11"}
    assert seen["default_model"] == "gpt-5.4-mini"

    assert adam.does("PUT", "workflow", {"definition": DRAFT}) == {"version": 2}
    changed = {**DRAFT, "instructions": "Answer like a monk.", "temperature": 0.5}
    assert adam.does("PUT", "workflow", {"definition": changed}) == {"version": 2}
    seen = adam.get("workflow")
    assert seen["draft"]["version"] == 2
    assert seen["draft"]["definition"].items() >= changed.items()
    assert seen["published"]["version"] == 1
    assert adam.get("overview")["workflow"] == {"published": 1, "draft": True}

    assert adam.does("POST", "workflow/publish") == {"version": 2}
    seen = adam.get("workflow")
    assert seen["draft"] is None
    assert seen["published"]["definition"]["instructions"] == "Answer like a monk."
    assert seen["published"]["published_at"]
    assert adam.does("PUT", "workflow", {"definition": DRAFT}) == {"version": 3}


def test_nothing_is_published_twice(still: Admin) -> None:
    code, text = conflict(still.call("POST", "workflow/publish"))

    assert code == "no_draft"
    assert "Save one first" in text


BAD_DEFINITIONS = (
    ({"instructions": " "}, "instructions", "1 to 32,000 characters"),
    ({"instructions": None}, "instructions", "1 to 32,000 characters"),
    ({"model": "a canary"}, "model", "without spaces"),
    ({"max_output_tokens": 15}, "max_output_tokens", "16 to 16,000"),
    ({"max_output_tokens": "canary"}, "max_output_tokens", "16 to 16,000"),
    ({"temperature": 2.1}, "temperature", "0 to 2"),
    ({"greeting": "canary" * 200}, "greeting", "up to 1,000"),
    ({"canary": 1}, "definition", "only these fields are known"),
)


def test_a_bad_definition_is_told_beside_its_field(still: Admin) -> None:
    for change, field, told in BAD_DEFINITIONS:
        answer = still.call("PUT", "workflow", {"definition": {**DRAFT, **change}})

        assert told in fields_of(answer)[field]
        assert "canary" not in answer.text
        assert still.get("workflow")["draft"] is None


def test_without_openai_a_workflow_can_still_be_written(here: World, adam: Admin) -> None:
    here.openai.keys.clear()

    seen = adam.get("workflow")

    assert seen["models"] == []
    assert adam.does("PUT", "workflow", {"definition": DRAFT}) == {"version": 2}


def test_publishing_leaves_a_running_turn_its_version(here: World, adam: Admin) -> None:
    adam.does("PUT", "projects/10000", AUTO)
    adam.does("PUT", "workflow", {"definition": DRAFT})
    here.openai.hold()
    here.jira.comment("OPS-1", "Why is it slow?")
    until(lambda: here.openai.requests, "the model to be asked")

    adam.does("POST", "workflow/publish")
    here.openai.release()
    here.run_until_idle()
    here.jira.comment("OPS-2", "And this?", by="rita")
    here.run_until_idle()

    first, *later = here.openai.requests
    assert "pirate" not in first.instructions
    assert all("pirate" in one.instructions for one in later)
    versions = {turn.workflow_version for turn in here.turns()}
    assert here.turns()[0].workflow_version == 1
    assert versions <= {1, 2}


# --- projects -------------------------------------------------------------------------------


def project(adam: Admin, key: str) -> dict[str, Any]:
    [found] = [one for one in adam.get("projects")["projects"] if one["key"] == key]
    return dict(found)


def test_projects_are_found_with_what_holds_in_each(still: Admin) -> None:
    found = still.get("projects")
    assert [one["key"] for one in found["projects"]] == ["OPS", "SUP"]
    assert found["more"] is False
    ops, sup = found["projects"]
    assert (ops["service_project"], sup["service_project"]) == (False, True)
    inherited = {
        "mode": "off", "answer_to": "reporter", "reply_audience": "internal",
        "trigger_word": "!assistant", "answer_within_s": 3600, "inherited": True,
    }  # fmt: skip
    for one in (ops, sup, *ops["types"], *sup["types"]):
        assert one.items() >= inherited.items()
    assert [one["name"] for one in ops["types"]] == ["Task"]

    assert [one["key"] for one in still.get("projects", query="support")["projects"]] == ["SUP"]
    assert still.get("projects", query="nothing like it")["projects"] == []


def test_a_project_is_set(here: World, adam: Admin) -> None:
    change = {
        "mode": "draft", "answer_to": "mention", "reply_audience": "public",
        "trigger_word": "!bot",
    }  # fmt: skip
    shown = adam.does("PUT", "projects/10001", change)

    assert shown.items() >= {**change, "key": "SUP", "inherited": False}.items()
    assert project(adam, "SUP") == shown
    assert project(adam, "OPS")["inherited"] is True
    again = adam.does("PUT", "projects/10001", {"mode": "draft", "answer_to": "everyone"})
    assert again["trigger_word"] == "!bot"
    assert (again["answer_to"], again["mode_since"]) == ("everyone", shown["mode_since"])
    off = adam.does("PUT", "projects/10001", {"mode": "off"})
    assert off["mode_since"] > shown["mode_since"]


def test_what_was_written_before_a_project_was_switched_on_is_not_answered(
    here: World, adam: Admin
) -> None:
    here.jira.comment("OPS-1", "Before?")
    here.run_until_idle()
    adam.does("PUT", "projects/10000", AUTO)
    here.run_until_idle()
    assert here.answers("OPS-1") == []

    here.jira.comment("OPS-1", "After?")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1


def test_a_type_has_settings_of_its_own_until_it_inherits_again(here: World, adam: Admin) -> None:
    [task] = project(adam, "OPS")["types"]
    adam.does("PUT", "projects/10000", {"mode": "draft", "trigger_word": "!bot"})

    shown = adam.does("PUT", "projects/10000", {"mode": "off", "type_id": task["id"]})

    [special] = shown["types"]
    assert (shown["mode"], special["mode"]) == ("draft", "off")
    assert (special["trigger_word"], special["inherited"]) == ("!bot", False)
    here.jira.comment("OPS-1", "Why is it slow?")
    here.run_until_idle()
    assert here.openai.requests == []

    shown = adam.does("PUT", "projects/10000", {"mode": "inherit", "type_id": task["id"]})
    [special] = shown["types"]
    assert (special["mode"], special["inherited"]) == ("draft", True)
    assert special["mode_since"] > shown["mode_since"]  # what came in between is not answered
    here.run_until_idle()
    assert here.openai.requests == []
    here.jira.comment("OPS-1", "And now?")
    here.run_until_idle()
    assert len(here.openai.requests) == 1


def test_auto_wants_it_understood_what_that_means(adam: Admin) -> None:
    for path, told in (
        ("projects/10000", ("notifies people", "first-response target", "start automation")),
        ("projects/10001", ("internal notes", "start automation")),
    ):
        for understood in ({}, {"understood": False}):
            answer = adam.call("PUT", path, {"mode": "auto", **understood})
            code, text = conflict(answer)
            assert code == "needs_understanding"
            assert all(word in text for word in told)
    assert {one["mode"] for one in adam.get("projects")["projects"]} == {"off"}

    assert adam.does("PUT", "projects/10001", AUTO)["mode"] == "auto"
    assert adam.does("PUT", "projects/10001", {"mode": "auto", "trigger_word": "!bot"})


def test_public_replies_want_it_understood_too(adam: Admin) -> None:
    adam.does("PUT", "projects/10001", AUTO)
    publicly = {"mode": "auto", "reply_audience": "public"}

    code, text = conflict(adam.call("PUT", "projects/10001", publicly))
    assert code == "needs_understanding"
    assert "public reply" in text
    assert project(adam, "SUP")["reply_audience"] == "internal"

    adam.does("PUT", "projects/10001", {**publicly, "understood": True})
    assert adam.does("PUT", "projects/10001", {"mode": "auto", "reply_audience": "internal"})


BAD_SETTINGS = (
    ({"mode": "always-canary"}, "mode", "must be 'off'"),
    ({"mode": None}, "mode", "must be"),
    ({"answer_to": "canary"}, "answer_to", "'reporter', 'everyone' or 'mention'"),
    ({"reply_audience": "canary"}, "reply_audience", "'internal'"),
    ({"trigger_word": " "}, "trigger_word", "must not be empty"),
    ({"trigger_word": "two canaries"}, "trigger_word", "one word"),
    ({"trigger_word": "canary\u0000"}, "trigger_word", "one word"),
    ({"trigger_word": "canary" * 10}, "trigger_word", "at most 50"),
    ({"type_id": "canary"}, "type_id", "no such type"),
    ({"understood": "canary"}, "understood", "true or false"),
)


def test_a_bad_setting_is_told_beside_its_field(still: Admin) -> None:
    for change, field, told in BAD_SETTINGS:
        answer = still.call("PUT", "projects/10000", {"mode": "draft", **change})

        assert told in fields_of(answer)[field]
        assert "canary" not in answer.text
        assert project(still, "OPS")["inherited"] is True


def test_there_is_nothing_to_set_in_a_project_that_is_not_there(here: World, adam: Admin) -> None:
    for name in ("99999", "OPS", "..%2F..%2Fmyself", "10000%3Fexpand=x"):
        answer = adam.call("PUT", f"projects/{name}", {"mode": "draft"})
        assert answer.status_code == 404, name
    here.jira.revoke("app", "OPS")
    assert adam.call("PUT", "projects/10000", {"mode": "draft"}).status_code == 404


# --- limits ---------------------------------------------------------------------------------


def test_a_day_is_capped(adam: Admin) -> None:
    for tokens in (5_000, None, 0):
        adam.does("PUT", "limits", {"daily_tokens": tokens})
        usage = adam.get("overview")["usage"]
        assert (usage["cap"], usage["cap_source"]) == (tokens, "own")


BAD_CAPS: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "is missing"),
    ({"daily_tokens": -1}, "at least 0"),
    ({"daily_tokens": 1.5}, "whole number"),
    ({"daily_tokens": "canary"}, "whole number"),
    ({"daily_tokens": True}, "whole number"),
    ({"daily_tokens": 10**20}, "at most"),
)


def test_a_bad_cap_is_told_beside_its_field(still: Admin) -> None:
    for body, told in BAD_CAPS:
        answer = still.call("PUT", "limits", body)

        assert told in fields_of(answer)["daily_tokens"]
        assert "canary" not in answer.text
        assert still.get("overview")["usage"]["cap_source"] == "default"


# --- the doctor, and what was done lately ---------------------------------------------------


def findings(adam: Admin) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in adam.get("doctor")["findings"]}


def test_the_doctor_looks_at_this_tenant(here: World, adam: Admin, other: JiraSite) -> None:
    other.install(here.url)
    found = findings(adam)

    assert list(found) == [
        "configuration", "database", "tenant", "secret", "jira", "workflow", "openai", "model",
        "projects",
    ]  # fmt: skip
    assert all(one["well"] and not one["cure"] for one in found.values())
    assert found["tenant"]["found"] == f"{here.jira.base_url} is installed"
    assert found["projects"]["found"] == "every project is off: nothing is answered"
    assert other.base_url not in str(found)

    adam.does("PUT", "projects/10000", AUTO)
    adam.does("PUT", "projects/10001", {"mode": "draft"})
    told = findings(adam)["projects"]["found"]
    assert told == "1 set to auto, 1 to draft; where nothing is set: off"


def test_the_doctor_names_each_ill_and_its_cure(here: World, adam: Admin) -> None:
    here.openai.keys.clear()
    here.jira.faults.add("GET", "/rest/api/3/myself", "status", 9, status=503)

    found = findings(adam)

    assert not found["jira"]["well"]
    assert found["jira"]["found"] == "Jira cannot be reached (status 503)"
    assert here.jira.base_url in found["jira"]["cure"]
    assert not found["openai"]["well"]
    assert "Enter a valid key" in found["openai"]["cure"]
    assert "model" not in found


def test_the_doctor_speaks_the_language_of_who_asks(here: World, adam: Admin) -> None:
    def spanish() -> dict[str, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {adam.token}", "Accept-Language": "es-ES"}
        answer = httpx2.get(f"{here.url}/api/admin/doctor", headers=headers, trust_env=False)
        return {one["name"]: one for one in answer.json()["findings"]}

    told = spanish()["projects"]["found"]
    assert told == "todos los proyectos están desactivados: no se responde nada"

    here.openai.keys.clear()
    adam.does("PUT", "projects/10001", {"mode": "draft"})
    found = spanish()
    told = found["projects"]["found"]
    assert told == "0 en automático, 1 en borrador; donde no se ha definido nada: desactivado"
    assert found["openai"]["cure"].startswith("OpenAI rechazó la clave.")


ENDS = (
    ("gpt-5.4", True, "gpt-5.4 is there"),
    ("gpt-5", False, "OpenAI does not list gpt-5 for this key"),
    ("gpt-old", False, "OpenAI switches gpt-old off on 2020-01-01"),
    ("gpt-late", True, "gpt-late is there until 2099-01-01, when OpenAI switches it off"),
)


def test_the_doctor_reads_when_a_model_ends(here: World, adam: Admin) -> None:
    here.openai.models |= {"gpt-old": "2020-01-01", "gpt-late": "2099-01-01"}
    for model, well, told in ENDS:
        adam.does("PUT", "workflow", {"definition": {**DRAFT, "model": model}})
        adam.does("POST", "workflow/publish")

        found = findings(adam)["model"]

        assert (found["well"], found["found"]) == (well, told)
        assert bool(found["cure"]) is not well


def test_recent_turns_are_told_with_what_became_of_them(here: World, adam: Admin) -> None:
    adam.does("PUT", "projects/10000", AUTO)
    here.jira.comment("OPS-1", "Why is it slow?")
    here.run_until_idle()
    here.openai.faults.add("insufficient_quota")
    adam.turn(adam.tries("Who are you?")["turn_id"])

    failed, answered = adam.get("turns")["turns"]

    assert answered["issue_key"] == "OPS-1"
    assert (answered["state"], answered["cause"], answered["message"]) == ("completed", None, "")
    assert (answered["reply_as"], answered["model"]) == ("public", "gpt-5.4-mini")
    assert answered["tokens"] > 0
    assert answered["duration_ms"] >= 0
    assert answered["started"] <= answered["finished"]
    assert (failed["state"], failed["cause"], failed["issue_key"]) == ("failed", "quota", None)
    assert "no credit left" in failed["message"]
    assert [one["id"] for one in adam.get("turns", limit="1")["turns"]] == [failed["id"]]


def test_a_bad_limit_is_told(still: Admin) -> None:
    for limit in ("0", "101", "canary"):
        answer = still.call("GET", "turns", limit=limit)
        assert "limit" in fields_of(answer)
        assert "canary" not in answer.text
