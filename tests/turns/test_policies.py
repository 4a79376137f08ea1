"""The policy of an issue, layer over layer; the first workflow of a tenant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from app.assistant.workflow import default_workflow
from app.settings import Settings
from app.store.tables import Issue, Tenant, Workflow
from app.turns.policies import (
    policy_of,
    publish_first_workflow,
    published_workflow,
    remember_default_mode,
    set_project,
)
from app.turns.policy import Mode, Policy
from tests.support.clock import START
from tests.support.rows import add_tenant, opened

INSTALLED = START - timedelta(days=30)
LATER = START + timedelta(hours=1)


@pytest.fixture
def db(database_url: str) -> Iterator[Session]:
    with opened(database_url) as database, Session(database._write_engine) as db:
        add_tenant(db)
        yield db


def policy(db: Session, default: Mode = "auto", **columns: Any) -> Policy:
    """Of an issue in project 10 of type 1, unless ``columns`` say otherwise."""
    db.flush()
    values = {"issue_id": "1", "project_id": "10", "type_id": "1", **columns}
    issue = Issue(tenant_id="acme", **values)
    return policy_of(db, issue, Settings(default_reply_mode=default))


def in_force(db: Session, default: Mode = "auto", **columns: Any) -> tuple[str, datetime]:
    found = policy(db, default, **columns)
    return found.mode, found.mode_since


# --- the default ----------------------------------------------------------------------------


def test_where_nobody_set_anything_the_default_counts_from_when_it_was_set(db: Session) -> None:
    remember_default_mode(db, "auto", START)
    assert in_force(db) == ("auto", START)
    assert in_force(db, project_id=None, type_id=None) == ("auto", START)


def test_for_a_tenant_that_came_later_the_default_counts_from_its_install(db: Session) -> None:
    remember_default_mode(db, "auto", INSTALLED - timedelta(days=1))
    assert in_force(db) == ("auto", INSTALLED)


def test_a_restart_does_not_make_the_default_younger_and_a_change_does(db: Session) -> None:
    for mode, at, since in (
        ("auto", START, START),
        ("auto", LATER, START),
        ("draft", LATER, LATER),
        ("draft", LATER + timedelta(days=1), LATER),
    ):
        remember_default_mode(db, mode, at)
        assert in_force(db)[1] == since


def test_before_the_default_was_ever_noted_it_counts_from_the_install(db: Session) -> None:
    assert in_force(db, "draft") == ("draft", INSTALLED)


# --- layers ---------------------------------------------------------------------------------


def test_a_project_lies_over_the_default_and_a_type_over_its_project(db: Session) -> None:
    remember_default_mode(db, "auto", START)
    set_project(db, "acme", "10", "draft", {}, LATER)
    assert in_force(db) == ("draft", LATER)
    set_project(db, "acme", "10", "off", {}, LATER + timedelta(hours=1), type_id="1")
    assert in_force(db) == ("off", LATER + timedelta(hours=1))
    assert in_force(db, type_id="2") == ("draft", LATER)
    assert in_force(db, type_id=None) == ("draft", LATER)
    assert in_force(db, project_id="11") == ("auto", START)


def test_a_type_may_be_set_where_its_project_is_not(db: Session) -> None:
    remember_default_mode(db, "off", START)
    set_project(db, "acme", "10", "auto", {"max_replies": "3"}, LATER, type_id="1")
    assert in_force(db, "off") == ("auto", LATER)
    assert policy(db, "off").max_replies == 3
    assert in_force(db, "off", type_id="2") == ("off", START)


def test_settings_are_laid_over_each_other_one_by_one(db: Session) -> None:
    db.get_one(Tenant, "acme").settings = {
        "max_replies": 1, "trigger_word": "!tenant", "resume_after": 60, "daily_tokens": None,
    }  # fmt: skip
    set_project(db, "acme", "10", "auto", {"max_replies": "2", "trigger_word": "!project"}, START)
    set_project(db, "acme", "10", "auto", {"max_replies": "3"}, START, type_id="1")
    found = policy(db)
    assert (found.max_replies, found.trigger_word) == (3, "!project")
    assert found.resume_after == timedelta(seconds=60)
    assert found.answer_within == timedelta(hours=1)
    assert policy(db, type_id="2").max_replies == 2
    assert policy(db, project_id="11").max_replies == 1


def test_another_tenants_settings_count_for_nothing(db: Session) -> None:
    add_tenant(db, "umbrella", settings={"max_replies": 1})
    set_project(db, "umbrella", "10", "auto", {"max_replies": "2"}, START)
    assert policy(db, "off").max_replies == 20
    assert in_force(db, "off") == ("off", INSTALLED)


# --- set_project ----------------------------------------------------------------------------


def test_a_mode_counts_from_when_it_was_switched_and_not_from_when_it_was_saved_again(
    db: Session,
) -> None:
    set_project(db, "acme", "10", "auto", {}, START)
    set_project(db, "acme", "10", "auto", {"max_replies": "5"}, LATER)
    assert in_force(db) == ("auto", START)
    set_project(db, "acme", "10", "off", {}, LATER)
    set_project(db, "acme", "10", "auto", {}, LATER + timedelta(hours=1))
    assert in_force(db) == ("auto", LATER + timedelta(hours=1))


def test_what_is_not_named_anew_stays_set(db: Session) -> None:
    set_project(db, "acme", "10", "auto", {"max_replies": "5", "trigger_word": "!a"}, START)
    set_project(db, "acme", "10", "draft", {"trigger_word": "!b"}, LATER)
    found = policy(db)
    assert (found.max_replies, found.trigger_word) == (5, "!b")


@pytest.mark.parametrize("stored", ["", "AUTO", "on", "banana"])
def test_a_mode_that_nobody_knows_is_off(db: Session, stored: Any) -> None:
    set_project(db, "acme", "10", stored, {}, START)
    assert in_force(db)[0] == "off"


# --- workflows ------------------------------------------------------------------------------


def test_a_new_tenant_can_answer_at_once(db: Session) -> None:
    assert published_workflow(db, "acme") is None
    publish_first_workflow(db, "acme", START)
    assert published_workflow(db, "acme") == (1, default_workflow())
    publish_first_workflow(db, "acme", LATER)
    assert published_workflow(db, "acme") == (1, default_workflow())
    assert db.get_one(Workflow, ("acme", 1)).published_at == START


def test_the_newest_published_version_counts_and_no_draft(db: Session) -> None:
    publish_first_workflow(db, "acme", START)
    for version, state in ((2, "published"), (3, "draft")):
        changed = default_workflow().model_copy(update={"greeting": f"version {version}"})
        db.add(
            Workflow(tenant_id="acme", version=version, state=state, created_at=LATER,
                     definition=changed.model_dump(mode="json"))
        )  # fmt: skip
    db.flush()
    found = published_workflow(db, "acme")
    assert found is not None
    assert (found[0], found[1].greeting) == (2, "version 2")


def test_another_tenants_workflow_is_not_ours(db: Session) -> None:
    add_tenant(db, "umbrella")
    publish_first_workflow(db, "umbrella", START)
    assert published_workflow(db, "acme") is None


async def test_a_policy_is_read_where_nothing_can_be_written(database_url: str) -> None:
    with opened(database_url) as database:
        await database.write(add_tenant)
        await database.write(set_project, "acme", "10", "auto", {}, START)

        def look(db: Session) -> Policy:
            return policy(db)

        assert (await database.read(look)).mode == "auto"
