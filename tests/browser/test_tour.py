"""The whole tour in a browser, on the demonstration as an operator starts it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from playwright.async_api import FrameLocator, Locator, Page, expect

from tests.cli.program import Program, programs
from tests.support.browser import Pages
from tests.support.world import free_port

SEEN = 60_000  # milliseconds: a step comes to its end, however busy the machine
FOUR_OR_FIVE = re.compile("^[45]$")  # Carlos's two messages may be answered at once
STOPPED = "Ctrl-C stops everything."


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demonstration's first page."""
    with programs(tmp_path_factory.mktemp("tour")) as started:
        app, jira, openai = (str(free_port()) for _ in range(3))
        demo: Program = started.start(
            "demo", "--app-port", app, "--jira-port", jira, "--openai-port", openai
        )
        demo.wait_until_it_says(STOPPED)
        yield f"http://127.0.0.1:{jira}"


async def press(page: Page, step: str, name: str) -> None:
    """A button of a step, on the start page or on its issue."""
    await page.locator(f"[data-step={step}]").get_by_role("button", name=name).click()


async def ticked(page: Page, step: str) -> None:
    shown = page.locator(f"[data-step={step}]")
    await expect(shown).to_have_attribute("data-state", "done", timeout=SEEN)
    await expect(shown.locator("[data-word]")).to_have_text("Done")


def panel(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def comments(page: Page) -> Locator:
    return page.locator("#comments > li")


async def ask_and_watch_it_grow(page: Page) -> None:
    await press(page, "ask", "Ask as Rita")
    growing = panel(page).locator(".prose", has_text="This is about")
    await expect(growing).to_be_visible(timeout=SEEN)
    await expect(comments(page)).to_have_count(0)
    await ticked(page, "ask")
    await expect(comments(page)).to_have_count(1)


async def talk_it_out(page: Page) -> None:
    await press(page, "secret", "Write the secret as Agnes")
    await expect(comments(page)).to_contain_text("HERON-")
    await press(page, "secret", "Ask for it as Carlos")
    await expect(page.locator(".who-name")).to_have_text("Carlos Cano")
    await ticked(page, "secret")
    await expect(comments(page).last).to_contain_text("This is all that I was given")
    await expect(page.locator("body")).not_to_contain_text("HERON-")


async def take_over(page: Page) -> None:
    await press(page, "takeover", "Ask as Carlos")
    says = page.locator("[data-says]")
    await expect(says).to_contain_text("The model is writing", timeout=SEEN)
    await press(page, "takeover", "Answer as Agnes")
    await ticked(page, "takeover")
    await expect(says).to_contain_text("stopped after")
    await expect(comments(page)).to_have_count(1)


async def approve(page: Page) -> None:
    await press(page, "draft", "Ask as Rita")
    await panel(page).get_by_role("button", name="Approve").click(timeout=SEEN)
    await ticked(page, "draft")
    await expect(comments(page)).to_have_count(1)
    await expect(comments(page)).to_contain_text("approved by Agnes Ågren")


async def kill(page: Page) -> None:
    before = await page.locator("[data-worker]").text_content()
    await press(page, "kill", "Ask as Rita")
    await expect(panel(page).locator(".prose", has_text="This is about")).to_be_visible(
        timeout=SEEN
    )
    await press(page, "kill", "Kill the worker")
    await expect(page.locator("[data-says]")).to_contain_text("Killed after")
    await ticked(page, "kill")
    await expect(comments(page)).to_have_count(1)
    await expect(panel(page).locator(".prose", has_text="This is about")).to_have_count(1)
    await page.get_by_role("link", name="Back to the tour").click()
    await expect(page.locator("[data-worker]")).to_contain_text("The app is up")
    assert await page.locator("[data-worker]").text_content() != before


@pytest.mark.timeout(300)  # it takes a visitor's time, and two starts of the app
async def test_five_steps_five_ticks_and_three_noughts(site: str, pages: Pages) -> None:
    steps = (ask_and_watch_it_grow, talk_it_out, take_over, approve)
    visitors = [await pages.open(site) for _ in steps]
    await asyncio.gather(*(step(visitor) for step, visitor in zip(steps, visitors, strict=True)))
    page, *others = visitors
    for other in others:
        await other.close()
    await page.goto(site)
    await kill(page)

    # While the app is away the panel says so; the browser says it, too.
    pages.complaints[:] = [one for one in pages.complaints if "net::ERR_" not in one]
    tiles = page.locator("[data-tile] [data-number]")
    await expect(tiles).to_have_text([re.compile("^6$"), FOUR_OR_FIVE, *(re.compile("^0$"),) * 3])
    assert await page.locator('[data-step][data-state="done"]').count() == 5

    await page.get_by_role("button", name="Start over").click()
    await expect(tiles).to_have_text(["0", "0", "0", "0", "0"])
    await expect(page.locator('[data-step][data-state="open"]')).to_have_count(5)


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_and_can_be_read(site: str, pages: Pages, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800}
    page = await pages.open(site, viewport=size, color_scheme=scheme)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    tile = page.locator("[data-tile=lost]")
    means = tile.get_by_role("tooltip", include_hidden=True)
    await expect(means).to_be_hidden()
    await tile.focus()
    await expect(means).to_be_visible()
    box = await means.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
