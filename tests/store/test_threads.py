"""Threads: made once, leased to one worker at a time, and their items in order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select, update

from app.errors import LeaseLost
from app.store import claiming, threads, turns
from app.store.database import Database
from app.store.statements import UNIX_EPOCH, insert_new, sort_key
from app.store.tables import Issue, Item, Tenant, Thread, Turn, Unseen
from app.store.threads import Lease
from tests.support.clock import START
from tests.support.rows import add_tenant, add_thread, item_of, opened

SOON = START + timedelta(seconds=5)
LATER = START + timedelta(minutes=5)


async def claim(
    database: Database, owner: str = "worker", now: datetime = START, *,
    most: int = 64, per_tenant: int = 16,
) -> list[Lease]:  # fmt: skip
    return await database.write(claiming.claim, owner, now, 60.0, most, per_tenant)


async def thread_of(database: Database, thread_id: str) -> Thread:
    found = await database.read(threads.by_id, "acme", thread_id)
    assert found is not None
    return found


async def due_thread(database: Database, issue_id: str = "10001", at: datetime = START) -> str:
    return await database.write(add_thread, "acme", issue_id, "public", at)


def add_unseen(db: Session, thread_id: str) -> None:
    db.add(
        Unseen(
            tenant_id="acme",
            thread_id=thread_id,
            event="comment_created",
            comment_id="1",
            occurred_at=START,
            received_at=START,
        )
    )


async def lapse(database: Database) -> None:
    """Minutes pass by the clock that leases are held by, which on PostgreSQL is the server's."""

    def backdate(db: Session) -> None:
        leased = update(Thread).where(col(Thread.lease_until).is_not(None))
        db.execute(leased.values(lease_until=UNIX_EPOCH))

    await database.write(backdate)


def ids(leases: list[Lease]) -> set[str]:
    return {lease.thread_id for lease in leases}


# --- made once ------------------------------------------------------------------------------


async def test_an_issue_has_two_threads_however_many_ask_at_once(
    database: Database, database_url: str
) -> None:
    def ensure(db: Session, audience: str) -> tuple[str, str]:
        thread = threads.ensure_thread(db, "acme", "10001", audience, START)
        return thread.id, thread.epoch

    with opened(database_url) as other:
        made = await asyncio.gather(
            *(
                one.write(ensure, audience)
                for _ in range(10)
                for one in (database, other)
                for audience in ("public", "internal")
            )
        )
    assert len(set(made)) == 2
    assert len({epoch for _, epoch in made}) == 2
    assert all(len(epoch) == 8 for _, epoch in made)
    again = await database.write(ensure, "public")
    assert again in made


async def test_insert_new_tells_whether_the_row_is_new(database: Database) -> None:
    row = {"tenant_id": "acme", "issue_id": "1"}
    assert await database.write(insert_new, Issue, row) is True
    assert await database.write(insert_new, Issue, row) is False


async def test_a_thread_is_found_by_its_own_tenant_alone(database: Database) -> None:
    thread_id = await due_thread(database)
    assert await database.read(threads.by_id, "umbrella", thread_id) is None
    assert await database.read(threads.of_issue, "umbrella", "10001", "public") is None


# --- claimed --------------------------------------------------------------------------------


async def test_a_due_thread_is_taken_by_one_worker(database: Database, database_url: str) -> None:
    made = [await due_thread(database, str(n)) for n in range(12)]
    with opened(database_url) as other:
        taken = await asyncio.gather(
            *(claim(one, f"worker {n}", most=3) for n in range(4) for one in (database, other))
        )
    got = [lease.thread_id for leases in taken for lease in leases]
    assert len(got) == len(set(got))
    rest = await claim(database, "last")
    assert {*got, *ids(rest)} == set(made)


async def test_what_is_not_due_yet_is_not_taken(database: Database) -> None:
    await database.write(add_thread, "acme", "never due")
    thread_id = await due_thread(database, at=SOON)
    assert await claim(database) == []
    assert ids(await claim(database, now=SOON)) == {thread_id}


