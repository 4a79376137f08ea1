"""``make hosts``: two web and two worker processes behind one address, each to be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support.postgresql import PostgreSQL
from tests.support.world import free_port, until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0

pytestmark = pytest.mark.postgresql


@contextmanager
def made(output: Path, url: str) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """What the target runs, and its ports: the app's, Jira's, OpenAI's, and the two webs'."""
    ports = [free_port() for _ in range(5)]
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.hosts", "--ports", *map(str, ports)],
            cwd=ROOT, env={"PATH": os.environ["PATH"], "DATABASE_URL": url},  # noqa: TID251
            stdout=file, stderr=file,
        )  # fmt: skip
    try:
        yield process, ports
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_four_processes_are_one_app_and_one_that_is_killed_is_replaced(
    postgresql_server: PostgreSQL, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with postgresql_server.database() as url, made(output, url) as (process, ports):
        until(lambda: "Ctrl-C stops everything." in output.read_text(), "it to come up", PATIENCE)
        app, jira, _, *webs = ports
        pids = [
            int(pid) for pid in re.findall(r" process (\d+)$", output.read_text(), re.MULTILINE)
        ]
        assert len(set(pids)) == 4

        def serve(*where: int) -> bool:
            urls = [f"http://127.0.0.1:{port}/readyz" for port in where]
            return {httpx2.get(url, trust_env=False).status_code for url in urls} == {200}

        assert serve(*webs, app, app)
        os.kill(pids[0], signal.SIGKILL)
        assert serve(app, app)  # by the other
        until(lambda: "was killed; another runs as" in output.read_text(), "another")

        site = f"http://127.0.0.1:{jira}"
        ask = {"do": "ask", "text": "Why?"}
        httpx2.post(f"{site}/tour/ask", data=ask, headers={"Origin": site}, trust_env=False)

        def score() -> bool:
            found = httpx2.get(f"{site}/tour/state", trust_env=False).json()["score"]
            return bool(found["replies"] == 1 and not found["doubled"] and not found["lost"])

        until(score, "one reply", PATIENCE)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert "Traceback" not in output.read_text()
