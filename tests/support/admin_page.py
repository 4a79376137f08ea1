"""The admin page as Adam opens it, tab by tab."""

from __future__ import annotations

from playwright.async_api import FrameLocator, Locator, Page, expect

from tests.support.browser import Pages
from tests.support.world import World

SEEN = 30_000  # milliseconds: what is waited for comes, however busy the machine
TABS = ("Connection", "Assistant", "Projects", "Playground", "Health", "Cost", "Recent turns")
CONFIRMS = "Answer automatically in Operations?"


async def open_admin_page(pages: Pages, here: World, **options: object) -> Page:
    """The site's page around it; it is awake."""
    page = await pages.open(f"{here.jira.base_url}/app/admin?as=adam", **options)
    awake = admin_of(page).get_by_role("tabpanel", name="Connection").locator(".section-body")
    await expect(awake).to_be_visible(timeout=SEEN)
    return page


def admin_of(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


async def choose(admin: FrameLocator, tab: str) -> Locator:
    """A tab's panel, once it is there to be read."""
    await admin.get_by_role("tab", name=tab).click()
    panel = admin.get_by_role("tabpanel", name=tab)
    await expect(panel.locator(".section-body")).to_be_visible(timeout=SEEN)
    return panel


async def try_out(admin: FrameLocator) -> None:
    """A message in the playground, answered."""
    playground = await choose(admin, "Playground")
    await playground.get_by_label("Message").fill("Why is the nightly backup slow?")
    await playground.get_by_role("button", name="Send").click()
    await expect(playground.get_by_text("Tokens out", exact=True)).to_be_visible(timeout=SEEN)


async def ask_for_auto(admin: FrameLocator) -> None:
    """The dialog before a project answers by itself, open."""
    projects = await choose(admin, "Projects")
    row = projects.get_by_role("form", name="Operations")
    await row.get_by_label("Mode").select_option("Automatic")
    await row.get_by_role("button", name="Save").click()
    await expect(admin.get_by_role("dialog", name=CONFIRMS)).to_be_visible(timeout=SEEN)
