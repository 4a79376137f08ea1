"""The issue panel brought into each of its states, for whoever looks at them there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from playwright.async_api import FrameLocator, Locator, Page, expect
from sqlmodel import Session, select

from app.store.tables import Tenant
from app.turns import policies
from app.turns.policy import Mode
from tests.support.browser import Pages
from tests.support.world import World

SEEN = 30_000  # milliseconds: what is waited for comes, however busy the machine
ANSWER = """The nightly backup waits for the **new storage**, which takes each file by itself.

1. Open *Backup settings*.
2. Set `batch_size` to 500.
3. Run it again, and compare.

| night | files | time |
| --- | --- | --- |
| before the move | 81,000 | 2 h |
| after the move | 81,400 | 7 h |

```
backup run --dry-run --batch-size 500
```

> If it is still slow, say so here."""
SLOW = "Since the move to the new storage the nightly backup takes seven hours."
LEAVE = "Our second child comes in May, and I would like to stay at home from then on."
DRAFT = """Please ask **eight weeks** before it begins.

- Your manager approves it.
- People and places then writes to you."""

Scene = Callable[[Pages, World], Awaitable[Page]]


def prepare(here: World) -> None:
    """Comments that ask for it are answered, by drafts; in the service project for the customer."""
    here.set(answer_to="mention")
    for key in ("OPS-1", "SUP-2"):
        here.write(_mode_in, here.jira.issue(key).project.id, "draft")


def _mode_in(db: Session, project_id: str, mode: Mode) -> None:
    tenant = db.exec(select(Tenant)).one()
    replies = {"reply_audience": "public"}
    policies.set_project(db, tenant.id, project_id, mode, replies, datetime.now(UTC))


async def open_panel(pages: Pages, here: World, name: str, key: str, **options: object) -> Page:
    """The site's page of an issue, for somebody; the panel is in its only frame."""
    return await pages.open(f"{here.jira.base_url}/browse/{key}?as={name}", **options)


