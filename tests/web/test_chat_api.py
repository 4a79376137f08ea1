"""The chat API over the whole app: what each call does, and what it says of what it cannot do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.sandbox.jira import JiraSite
from tests.support.calls import Caller, ask_for_session, open_chat, signed
from tests.support.clock import ShiftedClock
from tests.support.talks import text_of
from tests.support.world import World, until, world

MIB = 1024 * 1024


@pytest.fixture
def clock_ahead() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def here(sqlite_template: Path, tmp_path: Path, clock_ahead: ShiftedClock) -> Iterator[World]:
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    with world(f"sqlite:///{tmp_path / 'app.db'}", clock=clock_ahead) as made:
        yield made


@pytest.fixture(scope="module")
def shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """For tests in which everything is refused, so that nothing changes."""
    path = tmp_path_factory.mktemp("chat_api") / "app.db"
    shutil.copyfile(sqlite_template, path)
    with world(f"sqlite:///{path}") as made:
        yield made


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    limits = httpx2.Limits(max_connections=60)
    with httpx2.Client(trust_env=False, limits=limits, timeout=60) as client:
        yield client


def is_problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The problem document that the answer is; the test fails where it is another."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    return told


def answered(here: World, question: str = "Why is it slow?", answer: str = "It swaps.") -> None:
    here.openai.answers(answer)
    here.jira.comment("OPS-1", question)
    here.run_until_idle()


# --- sessions -------------------------------------------------------------------------------


def test_a_viewer_is_given_a_session_on_the_public_thread(here: World, http: httpx2.Client) -> None:
    issue = here.jira.issue("OPS-1").id
    answer = ask_for_session(here, http, "rita", {"issue_id": issue})
    assert answer.status_code == 200
    told = answer.json()
    assert sorted(told) == ["expires_at", "thread_id", "token"]
    left = datetime.fromisoformat(told["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    chat = Caller(here, http, here.jira, **told)
    assert chat.thread()["audience"] == "public"
    again = ask_for_session(here, http, "rita", {"issue_id": int(issue), "audience": "public"})
    assert again.json()["thread_id"] == told["thread_id"]
    by_key = ask_for_session(here, http, "wim", {"issue_id": "OPS-1"})
    assert by_key.json()["thread_id"] == told["thread_id"]


def test_the_team_is_given_one_on_the_internal_thread(here: World, http: httpx2.Client) -> None:
    public = open_chat(here, http, "agnes", "SUP-1")
    internal = open_chat(here, http, "agnes", "SUP-1", "internal")
    assert internal.thread_id != public.thread_id
    assert internal.thread()["audience"] == "internal"


LACKING = [
    ("rita", "OPS-1", "internal", "WORK"),
    ("wim", "SUP-1", "internal", "WORK"),
    ("rita", "SUP-1", "public", "BROWSE_PROJECTS"),
]


def test_who_lacks_a_right_is_told_which(shared: World, http: httpx2.Client) -> None:
    for name, issue, audience, code in LACKING:
        body = {"issue_id": shared.jira.issue(issue).id, "audience": audience}
        told = is_problem(ask_for_session(shared, http, name, body), 403)
        assert told["code"] == code
        assert "permission" in told["detail"]


def test_opening_reads_the_issue_and_asks_for_rights_once(here: World, http: httpx2.Client) -> None:
    here.run_until_idle()
    open_chat(here, http)
    here.run_until_idle()
    before = here.jira.limits.points
    open_chat(here, http, "wim")
    assert here.jira.limits.points - before == 3


def test_whoever_is_signed_out_is_told_so(shared: World, http: httpx2.Client) -> None:
    body = {"issue_id": shared.jira.issue("OPS-1").id}
    told = is_problem(ask_for_session(shared, http, "rita", body, sub=""), 403)
    assert told["code"] == "SIGNED_OUT"


NO_ISSUES = ["99999", "NONE-1", "..", "1/comment", "OPS-1?x=1", "é"]


def test_an_issue_that_is_none_is_not_found(shared: World, http: httpx2.Client) -> None:
    for issue in NO_ISSUES:
        is_problem(ask_for_session(shared, http, "rita", {"issue_id": issue}), 404)


BAD_OPENINGS = [
    ({}, "issue_id"),
    ({"issue_id": ""}, "issue_id"),
    ({"issue_id": None}, "issue_id"),
    ({"issue_id": ["10000"]}, "issue_id"),
    ({"issue_id": "1" * 300}, "issue_id"),
    ({"issue_id": "10000", "audience": "everyone"}, "audience"),
    ({"issue_id": "10000", "audience": None}, "audience"),
    ({"site_key": "CANARY-key"}, "site_key"),
    ({"issue_id": "10000", "site_key": "CANARY-key"}, "site_key"),
    ({"issue_id": "10000", "visitor_token": "CANARY"}, "visitor_token"),
    ({"issue_id": "10000", "identity": {"CANARY": 1}}, "identity"),
]


def test_a_body_is_judged_by_its_fields(shared: World, http: httpx2.Client) -> None:
    for body, field in BAD_OPENINGS:
        told = is_problem(ask_for_session(shared, http, "rita", body), 422)
        assert field in told["fields"]
        assert "CANARY" not in str(told)


def test_whoever_comes_by_another_door_is_told_what_this_one_takes(
    shared: World, http: httpx2.Client
) -> None:
    url, body = f"{shared.url}/api/sessions", {"issue_id": "10000"}
    for headers in (
        {},
        {"Authorization": "Bearer a.forge.token"},
        {"Authorization": f"JWT {shared.jira.context_token('rita')[:-4]}AAAA"},
    ):
        answer = http.post(url, headers=headers, json=body)
        assert "Authorization: JWT" in is_problem(answer, 401)["detail"]
        assert answer.headers["www-authenticate"] == "Bearer"
    is_problem(http.post(url, json={"site_key": "k"}), 401)


def test_a_jira_that_is_away_is_no_refusal(here: World, http: httpx2.Client) -> None:
    body = {"issue_id": here.jira.issue("OPS-1").id}
    here.jira.faults.add("POST", "/rest/api/3/permissions/check", "status", times=9)
    answer = ask_for_session(here, http, "rita", body)
    is_problem(answer, 503)
    assert answer.headers["retry-after"]


# --- the thread -----------------------------------------------------------------------------


def test_the_thread_shows_what_was_said_and_who_looks(here: World, http: httpx2.Client) -> None:
    answered(here)
    view = open_chat(here, http).thread()
    assert [text_of(item) for item in view["items"]["data"]] == ["Why is it slow?", "It swaps."]
    assert view["may"] == {"comment": True, "work": False}
    assert view["viewer"] == here.jira.account_id("rita")
    assert view["feedback"] == {}
    assert (view["mode"], view["turn"]["state"]) == ("auto", "completed")
    assert view["last_event_id"]
    assert open_chat(here, http, "agnes").thread()["may"] == {"comment": True, "work": True}


def test_a_thread_nobody_asked_on_is_filled_as_soon_as_somebody_looks(
    here: World, http: httpx2.Client
) -> None:
    here.jira.webhooks.hold()
    here.jira.comment("OPS-2", "An old story", "agnes")
    chat = open_chat(here, http, "rita", "OPS-2")
    until(lambda: chat.texts() == ["An old story"], "the thread to be filled")


def test_items_come_page_by_page_in_either_order(here: World, http: httpx2.Client) -> None:
    here.set(answer_to="mention")
    for at in range(5):
        here.jira.comment("OPS-1", f"m{at}", "agnes")
    here.run_until_idle()
    chat = open_chat(here, http)

    def walk(**params: Any) -> list[list[str]]:
        pages: list[list[str]] = []
        after = None
        while True:
            page = chat.get("items", **params, **({"after": after} if after else {})).json()
            pages.append([text_of(item) for item in page["data"]])
            assert page["has_more"] == (page["after"] is not None)
            if not page["has_more"]:
                return pages
            after = page["after"]

    assert walk(limit=2, order="asc") == [["m0", "m1"], ["m2", "m3"], ["m4"]]
    assert walk(limit=3) == [["m4", "m3", "m2"], ["m1", "m0"]]
    assert walk() == [["m4", "m3", "m2", "m1", "m0"]]
    assert walk(limit=5, order="asc") == [["m0", "m1", "m2", "m3", "m4"]]


BAD_QUERIES = [
    ({"limit": "0"}, "limit"),
    ({"limit": "101"}, "limit"),
    ({"limit": "CANARY"}, "limit"),
    ({"limit": ""}, "limit"),
    ({"order": "CANARY"}, "order"),
]


def test_a_query_is_judged_by_its_fields(shared: World, http: httpx2.Client) -> None:
    for params, field in BAD_QUERIES:
        told = is_problem(open_chat(shared, http).get("items", **params), 422)
        assert list(told["fields"]) == [field]
        assert "CANARY" not in str(told)


def test_a_place_that_is_no_item_is_not_found(here: World, http: httpx2.Client) -> None:
    answered(here)
    other = open_chat(here, http, "agnes", "OPS-1", "internal")
    foreign = other.say("And why?").json()["item_id"]
    for after in ("item_none", foreign):
        is_problem(open_chat(here, http).get("items", after=after), 404)


# --- names ----------------------------------------------------------------------------------


def test_people_of_the_thread_have_names_and_nobody_else(
    here: World, http: httpx2.Client, clock_ahead: ShiftedClock
) -> None:
    answered(here)
    here.jira.comment("OPS-2", "Elsewhere", "wim")
    here.run_until_idle()
    chat = open_chat(here, http, "agnes")
    rita, agnes, wim = (here.jira.account_id(name) for name in ("rita", "agnes", "wim"))
    ids = f"{rita},{agnes},{wim},712020:nobody"
    named = {
        rita: {"name": "Rita Reyes"},
        agnes: {"name": "Agnes Ågren"},
    }

    def asked() -> int:
        return sum(request.path.endswith("/user/bulk") for request in here.jira.requests)

    assert chat.get("people", ids=ids).json() == named
    assert chat.get("people", ids=ids).json() == named
    assert asked() == 1
    assert chat.get("people", ids="").json() == {}
    clock_ahead.ahead = timedelta(minutes=11)
    assert chat.get("people", ids=rita).json() == {rita: named[rita]}
    assert asked() == 2


def test_names_are_asked_for_properly(here: World, http: httpx2.Client) -> None:
    chat = open_chat(here, http)
    many = ",".join(f"a{at}" for at in range(91))
    assert "ids" in is_problem(chat.get("people", ids=many), 422)["fields"]
    assert "ids" in is_problem(chat.get("people"), 422)["fields"]
    here.jira.faults.add("GET", "/rest/api/3/user/bulk", "status", times=9)
    is_problem(chat.get("people", ids=here.jira.account_id("rita")), 503)


# --- messages -------------------------------------------------------------------------------


def test_a_message_is_answered_under_the_turn_that_was_promised(
    here: World, http: httpx2.Client
) -> None:
    here.openai.answers("It swaps.")
    chat = open_chat(here, http)
    answer = chat.say("Why is it slow?")
    assert answer.status_code == 202
    told = answer.json()
    assert sorted(told) == ["item_id", "turn_id"]
    here.run_until_idle()
    view = chat.thread()
    assert [text_of(item) for item in view["items"]["data"]] == ["Why is it slow?", "It swaps."]
    asked, reply = view["items"]["data"]
    assert asked["id"] == told["item_id"]
    assert asked["meta"]["author"] == here.jira.account_id("rita")
    assert reply["meta"]["turn_id"] == told["turn_id"]


def test_what_is_asked_privately_stays_with_the_team(here: World, http: httpx2.Client) -> None:
    here.openai.answers("CANARY-INTERNAL answer")
    chat = open_chat(here, http, "agnes", audience="internal")
    assert chat.say("CANARY-INTERNAL question").status_code == 202
    here.run_until_idle()
    assert chat.texts() == ["CANARY-INTERNAL question", "CANARY-INTERNAL answer"]
    public = open_chat(here, http)
    assert "CANARY" not in public.get().text + public.get("items").text
    assert "CANARY" not in "".join(comment.text for comment in here.jira.comments("OPS-1"))


def test_fifty_times_the_same_message_at_once_is_one(
    database_url: str, http: httpx2.Client
) -> None:
    with world(database_url) as here:
        here.openai.answers("Once.")
        chat = open_chat(here, http)
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: chat.say("Why?", "same"), range(50)))
        assert [answer.status_code for answer in answers] == [202] * 50
        assert len({answer.text for answer in answers}) == 1
        here.run_until_idle()
        assert chat.texts() == ["Why?", "Once."]
        late = chat.say("Another text", "same")
        assert late.json() == answers[0].json()
        assert len(here.jira.comments("OPS-1")) == 2


BAD_MESSAGES = [
        ({}, ["client_id", "text"]),
        ({"text": "", "client_id": "c"}, ["text"]),
        ({"text": " \n\t\u00a0", "client_id": "c"}, ["text"]),
        ({"text": "x" * 32_001, "client_id": "c"}, ["text"]),
        ({"text": 5, "client_id": "c"}, ["text"]),
        ({"text": None, "client_id": "c"}, ["text"]),
        ({"text": "CANARY"}, ["client_id"]),
        ({"text": "CANARY", "client_id": ""}, ["client_id"]),
        ({"text": "CANARY", "client_id": "CANARY" * 40}, ["client_id"]),
        ({"text": "CANARY", "client_id": "CANARY\0"}, ["client_id"]),
        ({"text": ["CANARY"], "client_id": {"CANARY": "CANARY"}}, ["client_id", "text"]),
    ]  # fmt: skip


def test_a_message_has_words_and_a_name(shared: World, http: httpx2.Client) -> None:
    for body, fields in BAD_MESSAGES:
        chat = open_chat(shared, http)
        told = is_problem(chat.post("messages", body), 422)
        assert sorted(told["fields"]) == fields
        assert "CANARY" not in str(told)
        assert chat.texts() == []


NO_JSON = [b"{", b"CANARY", b'{"text": "\xff"}', b'{"text": "\\ud800"}']


def test_what_is_no_json_is_a_bad_request(shared: World, http: httpx2.Client) -> None:
    for raw in NO_JSON:
        told = is_problem(open_chat(shared, http).ask("POST", "messages", content=raw), 400)
        assert "CANARY" not in str(told)


def test_no_body_lacks_every_field(shared: World, http: httpx2.Client) -> None:
    told = is_problem(open_chat(shared, http).ask("POST", "messages", content=b""), 422)
    assert set(told["fields"]) == {"text", "client_id"}


NO_OBJECTS = [b"[]", b"5", b'"CANARY"', b"null", b'["CANARY"]']


def test_what_is_no_object_cannot_be_taken(shared: World, http: httpx2.Client) -> None:
    for raw in NO_OBJECTS:
        told = is_problem(open_chat(shared, http).ask("POST", "messages", content=raw), 422)
        assert "CANARY" not in str(told)


def test_a_message_may_be_long_and_odd(here: World, http: httpx2.Client) -> None:
    chat = open_chat(here, http, "agnes", audience="internal")
    assert chat.say("\U0001f600" * 32_000, "c 1/é").status_code == 202
    assert chat.say("a\0b\r\n\u2028c", "c2").status_code == 202
    here.run_until_idle()
    texts = chat.texts()
    assert "\U0001f600" * 32_000 in texts
    assert "a\ufffdb\r\n\u2028c" in texts


def test_where_the_assistant_is_off_the_composer_is_closed(
    sqlite_template: Path, tmp_path: Path, http: httpx2.Client
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    with world(f"sqlite:///{tmp_path / 'app.db'}", DEFAULT_REPLY_MODE="off") as here:
        for chat in (open_chat(here, http), open_chat(here, http, "agnes", audience="internal")):
            told = is_problem(chat.say("Why?"), 409)
            assert told["code"] == "switched_off"


def test_who_may_not_comment_may_read_and_not_write(here: World, http: httpx2.Client) -> None:
    chat = open_chat(here, http)
    here.jira.revoke("rita", "OPS", "ADD_COMMENTS")
    for call, body in (("messages", {"text": "Why?", "client_id": "c"}), ("stop", None)):
        assert is_problem(chat.post(call, body), 403)["code"] == "ADD_COMMENTS"
    view = chat.thread()
    assert view["items"]["data"] == []
    assert view["may"] == {"comment": False, "work": False}


# --- stop, run again, rest ------------------------------------------------------------------


def test_a_running_turn_is_stopped_and_can_be_run_again(here: World, http: httpx2.Client) -> None:
    here.openai.hold()
    chat = open_chat(here, http)
    turn_id = chat.say("Why?").json()["turn_id"]
    until(lambda: chat.thread()["turn"]["state"] == "generating", "the model to be asked")
    assert chat.post("stop").status_code == 202
    here.openai.release()
    until(lambda: chat.thread()["turn"]["state"] == "stopped", "the turn to be stopped")
    here.openai.answers("Now then.")
    answer = chat.post(f"turns/{turn_id}/retry")
    assert answer.status_code == 202
    assert answer.json()["turn_id"]
    here.run_until_idle()
    assert chat.texts()[-1] == "Now then."
    is_problem(chat.post(f"turns/{answer.json()['turn_id']}/retry"), 409)
    is_problem(chat.post("turns/turn_none/retry"), 404)


def test_stopping_nothing_is_no_error(shared: World, http: httpx2.Client) -> None:
    assert open_chat(shared, http).post("stop").status_code == 202


def test_the_team_has_the_assistant_rest_and_resume(here: World, http: httpx2.Client) -> None:
    chat = open_chat(here, http, "agnes")
    assert chat.post("pause").status_code == 202
    view = chat.thread()
    assert view["rest_cause"] == "paused"
    assert view["resting_until"]
    here.openai.answers("Awake.")
    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()
    assert here.answers("OPS-1") == []
    assert chat.post("resume").status_code == 202
    assert chat.thread()["resting_until"] is None
    here.run_until_idle()
    assert chat.texts() == ["Why?", "Awake."]
    for call in ("pause", "resume"):
        assert is_problem(open_chat(here, http, "rita").post(call), 403)["code"] == "WORK"


# --- feedback -------------------------------------------------------------------------------


def test_what_somebody_thinks_of_an_answer_is_kept_and_shown_to_them(
    here: World, http: httpx2.Client
) -> None:
    answered(here)
    rita, wim = open_chat(here, http), open_chat(here, http, "wim")
    question, reply = (item["id"] for item in rita.thread()["items"]["data"])
    path = f"items/{reply}/feedback"
    for kind in ("positive", "negative"):
        answer = rita.post(path, {"kind": kind})
        assert (answer.status_code, answer.content) == (204, b"")
        assert rita.thread()["feedback"] == {reply: kind}
    assert wim.thread()["feedback"] == {}
    assert wim.post(path, {"kind": "positive"}).status_code == 204
    assert rita.thread()["feedback"] == {reply: "negative"}
    for other in (question, "item_none"):
        is_problem(rita.post(f"items/{other}/feedback", {"kind": "positive"}), 404)
    told = is_problem(rita.post(path, {"kind": "CANARY"}), 422)
    assert list(told["fields"]) == ["kind"]
    assert "CANARY" not in str(told)


# --- limits and other methods ---------------------------------------------------------------


WITH_BODY = ["messages", "stop", "pause", "turns/t/retry", "items/i/feedback"]


def test_a_body_has_its_limit(shared: World, http: httpx2.Client) -> None:
    for call in WITH_BODY:
        chat = open_chat(shared, http, "agnes")
        is_problem(chat.ask("POST", call, content=b"x" * (MIB + 1)), 413)


def test_a_browser_of_another_origin_is_told_nothing(shared: World, http: httpx2.Client) -> None:
    chat = open_chat(shared, http)
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        chat.ask("OPTIONS", "messages", headers=headers),
        chat.ask("GET", headers=headers),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
    refused = chat.ask("OPTIONS", "messages", headers=headers)
    assert "POST" in is_problem(refused, 405)["detail"]
    assert refused.headers["allow"] == "POST"


# --- rights that are lost -------------------------------------------------------------------


def reads(chat: Caller) -> list[httpx2.Response]:
    return [
        chat.get(),
        chat.get("items"),
        chat.get("people", ids=""),
        chat.say("Why?"),
        chat.post("stop"),
        chat.post("items/i/feedback", {"kind": "positive"}),
    ]


def test_who_may_see_the_issue_no_more_gets_nothing(
    here: World, http: httpx2.Client, clock_ahead: ShiftedClock
) -> None:
    answered(here, "CANARY?")
    chat = open_chat(here, http)
    here.jira.revoke("rita", "OPS", "BROWSE_PROJECTS")
    clock_ahead.ahead += timedelta(seconds=31)
    for answer in reads(chat):
        assert is_problem(answer, 403)["code"] == "BROWSE_PROJECTS"
        assert "CANARY" not in answer.text
    assert ask_for_session(here, http, "rita", {"issue_id": "10000"}).status_code == 403
    here.jira.grant("rita", "OPS", "BROWSE_PROJECTS")
    clock_ahead.ahead += timedelta(seconds=31)
    assert chat.get().status_code == 200
    here.jira.set_security_level("OPS-1", "Team")
    clock_ahead.ahead += timedelta(seconds=31)
    for answer in reads(chat):
        assert is_problem(answer, 403)["code"] == "BROWSE_PROJECTS"


def test_who_works_the_issue_no_more_loses_the_teams_thread(
    here: World, http: httpx2.Client, clock_ahead: ShiftedClock
) -> None:
    chat = open_chat(here, http, "agnes", "SUP-1", "internal")
    here.jira.revoke("agnes", "SUP", "SERVICEDESK_AGENT")
    clock_ahead.ahead += timedelta(seconds=31)
    for answer in reads(chat):
        assert is_problem(answer, 403)["code"] == "WORK"
    assert open_chat(here, http, "agnes", "SUP-1").get().status_code == 200


def test_a_reader_asks_jira_once_in_half_a_minute(
    here: World, http: httpx2.Client, clock_ahead: ShiftedClock
) -> None:
    chat = open_chat(here, http)
    here.run_until_idle()

    def asked() -> int:
        return sum(request.path.endswith("/permissions/check") for request in here.jira.requests)

    before = asked()
    for _ in range(3):
        assert chat.get().status_code == chat.get("items").status_code == 200
    assert asked() == before
    clock_ahead.ahead += timedelta(seconds=31)
    for _ in range(3):
        assert chat.get().status_code == 200
    assert asked() == before + 1


def test_an_uninstall_ends_every_session_for_good(
    here: World, http: httpx2.Client, clock_ahead: ShiftedClock
) -> None:
    chat = open_chat(here, http)
    clock_ahead.ahead += timedelta(seconds=2)  # the lifecycle counts in seconds
    here.jira.uninstall()
    assert is_problem(chat.get(), 401)["code"] == "SESSION_OVER"
    clock_ahead.ahead += timedelta(seconds=2)
    here.jira.install(here.url)
    assert is_problem(chat.get(), 401)["code"] == "SESSION_OVER"
    assert open_chat(here, http).get().status_code == 200


def test_a_disabled_apps_sessions_wait(here: World, http: httpx2.Client) -> None:
    chat = open_chat(here, http)
    here.jira.disable()
    assert is_problem(chat.get(), 401)["code"] == "TENANT_NOT_ENABLED"
    here.jira.enable()
    assert chat.get().status_code == 200


def test_a_deleted_issues_thread_is_gone(here: World, http: httpx2.Client) -> None:
    answered(here)
    chat = open_chat(here, http)
    here.jira.delete_issue("OPS-1")
    here.run_until_idle()
    until(lambda: chat.get().status_code == 404, "the thread to be gone")
    is_problem(chat.get(), 404)


def test_an_expired_session_says_how_to_go_on(
    here: World, http: httpx2.Client, clock_ahead: ShiftedClock
) -> None:
    chat = open_chat(here, http)
    clock_ahead.ahead = timedelta(minutes=15)
    answer = chat.get()
    told = is_problem(answer, 401)
    assert told["code"] == "SESSION_EXPIRED"
    assert "Last-Event-ID" in told["detail"]
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_session_of_a_raised_generation_is_dead(here: World, http: httpx2.Client) -> None:
    chat = open_chat(here, http)
    for generation in (0, 2):
        other = signed(chat, generation=generation)
        assert is_problem(other.get(), 401)["code"] == "SESSION_OVER"
    assert signed(chat, generation=1).get().status_code == 200


def test_another_tenants_session_opens_nothing_of_ours(
    sqlite_template: Path, tmp_path: Path, http: httpx2.Client
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    with (
        JiraSite().serve() as other,
        world(f"sqlite:///{tmp_path / 'app.db'}", also=other) as here,
    ):
        other.install(here.url)
        answered(here, "CANARY?")
        ours = open_chat(here, http)
        theirs = open_chat(here, http, jira=other)
        assert theirs.thread_id != ours.thread_id
        assert "CANARY" not in theirs.get().text
        told = is_problem(theirs.at(ours.thread_id).get(), 403)
        assert told["code"] == "WRONG_THREAD"
        # Signed by us for a thread that is another tenant's: it is not there.
        is_problem(signed(theirs, thread_id=ours.thread_id).get(), 404)
