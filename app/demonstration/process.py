"""The app's process: started, looked at, killed for the tour, and stopped."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2

from app import settings as settings_module

PATIENCE = 30.0
"""Seconds for the app to end."""
ANSWERS_WITHIN = 2.0


class AppProcess:
    """The app in a process and group of its own: Ctrl-C reaches it through us, in order.

    Any thread may kill it; another is started in its place, until it is stopped.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._up = False

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
        url = f"{self._values['APP_BASE_URL']}/readyz"
        try:
            ready = httpx2.get(url, timeout=ANSWERS_WITHIN, trust_env=False).status_code == 200
        except httpx2.TransportError:
            return
        with self._lock:
            self._up = ready and self._process is process

    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        with self._lock:
            return self._process is not None and self._process.poll() is not None

    def kill(self) -> None:
        """End it by kill -9 and start another at once; not one that has ended already."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                return
            self._up = False
            self._process.kill()
            self._process.wait()
            self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "app.cli", "serve"]
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
