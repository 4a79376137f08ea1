"""The app's pages as Forge frames them: bundled, from an origin of their own, by Forge's bridge.

They are what ``jira-chatkit forge render`` writes, and call what npm's ``@forge/bridge`` calls.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import FrameLocator, Page, Request, Route, expect
from sqlmodel import Session, select

from app.store.tables import Tenant
from tests.support import admin_page, axe
from tests.support.admin_page import TABS, admin_of
from tests.support.browser import Pages
from tests.support.forge_world import forge_world, missing
from tests.support.looks import NARROW_AND_WIDE, inner, wear
from tests.support.panels import SEEN, ask, items, open_panel, panel_of, prepare
from tests.support.world import World

ANSWER = "The storage is **full**.\n\n1. Free `20 GB`.\n2. Run it again.\n\nThen all is well."


@pytest.fixture(scope="module")
def here(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all: each test works on an issue of its own."""
    if what := missing() or axe.missing():
        pytest.skip(what)
    path = tmp_path_factory.mktemp("forge") / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    with forge_world(f"sqlite:///{path}") as made:
        prepare(made)
        yield made


@pytest.fixture(autouse=True)
def nobody_holds_the_model(here: World) -> Iterator[None]:
    here.openai.answers(ANSWER)
    yield
    here.openai.release()


def issue(here: World, summary: str, by: str = "rita") -> str:
    return here.jira.create_issue("OPS", summary, by=by).key


def opened_over_the_bridge(here: World) -> int:
    """How often a page has asked for a session."""
    return sum(request.path == "/frames/forge" for request in here.jira.requests)


async def wrong(page: Page) -> list[str]:
    """What axe finds in the page, narrow and light, wide and dark."""
    found = []
    for look in (NARROW_AND_WIDE[0], NARROW_AND_WIDE[-1]):
        await wear(page, look)
        found += [f"{look.width} {look.scheme}: {one}" for one in await axe.judge(inner(page))]
    return found


async def test_the_team_asks_and_sees_the_answer_grow(here: World, pages: Pages) -> None:
    key = issue(here, "Slow")
    page = await open_panel(pages, here, "agnes", key)
    panel = panel_of(page)
    await expect(panel.get_by_role("tab", name="Team")).to_have_attribute("aria-selected", "true")
    assert await wrong(page) == []

    here.openai.hold(after=3)
    await ask(panel, "Why is the backup slow?")
    answer = items(panel).nth(1)
    await expect(answer.locator(".prose")).to_contain_text("The storage", timeout=SEEN)
    await expect(answer).not_to_contain_text("all is well")
    await page.reload()  # in mid-answer: it goes on where it was
    await expect(answer.locator(".prose")).to_contain_text("The storage", timeout=SEEN)
    await expect(panel.get_by_role("button", name="Stop")).to_be_visible()
    here.openai.release()
    await expect(answer.locator(".prose strong")).to_have_text("full", timeout=SEEN)
    await expect(answer).to_contain_text("Then all is well.")
    assert await wrong(page) == []
    assert here.answers(key) == []


async def test_the_bridge_gives_a_session_and_all_else_goes_straight(
    here: World, pages: Pages
) -> None:
    page = await pages.open()
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))  # noqa: PLW0108  (Playwright needs it)
    await page.goto(f"{here.jira.base_url}/browse/{issue(here, 'Straight')}?as=agnes")
    panel = panel_of(page)
    await ask(panel, "Is anybody there?")
    await expect(items(panel)).to_have_count(2, timeout=SEEN)

    pages_at = here.jira.forge_pages.base_url if here.jira.forge_pages else ""
    ours = [request for request in sent if request.url.startswith(here.url)]
    assert {await request.header_value("origin") for request in ours} == {pages_at}
    assert any(request.url.endswith("/events") for request in ours)
    assert not any("session" in request.url for request in ours)
    cookies = [await request.header_value("cookie") for request in ours]
    assert set(cookies) == {None}
    elsewhere = [here.url, here.jira.base_url, pages_at]
    assert not [one.url for one in sent if not one.url.startswith(tuple(elsewhere))]


async def test_who_does_not_work_the_issue_has_the_public_thread_alone(
    here: World, pages: Pages
) -> None:
    page = await open_panel(pages, here, "rita", issue(here, "Hers"))
    panel = panel_of(page)
    await expect(panel.get_by_text("Everybody who sees this issue reads this.")).to_be_visible()
    await expect(panel.get_by_role("tab", name="Team")).to_have_count(0)


