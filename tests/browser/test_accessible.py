"""Every page and state judged by axe-core, narrow and wide, light and dark.

Nothing at all may be found, whatever its impact; and ``pages`` lets none of them complain: no
console error, no breach of the content security policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from app.sandbox.tour.tour import Tour
from tests.support import admin_page, axe, panels, touring
from tests.support.admin_page import TABS, admin_of
from tests.support.browser import Pages
from tests.support.looks import NARROW_AND_WIDE, inner, wear
from tests.support.world import World, world

COMPLAINS = {"offline": "net::ERR_INTERNET_DISCONNECTED", "refused": "status of 403"}


@pytest.fixture(scope="module")
def here(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all: each state has an issue of its own."""
    if missing := axe.missing():
        pytest.skip(missing)
    path = tmp_path_factory.mktemp("accessible") / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    with world(f"sqlite:///{path}") as made:
        panels.prepare(made)
        yield made


@pytest.fixture(scope="module")
def tour(here: World) -> Tour:
    return touring.show_tour(here)


@pytest.fixture(autouse=True)
def nobody_holds_the_model(here: World) -> Iterator[None]:
    yield
    here.openai.release()
    here.openai.faults.clear()


async def wrong(page: Page) -> list[str]:
    """What axe finds in the page's innermost document, in every look."""
    found = []
    for look in NARROW_AND_WIDE:
        await wear(page, look)
        found += [f"{look.width} {look.scheme}: {one}" for one in await axe.judge(inner(page))]
    return found


@pytest.mark.parametrize("scene", panels.SCENES)
async def test_the_panel(here: World, pages: Pages, scene: str) -> None:
    page = await panels.SCENES[scene](pages, here)
    assert await wrong(page) == []
    await pages.close()  # a page that is offline goes on trying, and complaining of it
    if meant := COMPLAINS.get(scene):
        pages.complaints[:] = [line for line in pages.complaints if meant not in line]


async def test_the_admin_page(here: World, pages: Pages) -> None:
    here.openai.answers(panels.ANSWER)
    page = await admin_page.open_admin_page(pages, here)
    admin = admin_of(page)
    await admin_page.try_out(admin)
    for tab in TABS:
        await admin_page.choose(admin, tab)
        assert await wrong(page) == [], tab
    await admin_page.ask_for_auto(admin)
    assert await wrong(page) == []


async def test_the_tour_and_the_issue_of_a_step(here: World, pages: Pages, tour: Tour) -> None:
    page = await pages.open(f"{here.jira.base_url}/")
    await expect(page.locator("[data-tour]")).to_be_visible()
    assert await wrong(page) == []

    await page.locator("[data-step=takeover]").get_by_role("button", name="Ask as Carlos").click()
    panel = page.frame_locator("iframe")
    await expect(panel.get_by_text("Ask about this issue")).to_be_visible(timeout=panels.SEEN)
    found = []
    for look in NARROW_AND_WIDE:
        await wear(page, look)
        found += await axe.judge(page)
    assert found == []


async def test_axe_finds_what_is_wrong(here: World, pages: Pages) -> None:
    page = await panels.empty(pages, here)
    await inner(page).evaluate("document.documentElement.removeAttribute('lang')")
    [found] = await axe.judge(inner(page))
    assert found.startswith("serious html-has-lang")
