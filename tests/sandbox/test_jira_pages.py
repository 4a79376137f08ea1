"""The pages of the simulated site, as a browser and as an attacker see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.async_api import expect

from app.sandbox.jira import JiraSite, adf, outbound
from app.sandbox.jira.pages.adf_html import render
from tests.sandbox.receiver import TinyApp, installed, paragraph, served_app
from tests.support.browser import Pages


@pytest.fixture(scope="module")
def shared() -> Iterator[JiraSite]:
    """For tests that read only, or write to issues of their own."""
    with installed() as (jira, _):
        yield jira


Installed = tuple[JiraSite, TinyApp]
CHANGES = ("hide", "show", "move-SUP", "move-OPS", "delete", "", "move")


@pytest.fixture
def here() -> Iterator[Installed]:
    with installed() as both:
        yield both


def browse(jira: JiraSite, path: str, who: str = "rita") -> httpx2.Response:
    with outbound.client() as client:
        cookie = {"Cookie": f"sandbox_viewer={who}"}
        return client.get(jira.base_url + path, headers=cookie)


def submit(
    jira: JiraSite, path: str, viewer: str = "rita", origin: str | None = "", **form: str
) -> httpx2.Response:
    """Send a form as a browser does; ``origin`` is this site's unless another is given."""
    headers = {"Cookie": f"sandbox_viewer={viewer}"}
    if origin is not None:
        headers["Origin"] = origin or jira.base_url
    with outbound.client() as client:
        return client.post(jira.base_url + path, headers=headers, data=form)


def test_the_start_page_lists_what_the_viewer_may_see(shared: JiraSite) -> None:
    rita, carlos = browse(shared, "/").text, browse(shared, "/", "carlos").text

    assert "/browse/OPS-1" in rita
    assert "/browse/SUP-1" not in rita
    assert "/browse/SUP-1" in carlos
    assert "/browse/OPS-1" not in carlos


@pytest.mark.parametrize("path", ["/", "/browse/OPS-1", "/browse/NONE-1", "/app/admin"])
def test_no_page_lets_anything_in_from_elsewhere(shared: JiraSite, path: str) -> None:
    policy = browse(shared, path, "adam").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    app = shared.link.installed.descriptor.base_url
    assert f"frame-src {app};" in policy


def test_a_customer_sees_no_internal_notes(shared: JiraSite) -> None:
    key = shared.create_issue("SUP", "Notes", by="carlos").key
    shared.comment(key, "only among us", by="agnes", internal=True)
    shared.comment(key, "for everybody", by="agnes")
    agnes = browse(shared, f"/browse/{key}", "agnes").text
    carlos = browse(shared, f"/browse/{key}", "carlos").text

    assert "only among us" in agnes
    assert "Internal note" in agnes
    assert "only among us" not in carlos
    assert "for everybody" in carlos


def test_only_who_may_see_an_issue_is_shown_it(shared: JiraSite) -> None:
    assert browse(shared, "/browse/OPS-1", "carlos").status_code == 404
    assert browse(shared, "/browse/OPS-1/revision", "carlos").status_code == 404
    assert browse(shared, "/browse/SUP-1", "rita").status_code == 404
    assert browse(shared, "/browse/SUP-1", "nobody-known").status_code == 404


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1"])
def test_a_form_from_elsewhere_is_refused(shared: JiraSite, origin: str | None) -> None:
    key = shared.create_issue("OPS", "Forged").key
    answer = submit(shared, f"/browse/{key}/comment", origin=origin, kind="public", text="no")

    assert answer.status_code == 403
    assert shared.comments(key) == []


def test_comments_are_written_as_notes_or_replies(shared: JiraSite) -> None:
    key = shared.create_issue("SUP", "Replies", by="carlos").key
    path = f"/browse/{key}/comment"
    submit(shared, path, "carlos", kind="public", text="Any\r\nnews?")
    submit(shared, path, "agnes", kind="internal", text="checking")
    submit(shared, path, "agnes", kind="public", text="yes")

    written = [(one.author.name, one.text, one.internal) for one in shared.comments(key)]
    assert written == [
        ("carlos", "Any\nnews?", False),
        ("agnes", "checking", True),
        ("agnes", "yes", False),
    ]


