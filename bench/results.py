"""What a benchmark found, and how it is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench import machine

QUIET = 0.7
"""Load before a benchmark, above which its figures say that other work went on."""


@dataclass
class Result:
    """One benchmark's.

    Attributes:
        title: what was measured.
        method: how, and against whom.
        ratios: against a peer or an aim, the first thing that is told.
        figures: what was seen.
        bounds: what keeps it from being better.
    """

    title: str
    method: str
    bounds: str
    ratios: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    load: float = field(default_factory=machine.load)

    def markdown(self) -> str:
        quiet = "" if self.load < QUIET else f"The machine was busy before: load {self.load:.1f}."
        parts = [
            f"## {self.title}",
            _list([f"**{ratio}**" for ratio in self.ratios]),
            _list(self.figures),
            self.method,
            f"What bounds it: {self.bounds}",
            quiet,
        ]
        return "\n\n".join(part for part in parts if part)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies (nearest rank)."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
