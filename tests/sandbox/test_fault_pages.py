"""The switches by which people let something go wrong, on both simulated systems."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from app.clock import SystemClock
from app.sandbox.jira import JiraSite, outbound
from app.sandbox.mischief import Mischief, Waiting
from app.sandbox.openai import DEMO_KEY, OpenAISite
from app.sandbox.serving import serve
from app.sandbox.switches import TIMES, Switchboard
from tests.sandbox.receiver import TinyApp, call, installed, paragraph
from tests.support.browser import Pages

COMMENTS = "/rest/api/3/issue/OPS-1/comment"
ALWAYS = {"times": "always"}
ONCE = {"times": "1"}


@pytest.fixture
def here() -> Iterator[tuple[JiraSite, TinyApp]]:
    with installed() as both:
        yield both


@pytest.fixture
def jira(here: tuple[JiraSite, TinyApp]) -> JiraSite:
    return here[0]


@pytest.fixture
def openai() -> Iterator[tuple[OpenAISite, str]]:
    site = OpenAISite(clock=SystemClock())
    with serve(site.asgi) as served:
        yield site, served.url


def switch(url: str, name: str, *, origin: str | None = None, **chosen: str) -> httpx2.Response:
    return send(url, origin=origin, on=name, **chosen)


def send(url: str, *, origin: str | None = None, **form: str) -> httpx2.Response:
    with outbound.client() as client:
        headers = {"Origin": origin or url}
        return client.post(f"{url}/faults", data=form, headers=headers)


def ask(url: str) -> httpx2.Response:
    body = {"model": "gpt-5.4-mini", "input": "Why?", "stream": True}
    with outbound.client() as client:
        return client.post(
            f"{url}/v1/responses", json=body, headers={"Authorization": f"Bearer {DEMO_KEY}"}
        )


def models(url: str) -> int:
    with outbound.client() as client:
        headers = {"Authorization": f"Bearer {DEMO_KEY}"}
        return client.get(f"{url}/v1/models", headers=headers).status_code


def statuses(jira: JiraSite, count: int) -> list[int]:
    return [call(jira, "GET", "/rest/api/3/myself").status_code for _ in range(count)]


def told(board: Switchboard) -> list[tuple[str, str]]:
    return [(active.title, active.left) for active in board.active]


def test_jira_is_down_for_as_long_as_somebody_wants(jira: JiraSite) -> None:
    assert switch(jira.base_url, "down", times="3").status_code == 303
    assert told(jira.switches) == [("Jira answers 503", "for 3 more requests")]
    assert statuses(jira, 4) == [503, 503, 503, 200]
    assert told(jira.switches) == []

    switch(jira.base_url, "down", **ALWAYS)
    assert statuses(jira, 12) == [503] * 12
    [active] = jira.switches.active
    assert active.left == "until switched off"
    send(jira.base_url, off=active.id)
    assert statuses(jira, 1) == [200]


def test_jira_limits_for_each_of_its_reasons(jira: JiraSite) -> None:
    switch(jira.base_url, "limited", reason="jira-burst-based", seconds="5", **ONCE)
    limited = call(jira, "GET", "/rest/api/3/myself")
    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "5"
    assert limited.headers["ratelimit-reason"] == "jira-burst-based"

    switch(jira.base_url, "limited", reason="jira-per-issue-on-write", seconds="2", **ONCE)
    assert told(jira.switches) == [
        ("Jira answers 429 (writes on one issue)", "for one more request")
    ]
    assert statuses(jira, 1) == [200]
    body = {"body": paragraph("answer")}
    assert call(jira, "POST", COMMENTS, body).status_code == 429
    assert call(jira, "POST", COMMENTS, body).status_code == 201


def test_jira_writes_a_comment_and_says_nothing_of_it(jira: JiraSite) -> None:
    switch(jira.base_url, "unanswered", **ONCE)
    with pytest.raises(httpx2.TransportError):
        call(jira, "POST", COMMENTS, {"body": paragraph("answer")})

    assert [one.text for one in jira.comments("OPS-1")] == ["answer"]


def test_what_is_counted_strikes_before_what_stands(jira: JiraSite) -> None:
    switch(jira.base_url, "slow", seconds="2", **ALWAYS)
    switch(jira.base_url, "down", **ONCE)
    assert statuses(jira, 1) == [503]
    assert told(jira.switches) == [("Jira answers 2 s late", "until switched off")]


def test_webhooks_come_twice_or_never(here: tuple[JiraSite, TinyApp]) -> None:
    jira, app = here
    switch(jira.base_url, "doubled", **ONCE)
    jira.comment("OPS-1", "twice")
    jira.webhooks.wait_until_delivered()
    first, second = app.webhooks
    identifier = "x-atlassian-webhook-identifier"
    assert first.headers[identifier] == second.headers[identifier]

    switch(jira.base_url, "dropped", **ALWAYS)
    jira.comment("OPS-1", "never")
    jira.comment("OPS-1", "never")
    send(jira.base_url, off="all")
    jira.comment("OPS-1", "once")
    jira.webhooks.wait_until_delivered()
    assert [one.body["comment"]["body"] for one in app.webhooks] == ["twice", "twice", "once"]


def test_a_late_webhook_is_overtaken(here: tuple[JiraSite, TinyApp]) -> None:
    jira, app = here
    jira.webhooks.mishaps.add("late", 1, seconds=0.3)
    jira.comment("OPS-1", "first")
    jira.comment("OPS-1", "second")
    jira.webhooks.wait_until_delivered()

    assert [one.body["comment"]["body"] for one in app.webhooks] == ["second", "first"]
    switch(jira.base_url, "late", seconds="15", **ALWAYS)
    assert told(jira.switches) == [("Webhooks are 15 s late", "until switched off")]


@pytest.mark.parametrize(
    "form",
    [
        {"on": "unheard-of", "times": "1"},
        {"on": "down"},
        {"on": "down", "times": "2"},
        {"on": "slow", "times": "1", "seconds": "1e9"},
        {"off": "answers-x"},
        {"off": "elsewhere-1"},
        {},
    ],
)
def test_a_form_that_no_switch_offers_switches_nothing(
    jira: JiraSite, openai: tuple[OpenAISite, str], form: dict[str, str]
) -> None:
    for url in (jira.base_url, openai[1]):
        assert send(url, **form).status_code == 400
    assert jira.switches.active == openai[0].switches.active == []


@pytest.mark.parametrize("origin", ["null", "https://evil.example"])
def test_nobody_switches_from_elsewhere(
    jira: JiraSite, openai: tuple[OpenAISite, str], origin: str
) -> None:
    assert switch(jira.base_url, "down", origin=origin, **ALWAYS).status_code == 403
    assert switch(openai[1], "hang", origin=origin, **ALWAYS).status_code == 403
    assert jira.switches.active == openai[0].switches.active == []


def test_openai_suffers_what_is_switched_on(openai: tuple[OpenAISite, str]) -> None:
    site, url = openai
    site.answers("one two three four five six")
    switch(url, "rate_limited", retry_after="20", **ONCE)
    limited = ask(url)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "20")
    switch(url, "insufficient_quota", **ONCE)
    assert ask(url).json()["error"]["code"] == "insufficient_quota"
    switch(url, "drop", after="3", **ONCE)
    with pytest.raises(httpx2.TransportError):
        ask(url)
    switch(url, "unavailable", retry_after="2", **ALWAYS)
    assert [ask(url).status_code, models(url)] == [503, 503]
    send(url, off="all")
    assert [ask(url).status_code, models(url)] == [200, 200]


def test_openai_tells_what_is_on(openai: tuple[OpenAISite, str]) -> None:
    site, url = openai
    switch(url, "slow", seconds="0.5", **ALWAYS)
    switch(url, "hang", times="3")
    site.faults.add("too_long")

    assert told(site.switches) == [
        ("0.5 s before each word", "until switched off"),
        ("Silence", "for 3 more requests"),
        ("Too long", "for one more request"),
    ]


async def test_somebody_switches_on_sees_it_everywhere_and_clears_all(
    jira: JiraSite, pages: Pages
) -> None:
    page = await pages.open(f"{jira.base_url}/?as=carlos", viewport={"width": 320, "height": 700})
    await page.get_by_role("link", name="Faults").click()
    lost = page.get_by_role("form", name="Lost", exact=True)
    await lost.get_by_label("For").select_option("the next 3")
    await lost.get_by_role("button", name="Switch on").click()
    await page.get_by_text("Webhooks are lost, for 3 more webhooks").wait_for()
    down = page.get_by_role("form", name="Down")
    await down.get_by_label("For").select_option("until switched off")
    await down.get_by_role("button", name="Switch on").click()
    assert await page.evaluate("document.documentElement.scrollWidth") == 320

    await page.goto(f"{jira.base_url}/browse/OPS-1")
    await page.get_by_role("link", name="Faults 2 switched on").click()
    await page.get_by_role("button", name="Switch off: Jira answers 503").click()
    await page.get_by_role("link", name="Faults 1 switched on").wait_for()
    await page.get_by_role("button", name="Clear all").click()
    await page.get_by_text("Nothing goes wrong at the moment.").wait_for()
    assert jira.switches.active == []


async def test_openais_page_has_its_switches(openai: tuple[OpenAISite, str], pages: Pages) -> None:
    page = await pages.open(openai[1], viewport={"width": 320, "height": 700})
    silent = page.get_by_role("form", name="Silent")
    await silent.get_by_role("button", name="Switch on").click()
    await page.get_by_text("Silence, for one more request").wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    await page.get_by_role("button", name="Switch off: Silence").click()
    await page.get_by_text("Nothing goes wrong at the moment.").wait_for()


def test_every_number_of_times_can_be_counted() -> None:
    class Any(Waiting[Mischief]):
        def add(self, times: int | None) -> None:
            self._put(Mischief(times=times))

        def take(self) -> Mischief | None:
            return self._take(lambda _one: True)

    counted = [int(value) for value, _ in TIMES if value != "always"]
    faults = Any()
    for times in counted:
        faults.add(times)
    taken = [faults.take() for _ in range(sum(counted))]

    assert [one.number for one in taken if one] == [
        number for number, times in enumerate(counted, start=1) for _ in range(times)
    ]
    assert faults.take() is None