async def test_who_waits_longest_comes_first(database: Database) -> None:
    made = [await due_thread(database, str(n), START - timedelta(seconds=n)) for n in range(4)]
    taken = [ids(await claim(database, most=1)) for _ in range(4)]
    assert taken == [{one} for one in reversed(made)]


async def test_no_tenant_has_more_than_its_share(database: Database) -> None:
    await database.write(add_tenant, "umbrella")
    busy = [await due_thread(database, str(n), START - timedelta(hours=1)) for n in range(9)]
    late = await database.write(add_thread, "umbrella", "1", "public", START)

    first = await claim(database, per_tenant=4)
    assert len(ids(first) & set(busy)) == 4
    assert late in ids(first)
    assert await claim(database, per_tenant=4) == []

    done = next(lease for lease in first if lease.thread_id in busy)
    await database.write(threads.release, done, None, START)
    [following] = await claim(database, per_tenant=4)
    assert following.thread_id in busy


@pytest.mark.parametrize("state", ["disabled", "uninstalled"])
async def test_a_tenant_that_left_is_never_claimed(database: Database, state: str) -> None:
    await due_thread(database)

    def leave(db: Session, state: str) -> None:
        db.get_one(Tenant, "acme").state = state

    await database.write(leave, state)
    assert await claim(database) == []
    await database.write(leave, "installed")
    assert len(await claim(database)) == 1


# --- held, lapsed, let go -------------------------------------------------------------------


async def test_a_held_thread_is_skipped_until_its_lease_lapses(database: Database) -> None:
    thread_id = await due_thread(database)
    [first] = await claim(database, "one")
    await database.write(threads.make_due, thread_id, START)
    assert await claim(database, "two", SOON) == []
    assert await database.write(threads.claim_one, thread_id, "two", SOON, 60.0) is None
    await lapse(database)
    [second] = await claim(database, "two", SOON)
    assert second.thread_id == thread_id
    assert second.fence > first.fence


async def test_a_dead_workers_thread_is_taken_although_nothing_came_in(database: Database) -> None:
    await due_thread(database)
    [first] = await claim(database, "dead")
    assert await claim(database, "alive", SOON) == []
    await lapse(database)
    [second] = await claim(database, "alive", SOON)
    assert second.thread_id == first.thread_id


async def test_a_dead_workers_threads_count_no_longer(database: Database) -> None:
    for n in range(4):
        await due_thread(database, str(n))
    assert len(await claim(database, "dead", per_tenant=2)) == 2
    assert await claim(database, "alive", SOON, per_tenant=2) == []
    await lapse(database)
    assert len(await claim(database, "alive", SOON, per_tenant=2)) == 2


async def test_a_renewed_lease_does_not_lapse(database: Database) -> None:
    thread_id = await due_thread(database)
    [lease] = await claim(database)
    await lapse(database)
    await database.write(threads.renew, lease, LATER)
    await database.write(threads.make_due, thread_id, START)
    assert await claim(database, "other", LATER) == []


async def test_who_lost_the_lease_can_write_nothing(database: Database) -> None:
    await due_thread(database)
    [old] = await claim(database, "slow")
    await lapse(database)
    [new] = await claim(database, "quick", LATER)

    def speak(db: Session, lease: Lease) -> None:
        threads.hold(db, lease).title = lease.owner

    for operation in (
        database.write(threads.hold, old),
        database.write(threads.renew, old, LATER),
        database.write(threads.release, old, None, LATER),
        database.write(speak, old),
    ):
        with pytest.raises(LeaseLost):
            await operation
    await database.write(speak, new)
    thread = await thread_of(database, new.thread_id)
    assert (thread.title, thread.lease_owner, thread.fence) == ("quick", "quick", new.fence)


async def test_the_same_worker_may_not_use_its_older_lease(database: Database) -> None:
    await due_thread(database)
    [old] = await claim(database, "worker")
    await lapse(database)
    await claim(database, "worker", LATER)
    with pytest.raises(LeaseLost):
        await database.write(threads.hold, old)


