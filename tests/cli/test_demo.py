"""``demo``: everything comes up, is well by the very command it prints, and ends on Ctrl-C."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.cli.program import Program, Programs
from tests.support.world import free_port

ROOT = Path(__file__).resolve().parents[2]
STOPPED = "Ctrl-C stops everything."


def _start(jira_chatkit: Programs, ports: list[int], **values: str) -> Program:
    named = zip(("--app-port", "--jira-port", "--openai-port"), map(str, ports), strict=True)
    return jira_chatkit.start("demo", *(word for pair in named for word in pair), **values)


def _ports() -> list[int]:
    found: set[int] = set()
    while len(found) < 3:
        found.add(free_port())
    return list(found)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_from_its_start_to_its_end(jira_chatkit: Programs) -> None:
    ports = _ports()
    demo = _start(jira_chatkit, ports)
    demo.wait_until_it_says(STOPPED)

    app, jira, openai = ports
    for url in (
        f"http://localhost:{app}",
        f"http://127.0.0.1:{jira}",
        f"http://127.0.0.1:{openai}",
    ):
        assert url in demo.said
        assert httpx2.get(url, trust_env=False).status_code in {200, 404}
    [command] = re.findall(r"^ +(APP_BASE_URL=.* check .*)$", demo.said, re.MULTILINE)
    done = subprocess.run(
        command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "success: yes" in done.stdout

    demo.signal(signal.SIGINT)
    ended = demo.end()
    assert ended.code == 0
    assert "Traceback" not in ended.said
    assert all(_is_free(port) for port in ports)
    folder = re.search(r"DATABASE_URL=sqlite:///(\S+)/demo.db", ended.said)
    assert folder is not None
    assert not Path(folder[1]).exists()


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_taken_port_is_told_and_nothing_is_left_running(
    jira_chatkit: Programs, which: int
) -> None:
    ports = _ports()
    with socket.create_server(("127.0.0.1", ports[which])):
        ended = _start(jira_chatkit, ports).end()

    assert ended.code == 1
    [line] = ended.lines
    assert f"Port {ports[which]} is taken" in line
    assert "--app-port" in line
    assert all(_is_free(port) for port in ports)
