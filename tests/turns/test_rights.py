"""Who may do what by now: what Jira is asked, how long its answer holds, what its silence means."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import Session

from app.doors.principal import TenantRef, Viewer
from app.errors import Forbidden, JiraRateLimited, JiraUnavailable
from app.store import tenants, threads
from app.store.database import Database
from app.turns import rights
from app.turns.rights import ALL, NONE, Rights, RightsDesk
from tests.jira.doubles import AGNES, RITA, FakeJira, ok, status
from tests.support.clock import FakeClock
from tests.support.rows import add_tenant, opened

CHECK = "/rest/api/3/permissions/check"
ISSUE = "10000"


class Site:
    """A Jira that grants what it is told to, and the desk that asks it."""

    def __init__(self, database: Database, tenant: TenantRef, clock: FakeClock) -> None:
        self.database = database
        self.tenant = tenant
        self.clock = clock
        self.jira = FakeJira(clock)
        self.desk = RightsDesk(lambda _: self.jira.client, database, clock)

    def grants(self, *names: str) -> None:
        self.jira.on("POST", CHECK, lambda request: ok(_granted(request, names)))

    def fails(self, code: int = 503) -> None:
        self.jira.on("POST", CHECK, status(code))

    @property
    def asked(self) -> list[list[str]]:
        """The permissions of each question."""
        sent = [self.jira.sent(number) for number in range(len(self.jira.requests))]
        return [
            each["globalPermissions"]
            if "globalPermissions" in each
            else each["projectPermissions"][0]["permissions"]
            for each in sent
        ]

    def viewer(self, **changes: Any) -> Viewer:
        row: dict[str, Any] = {
            "tenant": self.tenant,
            "account_id": RITA,
            "thread_id": "thr_1",
            "issue_id": ISSUE,
            "audience": "public",
            "expires_at": self.clock.now() + timedelta(minutes=15),
        }
        return Viewer(**{**row, **changes})

    async def is_service_project(self, kind: bool | None) -> None:  # noqa: FBT001
        await self.database.write(_set_kind, kind)


def _granted(request: httpx2.Request, names: tuple[str, ...]) -> dict[str, Any]:
    sent = json.loads(request.content)
    asked = [name for each in sent.get("projectPermissions", []) for name in each["permissions"]]
    return {
        "globalPermissions": [one for one in sent.get("globalPermissions", []) if one in names],
        "projectPermissions": [
            {"permission": name, "issues": [int(ISSUE)], "projects": []}
            for name in asked
            if name in names
        ],
    }


def _set_kind(db: Session, kind: bool | None) -> None:  # noqa: FBT001
    threads.ensure_issue(db, "acme", ISSUE).service_project = kind


@pytest.fixture
async def site(sqlite_template: Path, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Site]:
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    with opened(f"sqlite:///{tmp_path / 'app.db'}") as database:
        await database.write(add_tenant)
        tenant = await database.read(tenants.by_id, "acme")
        assert tenant is not None
        yield Site(database, TenantRef.of(tenant), clock)


# --- what is asked --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "questions"),
    [
        (True, [["ADD_COMMENTS", "BROWSE_PROJECTS", "SERVICEDESK_AGENT"]]),
        (False, [["ADD_COMMENTS", "BROWSE_PROJECTS", "EDIT_ISSUES"]]),
        (None, [["ADD_COMMENTS", "BROWSE_PROJECTS"], ["SERVICEDESK_AGENT"], ["EDIT_ISSUES"]]),
    ],
)
async def test_one_question_is_enough_where_the_projects_kind_is_known(
    site: Site, *, kind: bool | None, questions: list[list[str]]
) -> None:
    await site.is_service_project(kind)
    site.grants("BROWSE_PROJECTS", "ADD_COMMENTS", "SERVICEDESK_AGENT", "EDIT_ISSUES")
    assert await site.desk.of(site.viewer()) == ALL
    assert site.asked == questions
    assert site.jira.limits.snapshot() == {"tenant-1": len(questions)}


async def test_who_may_edit_a_service_projects_issue_does_not_work_it(site: Site) -> None:
    await site.is_service_project(kind=True)
    site.grants("BROWSE_PROJECTS", "EDIT_ISSUES")
    assert await site.desk.of(site.viewer()) == Rights(browse=True)


async def test_who_does_not_see_the_issue_has_no_right_on_it(site: Site) -> None:
    site.grants("ADD_COMMENTS", "SERVICEDESK_AGENT", "EDIT_ISSUES")
    assert await site.desk.of(site.viewer()) == NONE


async def test_a_thread_without_an_issue_is_the_administrators(site: Site) -> None:
    viewer = site.viewer(issue_id=None, audience="internal")
    site.grants("BROWSE_PROJECTS", "ADD_COMMENTS", "EDIT_ISSUES")
    with pytest.raises(Forbidden, match="ADMINISTER"):
        await site.desk.require_reader(viewer)
    site.clock.advance(31)
    site.grants("ADMINISTER")
    assert await site.desk.require_team(viewer) == ALL
    assert site.asked == [["ADMINISTER"], ["ADMINISTER"]]


async def test_whoever_is_nobody_is_asked_about_nowhere(site: Site) -> None:
    site.grants("BROWSE_PROJECTS", "ADMINISTER")
    for issue_id in (ISSUE, None):
        assert await site.desk.of(site.viewer(account_id=None, issue_id=issue_id)) == NONE
    assert site.jira.requests == []


@pytest.mark.parametrize(
    ("granted", "audience", "reader", "writer", "team"),
    [
        ((), "public", "BROWSE_PROJECTS", "BROWSE_PROJECTS", "BROWSE_PROJECTS"),
        (("BROWSE_PROJECTS",), "public", None, "ADD_COMMENTS", "ADD_COMMENTS"),
        (("BROWSE_PROJECTS", "ADD_COMMENTS"), "public", None, None, "WORK"),
        (("BROWSE_PROJECTS", "ADD_COMMENTS"), "internal", "WORK", "WORK", "WORK"),
        (("BROWSE_PROJECTS", "EDIT_ISSUES"), "internal", None, "ADD_COMMENTS", "ADD_COMMENTS"),
        (("BROWSE_PROJECTS", "EDIT_ISSUES", "ADD_COMMENTS"), "internal", None, None, None),
    ],
)
async def test_what_is_missing_is_named(
    site: Site,
    granted: tuple[str, ...],
    audience: str,
    reader: str | None,
    writer: str | None,
    team: str | None,
) -> None:
    site.grants(*granted)
    viewer, desk = site.viewer(audience=audience), site.desk
    for require, missing in (
        (desk.require_reader, reader),
        (desk.require_writer, writer),
        (desk.require_team, team),
    ):
        if missing is None:
            assert (await require(viewer)).browse
        else:
            with pytest.raises(Forbidden) as caught:
                await require(viewer)
            assert caught.value.code == missing


# --- how long it holds ----------------------------------------------------------------------


async def test_a_reader_is_asked_about_once_in_half_a_minute(site: Site) -> None:
    await site.is_service_project(kind=False)
    site.grants("BROWSE_PROJECTS")
    for wait in (0, 10, 19):
        site.clock.advance(wait)
        await site.desk.require_reader(site.viewer())
    assert len(site.asked) == 1
    site.grants()
    site.clock.advance(1)
    with pytest.raises(Forbidden):
        await site.desk.require_reader(site.viewer())
    assert len(site.asked) == 2


async def test_a_readers_windows_that_come_back_together_ask_once(site: Site) -> None:
    site.grants("BROWSE_PROJECTS")
    await site.is_service_project(False)
    viewer = site.viewer()
    together = [site.desk.require_reader(viewer), site.desk.require_reader(viewer)]
    assert all(found.browse for found in await asyncio.gather(*together))
    assert len(site.asked) == 1
    site.clock.advance(30)
    site.fails()
    refused = [site.desk.require_reader(viewer), site.desk.require_reader(viewer)]
    told = await asyncio.gather(*refused, return_exceptions=True)
    assert all(isinstance(one, JiraUnavailable) for one in told)


async def test_a_no_is_remembered_as_well(site: Site) -> None:
    await site.is_service_project(kind=False)
    site.grants()
    for _ in range(5):
        with pytest.raises(Forbidden):
            await site.desk.require_reader(site.viewer())
    assert len(site.asked) == 1


async def test_a_writer_is_asked_about_each_time(site: Site) -> None:
    await site.is_service_project(kind=False)
    site.grants("BROWSE_PROJECTS", "ADD_COMMENTS")
    await site.desk.require_reader(site.viewer())
    await site.desk.require_writer(site.viewer())
    site.grants("BROWSE_PROJECTS")
    with pytest.raises(Forbidden):
        await site.desk.require_writer(site.viewer())
    assert len(site.asked) == 3
    # What was learnt then holds for the reader, too.
    assert not (await site.desk.of(site.viewer())).comment
    assert len(site.asked) == 3


async def test_nobody_is_taken_for_another(site: Site) -> None:
    site.grants("BROWSE_PROJECTS")
    await site.desk.of(site.viewer())
    site.grants()
    assert await site.desk.of(site.viewer(account_id=AGNES)) == NONE
    assert await site.desk.of(site.viewer(issue_id="10001")) == NONE
    assert await site.desk.of(site.viewer(thread_id="thr_2")) == Rights(browse=True)


async def test_only_so_many_are_remembered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "KEPT", 2)
    await site.is_service_project(kind=False)
    site.grants("BROWSE_PROJECTS")
    for account_id in (RITA, AGNES, "712020:wim"):
        await site.desk.of(site.viewer(account_id=account_id))
    await site.desk.of(site.viewer(account_id=AGNES))
    assert len(site.asked) == 3
    await site.desk.of(site.viewer())
    assert len(site.asked) == 4


# --- what Jira's silence means --------------------------------------------------------------


async def test_a_reader_waits_for_jira_to_answer(site: Site) -> None:
    site.fails()
    with pytest.raises(JiraUnavailable):
        await site.desk.require_reader(site.viewer())
    site.fails(429)
    with pytest.raises(JiraRateLimited):
        await site.desk.require_writer(site.viewer())


async def test_a_stream_ends_within_a_minute_of_jiras_last_yes(site: Site) -> None:
    """Asked every 15 s, as the stream does."""
    site.grants("BROWSE_PROJECTS")
    assert await site.desk.may_still_watch(site.viewer())
    site.fails()
    told = []
    for _ in range(4):
        site.clock.advance(15)
        told.append(await site.desk.may_still_watch(site.viewer()))
    assert told == [True, True, False, False]
    site.grants("BROWSE_PROJECTS")
    assert await site.desk.may_still_watch(site.viewer())


async def test_a_stream_does_not_wait_long_for_jira(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(rights, "PATIENCE", 0.01)
    hanging: Any = never
    site.jira.on("POST", CHECK, hanging)
    assert not await site.desk.may_still_watch(site.viewer())


async def test_a_stream_ends_at_the_next_question_after_a_right_is_lost(site: Site) -> None:
    site.grants("BROWSE_PROJECTS", "EDIT_ISSUES")
    internal = site.viewer(audience="internal")
    assert await site.desk.may_still_watch(internal)
    site.grants("BROWSE_PROJECTS")
    site.clock.advance(31)
    assert not await site.desk.may_still_watch(internal)
    assert await site.desk.may_still_watch(site.viewer())


async def test_a_no_outlives_jiras_silence(site: Site) -> None:
    site.grants()
    assert not await site.desk.may_still_watch(site.viewer())
    site.fails()
    site.clock.advance(31)
    assert not await site.desk.may_still_watch(site.viewer())