async def test_a_lease_opens_no_other_tenants_thread(database: Database) -> None:
    await due_thread(database)
    [lease] = await claim(database)
    forged = Lease("umbrella", lease.thread_id, lease.owner, lease.fence, lease.seconds)
    with pytest.raises(LeaseLost):
        await database.write(threads.hold, forged)


async def test_a_thread_that_is_let_go_rests_until_it_is_due(database: Database) -> None:
    thread_id = await due_thread(database)
    [lease] = await claim(database)
    await database.write(threads.release, lease, SOON, START)
    assert await claim(database) == []
    [again] = await claim(database, now=SOON)
    await database.write(threads.release, again, None, SOON)
    assert await claim(database, now=LATER) == []
    assert (await thread_of(database, thread_id)).due_at is None


async def test_what_came_in_while_it_was_worked_on_makes_it_due_at_once(
    database: Database,
) -> None:
    thread_id = await due_thread(database)
    [lease] = await claim(database)
    await database.write(add_unseen, thread_id)
    await database.write(threads.release, lease, LATER, SOON)
    assert len(await claim(database, now=SOON)) == 1


async def test_where_jira_fails_what_is_unseen_waits_as_well(database: Database) -> None:
    thread_id = await due_thread(database)
    [lease] = await claim(database)
    await database.write(add_unseen, thread_id)

    def fail(db: Session, lease: Lease) -> None:
        threads.hold(db, lease).failures += 1

    await database.write(fail, lease)
    await database.write(threads.release, lease, LATER, START)
    assert await claim(database, now=SOON) == []
    assert len(await claim(database, now=LATER)) == 1


async def test_to_make_it_due_later_does_not_put_it_off(database: Database) -> None:
    thread_id = await due_thread(database, at=START)
    await database.write(threads.make_due, thread_id, LATER)
    assert (await thread_of(database, thread_id)).due_at == START
    [lease] = await claim(database)
    await database.write(threads.make_due, thread_id, SOON)
    await database.write(threads.release, lease, LATER, START)
    assert (await thread_of(database, thread_id)).due_at == SOON


async def test_making_due_and_letting_go_at_once_forgets_nothing(
    database: Database, database_url: str
) -> None:
    thread_id = await due_thread(database)
    with opened(database_url) as other:
        for _ in range(20):
            [lease] = await claim(database)
            await asyncio.gather(
                database.write(threads.release, lease, None, START),
                other.write(threads.make_due, thread_id, START),
            )
            assert (await thread_of(database, thread_id)).due_at == START


async def test_who_waits_for_work_is_woken(database: Database) -> None:
    heard: list[str] = []
    database.on_commit(heard.extend)
    thread_id = await due_thread(database)
    assert set(heard) == {"due", f"due:{thread_id}"}
    [lease] = await claim(database)
    heard.clear()
    await database.write(threads.release, lease, None, START)
    assert heard == []


async def test_a_worker_that_leaves_hands_its_threads_on(database: Database) -> None:
    for n in range(2):
        await due_thread(database, str(n))
    [leaving] = await claim(database, "leaving", most=1)
    [staying] = await claim(database, "staying", most=1)
    assert await database.write(threads.release_owned, "leaving", START) == 1
    with pytest.raises(LeaseLost):
        await database.write(threads.hold, leaving)
    await database.write(threads.hold, staying)
    assert ids(await claim(database, "next")) == {leaving.thread_id}


async def test_after_a_restart_of_the_only_process_nothing_is_held(database: Database) -> None:
    for n in range(3):
        await due_thread(database, str(n))
    old = await claim(database, most=2)
    assert await database.write(threads.release_all, START) == 2
    for lease in old:
        with pytest.raises(LeaseLost):
            await database.write(threads.hold, lease)
    assert len(await claim(database)) == 3


# --- unseen ---------------------------------------------------------------------------------


