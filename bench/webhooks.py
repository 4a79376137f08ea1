"""Verified, durable webhooks a second, beside atlassian-connect-express.

.venv/bin/python -m bench.webhooks [requests]
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import stage
from bench.machine import cpu_seconds
from bench.results import Result
from tests.support.world import World

REQUESTS = 4_000
WARM_UP = 1_000
CONNECTIONS = 20
ROUNDS = 3
ISSUES = 200
PATH = "/connect/webhooks"
DESCRIPTOR = {
    "key": "peer",
    "baseUrl": "http://127.0.0.1",
    "authentication": {"type": "jwt"},
    "modules": {"webhooks": [{"event": "comment_created", "url": PATH}]},
}
METHOD = (
    "20 kept-alive connections, each with one request under way; every delivery has an identifier,"
    " a token and a comment of its own, on 200 issues. The app stores each before it answers 204"
    " and has answering switched off; on SQLite it is `serve`, worker included, on PostgreSQL"
    " `serve --no-worker`; both databases sync to the disk. The peer is npm"
    " atlassian-connect-express 11.5.3 with its SQLite store, which verifies the same requests and"
    " answers 204 without storing. They take turns, under one generator in a process of its own."
    " Medians of 3 rounds."
)
BOUNDS = (
    "Python, of which a process runs one thread at a time. On PostgreSQL half of the time is the"
    " event loop's (uvicorn, starlette's way to the handler, parsing and verifying), half the"
    " writer's, in a handful of statements that those share which come at once; more web processes"
    " beside it take more. On SQLite the worker shares the process: looking into what a delivery"
    " told of takes several times what taking it in does."
)

Seen = dict[str, float]


@contextmanager
def peer(client_key: str, secret: str, base_url: str) -> Iterator[tuple[int, int]]:
    with tempfile.TemporaryDirectory() as folder:
        descriptor = Path(folder, "atlassian-connect.json")
        descriptor.write_text(json.dumps(DESCRIPTOR), encoding="utf-8")
        Path(folder, "config.json").write_text("{}", encoding="utf-8")
        with stage.node("webhooks.js", client_key, secret, base_url, cwd=Path(folder)) as found:
            yield found


def measure(kind: str, count: int) -> dict[str, Seen]:
    """Medians of the app, the peer, and a server that does nothing, by name."""
    with ExitStack() as stack:
        url = stack.enter_context(stage.database(kind))
        arguments = ("serve",) if kind == "sqlite" else ("serve", "--no-worker")
        here, _, pid = stack.enter_context(stage.app_on(url, *arguments, DEFAULT_REPLY_MODE="off"))
        installed = here.jira.link.installed
        peer_pid, peer_port = stack.enter_context(
            peer(here.client_key, installed.shared_secret, here.jira.base_url)
        )
        idle_pid, idle_port = stack.enter_context(
            stage.beside(sys.executable, "-m", "bench.load", "--trivial")
        )
        job: dict[str, Any] = {
            "path": PATH,
            "client_key": here.client_key,
            "secret": installed.shared_secret,
            "body": here.jira.webhook_body("comment_created", here.jira.comment("OPS-1", "Why?")),
            "issues": [_issue(here, n) for n in range(ISSUES)],
            "connections": CONNECTIONS,
            "warm_up": WARM_UP,
            "requests": count,
        }
        servers = {
            "app": (pid, here.settings.port),
            "peer": (peer_pid, peer_port),
            "nothing": (idle_pid, int(idle_port)),
        }
        rounds = [
            {name: _round({**job, "port": port}, pid) for name, (pid, port) in servers.items()}
            for _ in range(ROUNDS)
        ]
    return {name: _medians([one[name] for one in rounds]) for name in servers}


def _issue(here: World, number: int) -> str:
    return here.jira.create_issue("OPS", f"Printer {number} prints nothing", by="rita").id


def _round(job: dict[str, Any], pid: int) -> Seen:
    before = cpu_seconds(pid)
    seen: Seen = stage.told("bench.load", job)
    seen["cpu"] = (cpu_seconds(pid) - before) / (job["requests"] + job["warm_up"]) * 1000
    return seen


def _medians(rounds: list[Seen]) -> Seen:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def run(count: int = REQUESTS) -> Result:
    result = Result("Webhooks: verified and durable", METHOD, BOUNDS)
    for kind in ("sqlite", "postgresql"):
        seen = measure(kind, count)
        app, ace, nothing = seen["app"], seen["peer"], seen["nothing"]
        result.ratios.append(
            f"{kind}: {app['rate'] / ace['rate']:.2f} times the peer's rate (aim: 2), p99"
            f" {app['p99'] / ace['p99']:.2f} times the peer's (aim: 1 or less)"
        )
        result.figures += [_told(f"app on {kind}", app), _told("peer", ace)]
        result.figures.append(
            f"generator against a server that answers unread: {nothing['rate']:.0f}/s;"
            f" it used {app['busy']:.0%} of a core beside the app, {ace['busy']:.0%} beside the"
            f" peer; {app['bytes']:.0f} bytes a request"
        )
    return result


def _told(name: str, seen: Seen) -> str:
    return (
        f"{name}: {seen['rate']:.0f}/s, p50 {seen['p50']:.1f} ms, p99 {seen['p99']:.1f} ms,"
        f" {seen['cpu']:.2f} ms CPU each"
    )


if __name__ == "__main__":
    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS).markdown())
