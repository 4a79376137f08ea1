"""``make bench``: all benchmarks, one after another, written to ``bench/RESULTS.md``.

    .venv/bin/python -m bench [name …]

With names (webhooks, deltas, watchers, turns, stops, race) only these, printed and not written.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from bench import deltas, machine, race, stage, stops, turns, watchers, webhooks
from bench.results import Result

RESULTS = Path(__file__).with_name("RESULTS.md")
ALL: dict[str, Callable[[], Result]] = {
    "webhooks": webhooks.run,
    "deltas": deltas.run,
    "watchers": watchers.run,
    "turns": turns.run,
    "stops": stops.run,
    "race": race.run,
}
HEAD = """# Benchmarks: what was seen

Written by `make bench` (`.venv/bin/python -m bench`) on {day}, in {minutes:.0f} minutes.

Machine: {machine}, Node.js {node}. Everything runs on it at once: the app, the simulated Jira and
OpenAI, the clients and the databases.
"""


def main() -> int:
    logging.disable(logging.CRITICAL)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    names = sys.argv[1:] or list(ALL)
    stage.install_peers()
    begun, results = time.monotonic(), []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        results.append(ALL[name]())
        print(f"{results[-1].markdown()}\n", flush=True)
    if len(names) == len(ALL):
        head = HEAD.format(
            day=datetime.now(UTC).date(),
            minutes=(time.monotonic() - begun) / 60,
            machine=machine.facts(),
            node=_node(),
        )
        parts = [head.strip(), *(result.markdown() for result in results)]
        RESULTS.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return 0


def _node() -> str:
    done = subprocess.run(  # noqa: S603  (what the peers run with)
        [stage.node_program(), "--version"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip().removeprefix("v")


if __name__ == "__main__":
    sys.exit(main())
