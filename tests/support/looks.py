"""How a page is looked at: a width and a colour scheme, worn to the end."""

from __future__ import annotations

from itertools import product
from typing import Literal, NamedTuple

from playwright.async_api import Frame, Page

Scheme = Literal["light", "dark"]
HEIGHT = 900

# Colours may glide into each other: they are looked at where they arrive.
WORN = """async (scheme) => {
    const frame = () => new Promise(requestAnimationFrame);
    const glides = (one) => one.effect.getComputedTiming().iterations !== Infinity;
    const root = document.documentElement;
    while ((root.dataset.colorMode ?? scheme) !== scheme) await frame();
    do {
        await frame();
        await frame();
    } while (document.getAnimations().some(glides));
}"""


class Look(NamedTuple):
    width: int
    scheme: Scheme


SCHEMES: tuple[Scheme, ...] = ("light", "dark")
NARROW_AND_WIDE = [Look(width, scheme) for width, scheme in product((320, 1280), SCHEMES)]


async def wear(page: Page, look: Look, height: int = HEIGHT) -> None:
    """Come back once the page, and the frame in it, look so."""
    await page.set_viewport_size({"width": look.width, "height": height})
    await page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
    for frame in page.frames:
        await frame.evaluate(WORN, look.scheme)


def inner(page: Page) -> Frame:
    """The document of the app's: in the site's frame, or alone."""
    return page.frames[-1]
