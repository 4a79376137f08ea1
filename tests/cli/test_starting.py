"""Help, bad settings, and what refuses to start: each in one line that says why."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.cli.program import Ended, Program, Programs
from tests.support.world import free_port, until

KEY = "a-key-for-tests-that-is-long-enough-0"


def refused(ended: Ended) -> str:
    """The one line in which it was refused."""
    assert ended.code == 2, ended.said
    assert "Traceback" not in ended.said
    [line] = ended.lines
    return line


def serving(jira_chatkit: Programs, **values: str) -> tuple[Program, str]:
    port = free_port()
    program = jira_chatkit.start("serve", PORT=str(port), **values)
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert program.running, program.said
        try:
            return httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    until(ready, "the app to come up", 60)
    return program, url


def test_as_a_command_it_tells_what_it_can() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("jira-chatkit"), "--help"],
        capture_output=True, text=True, check=False, env={},
    )  # fmt: skip

    assert done.returncode == 0
    for command in ("serve", "worker", "migrate", "check", "keys", "demo"):
        assert command in done.stdout


@pytest.mark.parametrize("command", ["check", "serve", "worker", "migrate", "keys", "demo"])
def test_each_command_has_its_help(jira_chatkit: Programs, command: str) -> None:
    ended = jira_chatkit.run(command, "--help")

    assert ended.code == 0
    assert "Usage: jira-chatkit" in ended.said


def test_an_unknown_command_is_refused(jira_chatkit: Programs) -> None:
    ended = jira_chatkit.run("sreve")

    assert ended.code == 2
    assert "sreve" in ended.said
    assert "Traceback" not in ended.said


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("PORT", "canary", "a port from 0 to 65535"),
        ("APP_BASE_URL", "canary", "an http or https URL"),
        ("DATABASE_URL", "mysql://canary", "sqlite:///path or postgresql://"),
        ("SECRET_KEYS", "canary", "at least 32 characters"),
        ("DEFAULT_REPLY_MODE", "canary", "'off', 'draft' or 'auto'"),
        ("DEFAULT_DAILY_TOKENS", "canary", "a whole number of tokens"),
        ("LOG_FORMAT", "canary", "'console' or 'json'"),
        ("TENANT_HOSTS", "canary_", "host names"),
    ],
)
def test_a_bad_setting_is_one_line_with_its_name_and_what_it_takes(
    jira_chatkit: Programs, name: str, value: str, takes: str
) -> None:
    line = refused(jira_chatkit.run("serve", **{name: value}))

    assert line.startswith(f"{name} takes ")
    assert takes in line
    assert "canary" not in line


@pytest.mark.parametrize("command", ["worker", "migrate", "check", "demo"])
def test_a_bad_setting_stops_every_command(jira_chatkit: Programs, command: str) -> None:
    assert refused(jira_chatkit.run(command, PORT="x")).startswith("PORT takes ")


@pytest.mark.parametrize("arguments", [("serve", "--no-worker"), ("worker",)])
def test_sqlite_is_one_process(jira_chatkit: Programs, arguments: tuple[str, ...]) -> None:
    line = refused(jira_chatkit.run(*arguments))

    assert "needs PostgreSQL" in line
    assert "SQLite is one process" in line
    assert "DATABASE_URL" in line


@pytest.mark.parametrize(
    "values",
    [
        {"APP_BASE_URL": "https://chat.example.com"},
        {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
    ],
)
@pytest.mark.parametrize("command", ["serve", "migrate", "check"])
def test_where_hosts_share_secrets_a_key_must_be_given(
    jira_chatkit: Programs, command: str, values: dict[str, str]
) -> None:
    assert refused(jira_chatkit.run(command, **values)).startswith("SECRET_KEYS is missing")


def test_a_second_serve_on_one_file_is_refused_and_the_first_serves_on(
    jira_chatkit: Programs, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'shared.db'}"
    first, url = serving(jira_chatkit, DATABASE_URL=database)

    line = refused(jira_chatkit.run("serve", PORT=str(free_port()), DATABASE_URL=database))

    assert "another process serves this SQLite file" in line
    assert httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200
    first.signal(signal.SIGTERM)
    assert first.end().code == 0
    second, _ = serving(jira_chatkit, DATABASE_URL=database)
    second.signal(signal.SIGINT)
    assert second.end().code == 0


def test_serve_makes_its_own_schema_and_key_on_sqlite(
    jira_chatkit: Programs, tmp_path: Path
) -> None:
    serving(jira_chatkit, DATABASE_URL=f"sqlite:///{tmp_path}/a/new/folder/app.db")

    key = tmp_path / "a/new/folder/app.db.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_taken_port_ends_serve(jira_chatkit: Programs) -> None:
    _, url = serving(jira_chatkit)

    ended = jira_chatkit.run("serve", PORT=url.rpartition(":")[2])

    assert ended.code not in {0, None}
    assert "address already in use" in ended.said
    assert "Traceback" not in ended.said


@pytest.mark.parametrize("kind", ["a file that is none", "a folder that cannot be"])
def test_a_database_that_cannot_be_opened_is_one_line(
    jira_chatkit: Programs, tmp_path: Path, kind: str
) -> None:
    odd = tmp_path / "odd"
    odd.write_text("This is prose, and long enough to be more than the header of a database." * 9)
    path = odd if kind == "a file that is none" else odd / "below" / "app.db"

    line = refused(jira_chatkit.run("serve", DATABASE_URL=f"sqlite:///{path}", SECRET_KEYS=KEY))

    assert line.startswith("DATABASE_URL")


# --- PostgreSQL -----------------------------------------------------------------------------


@pytest.mark.postgresql
@pytest.mark.parametrize("arguments", [("serve",), ("serve", "--no-worker"), ("worker",)])
def test_without_the_newest_schema_nothing_starts_and_migrate_is_named(
    jira_chatkit: Programs, empty_url: str, arguments: tuple[str, ...]
) -> None:
    line = refused(jira_chatkit.run(*arguments, DATABASE_URL=empty_url, SECRET_KEYS=KEY))

    assert "schema is empty" in line
    assert "run `jira-chatkit migrate`" in line


@pytest.mark.postgresql
def test_migrate_brings_the_schema_and_is_repeatable(
    jira_chatkit: Programs, empty_url: str
) -> None:
    values = {"DATABASE_URL": empty_url, "SECRET_KEYS": KEY}

    first, second = (jira_chatkit.run("migrate", **values) for _ in range(2))

    assert first.code == second.code == 0
    assert first.lines[-1].startswith("schema 0")
    assert first.lines[-1] == second.lines[-1]
    web, _ = serving(jira_chatkit, **values)
    web.signal(signal.SIGTERM)
    assert web.end().code == 0


def test_migrate_makes_an_sqlite_file(jira_chatkit: Programs, tmp_path: Path) -> None:
    ended = jira_chatkit.run("migrate", DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")

    assert ended.code == 0
    assert ended.lines[-1].startswith("schema 0")


@pytest.mark.postgresql
def test_web_and_worker_may_be_two_processes(jira_chatkit: Programs, postgresql_url: str) -> None:
    values = {"DATABASE_URL": postgresql_url, "SECRET_KEYS": KEY, "LOG_LEVEL": "debug"}
    worker = jira_chatkit.start("worker", **values)
    web = jira_chatkit.start("serve", "--no-worker", PORT=str(free_port()), **values)

    web.wait_until_it_says("ready")
    worker.wait_until_it_says("worker_started")
    for program in (web, worker):
        program.signal(signal.SIGTERM)
        assert program.end().code == 0


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_server_that_is_away_is_one_line_without_its_password(
    jira_chatkit: Programs, command: str
) -> None:
    url = f"postgresql://somebody:canary-password@127.0.0.1:{free_port()}/none"

    line = refused(jira_chatkit.run(command, DATABASE_URL=url, SECRET_KEYS=KEY))

    assert line.startswith("DATABASE_URL: the database cannot be opened")
    assert "canary" not in line
