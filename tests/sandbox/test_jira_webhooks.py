"""Webhooks as Jira delivers them, on good days and on bad ones."""

from __future__ import annotations

import pytest

from app.sandbox.jira import JiraSite
from tests.sandbox.receiver import TinyApp, call, installed, paragraph

FAST = (0.0, 0.0, 0.0, 0.0, 0.0)


def names(app: TinyApp) -> list[str]:
    return [one.body["webhookEvent"] for one in app.webhooks]


def bodies(app: TinyApp) -> list[str]:
    return [one.body["comment"]["body"] for one in app.webhooks]


def test_what_happens_on_the_site_is_told_to_the_app() -> None:
    with installed() as (jira, app):
        key = jira.create_issue("OPS", "New", "with a body").key
        jira.webhooks.wait_until_delivered()
        comment = jira.comment(key, "why?")
        jira.webhooks.wait_until_delivered()
        jira.edit_comment(comment, "why not?")
        jira.webhooks.wait_until_delivered()
        jira.delete_comment(comment)
        jira.webhooks.wait_until_delivered()
        jira.assign(key, "agnes")
        jira.webhooks.wait_until_delivered()
        jira.delete_issue(key)
        jira.webhooks.wait_until_delivered()

        assert names(app) == [
            "jira:issue_created",
            "comment_created",
            "comment_updated",
            "comment_deleted",
            "jira:issue_updated",
            "jira:issue_deleted",
        ]
        created, commented, edited = app.webhooks[:3]
        assert created.body["issue"]["fields"]["description"] == "with a body"
        assert commented.body["user"]["accountId"] == jira.account_id("rita")
        assert commented.body["comment"]["self"].endswith(
            f"/rest/api/2/issue/{comment.issue_id}/comment/{comment.id}"
        )
        assert edited.body["comment"]["body"] == "why not?"
        assert commented.headers["x-atlassian-webhook-flow"] == "Primary"
        assert "x-atlassian-webhook-retry" not in commented.headers


def test_the_apps_own_comments_are_told_to_it_as_well() -> None:
    with installed() as (jira, app):
        call(jira, "POST", "/rest/api/3/issue/OPS-1/comment", {"body": paragraph("42")})
        jira.webhooks.wait_until_delivered()

        assert app.webhooks[0].body["comment"]["author"]["accountType"] == "app"


def test_the_payload_says_public_even_of_an_internal_note() -> None:
    with installed() as (jira, app):
        jira.comment("SUP-1", "psst", by="agnes", internal=True)
        jira.webhooks.wait_until_delivered()

        assert app.webhooks[0].body["comment"]["jsdPublic"] is True


def test_a_mention_is_written_as_wiki_text() -> None:
    with installed() as (jira, app):
        jira.comment("OPS-1", jira.mentioning("agnes", "can you look?"))
        jira.webhooks.wait_until_delivered()

        expected = f"[~accountid:{jira.account_id('agnes')}] can you look?"
        assert bodies(app) == [expected]


def test_a_comment_may_come_without_its_issue() -> None:
    with installed() as (jira, app):
        jira.with_issue_in_comment_webhooks = False
        jira.comment("OPS-1", "why?")
        jira.resolve("OPS-1")
        jira.webhooks.wait_until_delivered()

        by_name = {one.body["webhookEvent"]: one.body for one in app.webhooks}
        assert "issue" not in by_name["comment_created"]
        updated = by_name["jira:issue_updated"]
        assert [item["field"] for item in updated["changelog"]["items"]] == ["status", "resolution"]
        assert updated["issue"]["fields"]["status"]["statusCategory"]["key"] == "done"


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_a_busy_app_is_asked_again_with_the_same_identifier(status: int) -> None:
    with installed(JiraSite(retry_delays=FAST)) as (jira, app):
        app.answers = [status, status]
        jira.comment("OPS-1", "why?")
        jira.webhooks.wait_until_delivered()

        tried = [one.headers for one in app.webhooks]
        assert [headers.get("x-atlassian-webhook-retry") for headers in tried] == [None, "1", "2"]
        assert len({headers["x-atlassian-webhook-identifier"] for headers in tried}) == 1
        delivery = jira.webhooks.deliveries[0]
        assert delivery.statuses == [status, status, 204]
        assert delivery.accepted


