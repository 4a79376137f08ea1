"""What a panel is told that comes with nothing filled in: ``GET /api/threads/{id}/panel``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.calls import open_chat
from tests.support.world import World, world


@pytest.fixture(scope="module")
def here(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("panel_shell") / "app.db"
    shutil.copyfile(sqlite_template, path)
    with world(f"sqlite:///{path}") as made:
        yield made


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("reporter", "viewer", "audiences", "first"),
    [
        ("rita", "agnes", ["internal", "public"], "internal"),
        ("agnes", "agnes", ["internal", "public"], "public"),
        ("carlos", "carlos", ["public"], "public"),
    ],
)
def test_it_names_the_threads_and_the_one_to_begin_with(
    here: World,
    http: httpx2.Client,
    reporter: str,
    viewer: str,
    audiences: list[str],
    first: str,
) -> None:
    project = "SUP" if reporter == "carlos" else "OPS"
    issue = here.jira.create_issue(project, "Shown", by=reporter)
    answer = open_chat(here, http, viewer, issue.key).get("panel")
    assert answer.status_code == 200
    assert answer.json() == {
        "issue_id": issue.id,
        "audiences": audiences,
        "first": first,
        "is_reporter": reporter == viewer,
    }


def test_an_issue_that_is_gone_is_not_there(here: World, http: httpx2.Client) -> None:
    key = here.jira.create_issue("OPS", "Gone", by="rita").key
    agnes = open_chat(here, http, "agnes", key)
    here.jira.delete_issue(key)
    assert agnes.get("panel").status_code == 404
