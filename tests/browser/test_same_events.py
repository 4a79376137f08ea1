"""Whoever reads a stream sees the same events: a browser, a plain client, httpx2 by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.browser import Pages
from tests.support.events import Told, watching
from tests.support.talks import Chat
from tests.support.world import World, world

READ = """async ({ url, token, from, last }) => {
    const { EventParser } = await import("/static/js/chat/sse.js");
    const headers = { Authorization: `Bearer ${token}`, "Last-Event-ID": from };
    const answer = await fetch(url, { headers });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    const seen = [];
    while (seen.at(-1)?.id !== last) {
        const { value, done } = await reader.read();
        if (done) break;
        seen.push(...parser.push(value));
    }
    await reader.cancel();
    return seen.map(({ id, type, data }) => [id, type, data]);
}"""


@pytest.fixture
def here(sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    with world(f"sqlite:///{path}") as made:
        yield made


def by_hand(url: str, token: str, since: str, last: str) -> list[Told]:
    """The lines as httpx2 gives them, three and an empty one an event."""
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": since}
    seen: list[Told] = []
    event: dict[str, str] = {}
    with httpx2.stream("GET", url, headers=headers, trust_env=False, timeout=20) as answer:
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
            elif "data" in event:
                seen.append(Told(event["id"], event["event"], event["data"]))
                event = {}
            if seen and seen[-1].id == last:
                break
    return seen


def asked_and_watched(here: World) -> tuple[Chat, list[Told]]:
    rita = Chat(here, "OPS-1", "rita")
    with watching(f"{rita.url}/events", rita.token) as seen:
        seen.until("stream.resync")
        rita.say("Why? \u2028 \U0001f642 é\nAnd when?")
        seen.until("turn.completed")
    return rita, seen.events


async def test_a_browser_a_plain_client_and_httpx2_see_the_same_events(
    here: World, pages: Pages
) -> None:
    rita, [opening, *live] = await asyncio.to_thread(asked_and_watched, here)
    url, last = f"{rita.url}/events", live[-1].id
    assert len(live) > 5

    read = await asyncio.to_thread(by_hand, url, rita.token, opening.id, last)
    assert read == live

    page = await pages.open()
    await page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    await page.goto(f"{here.url}/healthz")
    told = {"url": url, "token": rita.token, "from": opening.id, "last": last}
    assert [Told(*event) for event in await page.evaluate(READ, told)] == live
