"""``make chaos``: storms over both databases; the counts, and whether every guarantee held.

python -m tests.chaos --kills 200 --cuts 1000 --seed 7
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.settings import load
from app.store.database import Database
from tests.chaos.storm import Force, storm
from tests.support import postgresql


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of processes, on each database")
    parser.add_argument("--cuts", type=int, default=1000, help="of streams, on each database")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # the simulators', cut off as well
    kinds = ("sqlite", "postgresql") if given.database == "both" else (given.database,)
    held = True
    for kind in kinds:
        print(f"{kind}, seed {given.seed}", flush=True)  # noqa: T201
        log = Path(tempfile.gettempdir(), f"jira-chatkit-chaos-{kind}.log")
        with _database(kind) as url, log.open("wb") as said:
            verdict = storm(url, Force(given.kills, given.cuts), given.seed, _say, said)
        if not verdict.holds:
            _say(f"what the processes said: {log}")
        held = held and verdict.holds
        print(f"{kind}: {verdict}", flush=True)  # noqa: T201
    print("every guarantee held" if held else "A GUARANTEE BROKE", flush=True)  # noqa: T201
    return 0 if held else 1


def _say(line: str) -> None:
    print(f"  {line}", flush=True)  # noqa: T201


@contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="jira-chatkit-") as folder:
            yield from _migrated(f"sqlite:///{folder}/app.db")
    else:
        programs = postgresql.binaries()
        if programs is None:
            raise SystemExit(postgresql.MISSING)
        with postgresql.running(programs) as server, server.database() as url:
            yield from _migrated(url)


def _migrated(url: str) -> Iterator[str]:
    database = Database.open(load(database_url=url))
    database.migrate()
    database.close()
    yield url


if __name__ == "__main__":
    sys.exit(main())