async def test_where_no_stream_comes_through_the_thread_is_polled(
    here: World, pages: Pages
) -> None:
    key = issue(here, "Polled")
    page = await pages.open()
    refused: list[str] = []

    async def refuse(route: Route) -> None:
        refused.append(route.request.url)
        await route.fulfill(status=200, content_type="text/html", body="<p>A proxy's word.</p>")

    await page.context.route(re.compile(r"/events$"), refuse)
    await page.goto(f"{here.jira.base_url}/browse/{key}?as=agnes")
    panel = panel_of(page)
    await ask(panel, "Why is the backup slow?")
    await expect(items(panel).last).to_contain_text("Then all is well.", timeout=SEEN)
    await expect(panel.get_by_role("button", name="Stop")).to_have_count(0, timeout=SEEN)
    await expect(panel.get_by_text("Connecting…")).to_have_count(0)
    assert refused
    pages.complaints[:] = [line for line in pages.complaints if "CORS" not in line]
    pages.complaints[:] = [line for line in pages.complaints if "ERR_FAILED" not in line]


async def test_a_session_that_is_over_is_renewed_over_the_bridge(here: World, pages: Pages) -> None:
    panel = panel_of(await open_panel(pages, here, "agnes", issue(here, "Renewed")))
    await expect(panel.get_by_text("Ask about this issue")).to_be_visible(timeout=SEEN)
    before = opened_over_the_bridge(here)
    await asyncio.to_thread(here.write, _end_all_sessions)
    await ask(panel, "Am I still here?")
    await expect(items(panel).last).to_contain_text("Then all is well.", timeout=SEEN)
    assert opened_over_the_bridge(here) > before
    assert all("401" in line for line in pages.complaints), pages.complaints
    pages.complaints.clear()


def _end_all_sessions(db: Session) -> None:
    db.exec(select(Tenant)).one().session_generation += 1


async def test_the_theme_of_jira_is_followed(here: World, pages: Pages) -> None:
    page = await open_panel(pages, here, "agnes", issue(here, "Themes"), color_scheme="light")
    panel = panel_of(page)
    body = panel.locator("body")
    await expect(panel.get_by_text("Ask about this issue")).to_be_visible(timeout=SEEN)
    ground = "(body) => getComputedStyle(body).backgroundColor"
    await expect(body).to_have_css("background-color", "rgb(255, 255, 255)")
    await page.emulate_media(color_scheme="dark")
    await expect(body).not_to_have_css("background-color", "rgb(255, 255, 255)")
    assert await body.evaluate(ground) != "rgb(255, 255, 255)"
    assert await panel.locator("html").get_attribute("data-color-mode") == "dark"


async def test_a_link_is_opened_by_the_bridge(here: World, pages: Pages) -> None:
    page = await open_panel(pages, here, "agnes", issue(here, "Link"))
    panel = panel_of(page)
    await ask(panel, "Is [the plan](https://example.com/plan) still good?")
    link = panel.get_by_role("link", name="the plan")
    await expect(link).to_be_visible(timeout=SEEN)
    async with page.context.expect_page() as opened:
        await link.click()
    await (await opened.value).close()


async def test_it_speaks_the_viewers_language(here: World, pages: Pages) -> None:
    page = await pages.open(f"{here.jira.base_url}/browse/{issue(here, 'Idioma')}?as=agnes")
    await page.context.add_cookies(
        [{"name": "sandbox_locale_agnes", "value": "es_ES", "url": here.jira.base_url}]
    )
    await page.reload()
    panel = panel_of(page)
    await expect(panel.get_by_role("tab", name="Equipo")).to_be_visible(timeout=SEEN)
    await expect(panel.locator("html")).to_have_attribute("lang", "es")


async def test_who_may_not_see_the_issue_is_told_so(here: World, pages: Pages) -> None:
    key = issue(here, "Secret")
    page = await pages.open()

    async def hide(route: Route) -> None:
        await asyncio.to_thread(here.jira.set_security_level, key, "Team")
        await route.continue_()

    await page.route("**/frames/forge", hide)
    await page.goto(f"{here.jira.base_url}/browse/{key}?as=rita")
    told = panel_of(page).get_by_role("heading", name="You may not see this issue")
    await expect(told).to_be_visible(timeout=SEEN)
    await pages.close()
    assert all("404" in line for line in pages.complaints), pages.complaints
    pages.complaints.clear()  # the site's own page around it looks for news of the issue


async def test_a_page_outside_of_jira_says_so(here: World, pages: Pages) -> None:
    page = await pages.open()
    await page.route("**/forge-bridge.js", lambda route: route.abort())
    assert here.jira.forge_pages is not None
    await page.goto(f"{here.jira.forge_pages.base_url}/panel/index.html")
    await expect(page.get_by_role("heading", name="Open this page in Jira")).to_be_visible()
    assert await wrong(page) == []
    pages.complaints.clear()  # of the script that was kept back


async def test_the_admin_page(here: World, pages: Pages) -> None:
    page = await admin_page.open_admin_page(pages, here)
    admin: FrameLocator = admin_of(page)
    await admin_page.try_out(admin)
    await expect(admin.get_by_text("Then all is well.")).to_be_visible()
    unsaved = admin.get_by_text("The editor holds changes that are not saved.")
    await expect(unsaved).to_be_hidden()  # nobody has opened the editor yet
    for tab in TABS:
        await admin_page.choose(admin, tab)
        assert await wrong(page) == [], tab
    await admin_page.ask_for_auto(admin)
    assert await wrong(page) == []
