"""``jira-chatkit`` in a process of its own: real arguments, environment, output and exit code.

Each is forked from one that has imported the program already: what takes a start of it seconds
is the same for all, and done once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from app import cli

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["app.cli", "app.commands"])
PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """What became of it. ``said`` is both of its outputs."""

    code: int | None
    said: str

    @property
    def lines(self) -> list[str]:
        return self.said.splitlines()


class Program:
    """One run of it, perhaps still going on."""

    def __init__(self, arguments: tuple[str, ...], values: Mapping[str, str], folder: Path) -> None:
        self._output = folder / "output"
        self._output.touch()
        self._process = FORKS.Process(
            target=_run, args=(arguments, dict(values), str(folder)), daemon=True
        )
        self._process.start()

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def wait_until_it_says(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.said:
            assert self.running, f"it ended before it said {text!r}:\n{self.said}"
            assert time.monotonic() < deadline, f"it never said {text!r}:\n{self.said}"
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self) -> Ended:
        """Wait until it has ended by itself."""
        self._process.join(PATIENCE)
        assert not self.running, f"it does not end:\n{self.said}"
        return Ended(self._process.exitcode, self.said)

    def leave(self) -> None:
        if self.running:
            self._process.terminate()
            self._process.join(PATIENCE)


class Programs:
    """Starts them, and ends those that are left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._started: list[Program] = []

    def start(self, *arguments: str, **values: str) -> Program:
        folder = self._folder / f"program-{next(self._numbers)}"
        folder.mkdir()
        program = Program(arguments, values, folder)
        self._started.append(program)
        return program

    def run(self, *arguments: str, **values: str) -> Ended:
        return self.start(*arguments, **values).end()

    def leave(self) -> None:
        for program in self._started:
            program.leave()


@contextmanager
def programs(folder: Path) -> Iterator[Programs]:
    made = Programs(folder)
    try:
        yield made
    finally:
        made.leave()


def _run(arguments: tuple[str, ...], values: dict[str, str], folder: str) -> None:
    """In the new process: in a folder of its own, where a default would put its files."""
    os.chdir(folder)
    path = os.environ["PATH"]  # noqa: TID251  (all that it is left of ours)
    os.environ.clear()  # noqa: TID251
    os.environ.update({"PATH": path, **values})  # noqa: TID251
    output = os.open("output", os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = [str(Path(sys.executable).with_name("jira-chatkit")), *arguments]
    cli.run()
