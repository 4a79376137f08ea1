"""A day of work, with a canary in all that anybody wrote or keeps secret: no log holds one."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from app.sandbox.openai import DEMO_KEY
from app.sandbox.openai.faults import Kind
from tests.support.unlucky import WORDS
from tests.support.world import QUICK, AppProcess, World, until, world_of_processes

COMMENTS = "/rest/api/3/issue/*/comment"
CANARY = "CANARY"
FAILURES: tuple[Kind, ...] = ("server_error", "key_refused", "refused", "filtered")
UPSTREAM = ("Simulated answer", "(simulated)")  # what the simulated sites say in their errors
TOKENS = ("eyJ", "Bearer", "JWT ", "uthorization", "jwt=", "xdm_e")
PASSWORD = "a-key-for-tests-that-is-long-enough-0"  # the world's SECRET_KEYS


def a_day(here: World, app: AppProcess) -> str:
    """From the installation to the end; return the secret that both sides shared."""
    app.start(module="tests.support.unlucky")
    here.install(**QUICK)
    shared_secret = here.jira.link.installed.shared_secret
    _questions(here)
    _bad_days(here)
    _frames(here)
    _strange_requests(here)
    here.run_until_idle()
    here.jira.disable()
    here.jira.uninstall()
    app.stop()
    return shared_secret


def _questions(here: World) -> None:
    here.openai.answers(f"{CANARY}-ANSWER")
    here.jira.comment("OPS-1", f"{CANARY}-COMMENT?")  # its turn breaks
    here.jira.comment("SUP-1", f"{CANARY}-NOTE", "agnes", internal=True)
    here.jira.create_issue("OPS", f"{CANARY}-SUMMARY", f"{CANARY}-DESCRIPTION")
    until(lambda: here.answers("OPS-1"), "the answer after a break", 60)
    here.run_until_idle()


def _bad_days(here: World) -> None:
    here.jira.faults.add("*", "/rest/api/3/comment/list", "status", times=3)
    here.jira.faults.add("GET", "/rest/api/3/issue/*", "status", times=3)
    here.jira.faults.add("POST", COMMENTS, "status", status=413)
    here.jira.comment("OPS-1", f"{CANARY}-TOO-MANY?")
    here.run_until_idle()
    here.jira.faults.add("GET", "/rest/api/3/issue/*", "reset", times=1)
    here.jira.faults.add("POST", COMMENTS, "status", status=400)
    for kind in FAILURES:
        here.openai.faults.add(kind, 1, retry_after=0)
        here.jira.comment("OPS-1", f"{CANARY}-AGAIN?")
        here.run_until_idle()


def _frames(here: World) -> None:
    with httpx2.Client(trust_env=False) as http:
        panel, admin = here.jira.panel_url("OPS-1", "rita"), here.jira.admin_url()
        statuses = [
            http.get(url).status_code
            for url in (
                panel,
                admin,
                here.jira.admin_url("rita"),
                panel[:-4] + "AAAA",
                f"{admin}&a=b",
            )
        ]
    assert statuses == [200, 200, 403, 401, 401]


def _strange_requests(here: World) -> None:
    hook = f"{here.url}/connect/webhooks"
    token = here.jira.link.sign_request_token("POST", hook)
    with httpx2.Client(trust_env=False, headers={"Authorization": f"JWT {token}"}) as http:
        body = f'{{"{CANARY}-BODY": '.encode()
        assert http.post(hook, content=body).status_code == 400
        assert http.post(hook, content=b'{"webhookEvent": "comment_created"}').status_code == 400
        assert http.get(f"{here.url}/{CANARY}-PATH?jwt={token}").status_code == 404
        assert http.put(hook, content=body).status_code == 405
    where = urlsplit(here.url)
    assert where.hostname
    assert where.port
    with socket.create_connection((where.hostname, where.port)) as raw:
        raw.sendall(f"{CANARY} /{CANARY}-LINE {CANARY}\r\n{CANARY}\r\n\r\n".encode())
        raw.recv(4096)


@pytest.fixture(scope="module", params=["console", "json"])
def written(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str, list[str]]:
    """The format, all that was logged at the level ``debug``, and what it must not hold."""
    folder = tmp_path_factory.mktemp("day")
    (folder / "app.db").write_bytes(sqlite_template.read_bytes())
    values = {"LOG_FORMAT": str(request.param), "LOG_LEVEL": "debug"}
    log = folder / "log"
    with (
        log.open("wb") as output,
        world_of_processes(f"sqlite:///{folder / 'app.db'}", **values) as (here, app),
    ):
        app.output = output
        shared_secret = a_day(here, app)
    return str(request.param), log.read_text(), [shared_secret, DEMO_KEY, PASSWORD]


def test_nobodys_words_are_in_the_log(written: tuple[str, str, list[str]]) -> None:
    _, log, _ = written
    assert [line for line in log.splitlines() if CANARY in line or "canary" in line] == []
    assert [line for line in log.splitlines() for said in UPSTREAM if said in line] == []


def test_nothing_secret_is_in_the_log(written: tuple[str, str, list[str]]) -> None:
    _, log, secrets = written
    assert [line for line in log.splitlines() for kept in (*secrets, *TOKENS) if kept in line] == []


def test_what_an_operator_needs_is_in_the_log(written: tuple[str, str, list[str]]) -> None:
    _, log, _ = written
    for event in (
        "ready", "tenant_installed", "thread_begun", "jira_request", "turn_broke",
        "turn_attempt_failed", "catching_up_failed", "request_refused", "tenant_uninstalled",
    ):  # fmt: skip
        assert event in log
    for place in ("in at_step", "builtins.LookupError", "builtins.KeyError"):
        assert place in log


def test_for_machines_each_line_is_json(written: tuple[str, str, list[str]]) -> None:
    kind, log, _ = written
    if kind == "json":
        events = [json.loads(line) for line in log.splitlines()]
        assert all({"event", "level", "timestamp"} <= set(event) for event in events)


LIBRARIES = f"""
import asyncio, gc, logging, sys, threading, warnings
from app import logs

logs.configure(sys.argv[1], "debug")

def broken():
    raise RuntimeError("{WORDS}")

async def forgotten():
    broken()

async def main():
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(forgotten(), name="a-task")
    await asyncio.sleep(0.01)
    del task
    gc.collect()
    loop.call_soon(lambda words: broken(), "{WORDS}")
    await asyncio.sleep(0.01)

asyncio.run(main())
logging.getLogger("some.library").debug("{WORDS}")
logging.getLogger("httpx2").info("GET https://example.com/?{WORDS}")
logging.getLogger("openai.agents").error("{WORDS}")
logging.getLogger("uvicorn.error").error("Traceback (most recent call last):\\n{WORDS}")
warnings.warn("serializer warnings:\\n{WORDS}")
thread = threading.Thread(target=broken)
thread.start()
thread.join()
broken()
"""


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_what_libraries_and_the_interpreter_say_has_no_words_either(log_format: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES, log_format], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stdout == ""
    # A trace quotes our own line of code; nowhere else do the words stand.
    log = done.stderr.replace('raise RuntimeError("CANARY', "").replace('"CANARY-EXC', "")
    assert CANARY not in log
    for said in (
        "Task exception was never retrieved",
        "Exception in callback",
        "thread_of_program_broke",
        "program_broke",
        "builtins.RuntimeError",
        "in broken",
    ):
        assert said in log
