"""Those who ask during a storm, and those who watch: cut off at random, always coming back."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import httpx2

from tests.support.events import EventSource
from tests.support.talks import Chat, open_session
from tests.support.world import World

LONGEST_READS = (300, 1_500, 100_000)
"""Bytes of a stream until the next cut: few, or enough for a whole thread's snapshot."""
CANARY = "CANARY-7f3a"
"""Stands in every internal note, and may be found nowhere else."""


class Watcher:
    """Reads a thread's stream from its beginning, now here and now there, until it is called off.

    Attributes:
        cuts: how often a connection was cut between two bytes.
        lost: how often one ended or was refused by itself.
    """

    def __init__(self, key: str, thread_id: str, token: str, urls: list[str], seed: int) -> None:
        self.key = key
        self.thread_id = thread_id
        self.cuts = self.lost = 0
        self.source = EventSource("", token)
        self._urls = urls
        self._luck = random.Random(seed)
        self._last: int | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __str__(self) -> str:
        refused = self.source.refused
        why = f", refused: {refused.status_code} {refused.text}" if refused is not None else ""
        return f"the watcher of {self.key}, at {self.standing} of {self._last}{why},"

    @property
    def standing(self) -> int:
        """The number of the newest event that it has."""
        numbers = self.source.numbers()
        return numbers[-1] if numbers else -1

    def leave_after(self, last: int) -> None:
        """Go away once the event of that number has come."""
        self._last = last

    def has_left(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _is_done(self) -> bool:
        return self._last is not None and self.standing >= self._last

    def _read(self) -> None:
        while not self._is_done():
            self.source.url = f"{self._luck.choice(self._urls)}/api/threads/{self.thread_id}/events"
            most = self._luck.randint(1, self._luck.choice(LONGEST_READS))
            if self._read_on(most) >= most:
                self.cuts += 1
            else:
                self.lost += 1
                time.sleep(self._luck.uniform(0.2, 0.6))  # what is down must have room to come up

    def _read_on(self, most: int) -> int:
        """How many bytes came, until so many had, the line broke, or all was told."""
        read = 0
        with suppress(httpx2.TransportError):
            for chunk in self.source.chunks(most):
                read += len(chunk)
                if self._is_done():
                    break
        return read


@dataclass
class Asked:
    """A question: how it was put, and when."""

    mark: str
    key: str
    by_panel: bool


@dataclass
class Conversation:
    """Somebody who asks on one issue after another, by comments and in the panel.

    Attributes:
        urls: of the processes; either may be down at any time.
        asked: all that was asked and taken: a comment stands in Jira, a message was answered 202.
    """

    here: World
    urls: list[str]
    name: int
    seed: int
    asked: list[Asked] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    notes: int = 0

    def __post_init__(self) -> None:
        self._luck = random.Random(self.seed)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def end(self, seconds: float) -> bool:
        """Ask nothing more; whether it came to its end."""
        self._left.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _talk(self) -> None:
        turn = 0
        while not self._left.is_set():
            turn += 1
            service = self._luck.random() < 0.3
            by = "carlos" if service else "rita"
            project = "SUP" if service else "OPS"
            key = self.here.jira.create_issue(project, f"Issue {self.name}.{turn}", by=by).key
            if service:
                self.here.jira.comment(key, f"{CANARY} She owes us.", by="agnes", internal=True)
                self.notes += 1
            chat = self._opened(key, by)
            for at in range(self._luck.randint(2, 4)):
                if self._left.is_set():
                    break
                mark = f"Q{self.name}x{turn}x{at}"
                if not service and chat is not None and self._luck.random() < 0.4:
                    self._say(chat, key, mark)
                else:
                    self.here.jira.comment(key, f"What of {mark}?", by=by)
                    self.asked.append(Asked(mark, key, by_panel=False))
                self._left.wait(self._luck.uniform(0.05, 1.5))
            self._left.wait(self._luck.uniform(0.5, 3.0))

    def _opened(self, key: str, by: str) -> Chat | None:
        """A session on the issue's public thread, and somebody who watches it."""
        while not self._left.is_set():
            with suppress(httpx2.TransportError, AssertionError):
                answer = open_session(self.here, key, by)
                if answer.status_code == httpx2.codes.OK:
                    chat = Chat(self.here, key, by)
                    seed = self._luck.randrange(2**32)
                    watcher = Watcher(key, chat.thread_id, chat.token, self.urls, seed)
                    self.watchers.append(watcher)
                    return chat
            self._left.wait(0.5)
        return None

    def _say(self, chat: Chat, key: str, mark: str) -> None:
        """Send it again and again under one name, until the app says that it has it."""
        message = {"text": f"And what of {mark}?", "client_id": mark}
        while True:
            with suppress(httpx2.TransportError):
                answer = chat.post("/messages", message)
                if answer.status_code == httpx2.codes.ACCEPTED:
                    self.asked.append(Asked(mark, key, by_panel=True))
                    return
                if answer.status_code < 500:
                    return
            time.sleep(0.4)
