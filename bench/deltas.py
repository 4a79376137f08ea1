"""The delay between a word leaving the model and reaching who watches, over HTTP.

.venv/bin/python -m bench.deltas [turns at once …]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from app.store.tables import Turn
from bench import stage, talking
from bench.machine import cpu_seconds
from bench.results import Result, percentile
from tests.support.world import until

LEVELS = (1, 50, 200)
PACE = 0.1
WORDS = 100
METHOD = (
    "Every turn is one of the team's own, on a thread of its own that one client watches; all are"
    " asked in one moment. The model, in a process of its own, sends a delta every 100 ms to each"
    " and writes into it when it left; the clients, in another, compare that with when it came, by"
    " the machine's monotonic clock. Counted are the deltas of the time when all turns were under"
    " way. The app is one `serve` on SQLite; its limits of 64 turns a process and 16 a tenant are"
    " lifted for this."
)
BOUNDS = (
    "with few turns, the grouping: words are written together every 40 ms, and whoever comes first"
    " waits for the others. With many, the interpreter: each delta goes through the HTTP client,"
    " OpenAI's library, the Agents SDK and ChatKit's converter before it is ours."
)


def measure(turns: int) -> tuple[list[float], float]:
    """Milliseconds of each delta, sorted; and the share of a core that the app used."""
    with ExitStack() as stack:
        url = stack.enter_context(stage.database("sqlite"))
        _, port = stack.enter_context(
            stage.beside(sys.executable, "-m", "bench.model", str(PACE), str(WORDS))
        )
        model = f"http://127.0.0.1:{port}/v1"
        here, _, pid = stack.enter_context(
            stage.app_on(
                url, module="bench.lifted", OPENAI_BASE_URL=model, DEFAULT_REPLY_MODE="off"
            )
        )
        where = talking.places(here, turns)
        streams = [talking.stream_of(here, place) for place in where]
        watchers = stack.enter_context(talking.watching(here.settings.port, streams))
        begun, used = time.monotonic(), cpu_seconds(pid)
        talking.ask_all(here, where, "first")
        until(lambda: _ended(here.turns(), turns), "all turns to end", 60 + turns)
        share = (cpu_seconds(pid) - used) / (time.monotonic() - begun)
        return _common(watchers.leave()["stamps"], turns), share


def _ended(turns: Sequence[Turn], count: int) -> bool:
    return sum(turn.state == "completed" for turn in turns) >= count


def _common(stamps: list[tuple[int, int]], turns: int) -> list[float]:
    """Of the middle half of the deltas, as they left: then all turns ran."""
    assert len(stamps) == turns * WORDS, f"{len(stamps)} of {turns * WORDS} deltas came"
    in_order = sorted(stamps)
    middle = in_order[len(in_order) // 4 : len(in_order) * 3 // 4]
    return sorted(took / 1e6 for _, took in middle)


def run(levels: Sequence[int] = LEVELS) -> Result:
    result = Result("Deltas: from the model to the watcher", METHOD, BOUNDS)
    for turns in levels:
        took, share = measure(turns)
        p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
        if turns == max(levels):
            result.ratios.append(
                f"{turns} turns at once: p50 {p50 / 30:.2f} times the aim of 30 ms,"
                f" p99 {p99 / 100:.2f} times the aim of 100 ms"
            )
        result.figures.append(
            f"{turns} at once: p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {took[-1]:.0f} ms;"
            f" the app used {share:.0%} of a core"
        )
    return result


if __name__ == "__main__":
    print(run([int(given) for given in sys.argv[1:]] or LEVELS).markdown())
