"""What an uninstall ends beside the answers that are under way."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from tests.support.clock import ShiftedClock
from tests.support.talks import Chat
from tests.support.world import world


def test_what_waited_for_an_answer_when_the_app_left_is_not_answered_after_a_reinstall(
    sqlite_template: Path, tmp_path: Path
) -> None:
    clock = ShiftedClock()
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    with world(f"sqlite:///{tmp_path / 'app.db'}", clock=clock) as here:
        Chat(here, "OPS-1", "agnes").does("pause")
        here.jira.comment("OPS-1", "Why?", by="rita")
        here.run_until_idle()
        assert [item.asks for item in here.items()] == [True]

        clock.ahead += timedelta(seconds=2)  # the lifecycle counts in seconds
        here.jira.uninstall()
        clock.ahead += timedelta(seconds=2)
        here.install()
        Chat(here, "OPS-1", "agnes").does("resume")
        here.run_until_idle()

        assert here.openai.requests == []
        assert here.answers("OPS-1") == []
