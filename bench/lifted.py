"""``jira-chatkit`` with room for 256 turns at once, of one tenant or of many."""

from __future__ import annotations

from app import cli
from app.turns import scheduler

AT_ONCE = 256

if __name__ == "__main__":
    scheduler.AT_ONCE = scheduler.PER_TENANT = AT_ONCE
    cli.run()
