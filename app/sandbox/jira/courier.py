"""Webhooks on their way to the app, with everything that goes wrong on such a way.

Jira delivers at least once, in no promised order, and tries again five times on 408, 409, 425,
429, 5xx and time-outs. Here the waits between are short; the switches below make the rest of
a bad day.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

import httpx2

from app.sandbox.jira import outbound
from app.sandbox.jira.mishaps import Mishaps

RETRY_DELAYS = (0.05, 0.1, 0.2, 0.3, 0.4)
RETRIED = frozenset({408, 409, 425, 429})
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
AT_ONCE = 50

Sign = Callable[[str, str], str]


@dataclass
class Delivery:
    """One event for one webhook of the app. ``statuses`` has an entry for each try: the
    answer's status, or None where no answer came. ``late`` and ``copies`` are its mishaps.
    """

    event: str
    identifier: str
    url: str
    body: bytes = field(repr=False)
    statuses: list[int | None] = field(default_factory=list)
    late: float = 0.0
    copies: int = 1

    @property
    def accepted(self) -> bool:
        return any(status is not None and 200 <= status < 300 for status in self.statuses)


class Courier:
    """Delivers on the loop of the served site.

    Args:
        sign: makes the request token for a method and URL, at the moment of each try.
        retry_delays: seconds before each further try.

    Attributes:
        delay: seconds to wait before the first try.
        duplicate: how often more than once each delivery is made, with one identifier.
        drop: the next so many deliveries are lost; their log entries stay without a status.
        mishaps: the same, counted, for people who play; see ``Mishaps.add``.
        deliveries: everything that was to be delivered, oldest first.
    """

    def __init__(self, sign: Sign, retry_delays: Sequence[float] = RETRY_DELAYS) -> None:
        self.delay = 0.0
        self.duplicate = 0
        self.drop = 0
        self.mishaps = Mishaps()
        self.deliveries: list[Delivery] = []
        self.answer_seconds = ANSWER_SECONDS
        self._sign = sign
        self._retry_delays = tuple(retry_delays)
        self._changed = threading.Condition()
        self._held: list[Delivery] | None = None
        self._waiting: list[Delivery] = []
        self._pending = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx2.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, event: str, url: str, body: bytes) -> None:
        """Put one delivery on its way, or with the held ones."""
        delivery = Delivery(event, uuid4().hex, url, body)
        if late := self.mishaps.take("late"):
            delivery.late = late.seconds
        if self.mishaps.take("doubled"):
            delivery.copies += 1
        with self._changed:
            self.deliveries.append(delivery)
            if self.drop:
                self.drop -= 1
            elif self.mishaps.take("dropped"):
                return
            elif self._held is not None:
                self._held.append(delivery)
            else:
                self._start(delivery)

    def hold(self) -> None:
        """Keep back what comes from now on, until ``release``."""
        with self._changed:
            if self._held is None:
                self._held = []

    def release(self, order: Literal["kept", "reversed", "shuffled"] = "kept") -> None:
        with self._changed:
            held, self._held = self._held or [], None
            if order == "reversed":
                held.reverse()
            elif order == "shuffled":
                random.shuffle(held)
            for delivery in held:
                self._start(delivery)

    def redeliver(
        self, identifier: str, *, times: int = 50, concurrently: bool = True
    ) -> list[int | None]:
        """Deliver one again, and again; the statuses, once all are answered.

        Not to be called on the site's own loop.
        """
        delivery = next(one for one in self.deliveries if one.identifier == identifier)

        async def again() -> list[int | None]:
            tries = [self._try(delivery, retry=index + 1) for index in range(times)]
            if concurrently:
                return list(await asyncio.gather(*tries))
            return [await each for each in tries]

        return self._run(again())

    def wait_until_delivered(self, timeout: float = 30.0) -> None:
        """Come back when nothing is on its way any more; what is held back does not count.

        Raises:
            TimeoutError: something still is, after ``timeout`` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._pending, timeout):
                raise TimeoutError(f"{self._pending} webhooks are still on their way")

    async def start(self) -> None:
        """Called on the loop of the served site."""
        timeout = httpx2.Timeout(self.answer_seconds, connect=CONNECT_SECONDS, pool=None)
        self._client = outbound.async_client(timeout, AT_ONCE)
        with self._changed:
            self._loop = asyncio.get_running_loop()
            waiting, self._waiting = self._waiting, []
        for delivery in waiting:
            self._begin(delivery)

    async def stop(self) -> None:
        """Give up what is on its way."""
        with self._changed:
            self._loop = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _start(self, delivery: Delivery) -> None:
        self._pending += 1
        if self._loop is None:
            self._waiting.append(delivery)
        else:
            self._loop.call_soon_threadsafe(self._begin, delivery)

    def _begin(self, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        with self._changed:
            self._pending -= 1
            self._changed.notify_all()

    async def _deliver(self, delivery: Delivery) -> None:
        await asyncio.sleep(self.delay + delivery.late)
        copies = delivery.copies + self.duplicate
        await asyncio.gather(*(self._with_retries(delivery) for _ in range(copies)))

    async def _with_retries(self, delivery: Delivery) -> None:
        for count, wait in enumerate((0.0, *self._retry_delays)):
            await asyncio.sleep(wait)
            status = await self._try(delivery, retry=count)
            if self._is_settled(status):
                return

    async def _try(self, delivery: Delivery, *, retry: int) -> int | None:
        assert self._client is not None
        content, headers = self._content(delivery, retry), self._headers(delivery, retry)
        try:
            answer = await self._client.post(delivery.url, content=content, headers=headers)
        except httpx2.TransportError:
            status = None
        else:
            status = answer.status_code
        with self._changed:
            delivery.statuses.append(status)
        return status

    def _is_settled(self, status: int | None) -> bool:
        """Whether a try with that answer was the last."""
        return status is not None and status not in RETRIED and status < 500

    def _content(self, delivery: Delivery, retry: int) -> bytes:  # noqa: ARG002  (Forge tells it)
        return delivery.body

    def _headers(self, delivery: Delivery, retry: int) -> dict[str, str]:
        headers = {
            "Authorization": f"JWT {self._sign('POST', delivery.url)}",
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Atlassian Webhook HTTP Client",
            "X-Atlassian-Webhook-Identifier": delivery.identifier,
            "X-Atlassian-Webhook-Flow": "Primary",
        }
        if retry:
            headers["X-Atlassian-Webhook-Retry"] = str(retry)
        return headers

    def _run(self, work: Coroutine[Any, Any, list[int | None]]) -> list[int | None]:
        assert self._loop is not None, "the site is not being served"
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
