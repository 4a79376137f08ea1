"""``make mutants``: take each guard out of a copy, and see its test turn red.

    python -m tests.mutants [--only WORD]

First the tests are run where every guard stands: all have to be green. Then a mutant that
survives, and a test that does not even run, are failures of this command.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.guards import MUTANTS
from tests.mutants.mutant import ROOT, Mutant

AT_ONCE = 2
LONGEST = 240  # seconds, of one test
LONGEST_OF_ALL = 1_800
GREEN, RED = 0, 1  # pytest's exit codes: all passed; tests ran, and some failed
COPIED = ("app", "tests", "templates", "static", "docs", "atlassian-connect.json", "pyproject.toml")
COPIED_TOO = ("README.md", "CHANGELOG.md", "Makefile")


def main() -> int:
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--only", default="", help="those whose words or test hold this")
    only = parser.parse_args().only
    chosen = [one for one in MUTANTS if only in f"{one.guards} {one.file} {one.test}"]
    if not _are_green(chosen):
        return 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        survived = [
            one for one, red in zip(chosen, pool.map(_turns_red, chosen), strict=True) if not red
        ]
    _say(f"{len(chosen) - len(survived)} of {len(chosen)} guards are missed when they are gone")
    return 1 if survived else 0


def _are_green(mutants: Sequence[Mutant]) -> bool:
    """Whether every test passes, and none is skipped, as long as nothing is taken out."""
    named = sorted({one.test for one in mutants})
    with _copy_of_the_tree() as tree:
        flags = ["-n", str(AT_ONCE), "--dist", "loadfile", "--no-skips"]
        code, said = _run(tree, [*flags, *named], LONGEST_OF_ALL)
    green = code == GREEN
    _say(f"{'green   ' if green else 'NOT GREEN'}  {len(named)} tests with every guard in place")
    if not green:
        _say(said[-4000:])
    return green


def _turns_red(mutant: Mutant) -> bool:
    with _copy_of_the_tree() as tree:
        mutant.apply(tree)
        code, said = _run(tree, ["-x", "-p", "no:randomly", mutant.test], LONGEST)
    red = code == RED and " failed" in said
    _say(f"{'red     ' if red else 'SURVIVED'}  {mutant.guards}  [{mutant.test}]")
    if not red:
        _say(said[-2000:])
    return red


def _run(tree: Path, arguments: Sequence[str], seconds: float) -> tuple[int, str]:
    """Pytest's exit code, -1 where it did not end in time, and what it said."""
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            cwd=tree,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "it did not end"
    return run.returncode, run.stdout


@contextmanager
def _copy_of_the_tree() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="jira-chatkit-mutant-") as folder:
        tree = Path(folder)
        for name in (*COPIED, *COPIED_TOO):
            _copy(ROOT / name, tree / name)
        yield tree


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    elif source.exists():
        shutil.copyfile(source, target)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
