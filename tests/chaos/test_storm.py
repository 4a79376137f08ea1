"""A short storm; ``make chaos`` is the long form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.storm import Force, storm


@pytest.mark.timeout(240)
def test_nothing_is_lost_or_doubled_in_a_storm(database_url: str, tmp_path: Path) -> None:
    force = Force(kills=3, cuts=15, people=3)
    with (tmp_path / "said").open("wb") as said:
        verdict = storm(database_url, force, seed=7, say=lambda _: None, said=said)
    assert verdict.holds, str(verdict)
    assert verdict.questions >= verdict.replies > 0
    assert (verdict.kills, verdict.cuts >= 15) == (3, True)
