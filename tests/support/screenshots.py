"""``make screenshots``: every page and state into ``docs/screenshots``, in both themes.

Names are the same each time; what was there and is taken no more is removed. The index that
shows them, ``docs/screenshots.md``, is written as well.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog
from playwright.async_api import Browser, Locator, Page, expect

from app.settings import load
from app.store.database import Database
from tests.support import admin_page, browser, panels, touring
from tests.support.admin_page import TABS, admin_of
from tests.support.browser import Pages
from tests.support.looks import SCHEMES, Look, wear
from tests.support.world import World, world

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "screenshots"
LOOKS = [Look(width, scheme) for width in (480, 1280) for scheme in SCHEMES]
TALL = 1700  # a frame's picture is taken in one piece, with nothing of the site over it
HALF_WRITTEN = 105  # words of the answer that are there in the first picture

TITLES = {
    "panel": "The issue panel",
    "admin": "The admin page",
    "site": "The simulated site of `make demo`",
}


def main() -> int:
    if missing := browser.missing():
        sys.stderr.write(f"{missing}\n")
        return 1
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with _new_world() as here:
        panels.prepare(here)
        asyncio.run(_panel_and_admin(here))
    with _new_world() as here:
        touring.show_tour(here)
        asyncio.run(_tour(here))
    (DOCS / "screenshots.md").write_text(_index(), encoding="utf-8")
    return 0


@contextmanager
def _new_world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="jira-chatkit-") as folder:
        url = f"sqlite:///{folder}/app.db"
        database = Database.open(load(database_url=url))
        database.migrate()
        database.close()
        with world(url) as here:
            yield here


async def _panel_and_admin(here: World) -> None:
    async with browser.launched() as chromium:
        for name, scene in panels.SCENES.items():
            async with _opened(chromium) as pages:
                page = await scene(pages, here)
                frame = page.locator("iframe" if await page.locator("iframe").count() else "main")
                await _take(page, f"panel-{name}", frame)
            here.openai.release()
            here.openai.faults.clear()
        async with _opened(chromium) as pages:
            await _admin(pages, here)


async def _admin(pages: Pages, here: World) -> None:
    here.openai.answers(panels.ANSWER)
    page = await admin_page.open_admin_page(pages, here, viewport={"width": 1280, "height": 900})
    admin, frame = admin_of(page), page.locator("iframe")
    await admin_page.try_out(admin)
    for tab in TABS:
        await admin_page.choose(admin, tab)
        await _take(page, f"admin-{tab.lower().replace(' ', '-')}", frame)
    await admin_page.ask_for_auto(admin)
    await _take(page, "admin-confirm-auto", frame)


async def _tour(here: World) -> None:
    async with browser.launched() as chromium, _opened(chromium) as pages:
        page = await pages.open()
        for step, name in (
            ("ask", "Ask as Rita"),
            ("secret", "Write the secret as Agnes"),
            ("secret", "Ask for it as Carlos"),
        ):
            await page.goto(here.jira.base_url)
            await page.locator(f"[data-step={step}]").get_by_role("button", name=name).click()
            await asyncio.to_thread(here.run_until_idle)
        await page.goto(here.jira.base_url)
        await _ticked(page, "secret")
        await _take(page, "site-tour")
        await page.goto(f"{here.jira.base_url}/faults")
        await _take(page, "site-faults")

        await page.goto(here.jira.base_url)
        here.openai.hold(after=HALF_WRITTEN)
        await page.locator("[data-step=ask]").get_by_role("button", name="Ask as Rita").click()
        grows = page.frame_locator("iframe").get_by_text("The assistant is writing…").first
        await expect(grows).to_be_visible(timeout=panels.SEEN)
        await here.openai.wait_for_stream()
        await _take_first(page)
        here.openai.release()
        await _ticked(page, "ask")
        await _take(page, "site-issue")


async def _ticked(page: Page, step: str) -> None:
    shown = page.locator(f"[data-step={step}]")
    await expect(shown).to_have_attribute("data-state", "done", timeout=panels.SEEN)


async def _take_first(page: Page) -> None:
    """The answer half-written, with the scoreboard above it."""
    says = page.locator("[data-says]")
    await expect(says).to_contain_text("The model is writing", timeout=panels.SEEN)
    await wear(page, Look(1080, "light"), 1190)
    await page.screenshot(path=FOLDER / "first.png")


async def _take(page: Page, name: str, part: Locator | None = None) -> None:
    """A picture in each look: of the part, or of what a screen shows."""
    for look in LOOKS:
        await wear(page, look, *([TALL] if part else []))
        path = FOLDER / f"{name}-{look.width}-{look.scheme}.png"
        if part is None:
            await page.screenshot(path=path)
        else:
            await part.screenshot(path=path)


@asynccontextmanager
async def _opened(chromium: Browser) -> AsyncIterator[Pages]:
    pages = Pages(chromium)
    yield pages
    await pages.close()


def _index() -> str:
    lines = [
        "# Screenshots",
        "",
        "Every page and state, narrow and wide, light and dark. Made by `make screenshots`; each",
        "is what Chromium shows of the running app between the two simulated sites.",
    ]
    names = sorted({path.stem.rsplit("-", 2)[0] for path in FOLDER.glob("*-*-*.png")})
    heads = " | ".join(f"{look.width} px, {look.scheme}" for look in LOOKS)
    for part, title in TITLES.items():
        lines += ["", f"## {title}"]
        for name in (one for one in names if one.startswith(f"{part}-")):
            what = name.removeprefix(f"{part}-").replace("-", " ")
            shown = " | ".join(_shown(name, f"{title}: {what}", look) for look in LOOKS)
            lines += ["", f"### {what.capitalize()}", "", f"| {heads} |", "|---" * len(LOOKS) + "|"]
            lines.append(f"| {shown} |")
    return "\n".join(lines) + "\n"


def _shown(name: str, what: str, look: Look) -> str:
    alt = f"{what.replace('`', '')}, {look.width} px, {look.scheme}"
    return f"![{alt}](screenshots/{name}-{look.width}-{look.scheme}.png)"


if __name__ == "__main__":
    sys.exit(main())
