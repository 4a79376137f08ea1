"""The app as Jira is told about it."""

from __future__ import annotations

import json

from app.doors.connect import descriptor


def test_the_descriptor_names_the_base_url_and_has_no_hole_left() -> None:
    rendered = descriptor.render("https://chat.example.com/app")
    content = json.loads(rendered)
    assert content["baseUrl"] == "https://chat.example.com/app"
    assert content["links"]["self"] == "https://chat.example.com/app/atlassian-connect.json"
    assert b"{{" not in rendered


def test_no_base_url_breaks_out_of_its_place() -> None:
    content = json.loads(descriptor.render('https://x.example/","scopes":["ADMIN"],"a":"\\'))
    assert content["scopes"] == ["READ", "WRITE"]
    assert content["baseUrl"].endswith("\\")


def test_the_key_is_the_descriptors() -> None:
    assert json.loads(descriptor.render("https://x.example"))["key"] == descriptor.app_key()


def test_installs_are_signed_and_contexts_marked() -> None:
    migrations = json.loads(descriptor.render("https://x.example"))["apiMigrations"]
    assert migrations == {"signed-install": True, "context-qsh": True, "gdpr": True}
