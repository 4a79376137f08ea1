"""axe-core, which judges a page as somebody meets it who does not see or point."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Frame, Page

SOURCE = Path(__file__).parents[2] / ".ci/npm/node_modules/axe-core/axe.min.js"
MISSING = "no axe-core: install it by `sh .ci/pages`, which needs npm or fetches it"

# A frame is judged in itself: axe would ask each frame for its own axe and wait for it.
RUN = "() => axe.run(document, { iframes: false, resultTypes: ['violations'] })"


def missing() -> str | None:
    """What would be lacking here and how to install it, or None."""
    return None if SOURCE.exists() else MISSING


async def judge(frame: Frame | Page) -> list[str]:
    """What is wrong with the document, a line for each place: impact, rule, place, what helps.

    By its debugger's way in, which no content security policy shuts.
    """
    if not await frame.evaluate("() => 'axe' in window"):
        await frame.evaluate(_source())
    found: dict[str, Any] = await frame.evaluate(RUN)
    return [
        f"{rule['impact']} {rule['id']}: {' '.join(map(str, node['target']))}"
        f" ({node['failureSummary']})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@cache
def _source() -> str:
    return SOURCE.read_text(encoding="utf-8")
