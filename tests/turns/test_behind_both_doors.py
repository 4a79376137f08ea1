"""The guarantees that a door could break, behind each door and on each database."""

from __future__ import annotations

from tests.support.world import World


def test_told_twice_and_in_any_order_everything_is_answered_once(here: World) -> None:
    here.jira.webhooks.duplicate = 2
    here.jira.webhooks.hold()
    for text in ("Why?", "And since when?"):
        here.jira.comment("OPS-1", text)
    here.jira.webhooks.release("reversed")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1
    assert [item.text for item in here.items()[:2]] == ["Why?", "And since when?"]


def test_a_person_who_may_work_the_issue_takes_over(here: World) -> None:
    here.jira.comment("OPS-1", "I shall see to it.", "agnes")
    here.run_until_idle()
    here.jira.comment("OPS-1", "Thanks. And when?", "rita")
    here.run_until_idle()
    assert here.answers("OPS-1") == []


def test_what_is_not_public_reaches_no_model(here: World) -> None:
    here.jira.comment("SUP-1", "CANARY-NOTE", "agnes", internal=True)
    here.jira.comment("OPS-1", "CANARY-ROLE", "rita", visibility=("role", "Administrators"))
    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1
    assert "CANARY" not in here.given()


def test_whoever_leaves_is_answered_no_more(here: World) -> None:
    here.jira.webhooks.hold()
    here.jira.comment("OPS-1", "Why?")
    here.jira.uninstall()
    here.jira.webhooks.release()
    here.run_until_idle()
    assert here.tenant().state == "uninstalled"
    assert here.turns() == []
