"""One event to 1,000 watchers, and what 10,000 open streams take, beside better-sse.

.venv/bin/python -m bench.watchers [streams]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx2
from sqlmodel import Session

from app.stream import log
from bench import stage, talking
from bench.machine import cpu_seconds, resident_kib
from bench.model import stamp
from bench.results import Result
from bench.talking import Place

WATCHERS = 1_000
EVENTS = 20
STREAMS = 10_000
THREADS = 10
SETTLE = 5.0
IDLE = 35.0
"""Seconds: at least two heartbeats of every stream, and one question for rights."""
METHOD = (
    "One event: it is written by another process to PostgreSQL, whose clock starts before the"
    " transaction; the app's one process hears of it, reads it once and sends it to 1,000 watchers"
    " of one thread, who note when it came. better-sse is asked by a request to tell the same to"
    " 1,000 of its own. Medians of 20 events. Open streams: on 10 threads, all of one person,"
    " opened by a process beside; memory is what the process holds more than before, idle CPU"
    " is taken over 35 s with heartbeats (every 15 s on both) and, for the app alone, with the"
    " questions to Jira whether the viewer may still see the issue."
)
BOUNDS = (
    "one event: a write to a thousand sockets, one system call each, and as many tasks that are"
    " woken for it. Memory: what uvicorn and asyncio keep of a connection and its request; our own"
    " part is a follower and two tasks. Idle CPU: the heartbeats, each a task woken and a write."
)


def one_event(result: Result, watchers: int) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(stage.database("postgresql"))
        here, _, _ = stack.enter_context(stage.app_on(url, DEFAULT_REPLY_MODE="off"))
        [place] = talking.places(here, 1)
        streams = [talking.stream_of(here, place)] * watchers
        ours = _told(here.settings.port, streams, lambda: here.write(_tell, place))
    with stage.node("streams.js") as (_, port):
        address = f"http://127.0.0.1:{port}/"

        def tell() -> None:
            httpx2.post(address, content=f'"{stamp()}"', trust_env=False).raise_for_status()

        theirs = _told(port, [("/", "")] * watchers, tell)
    result.ratios.append(
        f"one event to the last of {watchers} watchers: {ours[1] / 100:.2f} times the aim of"
        f" 100 ms, {ours[1] / theirs[1]:.2f} times better-sse's"
    )
    for name, (first, last) in (("app", ours), ("better-sse", theirs)):
        result.figures.append(
            f"one event, {name}: first watcher after {first:.0f} ms, last after {last:.0f} ms"
        )


def _told(
    port: int, streams: Sequence[tuple[str, str]], tell: Callable[[], None]
) -> tuple[float, float]:
    """Milliseconds to the first and to the last watcher: medians."""
    with talking.watching(port, streams) as watchers:
        time.sleep(1.0)
        for _ in range(EVENTS):
            tell()
            time.sleep(0.5)
        time.sleep(1.0)
        by_event: dict[int, list[float]] = {}
        for at, took in watchers.leave()["stamps"]:
            by_event.setdefault(at, []).append(took / 1e6)
    assert len(by_event) == EVENTS, f"{len(by_event)} of {EVENTS} events came"
    assert all(len(took) == len(streams) for took in by_event.values()), "an event was lost"
    firsts, lasts = zip(*((min(took), max(took)) for took in by_event.values()), strict=True)
    return statistics.median(firsts), statistics.median(lasts)


def _tell(db: Session, place: Place) -> None:
    said = {"level": "info", "message": stamp()}
    log.append(db, place.tenant_id, place.thread_id, [("notice", said)], datetime.now(UTC))


def open_streams(result: Result, count: int) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(stage.database("sqlite"))
        here, _, pid = stack.enter_context(stage.app_on(url, DEFAULT_REPLY_MODE="off"))
        made = [talking.stream_of(here, place) for place in talking.places(here, THREADS)]
        streams = [made[n % THREADS] for n in range(count)]
        ours = _held(pid, here.settings.port, streams)
    with stage.node("streams.js") as (pid, port):
        theirs = _held(pid, port, [("/", "")] * count)
    result.ratios.append(
        f"{count} open streams: {ours[0] / theirs[0]:.2f} times better-sse's memory,"
        f" {_ratio(ours[1], theirs[1])} times its idle CPU"
    )
    for name, (memory, idle, opening) in (("app", ours), ("better-sse", theirs)):
        result.figures.append(
            f"{count} streams, {name}: {memory:.1f} KiB a stream, {idle:.1%} of a core idle,"
            f" {opening:.2f} ms CPU to open one"
        )


def _held(pid: int, port: int, streams: Sequence[tuple[str, str]]) -> tuple[float, float, float]:
    """KiB a stream, share of a core when idle, and ms of CPU to open a stream."""
    with talking.watching(port, streams[:THREADS]):
        pass  # what is made once, for the first of them
    time.sleep(1.0)
    before, used = resident_kib(pid), cpu_seconds(pid)
    with talking.watching(port, streams) as watchers:
        opening = cpu_seconds(pid) - used
        time.sleep(SETTLE)
        used = cpu_seconds(pid)
        time.sleep(IDLE)
        idle = (cpu_seconds(pid) - used) / IDLE
        memory = (resident_kib(pid) - before) / len(streams)
        watchers.leave()
    return memory, idle, opening / len(streams) * 1000


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.1f}" if theirs else "many"


def run(streams: int = STREAMS) -> Result:
    result = Result("Watchers: one event to many, and many that wait", METHOD, BOUNDS)
    one_event(result, min(WATCHERS, streams))
    open_streams(result, streams)
    return result


if __name__ == "__main__":
    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else STREAMS).markdown())