async def test_only_what_was_looked_at_is_dropped(database: Database) -> None:
    thread_id = await due_thread(database)

    async def waiting() -> list[int]:
        return [row.id or 0 for row in await database.read(threads.unseen_of, thread_id)]

    for _ in range(4):
        await database.write(add_unseen, thread_id)
    first, second, third, fourth = await waiting()
    await database.write(threads.drop_unseen, thread_id, (first, third))
    assert await waiting() == [second, fourth]
    await database.write(threads.drop_unseen, thread_id, (second, fourth))
    assert await waiting() == []
    await database.write(add_unseen, thread_id)
    [fifth] = await waiting()
    assert fifth > fourth, "a number is never used again"


# --- items ----------------------------------------------------------------------------------

moments = st.integers(10**15, 4 * 10**15).map(lambda at: UNIX_EPOCH + timedelta(microseconds=at))
comment_ids = st.integers(1, 10**18)


@given(st.tuples(moments, comment_ids), st.tuples(moments, comment_ids))
def test_items_are_ordered_by_jiras_created_and_then_by_id(
    one: tuple[datetime, int], other: tuple[datetime, int]
) -> None:
    assert (sort_key(*one) < sort_key(*other)) == (one < other)
    assert len(sort_key(*one)) == 40
    assert sort_key(*one).isdigit()


@example(datetime(2004, 12, 8, 20, 53, 35, 746805, UTC), 1)  # a float takes it for its neighbour
@given(moments, comment_ids)
def test_of_two_neighbouring_microseconds_the_earlier_comes_first(at: datetime, tie: int) -> None:
    assert sort_key(at, 10**19) < sort_key(at + timedelta(microseconds=1), tie)


def fill(db: Session, thread_id: str, places: list[tuple[int, int]]) -> list[str]:
    """Items at (second, tie), stored in the order given; their ids in the order of a thread."""
    thread = db.get_one(Thread, thread_id)
    made = [
        threads.add_item(db, item_of(thread, START + timedelta(seconds=second), tie))
        for second, tie in places
    ]
    return [item.id for item in sorted(made, key=lambda item: item.sort_key)]


def pages(db: Session, thread_id: str, order: str, limit: int) -> list[str]:
    """Every item's id, page by page."""
    seen: list[str] = []
    after: str | None = None
    more = True
    while more:
        items, more = threads.items_page(
            db, "acme", thread_id, after=after, limit=limit, order=order
        )
        assert len(items) == limit or not more
        seen += [item.id for item in items]
        after = items[-1].sort_key if items else None
    return seen


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12),
    limit=st.integers(1, 5),
    number=st.uuids(),
)
def test_pages_hold_every_item_once_and_in_order(
    database_url: str, places: list[tuple[int, int]], limit: int, number: object
) -> None:
    with opened(database_url) as database, Session(database._write_engine) as db:
        if db.get(Tenant, "acme") is None:
            add_tenant(db)
        thread_id = add_thread(db, "acme", str(number))
        in_order = fill(db, thread_id, places)
        assert pages(db, thread_id, "asc", limit) == in_order
        assert pages(db, thread_id, "desc", limit) == in_order[::-1]
        db.rollback()


async def test_items_of_one_instant_and_place_stand_behind_each_other(database: Database) -> None:
    thread_id = await database.write(add_thread)

    def add(db: Session, tie: int) -> str:
        return threads.add_item(db, item_of(db.get_one(Thread, thread_id), START, tie)).id

    for tie in (7, 10**19):  # of a comment, and drawn
        made = [await database.write(add, tie) for _ in range(8)]
        items, _ = await database.read(threads.items_page, "acme", thread_id, limit=50)
        ours = [item.id for item in items if item.id in made]
        assert ours[0] == made[0], "whoever came first keeps its place"
        assert sorted(ours) == sorted(made)


