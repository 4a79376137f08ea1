"""The patches fit the code, and name tests that exist; ``make mutants`` runs them."""

from __future__ import annotations

import re

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


def test_no_guard_is_taken_out_twice() -> None:
    assert len({(one.file, one.find) for one in MUTANTS}) == len(MUTANTS)
