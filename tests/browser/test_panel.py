"""The issue panel as the people of an issue meet it: the team, the customer, and who may not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import FrameLocator, Locator, Page, Route, expect
from sqlmodel import Session, select

from app.store.tables import Tenant
from app.turns import policies
from tests.support.browser import Pages
from tests.support.world import World, world

SEEN = 30_000  # milliseconds: what is waited for comes, however busy the machine
ANSWER = "The storage is **full**.\n\n1. Free `20 GB`.\n2. Run it again.\n\nThen all is well."


@pytest.fixture(scope="module")
def here(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all: each test works on an issue of its own.

    Comments are answered where they ask for it; in the service project that becomes a draft.
    """
    path = tmp_path_factory.mktemp("panel") / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    with world(f"sqlite:///{path}") as made:
        made.set(answer_to="mention")
        made.write(_draft_in, made.jira.issue("SUP-2").project.id)
        yield made


def _draft_in(db: Session, project_id: str) -> None:
    tenant = db.exec(select(Tenant)).one()
    replies = {"reply_audience": "public"}
    now = datetime.now(UTC)
    policies.set_project(db, tenant.id, project_id, "draft", replies, now)


@pytest.fixture(autouse=True)
def nobody_holds_the_model(here: World) -> Iterator[None]:
    here.openai.answers(ANSWER)
    yield
    here.openai.release()
    here.openai.faults.clear()


async def open_panel(
    pages: Pages, here: World, name: str, key: str, **options: object
) -> tuple[Page, FrameLocator]:
    """The site's page of the issue, for somebody, and what is in the panel's frame."""
    tall = {"viewport": {"width": 1000, "height": 1400}}
    page = await pages.open(f"{here.jira.base_url}/", **{**tall, **options})
    await page.locator("details.who summary").click()
    await page.locator(f"button[name=who][value={name}]").click()
    await page.goto(f"{here.jira.base_url}/browse/{key}")
    return page, page.frame_locator("iframe")


def items(panel: FrameLocator) -> Locator:
    """The messages of the conversation in sight, those on their way left out."""
    return panel.locator(".conversation:not([hidden]) [data-part=items] > .item")


def composer(panel: FrameLocator) -> Locator:
    return panel.locator(".conversation:not([hidden]) .composer textarea")


async def ask(panel: FrameLocator, text: str) -> None:
    await composer(panel).fill(text)
    await composer(panel).press("Enter")


async def idle(here: World) -> None:
    await asyncio.to_thread(here.run_until_idle)


async def test_the_team_asks_and_sees_the_answer_grow(here: World, pages: Pages) -> None:
    key = here.jira.create_issue("OPS", "Slow", by="rita").key
    page, panel = await open_panel(pages, here, "agnes", key)
    await expect(panel.get_by_role("tab", name="Team")).to_have_attribute("aria-selected", "true")
    await expect(panel.get_by_text("Only your team sees this.")).to_be_visible()

    here.openai.hold(after=3)
    await ask(panel, "Why is the backup slow?")
    await expect(items(panel)).to_have_count(2, timeout=SEEN)
    answer = items(panel).nth(1)
    await expect(answer.locator(".prose")).to_contain_text("The storage", timeout=SEEN)
    await expect(answer).not_to_contain_text("Then all is well.")
    await expect(panel.get_by_text("The assistant is writing…").first).to_be_visible()

    await page.reload()  # in mid-answer: it goes on where it was
    await expect(answer.locator(".prose")).to_contain_text("The storage", timeout=SEEN)
    await expect(panel.get_by_role("button", name="Stop")).to_be_visible()
    here.openai.release()
    await expect(answer.locator(".prose strong")).to_have_text("full", timeout=SEEN)
    await expect(answer.locator(".prose li")).to_have_count(2)
    await expect(answer.locator(".prose code")).to_have_text("20 GB")
    await expect(panel.get_by_role("button", name="Stop")).to_have_count(0)
    await expect(panel.locator("#announcer")).to_have_text("The assistant answered.")
    await expect(answer).to_contain_text("tokens")
    assert here.answers(key) == []

    good = answer.get_by_role("button", name="Good answer")
    await good.click()
    await expect(good).to_have_attribute("aria-pressed", "true")
    await page.reload()
    await expect(good).to_have_attribute("aria-pressed", "true", timeout=SEEN)


