"""Both pages in Spanish, as somebody sees them whose Jira speaks it: no English is left."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.async_api import FrameLocator, Page, expect

from app import i18n
from tests.support.browser import Pages
from tests.support.panels import DRAFT, SEEN, SLOW, items, open_panel, panel_of, prepare
from tests.support.panels import ask as ask_in
from tests.support.world import World, until, world

READ_OUT = """() => {
    const found = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (element.closest("script, style, noscript, template, .prose, textarea")) continue;
        if (element.checkVisibility() || element.closest("option, title")) {
            found.push(walker.currentNode.data);
        }
    }
    for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
        if (!element.checkVisibility()) continue;
        for (const name of ["aria-label", "title", "placeholder"]) {
            found.push(element.getAttribute(name) ?? "");
        }
    }
    return found.map((text) => text.replace(/\\s+/g, " ").trim());
}"""
"""Every word that the page shows or has read out; what people and models wrote is left out."""

DATA = re.compile(
    r"sk-…|https?://\S+|gpt-[\w.-]+|\w+-\d+|thr_\w+|(?!AI$)[A-Z]{2,4}|!?assistant|[\d.,]+ s"
    r"|hace .+|\w+, \d+ de \w+ de \d+.*|\d+ \w+ \d+.*"
    r"|Agnes \w+|Carlos \w+|Rita \w+|Adam \w+|Task|Bug|Story|Epic"
    r"|Operations|Customer support|People and places|[A-Z]{3} · Proyecto(?: de servicio)?"
)
"""What is the same in every language: names, keys, models, numbers; and dates that are Spanish."""


@pytest.fixture(scope="module")
def here(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("spanish") / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    with world(f"sqlite:///{path}") as made:
        prepare(made)
        yield made


def in_spanish(here: World, *names: str) -> dict[str, Any]:
    """A browser in which Jira speaks Spanish to these people."""
    host = urlsplit(here.jira.base_url).hostname
    kept = [
        {"name": f"sandbox_locale_{name}", "value": "es_ES", "domain": host, "path": "/"}
        | {"expires": -1, "httpOnly": True, "secure": False, "sameSite": "Lax"}
        for name in names
    ]
    return {"storage_state": {"cookies": kept, "origins": []}}


def spanish() -> re.Pattern[str]:
    """What says one of our Spanish texts, its holes filled."""
    told = i18n.catalogue("es").values()
    wordy = [text for text in told if len(re.sub(r"\{\w+\}|[^a-zñáéíóú]", "", text.lower())) > 1]
    filled = [re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)) for text in wordy]
    return re.compile("|".join(filled), re.IGNORECASE)  # a page begins a sentence with some


SPANISH = spanish()


async def foreign(frame: FrameLocator | Page) -> list[str]:
    """What stands there in another language than Spanish."""
    await expect(frame.locator("html")).to_have_attribute("lang", "es")
    shown: list[str] = await frame.locator("html").evaluate(READ_OUT)
    return sorted(
        {
            text
            for text in shown
            if re.search(r"[A-Za-z]{2}", text)
            and not SPANISH.fullmatch(text)
            and not DATA.fullmatch(text)
        }
    )


async def excused(pages: Pages, status: int) -> None:
    """The browser itself complains of a refused request, sooner or later; that one was meant."""

    def meant() -> list[str]:
        return [line for line in pages.complaints if f"status of {status}" in line]

    heard = await asyncio.to_thread(until, meant, f"the browser to complain of {status}")
    pages.complaints.remove(heard[0])


def test_english_would_be_found() -> None:
    english = [text for text, told in i18n.catalogue("es").items() if text != told]
    missed = [text for text in english if SPANISH.fullmatch(text) or DATA.fullmatch(text)]
    assert missed == []


async def test_the_panel_of_the_team_speaks_spanish(here: World, pages: Pages) -> None:
    made = here.jira.create_issue("OPS", "Backup", SLOW, by="rita")
    page = await open_panel(pages, here, "agnes", made.key, **in_spanish(here, "agnes"))
    panel = panel_of(page)
    await expect(panel.get_by_text("Pregunte sobre esta actividad")).to_be_visible(timeout=SEEN)
    assert await foreign(panel) == []

    here.openai.answers("Porque el almacenamiento está **lleno**.")
    await ask_in(panel, "¿Por qué es lento?")
    await expect(items(panel).last).to_contain_text("tokens", timeout=SEEN)
    await panel.get_by_role("button", name="Más acciones").click()
    assert await foreign(panel) == []
    await panel.get_by_role("menuitem", name="Pausar el asistente").click()
    await expect(panel.locator(".standing.info")).to_contain_text("En pausa hasta", timeout=SEEN)
    assert await foreign(panel) == []


async def test_a_failure_is_told_in_spanish(here: World, pages: Pages) -> None:
    made = here.jira.create_issue("OPS", "Disk", "97 %", by="rita")
    page = await open_panel(pages, here, "agnes", made.key, **in_spanish(here, "agnes"))
    panel = panel_of(page)
    await expect(panel.get_by_text("Pregunte sobre esta actividad")).to_be_visible(timeout=SEEN)
    here.openai.faults.add("insufficient_quota", 1)
    await ask_in(panel, "¿Qué llena el disco?")
    said = panel.locator(".standing.danger")
    await expect(said).to_contain_text("La cuenta de OpenAI no tiene crédito.", timeout=SEEN)
    assert await foreign(panel) == []
    await page.reload()  # what was streamed before is asked for now
    await expect(said).to_contain_text("La cuenta de OpenAI no tiene crédito.", timeout=SEEN)
    assert await foreign(panel) == []


async def test_a_draft_and_the_customers_side_speak_spanish(here: World, pages: Pages) -> None:
    made = here.jira.create_issue("SUP", "Permiso", "¿Cuándo?", by="carlos")
    here.openai.answers(DRAFT)
    here.jira.comment(made.key, "!assistant ¿Con cuánta antelación?")
    await asyncio.to_thread(here.run_until_idle)
    page = await open_panel(pages, here, "agnes", made.key, **in_spanish(here, "agnes"))
    panel = panel_of(page)
    drafted = panel.get_by_text("Al aprobarlo se envía al cliente.")
    await expect(drafted).to_be_visible(timeout=SEEN)
    assert await foreign(panel) == []
    await panel.get_by_role("button", name="Editar").click()
    assert await foreign(panel) == []
    await panel.get_by_role("tab", name="Cliente").click()
    await expect(items(panel).last).to_contain_text("antelación", timeout=SEEN)
    await ask_in(panel, "Lo vemos hoy.")
    question = panel.get_by_role("group", name="El cliente leerá esto")
    await expect(question).to_be_visible()
    assert await foreign(panel) == []


TABS = (
    "Conexión",
    "Asistente",
    "Proyectos",
    "Zona de pruebas",
    "Estado",
    "Coste",
    "Turnos recientes",
)


async def test_the_admin_page_speaks_spanish(here: World, pages: Pages) -> None:
    page = await pages.open(f"{here.jira.base_url}/app/admin?as=adam", **in_spanish(here, "adam"))
    admin = panel_of(page)
    for name in TABS:
        await admin.get_by_role("tab", name=name, exact=True).click(timeout=SEEN)
        panel = admin.get_by_role("tabpanel", name=name, exact=True)
        await expect(panel.locator(".section-body")).to_be_visible(timeout=SEEN)
        await expect(panel.get_by_text("Comprobando…")).to_have_count(0, timeout=SEEN)
        assert await foreign(admin) == [], name
    await _an_error_is_spanish(page, admin)
    await _the_dialog_is_spanish(admin)
    await excused(pages, 422)
    await excused(pages, 422)


async def _an_error_is_spanish(page: Page, admin: FrameLocator) -> None:
    await admin.get_by_role("tab", name="Conexión").click()
    key = admin.get_by_label("Clave de OpenAI")
    await key.fill("sk-not-this-one")
    async with page.expect_response(lambda answer: answer.status == 422):
        await admin.get_by_role("button", name="Probar y").click()
    told = re.compile("OpenAI rechaza esta clave")
    await expect(key).to_have_accessible_description(told, timeout=SEEN)
    assert await foreign(admin) == []
    await admin.get_by_role("tab", name="Asistente").click()
    await admin.get_by_label("Temperatura").fill("9")
    async with page.expect_response(lambda answer: answer.status == 422):
        await admin.get_by_role("button", name="Guardar borrador").click()
    told = re.compile("ndique un número de 0 a 2")
    await expect(admin.get_by_label("Temperatura")).to_have_accessible_description(told)
    assert await foreign(admin) == []


async def _the_dialog_is_spanish(admin: FrameLocator) -> None:
    await admin.get_by_role("tab", name="Proyectos").click()
    row = admin.get_by_role("form", name="Operations")
    await row.get_by_label("Modo").select_option("Automático")
    await row.get_by_role("button", name="Guardar").click()
    dialog = admin.get_by_role("dialog", name="¿Responder automáticamente en Operations?")
    await expect(dialog).to_be_visible(timeout=SEEN)
    await dialog.get_by_role("button", name="Activar").click()
    assert await foreign(admin) == []


async def test_who_may_not_see_it_is_told_in_spanish(here: World, pages: Pages) -> None:
    made = here.jira.create_issue("OPS", "Sueldos", by="rita")
    page = await pages.open(locale="es-ES")  # Jira shows this frame no more: the browser tells
    here.jira.set_security_level(made.key, "Team")
    await page.goto(here.jira.panel_url(made.key, "rita"))
    await expect(page.get_by_role("heading")).to_have_text("No puede ver esta actividad")
    assert await foreign(page) == []
    await excused(pages, 403)


def test_without_scripts_the_page_says_so_in_spanish(here: World) -> None:
    url = here.jira.panel_url("OPS-1", "agnes")
    answer = httpx2.get(url, headers={"Accept-Language": "es-ES"}, trust_env=False)
    assert '<noscript><p class="message warning">Esta página necesita JavaScript.' in answer.text
