"""The race that remains: a person speaks while the app's comment is on its way to Jira.

    python -m bench.race [--takeovers 100] [--latency 0.15]

Jira takes a comment whatever was written meanwhile: it has no conditional post. So the app looks
at the newest comments right before it posts, and what is written between that look and Jira's
commit is not seen. Here an agent speaks at a random moment around the posting, again and again,
while each of Jira's answers takes its time as it does over a network; counted is how often the
app's comment still came after the person's, and by how much.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from datetime import timedelta

import structlog

from app.settings import load
from app.store.database import Database
from tests.support.world import World, world


def main() -> int:
    parser = argparse.ArgumentParser(prog="race", description=__doc__)
    parser.add_argument("--takeovers", type=int, default=100)
    parser.add_argument("--latency", type=float, default=0.15, help="seconds a request to Jira")
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory(prefix="jira-chatkit-") as folder:
        url = f"sqlite:///{folder}/app.db"
        database = Database.open(load(database_url=url))
        database.migrate()
        database.close()
        with world(url) as here:
            here.openai.answers("Because of the new storage.")
            here.jira.faults.add("*", "**", "slow", None, seconds=given.latency)
            late = [_takeover(here, number, given.latency) for number in range(given.takeovers)]
    _report(late, given.latency)
    return 0


def _takeover(here: World, number: int, latency: float) -> timedelta | None:
    """By how much the app's comment came after the person's; None where it came not at all, or
    before it.
    """
    key = here.jira.create_issue("OPS", f"Race {number}", by="rita").key
    # What it takes until it is posted: about six answers of Jira's, and the settling before them.
    time.sleep(random.uniform(0.0, 10 * latency + 0.3))  # noqa: S311  (not a secret)
    spoken = here.jira.comment(key, "I take this one.", by="agnes").created
    here.run_until_idle()
    account = here.jira.app_account.account_id
    ours = [one.created for one in here.jira.comments(key) if one.author.account_id == account]
    assert len(ours) <= 1
    return ours[0] - spoken if ours and ours[0] > spoken else None


def _report(late: list[timedelta | None], latency: float) -> None:
    behind = sorted(one.total_seconds() for one in late if one is not None)
    sys.stdout.write(
        f"{len(late)} takeovers, {1000 * latency:.0f} ms a request: "
        f"{len(behind)} comments of the app's came after the person's"
    )
    sys.stdout.write(f", at most {1000 * behind[-1]:.0f} ms after\n" if behind else "\n")


if __name__ == "__main__":
    sys.exit(main())
