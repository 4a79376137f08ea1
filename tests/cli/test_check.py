"""The install doctor: what is well, what is not and its cure, and a real round trip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import Session, select

from app.main import create_app
from app.sandbox.openai import DEMO_KEY
from app.sandbox.serving import serve
from app.store.tables import AppState, Workflow
from tests.cli.conftest import Place, place
from tests.cli.program import Ended, Programs
from tests.support.world import free_port

ROUND_TRIP = ("--issue", "OPS-1", "--message", "What is this issue about?")


@contextmanager
def served(here: Place) -> Iterator[None]:
    with serve(create_app(here.world.settings), here.world.settings.port):
        yield


def well(ended: Ended) -> Ended:
    assert ended.code == 0, ended.said
    assert "BAD" not in ended.said
    return ended


def bad(ended: Ended, finding: str) -> str:
    """The one bad finding, with its cure."""
    assert ended.code == 1, ended.said
    assert "Traceback" not in ended.said
    [found] = [n for n, line in enumerate(ended.lines) if line.startswith(f"BAD  {finding}: ")]
    line, cure = ended.lines[found : found + 2]
    assert cure.startswith("     cure: ")
    return f"{line}\n{cure}"


def test_all_is_well(database_url: str, jira_chatkit: Programs) -> None:
    with place(database_url) as here:
        ended = well(jira_chatkit.run("check", **here.values))

    found = [line.split()[1] for line in ended.lines]
    assert found == [
        "configuration:", "database:", "tenant:", "secret:", "jira:", "workflow:", "openai:",
        "model:", "projects:",
    ]  # fmt: skip


def test_a_tenant_goes_by_its_client_key_or_host(here: Place, jira_chatkit: Programs) -> None:
    for name in (here.world.client_key, here.host):
        well(jira_chatkit.run("check", "--tenant", name, **here.values))


def test_no_tenant(sqlite_url: str, jira_chatkit: Programs) -> None:
    with place(sqlite_url, install=False) as here:
        told = bad(jira_chatkit.run("check", **here.values), "tenant")

    assert "no site has the app installed" in told
    assert f"{here.world.url}/atlassian-connect.json" in told


def test_an_unknown_tenant(here: Place, jira_chatkit: Programs) -> None:
    told = bad(jira_chatkit.run("check", "--tenant", "nobody", **here.values), "tenant")

    assert "no tenant goes by that name" in told
    assert "--tenant" in told


def test_a_disabled_app(here: Place, jira_chatkit: Programs) -> None:
    with served(here):
        here.world.jira.disable()

    ended = jira_chatkit.run("check", *ROUND_TRIP, **here.values)

    assert "is disabled" in bad(ended, "tenant")
    assert "not tried" in bad(ended, "round trip")
    assert here.world.openai.requests == []


def test_an_uninstalled_app_is_no_tenant_and_told_by_name(
    here: Place, jira_chatkit: Programs
) -> None:
    with served(here):
        here.world.jira.uninstall()

    assert "no site" in bad(jira_chatkit.run("check", *ROUND_TRIP, **here.values), "tenant")
    named = jira_chatkit.run("check", "--tenant", here.host, **here.values)
    assert "is uninstalled" in bad(named, "tenant")


def test_a_secret_of_another_key(here: Place, jira_chatkit: Programs) -> None:
    values = {**here.values, "SECRET_KEYS": "another-key-that-is-long-enough-too-0"}

    ended = jira_chatkit.run("check", *ROUND_TRIP, **values)

    assert "SECRET_KEYS" in bad(ended, "secret")
    assert "not tried" in bad(ended, "round trip")
    assert "jira:" not in ended.said


@pytest.mark.parametrize(
    ("status", "told"),
    [(503, "cannot be reached (status 503)"), (401, "refuses the app (401)"), (403, "(403)")],
)
def test_jira_is_in_trouble_or_denies(
    here: Place, jira_chatkit: Programs, status: int, told: str
) -> None:
    here.world.jira.faults.add("GET", "/rest/api/3/myself", "status", 9, status=status)

    assert told in bad(jira_chatkit.run("check", **here.values), "jira")


def test_jira_is_down(sqlite_url: str, jira_chatkit: Programs) -> None:
    with place(sqlite_url) as here:
        pass

    told = bad(jira_chatkit.run("check", **here.values), "jira")

    assert "no answer" in told
    assert here.world.jira.base_url in told


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1"}, "OpenAI cannot be reached"),
        ({"OPENAI_API_KEY": "sk-canary-refused"}, "OpenAI refuses the key"),
        ({"OPENAI_API_KEY": ""}, "no key to use"),
    ],
)
def test_openai_is_not_as_it_must_be(
    here: Place, jira_chatkit: Programs, values: dict[str, str], told: str
) -> None:
    ended = jira_chatkit.run("check", *ROUND_TRIP, **{**here.values, **values})

    assert told in bad(ended, "openai")
    assert "not tried" in bad(ended, "round trip")
    assert "success: no" in ended.lines
    assert "canary" not in ended.said


def test_no_workflow_is_published(here: Place, jira_chatkit: Programs) -> None:
    here.world.write(_withdraw)

    assert "Publish one" in bad(jira_chatkit.run("check", **here.values), "workflow")


def _withdraw(db: Session) -> None:
    db.exec(select(Workflow)).one().state = "draft"


@pytest.mark.postgresql
def test_an_older_schema(empty_url: str, jira_chatkit: Programs) -> None:
    values = {"DATABASE_URL": empty_url, "SECRET_KEYS": "k" * 32}

    ended = jira_chatkit.run("check", **values)

    assert ended.code == 1
    assert "run `jira-chatkit migrate`" in ended.said


# --- the round trip -------------------------------------------------------------------------


def answered(ended: Ended, reply: str) -> str:
    """The thread's id, after a look at everything else that a round trip tells."""
    well(ended)
    assert "success: yes" in ended.lines
    assert re.search(r"^duration: \d+\.\d\d s$", ended.said, re.MULTILINE)
    assert reply in ended.said.partition("\nreply:\n")[2]
    thread = re.search(r"^thread: (\S+)$", ended.said, re.MULTILINE)
    assert thread is not None
    return thread[1]


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_a_round_trip_beside_a_running_serve(
    here: Place, jira_chatkit: Programs, mode: str
) -> None:
    here.values["DEFAULT_REPLY_MODE"] = mode
    here.world.openai.answers("It is about the backup.")
    server = jira_chatkit.start("serve", **here.values)
    server.wait_until_it_says("ready")

    ended = jira_chatkit.run("check", *ROUND_TRIP, **here.values)

    thread = answered(ended, "It is about the backup.")
    assert [item.kind for item in here.world.items("internal")] == [
        "user_message", "assistant_message",
    ]  # fmt: skip
    assert {item.thread_id for item in here.world.items("internal")} == {thread}
    assert here.world.items("public") == []
    assert here.world.answers("OPS-1") == []  # posts nothing
    assert server.running


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_a_round_trip_works_without_serve(
    database_url: str, jira_chatkit: Programs, mode: str
) -> None:
    with place(database_url) as here:
        here.values["DEFAULT_REPLY_MODE"] = mode
        here.world.openai.answers("It is about the backup.")

        ended = jira_chatkit.run("check", *ROUND_TRIP, **here.values)

        answered(ended, "It is about the backup.")
        assert here.world.answers("OPS-1") == []
        [turn] = here.world.turns()
        assert (turn.state, turn.comment_id) == ("completed", None)


