"""Ids that no row can have, such as PostgreSQL refuses to look for: not found, nothing breaks."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2
from sqlmodel import Session, select

from app.store.tables import Item
from tests.support.admins import Admin
from tests.support.talks import Chat
from tests.support.world import world

IN_ADDRESSES = ("a%00b", "%00", "a%01b", "a%7Fb", "a%E2%80%A8b", "a%FFb", "a%ED%A0%80b")
"""NUL, other controls, a line separator, and what is no UTF-8."""
IN_BODIES = ("a\0b", "\0", "a\x01b", "a\u2028b")


def is_problem(answer: httpx2.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.request.url, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def chatkit(
    chat: Chat, kind: str, metadata: dict[str, Any], /, **params: object
) -> httpx2.Response:
    body = {"type": kind, "params": params, "metadata": metadata}
    url = f"{chat.here.url}/chatkit"
    return httpx2.post(url, json=body, headers=chat.headers, trust_env=False, timeout=20)


def test_an_odd_id_is_not_found(database_url: str) -> None:
    with world(database_url) as here, httpx2.Client(trust_env=False) as http:
        agnes = Chat(here, "OPS-1", "agnes", "internal")
        http.headers = agnes.headers
        for odd in IN_ADDRESSES:
            judged = {"kind": "positive"}
            is_problem(http.post(f"{agnes.url}/items/{odd}/feedback", json=judged), 404)
            is_problem(http.post(f"{agnes.url}/turns/{odd}/retry"), 404)
            for what in ("approve", "reject", "regenerate"):
                is_problem(http.post(f"{agnes.url}/drafts/{odd}/{what}"), 404)
            is_problem(http.post(f"{agnes.url}/drafts/{odd}/edit", json={"text": "Other."}), 404)
            is_problem(http.get(f"{agnes.url}/items?after={odd}"), 404, 422)

        ours = {"thread_id": agnes.thread_id}
        for odd in IN_BODIES:
            several = {"item_ids": [odd], "kind": "positive"}
            is_problem(chatkit(agnes, "items.list", {}, **ours, after=odd), 404)
            is_problem(chatkit(agnes, "items.feedback", {}, **ours, **several), 404)
            is_problem(chatkit(agnes, "threads.retry_after_item", {}, **ours, item_id=odd), 404)
            is_problem(chatkit(agnes, "threads.get_by_id", {}, thread_id=odd), 404)
            assert chatkit(agnes, "threads.list", {}, after=odd).status_code == 200


def test_a_message_whose_name_cannot_be_kept_is_taken_all_the_same(database_url: str) -> None:
    content = [{"type": "input_text", "text": "Why is it slow?"}]
    said = {"content": content, "attachments": [], "inference_options": {}}
    with world(database_url) as here:
        agnes = Chat(here, "OPS-1", "agnes", "internal")
        for name in ("a\0b", "x" * 201, 7):
            told = chatkit(agnes, "threads.create", {"client_id": name}, input=said)
            assert told.status_code == 200, told.text
            assert '"type":"thread.item.done"' in told.text
        here.run_until_idle()

        assert agnes.texts().count("Why is it slow?") == 3
        names = here.read(client_ids)
        assert len(names) == 3
        assert all(name.isprintable() and len(name) < 200 for name in names)


def client_ids(db: Session) -> list[str]:
    asked = db.exec(select(Item.client_id).where(Item.role == "person")).all()
    return [name for name in asked if name]


def test_an_odd_id_of_a_playground_thread_is_not_found(database_url: str) -> None:
    with world(database_url) as here:
        adam = Admin(here)
        for odd in IN_BODIES:
            trial = {"text": "Why?", "client_id": "c", "thread_id": odd}
            is_problem(adam.call("POST", "playground", trial), 404, 422)


def test_an_odd_id_at_another_door_is_not_found(database_url: str) -> None:
    with world(database_url) as here:
        adam = Admin(here)
        for odd in IN_BODIES:
            is_problem(adam.call("PUT", f"projects/{quote(odd)}", {"mode": "draft"}), 404)
            assert adam.call("GET", "projects", query=odd).status_code == 200
            context = here.jira.context_token("rita", "OPS-1")
            opened = httpx2.post(
                f"{here.url}/api/sessions",
                json={"issue_id": odd},
                headers={"Authorization": f"JWT {context}"},
                trust_env=False,
            )
            is_problem(opened, 404)
            page = f"{here.url}/connect/panel?issue={quote(odd)}"
            signed = here.jira.link.sign_request_token("GET", page, here.jira.account_id("rita"))
            assert httpx2.get(f"{page}&jwt={signed}", trust_env=False).status_code == 404