@pytest.mark.parametrize("status", [400, 401, 404, 302])
def test_another_answer_is_final(status: int) -> None:
    with installed(JiraSite(retry_delays=FAST)) as (jira, app):
        app.answers = [status]
        jira.comment("OPS-1", "why?")
        jira.webhooks.wait_until_delivered()

        assert jira.webhooks.deliveries[0].statuses == [status]
        assert not jira.webhooks.deliveries[0].accepted


def test_after_five_more_tries_a_webhook_is_lost() -> None:
    with installed(JiraSite(retry_delays=FAST)) as (jira, app):
        app.answers = [503] * 9
        jira.comment("OPS-1", "why?")
        jira.webhooks.wait_until_delivered()

        assert jira.webhooks.deliveries[0].statuses == [503] * 6


def test_silence_counts_as_no_answer() -> None:
    site = JiraSite(retry_delays=(0.0,))
    site.webhooks.answer_seconds = 0.2
    with installed(site) as (jira, app):
        app.may_answer.clear()
        jira.comment("OPS-1", "why?")
        jira.webhooks.wait_until_delivered()

        assert jira.webhooks.deliveries[0].statuses == [None, None]


def test_a_wait_that_is_too_short_says_so() -> None:
    with installed() as (jira, app):
        app.may_answer.clear()
        jira.comment("OPS-1", "why?")
        with pytest.raises(TimeoutError, match="1 webhooks"):
            jira.webhooks.wait_until_delivered(0.0)
        app.may_answer.set()
        jira.webhooks.wait_until_delivered()


def test_deliveries_are_held_back_and_let_go_in_another_order() -> None:
    with installed() as (jira, app):
        jira.webhooks.hold()
        for text in ("one", "two", "three"):
            jira.comment("OPS-1", text)
        jira.webhooks.wait_until_delivered()
        assert app.webhooks == []

        jira.webhooks.release("reversed")
        jira.webhooks.wait_until_delivered()
        assert sorted(bodies(app)) == ["one", "three", "two"]


def test_deliveries_come_twice_late_or_never() -> None:
    with installed() as (jira, app):
        jira.webhooks.duplicate = 1
        jira.webhooks.delay = 0.01
        jira.comment("OPS-1", "twice")
        jira.webhooks.wait_until_delivered()
        jira.webhooks.duplicate = 0
        jira.webhooks.drop = 1
        jira.comment("OPS-1", "never")
        jira.comment("OPS-1", "unsent", deliver=False)
        jira.comment("OPS-1", "once")
        jira.webhooks.wait_until_delivered()

        assert bodies(app) == ["twice", "twice", "once"]
        assert [one.statuses for one in jira.webhooks.deliveries] == [[204, 204], [], [204]]


@pytest.mark.parametrize("concurrently", [True, False])
def test_a_delivery_is_made_again_many_times(concurrently: bool) -> None:  # noqa: FBT001  (a parameter)
    with installed() as (jira, app):
        jira.comment("OPS-1", "why?")
        jira.webhooks.wait_until_delivered()
        identifier = jira.webhooks.deliveries[0].identifier

        statuses = jira.webhooks.redeliver(identifier, times=20, concurrently=concurrently)
        assert statuses == [204] * 20
        sent = {one.headers["x-atlassian-webhook-identifier"] for one in app.webhooks}
        assert sent == {identifier}
        assert len(app.webhooks) == 21


def test_a_disabled_app_is_told_nothing() -> None:
    with installed() as (jira, app):
        jira.disable()
        jira.comment("OPS-1", "why?")
        jira.webhooks.wait_until_delivered()

        assert app.webhooks == []
        assert jira.webhooks.deliveries == []


def test_a_test_can_build_a_payload_and_send_it_by_itself() -> None:
    with installed() as (jira, _):
        comment = jira.comment("OPS-1", "why?", deliver=False)
        body = jira.webhook_body("comment_created", comment)

        assert body["webhookEvent"] == "comment_created"
        assert body["comment"]["id"] == comment.id
        assert body["issue"]["key"] == "OPS-1"
