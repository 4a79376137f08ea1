"""Two processes write to one thread at once: the later one goes on from what the earlier wrote."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import psycopg
import pytest
from sqlmodel import Session, col, select

from app.doors.principal import Audience, TenantRef, Viewer
from app.settings import Settings
from app.store import threads
from app.store.database import Database
from app.store.tables import LIVE_STATES, Event, Item, Tenant, Thread, Turn
from app.stream import log
from app.turns import ending, talking
from app.turns.talking import Asked, Said
from tests.support.clock import START
from tests.support.rows import add_tenant, add_thread, opened
from tests.support.world import PATIENCE, until

T = TypeVar("T")

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_kind", ["postgresql"]),
]

ANSWERING = "turn_that_answers"


@dataclass
class Place:
    """An issue's two threads, and a turn on the public one that Jira was asked to take."""

    url: str
    database: Database
    viewers: dict[str, Viewer]

    @property
    def settings(self) -> Settings:
        return Settings(database_url=self.url, default_reply_mode="auto")

    def write(self, fn: Callable[..., T], *args: object) -> T:
        return _written(self.database, fn, *args)

    def read(self, fn: Callable[..., T], *args: object) -> T:
        return self.database._read(fn, *args)

    @contextmanager
    def beside(
        self, first: Callable[[Session], object], then: Callable[[Session], object]
    ) -> Iterator[None]:
        """Another process does ``first``; once this one waits for it, ``then``, and commits."""
        begun = threading.Event()

        def both(db: Session) -> None:
            first(db)
            db.flush()
            begun.set()
            until(lambda: _somebody_waits(self.url), "somebody to wait for the lock")
            then(db)

        with opened(self.url) as other, ThreadPoolExecutor(1) as pool:
            writing: Future[None] = pool.submit(_written, other, both)
            assert begun.wait(PATIENCE)
            yield
            writing.result()


def _written(database: Database, fn: Callable[..., T], *args: object) -> T:
    async def written() -> T:
        return await database.write(fn, *args)

    return asyncio.run(written())


def _somebody_waits(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone()
    return found is not None


@pytest.fixture
def place(database_url: str) -> Iterator[Place]:
    with opened(database_url) as database:
        viewers = _written(database, _begin)
        yield Place(database_url, database, viewers)


def _begin(db: Session) -> dict[str, Viewer]:
    add_tenant(db)
    tenant = TenantRef.of(db.get_one(Tenant, "acme"))
    audiences: tuple[Audience, ...] = ("public", "internal")
    viewers: dict[str, Viewer] = {}
    for audience in audiences:
        thread_id = add_thread(db, audience=audience)
        ends = START + timedelta(minutes=15)
        viewers[audience] = Viewer(tenant, "rita", thread_id, "10001", audience, ends)
    return viewers


def add_turn(db: Session, viewer: Viewer, reply_to: Viewer | None = None) -> None:
    """A turn whose comment Jira may have: what is asked now is the next one's."""
    db.add(
        Turn(
            id=ANSWERING,
            tenant_id="acme",
            thread_id=viewer.thread_id,
            reply_thread_id=(reply_to or viewer).thread_id,
            reply_as="public" if viewer.audience == "public" else "private",
            state="posting",
            posts=1,
            created_at=START,
        )
    )


def add_nothing(db: Session) -> None:
    """All is said."""


def numbers(db: Session, thread_id: str) -> list[int]:
    events = select(Event.n).where(Event.thread_id == thread_id).order_by(col(Event.n))
    return list(db.exec(events).all())


def items(db: Session, thread_id: str) -> list[Item]:
    found = select(Item).where(Item.thread_id == thread_id).order_by(col(Item.sort_key))
    return list(db.exec(found).all())


def thread_of(db: Session, thread_id: str) -> Thread:
    return db.get_one(Thread, thread_id)


def turn_of(db: Session) -> Turn:
    return db.get_one(Turn, ANSWERING)


Way = Callable[[Place, str], Callable[[Session], Asked]]


def on_a_page(place: Place, name: str) -> Callable[[Session], Asked]:
    said = Said(name, "Why?", "rita")
    return lambda db: talking.say(db, place.viewers["public"], said, place.settings, START)


def as_an_operator(place: Place, name: str) -> Callable[[Session], Asked]:
    return lambda db: talking.ask_privately(db, "acme", "10001", name, "Why?", START)


WAYS = pytest.mark.parametrize(
    ("say", "audience"), [(on_a_page, "public"), (as_an_operator, "internal")]
)


@WAYS
def test_two_messages_at_once_are_both_kept_and_given_to_one_turn(
    place: Place, say: Way, audience: str
) -> None:
    viewer = place.viewers[audience]
    place.write(add_turn, viewer)
    earlier: list[Asked] = []
    with place.beside(lambda db: earlier.append(say(place, "one")(db)), add_nothing):
        later = place.write(say(place, "two"))

    [first] = earlier
    kept = place.read(items, viewer.thread_id)
    assert {item.id for item in kept} == {first.item_id, later.item_id}
    assert {item.given_to for item in kept} == {first.turn_id} == {later.turn_id}
    assert place.read(thread_of, viewer.thread_id).next_turn_id == later.turn_id
    assert place.read(numbers, viewer.thread_id) == [1, 2]


@WAYS
def test_the_same_message_at_once_is_one(place: Place, say: Way, audience: str) -> None:
    viewer = place.viewers[audience]
    place.write(add_turn, viewer)
    earlier: list[Asked] = []
    with place.beside(lambda db: earlier.append(say(place, "one")(db)), add_nothing):
        later = place.write(say(place, "one"))

    assert earlier == [later]
    assert [item.id for item in place.read(items, viewer.thread_id)] == [later.item_id]
    assert place.read(numbers, viewer.thread_id) == [1]


@WAYS
def test_what_is_told_at_once_has_the_next_numbers(place: Place, say: Way, audience: str) -> None:
    viewer = place.viewers[audience]
    place.write(add_turn, viewer)
    told: list[tuple[str, dict[str, Any]]] = [("turn.queued", {"turn_id": ANSWERING})] * 3

    def tell(db: Session) -> None:
        log.append(db, "acme", viewer.thread_id, told, START)

    def lock(db: Session) -> None:
        threads.lock(db, viewer.thread_id)

    with place.beside(lock, tell):
        place.write(say(place, "one"))

    assert place.read(numbers, viewer.thread_id) == [1, 2, 3, 4]
    assert place.read(thread_of, viewer.thread_id).last_n == 4


# --- a stop ---------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", ["public", "internal"])
@pytest.mark.parametrize("ends", [False, True])
def test_a_stop_beside_whoever_works_on_the_turn_waits_and_is_noted(
    place: Place, audience: str, *, ends: bool
) -> None:
    """By the thread of the question, and by that of the answer."""
    public, internal = place.viewers["public"], place.viewers["internal"]
    place.write(add_turn, public, internal)

    def lock(db: Session) -> None:
        threads.lock(db, public.thread_id)

    def work_on(db: Session) -> None:
        turn = turn_of(db)
        turn.failures = 4
        if ends:
            ending.fail(db, turn, "crashed", START)

    tries: list[str] = []

    def ask_stop(db: Session) -> None:
        tries.append(audience)
        talking.ask_stop(db, place.viewers[audience], START)

    with place.beside(lock, work_on):
        place.write(ask_stop)

    turn = place.read(turn_of)
    assert tries == [audience], "repeated: the two waited for each other"
    assert turn.failures == 4
    assert (turn.stop_asked_at is None) is ends, "what has ended is not stopped"
    assert (turn.state in LIVE_STATES) is not ends
