"""Requests that go wrong, each in its own way."""

from __future__ import annotations

import httpx2
import pytest

from app.sandbox.jira import JiraSite
from tests.sandbox.receiver import call, get, installed, paragraph
from tests.support.world import until

COMMENTS = "/rest/api/3/issue/OPS-1/comment"
ANY_COMMENTS = "/rest/api/3/issue/*/comment"
SENT = {"body": paragraph("42")}


def test_an_answer_can_be_an_error_so_many_times() -> None:
    with installed() as (jira, _):
        jira.faults.add("POST", ANY_COMMENTS, "status", times=2, status=500)

        statuses = [call(jira, "POST", COMMENTS, SENT).status_code for _ in range(3)]
        assert statuses == [500, 500, 201]
        assert len(jira.comments("OPS-1")) == 1


def test_a_limit_says_when_to_come_back() -> None:
    with installed() as (jira, _):
        jira.faults.add(
            "*", "/rest/**", "status", status=429, retry_after=7, reason="jira-burst-based"
        )
        answer = call(jira, "GET", "/rest/api/3/myself")

        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "7"
        assert answer.headers["ratelimit-reason"] == "jira-burst-based"


def test_a_reset_happens_before_anything_else_does() -> None:
    with installed() as (jira, _):
        jira.faults.add("POST", ANY_COMMENTS, "reset")
        with pytest.raises(httpx2.TransportError):
            call(jira, "POST", COMMENTS, SENT)

        assert jira.comments("OPS-1") == []
        until(lambda: jira.requests, "the site to note it, after its caller has seen it")
        assert (jira.requests[-1].path, jira.requests[-1].status) == (COMMENTS, None)


def test_a_reset_after_the_commit_leaves_the_comment() -> None:
    with installed() as (jira, _):
        jira.faults.add("POST", ANY_COMMENTS, "reset_after_commit")
        with pytest.raises(httpx2.TransportError):
            call(jira, "POST", COMMENTS, SENT)

        assert [one.text for one in jira.comments("OPS-1")] == ["42"]


def test_a_request_hangs_until_its_connection_drops() -> None:
    with installed() as (jira, _):
        jira.faults.add("POST", ANY_COMMENTS, "hang", seconds=0.05)
        with pytest.raises(httpx2.TransportError):
            call(jira, "POST", COMMENTS, SENT)

        assert jira.comments("OPS-1") == []


def test_a_slow_request_is_answered_all_the_same() -> None:
    with installed() as (jira, _):
        jira.faults.add("POST", ANY_COMMENTS, "slow", seconds=0.05)

        assert call(jira, "POST", COMMENTS, SENT).status_code == 201


def test_a_star_is_one_part_of_a_path() -> None:
    with installed() as (jira, _):
        jira.faults.add("GET", "/rest/api/3/*", "status", times=99)

        assert call(jira, "GET", "/rest/api/3/myself").status_code == 503
        assert call(jira, "GET", COMMENTS).status_code == 200
        assert call(jira, "POST", COMMENTS, SENT).status_code == 201
        jira.faults.clear()
        assert call(jira, "GET", "/rest/api/3/myself").status_code == 200


def test_every_request_is_in_the_log() -> None:
    with installed() as (jira, _):
        call(jira, "GET", COMMENTS)

        last = jira.requests[-1]
        assert (last.method, last.path, last.status) == ("GET", COMMENTS, 200)


def test_a_site_can_go_away_and_come_back_at_the_same_address() -> None:
    site = JiraSite()
    with installed(site) as (jira, _):
        url = jira.base_url
        answer = call(jira, "POST", COMMENTS, SENT)
        assert answer.status_code == 201
    with pytest.raises(httpx2.TransportError):
        get(f"{url}/rest/api/3/myself")
    with site.serve(port=int(url.rpartition(":")[2])):
        assert get(f"{url}/rest/api/3/myself").status_code == 401
        assert [one.text for one in site.comments("OPS-1")] == ["42"]