def test_what_somebody_may_not_do_is_not_done(shared: JiraSite) -> None:
    key = shared.create_issue("SUP", "Limits", by="carlos").key
    refused = [
        submit(shared, f"/browse/{key}/comment", "carlos", kind="internal", text="x"),
        submit(shared, f"/browse/{key}/comment", "carlos", kind="public", text="  "),
        submit(shared, f"/browse/{key}/comment", "rita", kind="public", text="x"),
        submit(shared, f"/browse/{key}/assign", "carlos"),
        submit(shared, f"/browse/{key}/status", "carlos", to="done"),
        submit(shared, "/app/uninstall", "agnes"),
        submit(shared, "/app/install", "agnes", url="http://127.0.0.1:1"),
        submit(shared, "/create", "rita", project="SUP", summary="x"),
        submit(shared, "/create", "rita", project="OPS", summary=" "),
    ]

    assert [one.status_code for one in refused] == [403, 400, 404, 403, 403, 403, 403, 400, 400]
    assert shared.comments(key) == []
    assert shared.issue(key).assignee is None


def test_an_agent_takes_and_resolves_an_issue(shared: JiraSite) -> None:
    key = shared.create_issue("OPS", "Work").key
    submit(shared, f"/browse/{key}/assign", "agnes")
    submit(shared, f"/browse/{key}/status", "agnes", to="done")
    issue = shared.issue(key)

    assert issue.assignee is not None
    assert (issue.assignee.name, issue.status.category) == ("agnes", "done")
    submit(shared, f"/browse/{key}/status", "agnes", to="open")
    assert shared.issue(key).status.category == "new"


def test_a_name_after_an_at_is_a_mention(shared: JiraSite) -> None:
    key = shared.create_issue("OPS", "Mentions").key
    text = "@agnes: ask carlos@example.com, @nobody,\n@Assistant?"
    submit(shared, f"/browse/{key}/comment", kind="public", text=text)
    [written] = shared.comments(key)

    assert list(adf.mentions(written.body)) == [
        shared.account_id("agnes"),
        shared.account_id("app"),
    ]
    assert written.text == ("@Agnes Ågren: ask carlos@example.com, @nobody,\n@ChatKit for Jira?")


def test_a_comment_is_edited_and_deleted_by_who_may(shared: JiraSite) -> None:
    key = shared.create_issue("OPS", "Second thoughts").key
    comment = shared.comment(key, "why?")
    note = shared.comment(key, "for agents", by="agnes", visibility=("role", "Service Desk Team"))
    path = f"/browse/{key}/comment"

    assert "why?" in browse(shared, f"{path}/{comment.id}").text
    assert submit(shared, f"{path}/{comment.id}", text="why not?").status_code == 303
    assert submit(shared, f"{path}/{comment.id}", text=" ").status_code == 400
    assert submit(shared, f"{path}/{note.id}/delete").status_code == 404  # not hers to see
    theirs = shared.comment(key, "mine", by="wim")
    assert submit(shared, f"{path}/{theirs.id}", text="x").status_code == 403
    assert browse(shared, f"{path}/{theirs.id}").status_code == 403
    assert submit(shared, f"{path}/{theirs.id}/delete").status_code == 403
    assert submit(shared, f"/browse/OPS-2/comment/{theirs.id}/delete", "agnes").status_code == 404
    submit(shared, f"{path}/{theirs.id}/delete", "agnes")
    assert [one.text for one in shared.comments(key)] == ["why not?", "for agents"]


def test_the_team_moves_restricts_and_deletes_an_issue(here: Installed) -> None:
    jira, app = here
    key = jira.create_issue("OPS", "Changes").key
    refused = [submit(jira, f"/browse/{key}/change", do=what) for what in CHANGES]
    assert {one.status_code for one in refused} == {403}

    def change(what: str) -> str:
        answer = submit(jira, f"/browse/{key}/change", "agnes", do=what)
        assert answer.status_code == 303
        return answer.headers["location"]

    change("hide")
    assert browse(jira, f"/browse/{key}").status_code == 404
    assert "Team only" in browse(jira, f"/browse/{key}", "agnes").text
    change("show")
    assert browse(jira, f"/browse/{key}").status_code == 200
    moved = change("move-SUP")
    assert moved == f"/browse/{jira.issue(key).key}"
    assert change("delete") == "/"
    assert browse(jira, moved, "agnes").status_code == 404

    jira.webhooks.wait_until_delivered()
    fields = [
        item["field"]
        for one in app.webhooks
        for item in one.body.get("changelog", {"items": []})["items"]
    ]
    assert fields == ["security", "security", "project", "Key"]
    assert app.webhooks[-1].body["webhookEvent"] == "jira:issue_deleted"


