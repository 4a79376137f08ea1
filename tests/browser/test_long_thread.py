"""A thread of 2,000 items in the panel: the newest at once, and the oldest without a jump."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect
from sqlmodel import Session, select

from app.store.tables import Thread
from tests.support.browser import Pages
from tests.support.looks import inner
from tests.support.panels import SEEN, items, open_panel, panel_of
from tests.support.rows import item_of
from tests.support.talks import Chat
from tests.support.world import World, world

HELD = 2000
PAGE = 50
TALL = {"width": 1000, "height": 1400}
PICTURES = 10  # seen after a page has come in, each at most a pixel off

# Scrolls to the oldest message there is and waits for those before it. Gives how far the message
# at which the reader looked was ever off its place, in pixels, and how many there are now.
PAGE_BACK = """async ([into, pictures]) => {
    const log = document.querySelector(".conversation:not([hidden]) [data-part=log]");
    const list = log.querySelector("[data-part=items]");
    const count = list.children.length;
    const came = new Promise((done) => {
        const watcher = new MutationObserver(() => {
            if (list.children.length > count) done(watcher.disconnect());
        });
        watcher.observe(list, { childList: true });
    });
    log.scrollTop = into;
    const top = log.getBoundingClientRect().top;
    const seen = [...list.children].find((one) => one.getBoundingClientRect().bottom > top);
    const before = seen.getBoundingClientRect().top;
    await came;
    let off = 0;
    for (let n = 0; n < pictures; n += 1) {
        await new Promise(requestAnimationFrame);
        off = Math.max(off, Math.abs(seen.getBoundingClientRect().top - before));
    }
    return [off, list.children.length];
}"""


@pytest.fixture
def here(sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    with world(f"sqlite:///{path}") as made:
        yield made


def fill(db: Session, thread_id: str) -> None:
    thread = db.exec(select(Thread).where(Thread.id == thread_id)).one()
    begun = datetime.now(UTC) - timedelta(days=1)
    for n in range(HELD):
        text = f"Message number {n}." + " More of it." * (n * 7 % 30)
        db.add(item_of(thread, begun + timedelta(seconds=n), text=text, role="agent"))


async def test_it_opens_with_the_newest_and_scrolls_to_the_oldest(
    here: World, pages: Pages
) -> None:
    chat = await asyncio.to_thread(Chat, here, "OPS-1", "agnes", "internal")
    await asyncio.to_thread(here.write, fill, chat.thread_id)
    page = await open_panel(pages, here, "agnes", "OPS-1", viewport=TALL)
    shown = items(panel_of(page))
    await expect(shown.last).to_contain_text(f"Message number {HELD - 1}.", timeout=SEEN)
    await expect(shown.last).to_be_in_viewport()
    await expect(shown).to_have_count(PAGE)  # no more than that was waited for

    count = PAGE
    while count < HELD:
        into = 0 if count % 100 else 300  # at the very top, or short of it
        off, count = await inner(page).evaluate(PAGE_BACK, [into, PICTURES])
        assert off <= 1, f"jumped by {off} px with {count} messages"
    await _shows_the_oldest(shown)

    await panel_of(page).get_by_role("button", name="Newest messages").click()
    await expect(shown.last).to_be_in_viewport()


async def _shows_the_oldest(shown: Locator) -> None:
    await expect(shown).to_have_count(HELD)
    await shown.first.scroll_into_view_if_needed()
    await expect(shown.first).to_contain_text("Message number 0.")
    await expect(shown.first).to_be_in_viewport()