async def test_a_stopped_answer_is_run_again(here: World, pages: Pages) -> None:
    key = here.jira.create_issue("OPS", "Stop", by="rita").key
    _, panel = await open_panel(pages, here, "agnes", key)
    here.openai.hold(after=3)
    await ask(panel, "Why?")
    await expect(items(panel).nth(1).locator(".prose")).to_contain_text("storage", timeout=SEEN)

    await panel.get_by_role("button", name="Stop").click()
    await expect(panel.get_by_text("The answer was stopped.")).to_be_visible(timeout=SEEN)
    await expect(items(panel).nth(1)).to_contain_text("Stopped before its end.")
    here.openai.release()
    await panel.get_by_role("button", name="Run again").click()
    await expect(items(panel).last).to_contain_text("Then all is well.", timeout=SEEN)


async def test_a_failure_is_told_plainly_and_run_again(here: World, pages: Pages) -> None:
    key = here.jira.create_issue("OPS", "Fail", by="rita").key
    here.openai.faults.add("insufficient_quota", 1)
    _, panel = await open_panel(pages, here, "agnes", key)
    await ask(panel, "Why?")
    await expect(panel.locator(".standing.danger")).to_contain_text("no credit left", timeout=SEEN)
    await panel.get_by_role("button", name="Run again").click()
    await expect(items(panel).last).to_contain_text("Then all is well.", timeout=SEEN)
    await expect(panel.locator(".standing.danger")).to_have_count(0)


async def test_the_assistant_is_paused_and_resumed(here: World, pages: Pages) -> None:
    key = here.jira.create_issue("OPS", "Pause", by="rita").key
    _, panel = await open_panel(pages, here, "agnes", key)
    await panel.get_by_role("button", name="More actions").click()
    await panel.get_by_role("menuitem", name="Pause the assistant").click()
    await expect(panel.locator(".standing.info")).to_contain_text("Paused until", timeout=SEEN)
    here.jira.comment(key, "!assistant Is anybody there?")
    await idle(here)
    assert here.answers(key) == []
    await panel.get_by_role("button", name="Resume").click()
    await expect(panel.locator(".standing.info")).to_have_count(0, timeout=SEEN)


async def test_the_customer_reads_only_after_a_yes(here: World, pages: Pages) -> None:
    key = here.jira.create_issue("OPS", "Public", by="rita").key
    _, panel = await open_panel(pages, here, "agnes", key)
    await ask(panel, "CANARY-INTERNAL: is she in arrears?")
    await expect(items(panel)).to_have_count(2, timeout=SEEN)
    await panel.get_by_role("tab", name="Team").focus()
    await panel.get_by_role("tab", name="Team").press("ArrowRight")
    await expect(panel.get_by_text("The customer reads this.")).to_be_visible()

    await ask(panel, "We look into it.")
    question = panel.get_by_role("group", name="The customer will read this")
    await expect(question).to_be_focused()
    await question.press("Escape")
    await expect(composer(panel)).to_have_value("We look into it.")  # nothing was sent or lost
    await composer(panel).press("Enter")
    await question.get_by_role("button", name="Send to the customer").click()
    said = items(panel).filter(has_text="We look into it.")
    await expect(said).to_have_count(1, timeout=SEEN)
    await ask(panel, "And tell you.")
    await expect(question).to_be_hidden()  # asked once
    await expect(items(panel).filter(has_text="And tell you.")).to_have_count(1, timeout=SEEN)

    _, hers = await open_panel(pages, here, "rita", key)
    await expect(items(hers).filter(has_text="We look into it.")).to_have_count(1, timeout=SEEN)
    await expect(hers.get_by_text("CANARY-INTERNAL")).to_have_count(0)


