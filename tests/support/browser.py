"""A real Chromium, and pages that tell what they complained about."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from playwright._impl._driver import compute_driver_executable
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

FLAGS = (
    "--no-sandbox",  # as root, and in containers, Chromium starts in no other way
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Nothing but this machine is there to be found, as for the tests themselves.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)

REPORT_VIOLATIONS = """
    document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`CSP ${event.effectiveDirective}: ${event.blockedURI}`);
    });
"""


def executable() -> str | None:
    """Where Chromium is, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@cache
def missing() -> str | None:
    """What a browser test would lack here and how to install it, or None."""
    if executable() is None:
        return "no Chromium: install it (on Debian: apt-get install chromium)"
    node, _ = compute_driver_executable()
    if subprocess.run([node, "--version"], capture_output=True, check=False).returncode != 0:
        return (
            "Playwright does not start: install its library (on Debian: apt-get install libatomic1)"
        )
    return None


class Pages:
    """Opens pages, each in a context of its own, and keeps what went wrong in any of them.

    ``complaints`` holds a line for every console error, uncaught exception and breach of the
    content security policy, in their order. A test that means to cause one looks at it and
    clears the list: what is left at the end fails the test.
    """

    def __init__(self, browser: Browser) -> None:
        self.complaints: list[str] = []
        self._browser = browser

    async def open(self, url: str = "about:blank", **options: Any) -> Page:
        """A new page on ``url``. ``options`` are those of Playwright's ``new_context``."""
        context = await self._browser.new_context(**options)
        await context.add_init_script(REPORT_VIOLATIONS)
        page = await context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        await page.goto(url)
        return page

    async def close(self) -> None:
        """Close them all; what was said until then has been heard."""
        for context in self._browser.contexts:
            await context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A Chromium of the test's own: it lives on the test's event loop, about a second each.

    Playwright's synchronous way marks an event loop as running between its calls, which no
    asyncio test in the same process survives.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()
