"""The race that remains: a person speaks while the app's comment is on its way to Jira.

.venv/bin/python -m bench.race [takeovers]
"""

from __future__ import annotations

import random
import sys
import time
from contextlib import ExitStack
from datetime import timedelta

import structlog

from bench import stage
from bench.results import Result
from tests.support.world import World, world

TAKEOVERS = 50
LATENCY = 0.15
METHOD = (
    "Jira has no conditional post: it takes a comment whatever was written meanwhile. So the app"
    " looks at the newest comments right before it posts. Here an agent speaks at a random moment"
    f" around the posting, again and again, while each answer of Jira's takes {1000 * LATENCY:.0f}"
    " ms, as it may over a network; counted is how often the app's comment still came after the"
    " person's, and by how much. One process on SQLite."
)
BOUNDS = (
    "two requests to Jira: what is written between the look's answer being made and the comment"
    " being taken is not seen. So it grows with Jira's latency, and with nothing of the app's."
)


def run(takeovers: int = TAKEOVERS) -> Result:
    with ExitStack() as stack:
        here = stack.enter_context(world(stack.enter_context(stage.database("sqlite"))))
        here.openai.answers("Because of the new storage.")
        here.jira.faults.add("*", "**", "slow", None, seconds=LATENCY)
        late = [_takeover(here, number) for number in range(takeovers)]
    result = Result("The race that remains between a person and the app's comment", METHOD, BOUNDS)
    behind = sorted(one.total_seconds() for one in late if one is not None)
    latest = f", at most {1000 * behind[-1]:.0f} ms after" if behind else ""
    result.figures.append(
        f"{len(late)} takeovers: after the person's comment came {len(behind)} of the app's{latest}"
    )
    return result


def _takeover(here: World, number: int) -> timedelta | None:
    """By how much the app's comment came after the person's; None where it came not at all, or
    before it.
    """
    key = here.jira.create_issue("OPS", f"Race {number}", by="rita").key
    # What it takes until it is posted: about six answers of Jira's, and the settling before them.
    time.sleep(random.uniform(0.0, 10 * LATENCY + 0.3))  # noqa: S311  (not a secret)
    spoken = here.jira.comment(key, "I take this one.", by="agnes").created
    here.run_until_idle()
    account = here.jira.app_account.account_id
    ours = [one.created for one in here.jira.comments(key) if one.author.account_id == account]
    assert len(ours) <= 1
    return ours[0] - spoken if ours and ours[0] > spoken else None


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else TAKEOVERS).markdown())