def panel_of(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def items(panel: FrameLocator) -> Locator:
    """The messages of the conversation in sight, those on their way left out."""
    return panel.locator(".conversation:not([hidden]) [data-part=items] > .item")


async def ask(panel: FrameLocator, text: str) -> None:
    box = panel.locator(".conversation:not([hidden]) .composer textarea")
    await box.fill(text)
    await box.press("Enter")


async def empty(pages: Pages, here: World) -> Page:
    page = await _for_agnes(pages, here, "Certificate of the shop", "It ends on Friday.")
    await expect(panel_of(page).get_by_text("Ask about this issue")).to_be_visible(timeout=SEEN)
    return page


async def connecting(pages: Pages, here: World) -> Page:
    """The stream is asked for, and nobody answers."""
    made = here.jira.create_issue("OPS", "Mail to the old address", by="rita")
    page = await pages.open()
    await page.route("**/events", lambda _: asyncio.sleep(0))
    await page.goto(f"{here.jira.base_url}/browse/{made.key}?as=agnes")
    said = panel_of(page).locator(".conversation:not([hidden]) .standing")
    await expect(said).to_contain_text("Connecting…", timeout=SEEN)
    return page


async def thinking(pages: Pages, here: World) -> Page:
    """Before the first word, until the caller lets the model go on by ``here.openai.release()``."""
    page = await _for_agnes(pages, here, "Backup slower since the move", SLOW)
    here.openai.answers(ANSWER)
    here.openai.hold(after=0)
    panel = panel_of(page)
    await ask(panel, "Why is the nightly backup slow, and what can we do?")
    said = panel.locator(".conversation:not([hidden]) .standing")
    await expect(said).to_contain_text("The assistant is thinking…", timeout=SEEN)
    return page


async def answered(pages: Pages, here: World) -> Page:
    page = await _for_agnes(pages, here, "Backup slower since the move", SLOW)
    here.openai.answers(ANSWER)
    panel = panel_of(page)
    await ask(panel, "Why is the nightly backup slow, and what can we do?")
    await expect(items(panel).last).to_contain_text("tokens", timeout=SEEN)
    await expect(panel.locator(".standing:visible")).to_have_count(0)
    return page


async def writing(pages: Pages, here: World) -> Page:
    """Half-written, until the caller lets the model go on by ``here.openai.release()``."""
    page = await _for_agnes(pages, here, "Backup slower since the move", SLOW)
    here.openai.answers(ANSWER)
    here.openai.hold(after=34)
    panel = panel_of(page)
    await ask(panel, "Why is the nightly backup slow, and what can we do?")
    await expect(items(panel).last).to_contain_text("Run it", timeout=SEEN)
    await expect(panel.get_by_role("button", name="Stop")).to_be_visible()
    return page


async def stopped(pages: Pages, here: World) -> Page:
    page = await writing(pages, here)
    panel = panel_of(page)
    await panel.get_by_role("button", name="Stop").click()
    await expect(panel.get_by_role("button", name="Run again")).to_be_visible(timeout=SEEN)
    return page


async def draft(pages: Pages, here: World) -> Page:
    made = here.jira.create_issue("SUP", "Parental leave", LEAVE, by="carlos")
    here.openai.answers(DRAFT)
    here.jira.comment(made.key, "!assistant How long before must I ask?")
    await asyncio.to_thread(here.run_until_idle)
    page = await open_panel(pages, here, "agnes", made.key)
    shown = panel_of(page).get_by_text("Approving sends this to the customer.")
    await expect(shown).to_be_visible(timeout=SEEN)
    return page


async def draft_edited(pages: Pages, here: World) -> Page:
    page = await draft(pages, here)
    drafted = items(panel_of(page)).filter(has=panel_of(page).locator(".draft"))
    await drafted.get_by_role("button", name="Edit").click()
    text = drafted.get_by_role("textbox")
    await text.fill(DRAFT.replace("eight", "seven"))
    await drafted.get_by_role("button", name="Save", exact=True).scroll_into_view_if_needed()
    return page


async def draft_approved(pages: Pages, here: World) -> Page:
    page = await draft(pages, here)
    drafted = items(panel_of(page)).filter(has=panel_of(page).locator(".draft"))
    await drafted.get_by_role("button", name="Approve").click()
    await expect(drafted).to_contain_text("sent to the customer", timeout=SEEN)
    return page


async def failed(pages: Pages, here: World) -> Page:
    page = await _for_agnes(pages, here, "Disk almost full", "97 % since this morning.")
    here.openai.faults.add("insufficient_quota", 1)
    await ask(panel_of(page), "What fills the disk?")
    said = panel_of(page).locator(".standing.danger")
    await expect(said).to_contain_text("no credit left", timeout=SEEN)
    return page


async def resting(pages: Pages, here: World) -> Page:
    """Paused, with the menu open that paused it."""
    page = await _for_agnes(pages, here, "Printer upstairs", "It prints every page twice.")
    panel = panel_of(page)
    await panel.get_by_role("button", name="More actions").click()
    await panel.get_by_role("menuitem", name="Pause the assistant").click()
    said = panel.locator(".standing.info")
    await expect(said).to_contain_text("Paused until", timeout=SEEN)
    await panel.get_by_role("button", name="More actions").click()
    return page


async def offline(pages: Pages, here: World) -> Page:
    """With a message that waits for the network; the browser has complained of it."""
    page = await _for_agnes(pages, here, "Telephone in room 12", "It rings, and nobody hears me.")
    panel = panel_of(page)
    await expect(panel.get_by_text("Ask about this issue")).to_be_visible(timeout=SEEN)
    await page.context.set_offline(offline=True)
    await expect(panel.locator(".standing.warning")).to_contain_text("You are offline.")
    await ask(panel, "Which telephones speak to the new exchange?")
    await expect(panel.locator(".unsent")).to_contain_text("Not sent")
    return page


async def customer(pages: Pages, here: World) -> Page:
    """The public conversation, asked once whether the customer shall read it."""
    made = here.jira.create_issue("SUP", "Invoices of October", "Where are they?", by="carlos")
    here.jira.comment(made.key, "They are not in the shop. Can you send them?", by="carlos")
    await asyncio.to_thread(here.run_until_idle)
    page = await open_panel(pages, here, "agnes", made.key)
    panel = panel_of(page)
    await panel.get_by_role("tab", name="Customer").click(timeout=SEEN)
    await expect(items(panel).last).to_contain_text("Can you send them?", timeout=SEEN)
    await ask(panel, "We look into it, and write to you today.")
    question = panel.get_by_role("group", name="The customer will read this")
    await expect(question).to_be_visible()
    return page


async def reporter(pages: Pages, here: World) -> Page:
    """The public conversation as who asked sees it, answered."""
    here.openai.answers("The lift is repaired on **Monday** at nine.")
    made = here.jira.create_issue("OPS", "The lift stands still", by="rita")
    async with _in_mode(here, made.project.id, "auto"):
        page = await open_panel(pages, here, "rita", made.key)
        await ask(panel_of(page), "When does it go again?")
        await expect(items(panel_of(page)).last).to_contain_text("Monday", timeout=SEEN)
    return page


async def closed(pages: Pages, here: World) -> Page:
    """The assistant is off for the project: what was said can be read."""
    made = here.jira.create_issue("SUP", "A new badge", by="carlos")
    here.jira.comment(made.key, "Mine opens no door any more.", by="carlos")
    await asyncio.to_thread(here.run_until_idle)
    async with _in_mode(here, made.project.id, "off"):
        page = await open_panel(pages, here, "agnes", made.key)
        said = panel_of(page).locator(".conversation:not([hidden]) .composer")
        await expect(said).to_contain_text("switched off for this project", timeout=SEEN)
    return page


async def refused(pages: Pages, here: World) -> Page:
    """A page of its own, for somebody who lost the right to see the issue."""
    made = here.jira.create_issue("OPS", "Salaries", by="rita")
    page = await pages.open()
    here.jira.set_security_level(made.key, "Team")
    await page.goto(here.jira.panel_url(made.key, "rita"))
    await expect(page.get_by_role("heading")).to_have_text("You may not see this issue")
    return page


@asynccontextmanager
async def _in_mode(here: World, project_id: str, mode: Mode) -> AsyncIterator[None]:
    """The project so, as long as the block runs; before it and after, as in every other scene."""
    await asyncio.to_thread(here.write, _mode_in, project_id, mode)
    try:
        yield
    finally:
        await asyncio.to_thread(here.write, _mode_in, project_id, "draft")


async def _for_agnes(pages: Pages, here: World, summary: str, description: str) -> Page:
    """The panel on a new issue of Rita's, as Agnes sees it."""
    made = here.jira.create_issue("OPS", summary, description, by="rita")
    return await open_panel(pages, here, "agnes", made.key)


SCENES: dict[str, Scene] = {
    "empty": empty,
    "connecting": connecting,
    "thinking": thinking,
    "writing": writing,
    "answered": answered,
    "stopped": stopped,
    "draft": draft,
    "draft-edited": draft_edited,
    "draft-approved": draft_approved,
    "failed": failed,
    "resting": resting,
    "offline": offline,
    "customer": customer,
    "reporter": reporter,
    "closed": closed,
    "refused": refused,
}
