"""A worker as a program of its own, which stands still at a step, once, until it is woken.

python -m tests.support.standing_still STEP

``sending`` is the last moment before a comment is sent to Jira.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

from app import logs
from app import settings as settings_module
from app.jira.client import JiraClient
from tests.support.workers import BRISK, at_work

SENDING = "sending"
_stood: list[str] = []


def stand_still(step: str) -> None:
    if step == sys.argv[1] and not _stood:
        _stood.append(step)
        os.kill(os.getpid(), signal.SIGSTOP)


async def at_step(step: str) -> None:
    stand_still(step)


class Sleepy:
    """A client that stands still before the check of its last moment."""

    def __init__(self, client: JiraClient) -> None:
        self._client = client

    def checked(self, check: Callable[[], None]) -> JiraClient:
        def sleep_and_check() -> None:
            stand_still(SENDING)
            check()

        return self._client.checked(sleep_and_check)

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)


async def main() -> None:
    settings = settings_module.with_secret_keys(settings_module.load())
    logs.configure(settings.log_format, settings.log_level)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with at_work(settings, BRISK, at_step, Sleepy):  # type: ignore[arg-type]
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())