async def test_who_asked_opens_on_the_public_one(here: World, pages: Pages) -> None:
    key = here.jira.create_issue("OPS", "Mine", by="rita").key
    _, panel = await open_panel(pages, here, "rita", key)
    await ask(panel, "Why?")
    await expect(panel.get_by_role("group", name="The customer will read this")).to_have_count(0)
    await expect(items(panel)).to_have_count(2, timeout=SEEN)
    await expect(items(panel).nth(0)).to_contain_text("Rita Reyes (you)")
    await idle(here)
    assert "Why?" in here.jira.comments(key)[0].text


async def drafted(here: World, summary: str) -> str:
    """An issue of Carlos's, with a draft for him."""
    key = here.jira.create_issue("SUP", summary, by="carlos").key
    here.jira.comment(key, "!assistant Why is it slow?")
    await idle(here)
    return key


async def test_a_draft_is_edited_and_approved(here: World, pages: Pages) -> None:
    key = await drafted(here, "Approve")
    page, panel = await open_panel(pages, here, "agnes", key)
    draft = items(panel).filter(has=panel.locator(".draft"))
    await expect(draft).to_contain_text("Approving sends this to the customer.", timeout=SEEN)
    await draft.get_by_role("button", name="Edit").click()
    await draft.get_by_role("textbox").fill("It is **not** slow any more.")
    await page.reload()  # what was typed is still there
    edited = draft.get_by_role("textbox")
    await expect(edited).to_have_value("It is **not** slow any more.", timeout=SEEN)
    await draft.get_by_role("button", name="Save and approve").click()
    await expect(draft).to_contain_text("by Agnes Ågren and sent to the customer", timeout=SEEN)
    await expect(draft.get_by_role("button", name="Approve")).to_have_count(0)
    await idle(here)
    [posted] = here.answers(key)
    assert "It is not slow any more." in posted


async def test_a_draft_is_rejected_with_a_reason(here: World, pages: Pages) -> None:
    key = await drafted(here, "Reject")
    _, panel = await open_panel(pages, here, "agnes", key)
    draft = items(panel).filter(has=panel.locator(".draft")).first
    await draft.get_by_role("button", name="Reject").click(timeout=SEEN)
    await draft.get_by_label("Why not? (optional)").fill("It guesses.")
    await draft.get_by_role("button", name="Reject draft").click()
    await expect(draft).to_contain_text("by Agnes Ågren: It guesses.", timeout=SEEN)
    await idle(here)
    assert here.answers(key) == []


async def test_offline_and_back_loses_nothing_and_doubles_nothing(
    here: World, pages: Pages
) -> None:
    key = here.jira.create_issue("OPS", "Offline", by="rita").key
    page, panel = await open_panel(pages, here, "agnes", key)
    await expect(panel.get_by_text("Ask about this issue")).to_be_visible(timeout=SEEN)
    lost: list[str] = []

    async def lose_the_answer(route: Route) -> None:
        await route.fetch()  # it is taken, and nobody hears of it
        lost.append(route.request.post_data or "")
        await route.abort()

    await page.context.route("**/messages", lose_the_answer, times=1)
    await ask(panel, "Is it me?")
    await expect(items(panel).filter(has_text="Is it me?")).to_have_count(1, timeout=SEEN)
    await page.context.set_offline(True)
    await expect(panel.locator(".standing.warning")).to_contain_text("You are offline.")
    await ask(panel, "And now?")
    unsent = panel.locator(".unsent").filter(has_text="And now?")
    await expect(unsent).to_contain_text("Not sent")

    await page.context.set_offline(False)
    await expect(items(panel).filter(has_text="And now?")).to_have_count(1, timeout=SEEN)
    await expect(panel.locator(".unsent")).to_have_count(0)
    await expect(items(panel).filter(has_text="Is it me?")).to_have_count(1)
    assert len(lost) == 1
    pages.complaints.clear()  # of the network alone: the browser logs what it cannot reach


