"""How soon the model is left alone once a person stops an answer, or takes the issue over.

.venv/bin/python -m bench.stops [times]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import httpx2
import structlog

from app.clock import SystemClock
from app.turns import talking
from bench import stage
from bench.results import Result, percentile
from bench.talking import Place, places, stream_of
from tests.support.world import AppProcess, World, until

TIMES = 20
AIM = 1.0
METHOD = (
    "On PostgreSQL, with a web process and a worker: whoever stops never talks to the process in"
    " which the answer is made. Ended are answers whose model has not said a word yet, and ones in"
    " the middle: by the panel's stop, and by an agent's comment in Jira, whose webhook tells of"
    " it. It lasts until the request to the model has ended, as the model's side sees it."
)
BOUNDS = (
    "what lies between: a webhook or a request, two commits, the notification, and for a takeover"
    " the comment that is fetched from Jira. A notification that is lost costs a second: the worker"
    " looks by the clock as well."
)
STAGES = {"before its first word": 0, "in the middle": 3}


def run(times: int = TIMES) -> Result:
    result = Result("Stops: until the model is left alone", METHOD, BOUNDS)
    longest = 0.0
    with ExitStack() as stack:
        url = stack.enter_context(stage.database("postgresql"))
        here, web, _ = stack.enter_context(stage.app_on(url, "serve", "--no-worker"))
        worker = AppProcess(web.values)
        stack.callback(worker.stop)
        worker.start("worker")
        here.openai.answers("Because of the new storage, which is slow. " * 20)
        for name, after in STAGES.items():
            here.openai.release()
            wheres = places(here, times)
            here.openai.hold(after)
            stopped = sorted(_stop(here, place) for place in wheres)
            taken_over = sorted(_take_over(here, number) for number in range(times))
            result.figures.append(_told(f"stopped {name}", stopped))
            result.figures.append(_told(f"taken over {name}", taken_over))
            longest = max(longest, stopped[-1], taken_over[-1])
    result.ratios.append(f"the slowest of all took {longest / AIM:.2f} times the aim of a second")
    return result


def _stop(here: World, place: Place) -> float:
    """The team's own question; a colleague's panel stops the answer."""
    now = SystemClock().now()
    here.write(talking.ask_privately, place.tenant_id, place.issue_id, "client", "Why?", now)
    path, header = stream_of(here, place)
    name, _, value = header.strip().partition(": ")

    def stop() -> None:
        answer = httpx2.post(
            f"{here.url}{path.removesuffix('/events')}/stop", headers={name: value}, trust_env=False
        )
        assert answer.status_code == 202

    return _until_left_alone(here, stop)


def _take_over(here: World, number: int) -> float:
    """A customer's question in Jira; an agent comments there."""
    key = here.jira.create_issue("OPS", f"Taken over {number}", by="rita").key
    return _until_left_alone(here, lambda: here.jira.comment(key, "I take this one.", by="agnes"))


def _until_left_alone(here: World, act: Callable[[], object]) -> float:
    """Seconds from the act on until nobody asks the model any more."""
    until(lambda: here.openai.active_streams == 1, "the model to be asked")
    until(lambda: [turn for turn in here.turns() if turn.state == "generating"], "the turn")
    begun = time.monotonic()
    act()
    while here.openai.active_streams:
        time.sleep(0.001)
        assert time.monotonic() < begun + stage.LONGEST
    took = time.monotonic() - begun
    here.run_until_idle()
    return took


def _told(what: str, in_order: list[float]) -> str:
    return (
        f"{what}: {len(in_order)} times, p50 {percentile(in_order, 0.5) * 1000:.0f} ms,"
        f" at most {in_order[-1] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else TIMES).markdown())
