"""kill -9 in the middle of it: answered once after the start."""

from __future__ import annotations

import httpx2
import pytest

from tests.support.world import QUICK, AppProcess, World, until, world_of_processes

COMMENTS = "/rest/api/3/issue/*/comment"


def _installed(here: World, app: AppProcess) -> None:
    app.start()
    here.install(**QUICK)


def test_a_restart_while_the_model_writes(database_url: str) -> None:
    with world_of_processes(database_url) as (here, app):
        _installed(here, app)
        here.openai.answers("It is slow because the new storage writes everything twice.")
        here.openai.hold(after=6)
        here.jira.comment("OPS-1", "Why?")
        until(lambda: len(here.items()) == 2, "the answer to be begun")

        app.kill()
        here.openai.release()
        app.start()
        until(lambda: here.answers("OPS-1"), "the answer", 40)
        here.run_until_idle()

        assert len(here.answers("OPS-1")) == 1
        assert len(here.items()) == 2
        kinds = [event.type for event in here.events()]
        assert kinds.count("turn.started") == 2
        again = len(kinds) - 1 - kinds[::-1].index("turn.started")
        assert "thread.item.removed" in kinds[:again]


def test_a_restart_after_jira_took_the_comment_and_before_we_knew(database_url: str) -> None:
    with world_of_processes(database_url) as (here, app):
        _installed(here, app)
        here.jira.webhooks.hold()  # nor does its webhook tell us
        here.jira.faults.add("POST", COMMENTS, "hang", seconds=60)
        comment = here.jira.comment("OPS-1", "Why?")
        here.jira.webhooks.release()
        until(lambda: _posting(here), "the posting to be tried")

        app.kill()
        here.jira.faults.clear()
        [turn] = here.turns()
        here.jira.comment(  # as Jira has it now
            "OPS-1",
            "It stands already.",
            by="app",
            properties={"jira-chatkit": {"turn_id": turn.id, "role": "assistant"}},
            deliver=False,
        )
        app.start()
        until(lambda: here.turns()[0].state == "completed", "the turn to end", 40)

        assert here.answers("OPS-1") == ["It stands already."]
        assert here.turns()[0].comment_id == here.jira.comments("OPS-1")[-1].id
        assert comment.id != here.turns()[0].comment_id


def _posting(here: World) -> bool:
    return any(turn.posts for turn in here.turns())


def test_a_webhook_is_answered_only_once_it_is_durable(database_url: str) -> None:
    with world_of_processes(database_url) as (here, app):
        _installed(here, app)
        here.openai.hold()
        here.jira.comment("OPS-1", "Why?")
        here.jira.webhooks.wait_until_delivered()

        app.kill()
        here.openai.release()
        app.start()
        until(lambda: here.answers("OPS-1"), "the answer", 40)

        assert len(here.answers("OPS-1")) == 1


def test_a_stop_hands_the_turn_on(database_url: str) -> None:
    with world_of_processes(database_url) as (here, app):
        _installed(here, app)
        here.openai.hold()
        here.jira.comment("OPS-1", "Why?")
        until(lambda: here.openai.active_streams, "the model to begin")

        assert app.stop() == 0
        here.openai.release()
        app.start()
        until(lambda: here.answers("OPS-1"), "the answer")
        here.run_until_idle()

        assert len(here.answers("OPS-1")) == 1


def test_it_lives_and_counts(database_url: str) -> None:
    with world_of_processes(database_url) as (here, app):
        _installed(here, app)

        assert httpx2.get(f"{here.url}/healthz", trust_env=False).text == "ok\n"
        assert "jira_chatkit_deliveries" in httpx2.get(f"{here.url}/metrics", trust_env=False).text


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_what_was_asked_before_the_first_worker_came_is_answered(database_url: str) -> None:
    with world_of_processes(database_url) as (here, web):
        web.start("serve", "--no-worker")
        here.install(**QUICK)
        here.jira.comment("OPS-1", "Why?")
        here.jira.webhooks.wait_until_delivered()

        worker = AppProcess(web.values)
        worker.start("worker")
        try:
            until(lambda: here.answers("OPS-1"), "the answer", 40)
            here.run_until_idle()
        finally:
            worker.stop()

        assert len(here.answers("OPS-1")) == 1
