"""An app's frame on the simulated site: what ``AP`` gives to it, and to nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest
from playwright.async_api import Frame, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.sandbox import places
from app.sandbox.jira import JiraSite, outbound
from app.sandbox.serving import serve
from tests.sandbox.receiver import KEY, installed
from tests.support.browser import Pages

TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
LOOK = ".choices > summary"
COLOUR = "getComputedStyle(document.documentElement).getPropertyValue('--ds-text')"


@pytest.fixture(scope="module")
def jira() -> Iterator[JiraSite]:
    with installed() as (site, _):
        yield site


async def framed(page: Page) -> Frame:
    """The app's frame, once its page is there."""
    handle = await page.locator("iframe").element_handle()
    frame = await handle.content_frame()
    assert frame is not None
    await frame.locator(".ac-content").wait_for()
    return frame


async def opened(pages: Pages, url: str, **options: Any) -> tuple[Page, Frame]:
    page = await pages.open(url, **options)
    return page, await framed(page)


def claims(jira: JiraSite, token: str) -> dict[str, Any]:
    """Of a context token, if the app would take it."""
    found: dict[str, Any] = jwt.decode(
        token, jira.link.installed.shared_secret, algorithms=["HS256"]
    )
    assert found["qsh"] == "context-qsh"
    return found


async def test_a_frame_gets_tokens_of_who_looks_with_the_issue(
    jira: JiraSite, pages: Pages
) -> None:
    _, frame = await opened(pages, f"{jira.base_url}/browse/OPS-1?as=agnes")
    called = await frame.evaluate("new Promise((resolve) => AP.context.getToken(resolve))")
    promised = await frame.evaluate("AP.context.getToken()")

    for token in (called, promised):
        found = claims(jira, token)
        assert found["sub"] == jira.account_id("agnes")
        assert found["context"]["jira"]["issue"]["key"] == "OPS-1"
        assert found["iss"] == jira.link.client_key
    assert await frame.evaluate("AP.context.getContext()") == claims(jira, promised)["context"]
    assert await frame.evaluate("AP.user.getCurrentUser()") == {
        "atlassianAccountId": jira.account_id("agnes"),
        "accountType": "atlassian",
    }


async def test_the_admin_page_is_a_frame_too(jira: JiraSite, pages: Pages) -> None:
    _, frame = await opened(pages, f"{jira.base_url}/app/admin?as=adam")
    found = claims(jira, await frame.evaluate("AP.context.getToken()"))

    assert found["sub"] == jira.account_id("adam")
    assert found["context"] == {"jira": {}}


async def test_two_windows_are_two_people(jira: JiraSite, pages: Pages) -> None:
    page, frame = await opened(pages, f"{jira.base_url}/browse/OPS-2")
    other, theirs = await opened(pages, f"{jira.base_url}/browse/OPS-2?as=agnes")
    for who, its in (("rita", frame), ("agnes", theirs)):
        token = await its.evaluate("AP.context.getToken()")
        assert claims(jira, token)["sub"] == jira.account_id(who)

    await other.get_by_role("link", name="Projects").click()
    await other.get_by_role("link", name="OPS-2").click()
    await other.get_by_placeholder("Add a comment as Agnes").fill("I am on it.")
    await other.get_by_role("button", name="Comment", exact=True).click()
    await other.locator(".comment").get_by_text("I am on it.").wait_for()
    await expect(other.get_by_placeholder("Add a comment as Agnes")).to_be_visible()
    await page.locator(".comment").get_by_text("I am on it.").wait_for()
    assert jira.comments("OPS-2")[-1].author.name == "agnes"


async def test_each_persons_language_is_kept(jira: JiraSite, pages: Pages) -> None:
    page, frame = await opened(pages, f"{jira.base_url}/browse/OPS-1?as=adam")
    assert await frame.evaluate("new Promise((done) => AP.user.getLocale(done))") == "en_GB"

    await page.locator(LOOK).click()
    await page.get_by_role("button", name="Español").click()
    await page.wait_for_load_state()
    assert await (await framed(page)).evaluate("AP.user.getLocale()") == "es_ES"
    await page.goto(f"{jira.base_url}/browse/OPS-1")
    assert await (await framed(page)).evaluate("AP.user.getLocale()") == "en_US"


async def test_a_frame_follows_the_theme_of_the_site(jira: JiraSite, pages: Pages) -> None:
    page, frame = await opened(pages, f"{jira.base_url}/browse/OPS-1", color_scheme="dark")
    html = frame.locator("html")
    await expect(html).not_to_have_attribute("data-color-mode", "dark")
    await frame.evaluate("AP.theming.initializeTheming()")
    await expect(html).to_have_attribute("data-color-mode", "dark")
    await expect(html).to_have_attribute("data-theme", "light:light dark:dark")
    assert await frame.evaluate(COLOUR) == "#cecfd2"

    await page.emulate_media(color_scheme="light")
    await expect(html).to_have_attribute("data-color-mode", "light")
    await page.locator(LOOK).click()
    await page.get_by_role("button", name="Dark").click()
    await expect(html).to_have_attribute("data-color-mode", "dark")
    assert await frame.evaluate(COLOUR) == "#cecfd2"
    assert await page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"

    async with page.expect_response("**/look"):
        await page.get_by_role("button", name="Light").click()
    await expect(html).to_have_attribute("data-color-mode", "light")
    assert await frame.evaluate(COLOUR) == "#292a2e"
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-color-mode", "light")


