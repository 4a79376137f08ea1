"""What is remembered of an issue, for how long, of whom, and how much."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from app.jira.types import Issue
from app.settings import Settings
from app.store import threads
from app.store.tables import Issue as StoredIssue
from app.store.threads import Lease
from app.turns import remembering
from app.turns.filing import Findings, file
from app.turns.remembering import FRESH_FOR, KEPT, LONGEST, MOST_STANDINGS, Memory, Standings
from tests.jira import doubles
from tests.support.clock import START
from tests.support.rows import add_tenant, add_thread, opened


def _lease(fence: int = 1, *, tenant: str = "acme", thread: str = "th-1") -> Lease:
    return Lease(tenant, thread, "worker", fence, 15)


def _issue(summary: str = "It is slow") -> Issue:
    answer = doubles.issue()
    answer["fields"]["summary"] = summary
    return Issue.of(answer)


def _remembering(lease: Lease, issue: Issue | None = None) -> Memory:
    memory = Memory()
    memory.follow(lease)
    memory.keep(lease, memory.take_in(lease, issue or _issue(), START))
    return memory


@pytest.mark.parametrize(
    ("fence", "after", "known"),
    [
        (1, timedelta(0), True),
        (2, FRESH_FOR - timedelta(seconds=1), True),
        (2, FRESH_FOR, False),
        (2, timedelta(seconds=-1), False),
        (3, timedelta(0), False),  # somebody else had the thread meanwhile
    ],
)
def test_what_was_read_holds_for_minutes_and_while_nobody_else_has_the_thread(
    *, fence: int, after: timedelta, known: bool
) -> None:
    memory = _remembering(_lease(1))
    memory.follow(_lease(fence))
    assert (memory.recall(_lease(fence), START + after) is not None) == known


def test_nothing_is_known_under_another_tenants_lease_or_an_old_one() -> None:
    memory = _remembering(_lease(1))
    memory.follow(_lease(1, tenant="other"))
    assert memory.recall(_lease(1, tenant="other"), START) is None
    memory.follow(_lease(2))
    assert memory.recall(_lease(1), START) is None


def test_what_befell_the_issue_makes_it_forgotten_with_everybodys_standing() -> None:
    lease = _lease(1)
    memory = _remembering(lease)
    known = memory.recall(lease, START)
    assert known is not None
    known.standings.keep("agnes", "agent", START)
    assert memory.take_in(lease, _issue(), START).standings.of("agnes", START) == "agent"
    memory.forget(lease)
    assert memory.recall(lease, START) is None
    assert memory.take_in(lease, _issue(), START).standings.of("agnes", START) is None


def test_only_so_much_is_remembered() -> None:
    memory = _remembering(_lease(1))
    for n in range(KEPT):
        lease = _lease(1, thread=f"other-{n}")
        memory.follow(lease)
        memory.note_newest(f"tenant-{n}", START, START)
    memory.note_newest("one more", START, START)
    assert memory.recall(_lease(1), START) is None
    assert len(memory._entries) == len(memory._raising) == KEPT
    long = _remembering(_lease(1), _issue("x" * LONGEST))
    assert long.recall(_lease(1), START) is None
    standings = Standings()
    for n in range(MOST_STANDINGS + 1):
        standings.keep(f"account-{n}", "other", START)
    assert standings.of("account-0", START) is None
    assert standings.of("account-1", START) == "other"
    assert standings.of("account-1", START + FRESH_FOR) is None


def test_an_answer_from_older_words_differs_once_and_then_no_more() -> None:
    memory = _remembering(_lease(1))
    lease = _lease(2)
    memory.follow(lease)
    known = memory.recall(lease, START)
    assert known is not None
    assert memory.give(lease, known).summary == "It is slow"
    same = memory.take_in(lease, _issue(), START)
    changed = memory.take_in(lease, _issue("It is down"), START)
    assert not memory.differs(lease, same)
    assert memory.differs(lease, changed)
    memory.keep(lease, changed)
    assert memory.give(lease, changed).summary == "It is down"
    assert not memory.differs(lease, memory.take_in(lease, _issue("It is up"), START))


def test_that_comments_raise_updated_is_believed_where_it_was_seen() -> None:
    memory = Memory()
    later = START + timedelta(milliseconds=1)
    assert not memory.comments_raise_updated("acme")
    memory.note_newest("acme", later, START)  # something else was the last change
    assert not memory.comments_raise_updated("acme")
    memory.note_newest("acme", START, START)
    assert memory.comments_raise_updated("acme")
    assert not memory.comments_raise_updated("other")
    memory.note_newest("acme", later, START)
    assert memory.comments_raise_updated("acme")
    memory.note_newest("acme", START, later)  # a comment that raised nothing
    assert not memory.comments_raise_updated("acme")


def _file_from_memory(db: Session) -> StoredIssue:
    add_tenant(db)
    thread_id = add_thread(db)
    lease = threads.claim_one(db, thread_id, "worker", START, 15)
    assert lease is not None
    seen = _issue().model_copy(update={"id": "10001"})
    for findings in (
        Findings(seen, "our-own"),
        Findings(seen.model_copy(update={"security_level": "7"}), "our-own", fresh=False),
    ):
        file(db, lease, findings, Settings(), START)
    return db.get_one(StoredIssue, ("acme", "10001"))


async def test_of_a_remembered_issue_nothing_is_filed(database_url: str) -> None:
    with opened(database_url) as database:
        stored = await database.write(_file_from_memory)

    assert stored.project_id == "10001"
    assert stored.security_level is None


def test_quiet_are_the_instants_that_were_looked_at_last() -> None:
    lease = _lease(1)
    memory = _remembering(lease)
    known = memory.recall(lease, START)
    assert known is not None
    first = remembering.quieted(known, START, None)
    assert first.quiet == {START}
    assert remembering.quieted(first, None).quiet == frozenset()