async def test_what_is_typed_outlives_a_reload(here: World, pages: Pages) -> None:
    key = here.jira.create_issue("OPS", "Typed", by="rita").key
    page, panel = await open_panel(pages, here, "agnes", key)
    await composer(panel).fill("Half a thought")
    await page.reload()
    await expect(composer(panel)).to_have_value("Half a thought", timeout=SEEN)


async def test_what_a_model_or_a_person_writes_is_inert(here: World, pages: Pages) -> None:
    key = here.jira.create_issue("OPS", "Hostile", by="rita").key
    here.openai.answers(HOSTILE)
    here.jira.comment(key, f"!assistant {HOSTILE}")
    await idle(here)
    _, panel = await open_panel(pages, here, "rita", key)
    await ask(panel, HOSTILE)  # as it is typed, unlike a comment's, it comes to the renderer
    await expect(items(panel).filter(has_text="the end.")).to_have_count(4, timeout=SEEN)
    await expect(panel.locator(".prose a")).not_to_have_count(0)
    await expect(panel.locator(f".prose :is({ALIVE})")).to_have_count(0)
    hrefs = await panel.locator(".prose a").evaluate_all("all => all.map((one) => one.protocol)")
    assert set(hrefs) <= {"http:", "https:", "mailto:"}
    rels = await panel.locator(".prose a").evaluate_all(
        "all => all.map((one) => one.rel + ' ' + one.target)"
    )
    assert set(rels) <= {"noopener noreferrer _blank"}
    assert await panel.locator("body").evaluate("() => window.broken") is None


async def test_who_may_not_see_the_issue_is_told_so(here: World, pages: Pages) -> None:
    key = here.jira.create_issue("OPS", "Secret", by="rita").key
    mallory = await pages.open("about:blank")
    here.jira.set_security_level(key, "Team")
    await mallory.goto(here.jira.panel_url(key, "rita"))
    await expect(mallory.get_by_role("heading")).to_have_text("You may not see this issue")
    assert any("403" in line for line in pages.complaints)
    pages.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_narrow_frame_in_both_themes(
    here: World, pages: Pages, scheme: str
) -> None:
    key = here.jira.create_issue("OPS", f"Narrow {scheme}", by="rita").key
    here.openai.answers("Because " + "o" * 300 + "\n\n```\n" + "x" * 300 + "\n```")
    size = {"width": 360, "height": 900}
    _, panel = await open_panel(pages, here, "agnes", key, viewport=size, color_scheme=scheme)
    await ask(panel, "Why " + "o" * 200 + "?")
    await expect(items(panel).last).to_contain_text("xxx", timeout=SEEN)
    body = panel.locator("body")
    assert await body.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    ground, ink = await body.evaluate(
        "(body) => [getComputedStyle(body).backgroundColor, getComputedStyle(body).color]"
    )
    assert (_lightness(ground) < _lightness(ink)) == (scheme == "dark")


def _lightness(colour: str) -> int:
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


ALIVE = "img, script, iframe, svg, style, object, form, [onerror], [onload], [style]"
HOSTILE = """<img src=x onerror="window.broken=1"> <script>window.broken=1</script>
![a](http://127.0.0.1:1/a.png) [b](javascript:window.broken=1) [c](data:text/html,x)
[d](  vbscript:x ) <javascript:window.broken=1> [e](https://example.com "x\\" onload=y")
<svg/onload=window.broken=1> `<b>` **<i>x</i>** [[f](java&#115;cript:window.broken=1)](x)

```html
<script>window.broken=1</script>
```

<iframe srcdoc="<script>parent.window.broken=1</script>"></iframe> the end."""