def test_it_posts_where_it_is_told_to(here: Place, jira_chatkit: Programs) -> None:
    here.world.openai.answers("It is about the backup.")

    ended = jira_chatkit.run("check", *ROUND_TRIP, "--post", **here.values)

    answered(ended, "It is about the backup.")
    [comment] = here.world.jira.comments("OPS-1")
    assert f"comment: {comment.id}" in ended.lines
    assert "It is about the backup." in comment.text
    assert "AI assistant" in comment.text


def test_in_a_service_project_it_posts_a_note(here: Place, jira_chatkit: Programs) -> None:
    trip = ("--issue", "SUP-2", "--message", "What is this?", "--post")

    well(jira_chatkit.run("check", *trip, **here.values))

    [comment] = here.world.jira.comments("SUP-2")
    assert comment.internal


def test_an_answer_that_jira_would_not_take_is_told_with_its_cause(
    here: Place, jira_chatkit: Programs
) -> None:
    path = "/rest/api/3/issue/*/comment"
    here.world.jira.faults.add("POST", path, "status", status=413)

    ended = jira_chatkit.run("check", *ROUND_TRIP, "--post", **here.values)

    assert ended.code == 1
    assert "success: no" in ended.lines
    assert "as many comments as Jira allows" in ended.said


def test_a_model_that_fails_is_told_with_its_cause(here: Place, jira_chatkit: Programs) -> None:
    here.world.openai.faults.add("insufficient_quota", 1)

    ended = jira_chatkit.run("check", *ROUND_TRIP, **here.values)

    assert ended.code == 1
    assert "success: no" in ended.lines
    assert "no credit left" in ended.said
    assert "Traceback" not in ended.said


def test_an_unknown_issue_has_its_cure(here: Place, jira_chatkit: Programs) -> None:
    ended = jira_chatkit.run("check", "--issue", "OPS-999", "--message", "Why?", **here.values)

    assert "Check the key" in bad(ended, "issue")
    assert "success: no" in ended.lines


@pytest.mark.parametrize(
    "arguments",
    [("--issue", "OPS-1"), ("--message", "Why?"), ("--issue", "OPS-1", "--message", "")],
)
def test_an_issue_and_a_message_go_together(
    jira_chatkit: Programs, arguments: tuple[str, ...]
) -> None:
    ended = jira_chatkit.run("check", *arguments)

    assert ended.code == 2
    assert ended.lines == ["--issue and --message go together: name both, or neither"]


def test_post_alone_is_refused(jira_chatkit: Programs) -> None:
    ended = jira_chatkit.run("check", "--post")

    assert (ended.code, len(ended.lines)) == (2, 1)


def test_a_check_changes_nothing_of_what_is_answered(here: Place, jira_chatkit: Programs) -> None:
    """An operator's shell may lack the service's variables: its default is not the app's."""
    before = here.world.read(_since)

    well(jira_chatkit.run("check", **{**here.values, "DEFAULT_REPLY_MODE": "off"}))

    assert here.world.read(_since) == before


def _since(db: Session) -> list[tuple[str, str]]:
    return [(state.value, str(state.since)) for state in db.exec(select(AppState))]


def test_nothing_secret_is_printed(here: Place, jira_chatkit: Programs) -> None:
    secret = here.world.jira.link.installed.shared_secret

    for values in (here.values, {**here.values, "LOG_LEVEL": "debug"}):
        ended = jira_chatkit.run("check", *ROUND_TRIP, **values)
        for kept in (secret, DEMO_KEY, here.values["SECRET_KEYS"], "eyJ"):
            assert kept not in ended.said
