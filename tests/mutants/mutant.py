"""One guard taken out of the code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """A patch and the test that notices it.

    Attributes:
        guards: what breaks without it, in the words of whoever would suffer.
        file: from the project's root.
        find: what stands there, exactly once.
        put: what stands there instead.
        test: pytest's id of a test that is green, and must turn red.
    """

    guards: str
    file: str
    find: str
    put: str
    test: str

    def places(self) -> int:
        """How often it fits; once is right."""
        return (ROOT / self.file).read_text(encoding="utf-8").count(self.find)

    def apply(self, tree: Path) -> None:
        """Take the guard out of a copy of the project."""
        path = tree / self.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(self.find, self.put), encoding="utf-8")
