"""The app's processes: started, looked at, killed for the tour, and stopped."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import httpx2

from app import settings as settings_module

PATIENCE = 30.0
"""Seconds for the app to end."""
ANSWERS_WITHIN = 2.0


class AppProcess:
    """The app in a process and group of its own: Ctrl-C reaches it through us, in order.

    Any thread may kill it; another is started in its place, until it is stopped.
    """

    def __init__(self, values: Mapping[str, str], *arguments: str) -> None:
        self._values = values
        self._arguments = arguments or ("serve",)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._up = False

    @property
    def name(self) -> str:
        """What it was started as."""
        return " ".join(self._arguments)

    @property
    def works(self) -> bool:
        """Whether threads are worked on in it."""
        return "--no-worker" not in self._arguments

    @property
    def pid(self) -> int:
        """Its id; 0 where none is running."""
        process = self._process
        return process.pid if process else 0

    @property
    def up(self) -> bool:
        """Whether it could serve when it was last looked at."""
        return self._up

    @contextmanager
    def running(self) -> Iterator[None]:
        """Started, and stopped when the block ends."""
        with self._lock:
            self._process = self._started()
        try:
            yield
        finally:
            self._stop()

    def look(self) -> None:
        """See whether it has come up."""
        process = self._process
        if self._up or process is None:
            return
        ready = self._answers() if "serve" in self._arguments else process.poll() is None
        with self._lock:
            self._up = ready and self._process is process

    def ended(self) -> int | None:
        """The code that it ended with by itself; below 0, minus the signal that it was killed by.

        None while it runs.
        """
        with self._lock:
            return self._process.poll() if self._process is not None else None

    def kill(self) -> None:
        """End it by kill -9 and start another at once; not one that has ended already."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                return
            self._process.kill()
            self._process.wait()
            self._start_again()

    def start_again(self) -> None:
        """Start another where one has ended."""
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self._start_again()

    def ask_to_end(self) -> None:
        """SIGTERM; what waits for its end comes later."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def _start_again(self) -> None:
        self._up = False
        self._process = self._started()

    def _answers(self) -> bool:
        url = f"http://127.0.0.1:{self._values['PORT']}/readyz"
        try:
            return httpx2.get(url, timeout=ANSWERS_WITHIN, trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "app.cli", *self._arguments]
        return subprocess.Popen(  # noqa: S603  (our own program)
            command, env=settings_module.environment_with(self._values), start_new_session=True
        )

    def _stop(self) -> None:
        with self._lock:
            process, self._process, self._up = self._process, None, False
        if process is None:
            return
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Apps:
    """All processes of the app, of which there may be one that does everything."""

    def __init__(self, processes: Sequence[AppProcess]) -> None:
        self.all = tuple(processes)
        self.workers = tuple(process for process in self.all if process.works)

    @property
    def up(self) -> bool:
        """Whether all are."""
        return all(process.up for process in self.all)

    @contextmanager
    def running(self) -> Iterator[None]:
        """All started; stopped when the block ends."""
        with ExitStack() as stack:
            for process in self.all:
                stack.enter_context(process.running())
            yield
            for process in self.all:
                process.ask_to_end()

    def look(self) -> None:
        """See which have come up."""
        for process in self.all:
            process.look()

    def have_ended(self) -> bool:
        """Whether one ended by itself. One of several may be killed: the others go on."""
        codes = [code for process in self.all if (code := process.ended()) is not None]
        return any(code >= 0 or len(self.all) == 1 for code in codes)

    def start_again(self, echo: Callable[[str], None]) -> None:
        """Start another for each that was killed, and say so."""
        for process in self.all:
            if process.ended() is not None:
                pid = process.pid
                process.start_again()
                echo(f"  {process.name} {pid} was killed; another runs as {process.pid}.")