async def test_a_page_shows_nothing_beyond_what_was_read(database: Database) -> None:
    thread_id = await database.write(add_thread)
    made = await database.write(fill, thread_id, [(n, 0) for n in range(5)])
    third = await database.read(threads.item_by_id, "acme", thread_id, made[2])
    assert third is not None
    for order, expected in (("asc", made[:3]), ("desc", made[2::-1])):
        items, more = await database.read(
            threads.items_page, "acme", thread_id, order=order, through=third.sort_key
        )
        assert [item.id for item in items] == expected
        assert not more


async def test_items_are_found_in_their_own_thread_and_tenant_alone(database: Database) -> None:
    await database.write(add_tenant, "umbrella")
    ours = await database.write(add_thread)
    beside = await database.write(add_thread, "acme", "10001", "internal")

    def add(db: Session) -> str:
        item = item_of(db.get_one(Thread, ours), comment_id="7", client_id="c")
        return threads.add_item(db, item).id

    item_id = await database.write(add)
    assert await database.read(threads.item_by_id, "acme", ours, item_id)
    assert await database.read(threads.item_by_id, "umbrella", ours, item_id) is None
    assert await database.read(threads.item_by_id, "acme", beside, item_id) is None
    assert await database.read(threads.item_by_comment, ours, "7")
    assert await database.read(threads.item_by_comment, beside, "7") is None
    assert await database.read(threads.item_by_client, ours, "c")
    assert await database.read(threads.item_by_client, beside, "c") is None


async def test_what_asks_and_was_not_answered_waits_in_order(database: Database) -> None:
    thread_id = await database.write(add_thread)

    def add(db: Session) -> list[str]:
        thread = db.get_one(Thread, thread_id)
        rows = [
            item_of(thread, START + timedelta(seconds=second), asks=asks, answered_by=turn)
            for second, asks, turn in ((3, True, None), (1, True, None), (2, False, None),
                                       (0, True, "turn"))
        ]  # fmt: skip
        return [threads.add_item(db, row).id for row in rows]

    made = await database.write(add)

    def waiting(db: Session) -> list[Item]:
        return threads.asking(db, thread_id)

    assert [item.id for item in await database.read(waiting)] == [made[1], made[0]]


# --- turns ----------------------------------------------------------------------------------


def add_turn(db: Session, thread_id: str, reply_as: str, state: str, at: datetime) -> None:
    count = len(db.exec(select(Turn)).all())
    db.add(
        Turn(
            id=f"turn {count}",
            tenant_id="acme",
            thread_id=thread_id,
            reply_thread_id=thread_id,
            reply_as=reply_as,
            state=state,
            created_at=at,
            finished_at=at,
        )
    )


async def test_an_issues_replies_of_the_hour_are_counted_and_no_draft_nor_the_teams_own_talk(
    database: Database,
) -> None:
    public = await database.write(add_thread)
    internal = await database.write(add_thread, "acme", "10001", "internal")
    elsewhere = await database.write(add_thread, "acme", "10002")
    for thread_id, reply_as, state, minutes in (
        (public, "public", "completed", 1),
        (public, "internal", "completed", 59),
        (public, "draft", "completed", 1),
        (public, "public", "completed", 61),
        (public, "public", "stopped", 1),
        (elsewhere, "public", "completed", 1),
        (internal, "private", "completed", 1),
    ):
        at = START - timedelta(minutes=minutes)
        await database.write(add_turn, thread_id, reply_as, state, at)
    since = START - timedelta(hours=1)
    assert await database.read(turns.replies_since, "acme", "10001", since) == 2


async def test_the_live_turn_is_the_one_that_has_not_ended(database: Database) -> None:
    thread_id = await database.write(add_thread)
    await database.write(add_turn, thread_id, "public", "completed", START)
    assert await database.read(turns.live, thread_id) is None
    await database.write(add_turn, thread_id, "public", "waiting", SOON)
    live = await database.read(turns.live, thread_id)
    newest = await database.read(turns.newest, thread_id)
    assert live is not None
    assert newest is not None
    assert live.id == newest.id == "turn 1"
    assert await database.read(turns.by_id, "umbrella", live.id) is None
    assert [turn.id for turn in await database.read(turns.recent, "acme")] == ["turn 1", "turn 0"]
