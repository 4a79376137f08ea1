"""What is to go wrong, on either simulated system, and how often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Generic, TypeVar


@dataclass(frozen=True, kw_only=True)
class Mischief:
    """One thing that goes wrong.

    Attributes:
        number: by which it is told from the others.
        times: how often it still strikes; None is until it is cleared.
    """

    number: int = 0
    times: int | None = 1


M = TypeVar("M", bound=Mischief)


class Waiting(Generic[M]):
    """What still awaits its moment: the counted before what stands until it is cleared, else
    first come, first served. Any thread may add, take and look.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[M] = []
        self._numbers = count(1)

    @property
    def waiting(self) -> list[M]:
        """In the order in which they were added."""
        with self._lock:
            return list(self._waiting)

    def remove(self, number: int) -> None:
        """Take one away, if it still waits."""
        with self._lock:
            self._waiting = [one for one in self._waiting if one.number != number]

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def _put(self, mischief: M) -> None:
        with self._lock:
            self._waiting.append(replace(mischief, number=next(self._numbers)))

    def _take(self, fits: Callable[[M], bool]) -> M | None:
        with self._lock:
            fitting = [one for one in self._waiting if fits(one)]
            if not fitting:
                return None
            struck = min(fitting, key=lambda one: one.times is None)
            if struck.times == 1:
                self._waiting.remove(struck)
            elif struck.times is not None:
                index = self._waiting.index(struck)
                self._waiting[index] = replace(struck, times=struck.times - 1)
            return struck