def test_an_issue_is_created_by_who_looks(shared: JiraSite) -> None:
    answer = submit(
        shared, "/create", "carlos", project="SUP", summary="Bread", description="Stale"
    )
    issue = shared.issue(answer.headers["location"].removeprefix("/browse/"))

    assert (issue.summary, issue.reporter.name) == ("Bread", "carlos")


def test_who_looks_is_kept_and_the_way_back_stays_on_the_site(shared: JiraSite) -> None:
    answer = submit(shared, "/who", who="adam", back="/browse/OPS-1")
    assert answer.headers["location"] == "/browse/OPS-1"
    assert "sandbox_viewer=adam" in answer.headers["set-cookie"]
    for elsewhere in ("//evil.example", "/\\evil.example", "https://evil.example"):
        away = submit(shared, "/who", who="adam", back=elsewhere)
        assert away.headers["location"] == "/"
    assert submit(shared, "/who", who="nobody").status_code == 404


def test_adam_installs_and_uninstalls_the_app() -> None:
    with served_app() as app, JiraSite().serve() as jira:
        assert submit(jira, "/app/install", "adam", url=app.url).status_code == 303
        assert browse(jira, "/app/admin", "adam").status_code == 200
        assert browse(jira, "/app/admin", "rita").status_code == 403
        assert submit(jira, "/app/uninstall", "adam").status_code == 303
        assert browse(jira, "/app/admin", "adam").status_code == 404
        assert [one.path for one in app.received] == ["/installed", "/enabled", "/uninstalled"]
        for nowhere in ("http://127.0.0.1:1", "no address", f"{app.url}/elsewhere"):
            assert submit(jira, "/app/install", "adam", url=nowhere).status_code == 502


def test_a_moved_issue_is_found_under_its_new_key(shared: JiraSite) -> None:
    issue = shared.create_issue("OPS", "Wanderer")
    moved = shared.move(issue.key, "SUP")

    answer = browse(shared, f"/browse/{issue.key}", "agnes")
    assert answer.headers["location"] == f"/browse/{moved.key}"


def test_an_avatar_is_a_picture(shared: JiraSite) -> None:
    answer = browse(shared, "/avatars/rita.svg")

    assert answer.headers["content-type"] == "image/svg+xml"
    assert "RR" in answer.text
    assert browse(shared, "/avatars/nobody.svg").status_code == 404


