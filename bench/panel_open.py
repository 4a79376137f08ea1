"""How long a thread of 2,000 items takes to open in the panel, beside an empty one.

    .venv/bin/python -m bench.panel_open [rounds]

From the navigation of the issue's page to the newest message in sight (for the empty thread, to
the words that stand there instead), in Chromium, the simulated site and the frame included.
Prints the medians of both and their ratio: the machine's speed falls out of it.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time

import structlog
from playwright.async_api import expect

from app.settings import load
from app.store.database import Database
from tests.browser.test_long_thread import HELD, TALL, fill
from tests.support import browser
from tests.support.browser import Pages
from tests.support.panels import SEEN, open_panel, panel_of
from tests.support.talks import Chat
from tests.support.world import World, world

ROUNDS = 15
NEWEST = f"Message number {HELD - 1}."
NOTHING = "Ask about this issue"


async def measure(here: World, nothing: str, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each opening, of the long thread and of the empty one, by turns."""
    long: list[float] = []
    empty: list[float] = []
    async with browser.launched() as chromium:
        for _ in range(rounds + 1):
            long.append(await _opening(Pages(chromium), here, "OPS-1", NEWEST))
            empty.append(await _opening(Pages(chromium), here, nothing, NOTHING))
    return long[1:], empty[1:]  # the first of each warms everything up


async def _opening(pages: Pages, here: World, key: str, text: str) -> float:
    begun = time.perf_counter()
    page = await open_panel(pages, here, "agnes", key, viewport=TALL)
    shown = panel_of(page).get_by_text(text)
    await expect(shown).to_be_visible(timeout=SEEN)
    took = time.perf_counter() - begun
    await pages.close()
    return took


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/app.db"
        database = Database.open(load(database_url=url))
        database.migrate()
        database.close()
        with world(url) as here:
            nothing = here.jira.create_issue("OPS", "Nothing said", by="rita").key
            chat = Chat(here, "OPS-1", "agnes", "internal")
            here.write(fill, chat.thread_id)
            long, empty = asyncio.run(measure(here, nothing, rounds))
    at_2000, at_none = statistics.median(long), statistics.median(empty)
    print(f"{HELD} items: {at_2000:.2f} s    empty: {at_none:.2f} s    ({rounds} rounds, medians)")
    print(f"ratio: {at_2000 / at_none:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
