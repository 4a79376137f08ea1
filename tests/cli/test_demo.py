"""``demo``: everything comes up, is well by the very command it prints, and ends on Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli.program import Program, Programs
from tests.support.world import free_port, until

ROOT = Path(__file__).resolve().parents[2]
STOPPED = "Ctrl-C stops everything."
PORTS = ("--app-port", "--jira-port", "--openai-port", "--forge-port", "--pages-port")


def _start(jira_chatkit: Programs, ports: list[int], **values: str) -> Program:
    named = zip(PORTS, map(str, ports), strict=True)
    return jira_chatkit.start("demo", *(word for pair in named for word in pair), **values)


def _ports() -> list[int]:
    found: set[int] = set()
    while len(found) < len(PORTS):
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

    app, jira, openai, *_ = ports
    told = demo.said.partition("The tour")[2]
    assert told.split()[0] == f"http://127.0.0.1:{jira}"  # what to open comes first
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


class Visitor:
    """Somebody on the tour."""

    def __init__(self, port: int) -> None:
        self._site = f"http://127.0.0.1:{port}"

    def press(self, step: str, do: str, **form: str) -> str:
        """Press a button; the page that it leads to."""
        answer = httpx2.post(
            f"{self._site}/tour/{step}",
            data={"do": do, **form},
            headers={"Origin": self._site},
            trust_env=False,
        )
        assert answer.status_code == 303
        return str(answer.headers["location"])

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx2.get(f"{self._site}/tour/state", trust_env=False).json()
        return found

    def wait_until(self, step: str, says: str) -> dict[str, Any]:
        def found() -> dict[str, Any]:
            told: dict[str, Any] = self.state["steps"][step]
            return told if says in told["says"] else {}

        return until(found, f"the step {step} to say {says!r}", seconds=60.0)

    def process(self) -> str:
        found = re.search(r"process (\d+)", self.state["worker"])
        assert found is not None
        return found[1]


def test_a_worker_killed_in_mid_answer_costs_no_reply_and_makes_no_second(
    jira_chatkit: Programs,
) -> None:
    ports = _ports()
    demo = _start(jira_chatkit, ports)
    demo.wait_until_it_says(STOPPED)
    visitor = Visitor(ports[1])
    first = visitor.process()

    assert visitor.press("kill", "ask", text="Why?") == "/browse/OPS-3?as=rita"
    visitor.wait_until("kill", "The model is writing")
    visitor.press("kill", "kill")
    done = visitor.wait_until("kill", "One reply.")

    assert done["word"] == "Done"
    assert visitor.process() != first
    assert visitor.state["score"] == {
        "questions": 1,
        "replies": 1,
        "lost": 0,
        "doubled": 0,
        "leaked": 0,
    }

    visitor.press("kill", "kill")
    demo.signal(signal.SIGINT)
    ended = demo.end()
    assert ended.code == 0
    assert "Traceback" not in ended.said
    assert all(_is_free(port) for port in ports)


def test_an_app_that_somebody_else_ends_ends_the_demo(jira_chatkit: Programs) -> None:
    ports = _ports()
    demo = _start(jira_chatkit, ports)
    demo.wait_until_it_says(STOPPED)
    os.kill(int(Visitor(ports[1]).process()), signal.SIGKILL)
    ended = demo.end()

    assert ended.code == 1
    assert "The app ended" in ended.lines[-1]
    assert all(_is_free(port) for port in ports)


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