def text(words: str, *marks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": words, "marks": list(marks)}


def node(kind: str, *children: dict[str, Any], **attrs: Any) -> dict[str, Any]:
    return {"type": kind, "attrs": attrs, "content": list(children)}


LINK = {"type": "link", "attrs": {"href": "https://example.com/?a=1&b"}}
SCRIPT_LINK = {"type": "link", "attrs": {"href": "javascript:alert(1)"}}
DOCUMENTS: list[tuple[dict[str, Any], str]] = [
    (text("<b>&"), "&lt;b&gt;&amp;"),
    (text("x", {"type": "strong"}, {"type": "em"}), "<em><strong>x</strong></em>"),
    (
        text("x", LINK),
        '<a href="https://example.com/?a=1&amp;b" rel="noopener noreferrer nofollow">x</a>',
    ),
    (text("x", SCRIPT_LINK), "x"),
    (text("2", {"type": "subsup", "attrs": {"type": "sup"}}), "<sup>2</sup>"),
    (node("heading", text("x"), level=1), "<h3>x</h3>"),
    (node("orderedList", node("listItem", text("x")), order=3), '<ol start="3"><li>x</li></ol>'),
    (node("codeBlock", text("<a>")), '<pre tabindex="0"><code>&lt;a&gt;</code></pre>'),
    (
        node("table", node("tableRow", node("tableHeader", text("x")))),
        '<div class="adf-table"><table><tbody><tr><th>x</th></tr></tbody></table></div>',
    ),
    (node("mention", text="@<Rita>"), '<span class="adf-mention">@&lt;Rita&gt;</span>'),
    (node("inlineCard", url="javascript:1"), "javascript:1"),
    (
        node("status", text="on hold", color="yellow"),
        '<span class="lozenge lozenge-warning">on hold</span>',
    ),
    (
        node("panel", text("x"), panelType='"><'),
        '<div class="adf-panel adf-panel-info">x</div>',
    ),
    (
        node("taskItem", text("x"), state="DONE"),
        '<li class="adf-task"><label><input type="checkbox" disabled checked> x</label></li>',
    ),
    (node("date", timestamp="1793000000000"), "<time>26 Oct 2026</time>"),
    (node("emoji", shortName=":smile:"), ":smile:"),
    (node("expand", text("x"), title="<t>"), "<details><summary>&lt;t&gt;</summary>x</details>"),
    (node("neverHeardOf", text("x")), "x"),
    (paragraph("x"), "<p>x</p>"),
    (node("paragraph", text("a"), node("hardBreak"), text("b")), "<p>a<br>b</p>"),
]


@pytest.mark.parametrize(("document", "html"), DOCUMENTS, ids=lambda value: str(value)[:30])
def test_a_document_is_shown_as_html_and_never_as_more(document: dict[str, Any], html: str) -> None:
    assert str(render(document)) == html


async def test_an_open_issue_shows_answers_as_they_come(pages: Pages) -> None:
    with installed() as (jira, _):
        page = await pages.open(f"{jira.base_url}/browse/OPS-1", color_scheme="dark")
        await page.get_by_placeholder("Add a comment").fill("unfinished")
        await page.get_by_text("No comments yet.").wait_for()
        answer = jira.comment("OPS-1", "It was the lock.", by="app")
        await page.get_by_text("It was the lock.").wait_for()
        await page.get_by_text("AI assistant", exact=True).wait_for()

        assert await page.get_by_placeholder("Add a comment").input_value() == "unfinished"
        jira.edit_comment(answer, "It was the disk.")
        await page.get_by_text("It was the disk.").wait_for()
        jira.assign("OPS-1", "agnes")
        await page.get_by_label("Details").get_by_text("Agnes Ågren").wait_for()
        jira.delete_comment(answer)
        await page.get_by_text("No comments yet.").wait_for()
        frame = page.frame_locator("iframe")
        await frame.get_by_text(f"frame /panel {jira.base_url}").wait_for()
        await pages.close()  # before the site that they look at


async def test_an_open_issue_that_is_hidden_is_gone(pages: Pages) -> None:
    with installed() as (jira, _):
        page = await pages.open(f"{jira.base_url}/browse/OPS-1")
        await page.get_by_label("Details").wait_for()
        jira.set_security_level("OPS-1", "Team only")
        await page.get_by_text("You can't see this issue").wait_for()
        assert all("404" in complaint for complaint in pages.complaints)
        pages.complaints.clear()
        await pages.close()  # before the site that they look at


async def test_an_agent_edits_and_hides_at_a_click(pages: Pages) -> None:
    with installed() as (jira, _):
        jira.comment("SUP-1", "¿Hay novedades?")
        page = await pages.open(f"{jira.base_url}/browse/SUP-1?as=agnes")
        await page.get_by_role("link", name="Edit the comment of Carlos Cano").click()
        await page.get_by_role("textbox", name="Comment").fill("Any news?")
        await page.get_by_role("button", name="Save").click()
        await page.locator(".comment").get_by_text("Any news?").wait_for()
        await page.locator(".more > summary").click()
        await page.get_by_role("button", name="Restrict to the team").click()
        await page.get_by_label("Details").get_by_text("Team only").wait_for()
        await page.locator(".more > summary").click()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Lift the restriction")).to_be_hidden()
        await page.get_by_role("button", name="Delete the comment of Carlos Cano").click()
        await page.get_by_text("No comments yet.").wait_for()
        await pages.close()  # before the site that they look at


async def test_a_person_writes_a_comment_and_becomes_another(pages: Pages) -> None:
    with installed() as (jira, _):
        page = await pages.open(
            f"{jira.base_url}/browse/OPS-1", viewport={"width": 320, "height": 700}
        )
        await page.get_by_placeholder("Add a comment").fill("why?")
        await page.get_by_role("button", name="Comment", exact=True).click()
        await page.locator(".comment").get_by_text("why?").wait_for()
        assert jira.comments("OPS-1")[0].author.name == "rita"

        await page.locator(".who > summary").click()
        await page.get_by_role("button", name="Agnes Ågren").click()
        await page.get_by_role("button", name="Assign to me").click()
        await page.get_by_label("Details").get_by_text("Agnes Ågren").wait_for()
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width == 320
        await pages.close()  # before the site that they look at