async def test_a_frame_is_as_high_as_what_is_in_it(jira: JiraSite, pages: Pages) -> None:
    page, frame = await opened(pages, f"{jira.base_url}/browse/OPS-1")
    element = page.locator("iframe")
    grow = "(height) => { document.querySelector('.ac-content').style.height = height; }"
    for height in (700, 90):
        await frame.evaluate(grow, f"{height}px")
        shown = await frame.evaluate("document.body.getBoundingClientRect().bottom")
        await expect(element).to_have_css("height", f"{round(shown) + 8}px")

    await frame.evaluate("AP.resize('50%', 432)")
    await expect(element).to_have_css("height", "432px")
    assert await element.evaluate("(frame) => frame.style.width") == "50%"
    await frame.evaluate("AP.sizeToParent()")
    await expect(element).to_have_class("frame frame-page")


@contextmanager
def foreign_page(html: str) -> Iterator[str]:
    """A page of somebody else, on an origin of its own."""

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(
            f"<!doctype html><link rel=icon href=data:,><title>Elsewhere</title>{html}"
        )

    with serve(Starlette(routes=[Route("/", page)])) as served:
        yield served.url


HEARD = "window.heard = []; addEventListener('message', (event) => heard.push(event.data));"
# After AP's own listener has seen the message, too.
WAIT_FOR_MESSAGE = """void (window.message = new Promise((heard) =>
    addEventListener("message", heard, { once: true })).then(() => "heard"))"""


async def test_a_frame_on_a_foreign_page_gets_nothing_and_believes_nothing(
    jira: JiraSite, pages: Pages
) -> None:
    app = jira.link.installed.descriptor.base_url
    with foreign_page(f'<iframe src="{app}/panel?xdm_e={jira.base_url}"></iframe>') as url:
        page, frame = await opened(pages, url)
        await page.evaluate(HEARD)
        await frame.evaluate(WAIT_FOR_MESSAGE)
        await frame.evaluate("window.token = AP.context.getToken(), parent.postMessage('end', '*')")
        await page.wait_for_function("heard.includes('end')")
        assert await page.evaluate("heard") == ["end"]

        for number in range(1, 10):
            forged = {"connect": "answer", "id": number, "value": "forged"}
            await page.evaluate("(forged) => frames[0].postMessage(forged, '*')", forged)
        await frame.evaluate("message")
        assert await frame.evaluate("Promise.race([token, Promise.resolve('none')])") == "none"


async def test_a_foreign_page_that_asks_as_a_frame_does_is_not_answered(
    jira: JiraSite, pages: Pages
) -> None:
    with foreign_page("<button>Open</button>") as url:
        page = await pages.open(url)
        await page.evaluate(HEARD)
        async with page.expect_popup() as popup:
            await page.evaluate(
                "(url) => { window.site = open(url); }", f"{jira.base_url}/browse/OPS-1"
            )
        site = await popup.value
        await framed(site)
        await site.evaluate(WAIT_FOR_MESSAGE)
        ask = {"connect": "ask", "id": 1, "call": "sizeToParent", "args": []}
        await page.evaluate("(ask) => site.postMessage(ask, '*')", ask)
        await site.evaluate("message.then(() => opener.postMessage('end', '*'))")
        await page.wait_for_function("heard.includes('end')")

        assert await page.evaluate("heard") == ["end"]
        await expect(site.locator("iframe")).to_have_class("frame")


def ask_for_token(jira: JiraSite, origin: str | None = None, **form: str) -> httpx2.Response:
    with outbound.client() as client:
        headers = {"Origin": origin or jira.base_url}
        return client.post(f"{jira.base_url}/frames/token", data=form, headers=headers)


def test_a_token_is_given_for_an_issue_that_one_may_see_and_to_this_site(jira: JiraSite) -> None:
    first = claims(jira, ask_for_token(jira, issue="OPS-1").json()["token"])

    assert first["sub"] == jira.account_id("rita")
    assert ask_for_token(jira, issue="SUP-1").status_code == 404
    assert ask_for_token(jira, issue="NONE-1").status_code == 404
    assert ask_for_token(jira, "https://evil.example", issue="OPS-1").status_code == 403


def test_without_an_app_there_is_no_token() -> None:
    with JiraSite().serve() as jira:
        assert ask_for_token(jira, issue="OPS-1").status_code == 404


def test_the_address_of_a_frame_carries_what_jiras_does(jira: JiraSite) -> None:
    query = parse_qs(urlsplit(jira.panel_url("OPS-1", "rita")).query, keep_blank_values=True)

    assert set(query) == {"issue", "xdm_e", "xdm_c", "cp", "lic", "cv", "jwt"}
    assert query["xdm_e"] == [jira.base_url]
    assert query["xdm_c"] == [f"channel-{KEY}__panel"]


async def test_the_site_has_one_name(jira: JiraSite, pages: Pages) -> None:
    """A frame's cookies and origins know it as one."""
    elsewhere = jira.base_url.replace("127.0.0.1", "localhost")
    page, _ = await opened(pages, f"{elsewhere}/browse/OPS-1?as=agnes")

    assert page.url == f"{jira.base_url}/browse/OPS-1?as=agnes"


def test_every_colour_that_the_app_asks_jira_for_is_one_of_jiras() -> None:
    """Jira's theme hands down colours; sizes and fonts have the app's own values."""
    colours = r"var\((--ds-(?:background|border|icon|link|surface|text)[\w-]*)"
    asked = set(re.findall(colours, TOKENS.read_text()))
    given = re.findall(r"(--ds-[\w-]+):", (places.STATIC / "themes.css").read_text())

    assert asked <= set(given)
    assert all(given.count(name) == 2 for name in given)  # light and dark
