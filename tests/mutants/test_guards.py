"""The patches fit the code, and name tests that exist; ``make mutants`` runs them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.mutants.guards import MUTANTS
from tests.mutants.mutant import ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.guards)
def test_it_fits_in_one_place_and_names_a_test(mutant: Mutant) -> None:
    assert mutant.places() == 1
    file, _, name = mutant.test.partition("::")
    test = name.partition("[")[0].rpartition("::")[2]
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^ *(async )?def {test}\(", text, re.MULTILINE)


def test_the_tests_that_are_named_are_found() -> None:
    named = sorted({one.test for one in MUTANTS})
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", *named],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr


def test_no_guard_is_taken_out_twice() -> None:
    assert len({(one.file, one.find) for one in MUTANTS}) == len(MUTANTS)
