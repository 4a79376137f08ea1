"""The client against the simulated site, over real HTTP: an independent witness of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx2
import pytest

from app.clock import SystemClock
from app.errors import JiraDenied, JiraNotFound, JiraRateLimited, JiraRefused, JiraUnavailable
from app.jira import comments, permissions, service_desk
from app.jira.client import JiraClient, client_for
from app.jira.limits import Limits
from app.sandbox.jira import JiraSite
from tests.jira.doubles import LedgerInMemory, document
from tests.sandbox.receiver import KEY, installed
from tests.support.clock import FakeClock

MARK = {"turn_id": "turn-1", "thread_id": "th-1", "item_id": "it-1", "role": "assistant"}
CLOCK = SystemClock()


class Row:
    id = "tenant-1"

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url


@pytest.fixture
def site() -> Iterator[JiraSite]:
    with installed(JiraSite(comment_cap=120)) as (jira, _):
        yield jira


@pytest.fixture
def limits() -> Limits:
    return Limits(CLOCK, LedgerInMemory())


@pytest.fixture
async def client(site: JiraSite, limits: Limits) -> AsyncIterator[JiraClient]:
    secret = site.link.installed.shared_secret
    async with httpx2.AsyncClient(trust_env=False) as http:
        yield client_for(Row(site.base_url), KEY, secret, http=http, clock=CLOCK, limits=limits)


async def test_we_are_the_sites_app(site: JiraSite, client: JiraClient) -> None:
    us = await comments.myself(client)
    assert (us.account_id, us.account_type) == (site.app_account.account_id, "app")


async def test_issues_of_both_kinds_are_read(site: JiraSite, client: JiraClient) -> None:
    request = await comments.issue(client, "SUP-1")
    assert request.service_project is True
    assert request.reporter is not None
    assert (request.reporter.account_id, request.reporter.account_type) == (
        site.account_id("carlos"),
        "customer",
    )
    assert (await comments.issue(client, request.id)).key == "SUP-1"
    assert (await comments.issue(client, "OPS-1")).service_project is False
    site.resolve("OPS-1")
    done = await comments.issue(client, "OPS-1")
    assert (done.status_category, done.resolution) == ("done", True)


async def test_a_comment_is_posted_found_and_read_back(site: JiraSite, client: JiraClient) -> None:
    before = CLOCK.now()
    posted = await comments.add_comment(
        client, "OPS-1", document("Because."), internal=False, mark=MARK
    )
    assert site.comments("OPS-1")[-1].id == posted.id
    read = await comments.comment(client, "OPS-1", posted.id)
    assert read.jsd_public is True
    assert await comments.mark_of(client, posted) == MARK
    us = site.app_account.account_id
    found = await comments.find_marked(client, "OPS-1", "turn-1", since=before, own_account_id=us)
    assert found is not None
    assert found.id == posted.id


async def test_an_internal_note_is_verified(site: JiraSite, client: JiraClient) -> None:
    note = await comments.add_comment(client, "SUP-1", document("x"), internal=True, mark=MARK)
    said = await comments.add_comment(client, "SUP-1", document("x"), internal=False, mark=MARK)
    assert site.comments("SUP-1")[0].internal
    assert await comments.verify_internal(client, "SUP-1", note.id)
    assert not await comments.verify_internal(client, "SUP-1", said.id)


async def test_in_a_project_without_customers_no_note_is_internal(client: JiraClient) -> None:
    note = await comments.add_comment(client, "OPS-1", document("x"), internal=True, mark=MARK)
    assert not await comments.verify_internal(client, "OPS-1", note.id)


async def test_a_reset_after_the_commit_leaves_a_doubt_that_the_mark_settles(
    site: JiraSite, client: JiraClient
) -> None:
    before = CLOCK.now()
    site.faults.add("POST", "/rest/api/3/issue/*/comment", "reset_after_commit")
    with pytest.raises(JiraUnavailable) as caught:
        await comments.add_comment(client, "OPS-1", document("x"), internal=False, mark=MARK)
    assert caught.value.maybe_done
    us = site.app_account.account_id
    found = await comments.find_marked(client, "OPS-1", "turn-1", since=before, own_account_id=us)
    assert found is not None
    assert [each.id for each in site.comments("OPS-1")] == [found.id]


async def test_a_forged_mark_is_not_believed(site: JiraSite, client: JiraClient) -> None:
    before = CLOCK.now()
    site.comment("OPS-1", "me!", by="wim", properties={"jira-chatkit": MARK})
    us = site.app_account.account_id
    assert not await comments.find_marked(
        client, "OPS-1", "turn-1", since=before, own_account_id=us
    )


async def test_pages_of_comments_are_put_together(site: JiraSite, client: JiraClient) -> None:
    start = CLOCK.now() - timedelta(hours=3)
    for number in range(110):
        written = start + timedelta(minutes=number)
        site.comment("OPS-1", f"comment {number}", created=written)
    newest_first = [each.id for each in reversed(site.comments("OPS-1"))]
    newest = await comments.newest_comments(client, "OPS-1")
    assert [each.id for each in newest] == newest_first[:50]
    everything = await comments.comments_since(client, "OPS-1", start)
    assert [each.id for each in everything] == newest_first
    late = await comments.comments_since(client, "OPS-1", start + timedelta(minutes=100))
    assert len(late) == 10


async def test_a_full_issue_and_a_vanished_one(site: JiraSite, client: JiraClient) -> None:
    site.comment_cap = 0
    with pytest.raises(JiraRefused):
        await comments.add_comment(client, "OPS-1", document("x"), internal=False, mark=MARK)
    site.delete_issue("OPS-1")
    with pytest.raises(JiraNotFound):
        await comments.issue(client, "OPS-1")


async def test_a_restriction_is_seen(site: JiraSite, client: JiraClient) -> None:
    said = site.comment("OPS-1", "for few", visibility=("role", "Administrators"))
    assert (await comments.comment(client, "OPS-1", said.id)).restricted


async def test_a_read_outlives_one_bad_answer(site: JiraSite, client: JiraClient) -> None:
    site.faults.add("GET", "/rest/api/3/myself", "status", status=503)
    assert (await comments.myself(client)).account_type == "app"
    site.faults.add("GET", "/rest/api/3/myself", "reset")
    assert (await comments.myself(client)).account_type == "app"


async def test_a_rate_limit_is_told(site: JiraSite, client: JiraClient) -> None:
    site.faults.add(
        "GET", "/rest/api/3/myself", "status", status=429, retry_after=9, reason="jira-burst-based"
    )
    with pytest.raises(JiraRateLimited) as caught:
        await comments.myself(client)
    assert (caught.value.retry_after, caught.value.reason) == (9.0, "jira-burst-based")


async def test_a_rotated_secret_shuts_the_old_one_out(site: JiraSite, client: JiraClient) -> None:
    site.reinstall()
    with pytest.raises(JiraDenied):
        await comments.myself(client)


async def test_a_burst_of_writes_never_meets_jiras_limit(clock: FakeClock) -> None:
    with installed(JiraSite(clock=clock)) as (site, _):
        secret = site.link.installed.shared_secret
        async with httpx2.AsyncClient(trust_env=False) as http:
            row, limits = Row(site.base_url), Limits(clock, LedgerInMemory())
            client = client_for(row, KEY, secret, http=http, clock=clock, limits=limits)

            async def write() -> None:
                await comments.add_comment(
                    client, "OPS-2", document("x"), internal=False, mark=MARK
                )

            for _ in range(20):
                await write()
            late = asyncio.create_task(write())
            await clock.asleep()
            clock.advance(2.5)
            await late
            assert len(site.comments("OPS-2")) == 21
            assert 429 not in {each.status for each in site.requests}


async def test_our_count_of_points_is_jiras(
    site: JiraSite, client: JiraClient, limits: Limits
) -> None:
    site.comment("OPS-1", "one")
    site.comment("OPS-1", "two")
    before = site.limits.points
    await comments.newest_comments(client, "OPS-1")
    await comments.issue(client, "OPS-1")
    await comments.add_comment(client, "OPS-1", document("x"), internal=False, mark=MARK)
    assert limits.snapshot() == {"tenant-1": site.limits.points - before}


async def test_people_around_a_request(site: JiraSite, client: JiraClient) -> None:
    site.add_participant("SUP-1", "wim")
    site.add_approver("SUP-1", "rita")
    assert await service_desk.participants(client, "SUP-1") == {site.account_id("wim")}
    assert await service_desk.approvers(client, "SUP-1") == {site.account_id("rita")}
    assert await service_desk.participants(client, "OPS-1") == set()


async def test_rights_are_jiras(site: JiraSite, client: JiraClient) -> None:
    wanted = {"BROWSE_PROJECTS", "EDIT_ISSUES"}
    ops, sup = site.issue("OPS-1"), site.issue("SUP-1")

    async def on(name: str, issue_id: str) -> frozenset[str]:
        return await permissions.permitted(client, site.account_id(name), issue_id, wanted)

    assert await on("agnes", ops.id) == wanted
    assert await on("rita", ops.id) == {"BROWSE_PROJECTS"}
    assert await on("carlos", ops.id) == frozenset()
    assert await on("carlos", sup.id) == {"BROWSE_PROJECTS"}
    site.set_security_level("OPS-1", "Staff")
    assert await on("rita", ops.id) == frozenset()
    rita = site.account_id("rita")
    assert await permissions.permitted_in_project(client, rita, ops.project.id, wanted) == {
        "BROWSE_PROJECTS"
    }


async def test_administrators_are_jiras(site: JiraSite, client: JiraClient) -> None:
    for name, expected in (("adam", {"ADMINISTER"}), ("rita", set())):
        account_id = site.account_id(name)
        assert await permissions.global_permitted(client, account_id, {"ADMINISTER"}) == expected
    assert not await permissions.global_permitted(client, "nobody-at-all", {"ADMINISTER"})
