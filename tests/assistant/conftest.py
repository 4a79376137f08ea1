"""An assistant over a real database and the simulated OpenAI, reached by real HTTP."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from chatkit.types import (
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)
from sqlmodel import Session

from app.assistant.context import TurnContext
from app.assistant.models import ModelAccess, ModelClients
from app.assistant.server import AssistantServer
from app.assistant.store import ThreadStore
from app.assistant.workflow import WorkflowDefinition, default_workflow
from app.firewall import IssueFacts
from app.sandbox.openai import DEMO_KEY, OpenAISite
from app.sandbox.serving import serve
from app.settings import Settings
from app.store import threads
from app.store.database import Database
from app.store.ids import new_id
from app.store.statements import sort_key
from app.store.tables import Item, Tenant
from tests.support.clock import FakeClock

SILENCE = 5.0
"""Seconds that the client bears the model's silence."""


@dataclass
class Desk:
    """One issue's public thread of one tenant, and what is needed to answer on it."""

    database: Database
    server: AssistantServer
    clock: FakeClock
    url: str
    tenant_id: str
    thread_id: str
    key: str = DEMO_KEY
    issue: IssueFacts | None = field(
        default_factory=lambda: IssueFacts("Printer on fire", "", "Open")
    )

    async def add(self, text: str, **columns: Any) -> str:
        """Put an item on the thread, a minute after the one before; its id."""
        self.clock.advance(60)
        item_id = new_id("item")
        await self.database.write(_add_item, self, item_id, text, columns)
        return item_id

    async def sort_key(self, item_id: str) -> str:
        item = await self.database.read(threads.item_by_id, self.tenant_id, self.thread_id, item_id)
        assert item is not None
        return item.sort_key

    def turn(
        self,
        *,
        workflow: WorkflowDefinition | None = None,
        read_through: str | None = None,
        key: str | None = None,
    ) -> TurnContext:
        return TurnContext(
            tenant_id=self.tenant_id,
            thread_id=self.thread_id,
            turn_id=new_id("turn"),
            reply_item_id=new_id("item"),
            audience="public",
            workflow=workflow or default_workflow(),
            access=ModelAccess(key or self.key, f"{self.url}/v1", "gpt-5.4-mini"),
            issue=self.issue,
            read_through=read_through,
        )

    async def answer(self, turn: TurnContext) -> list[ThreadStreamEvent]:
        return [event async for event in self.events(turn)]

    @property
    def thread(self) -> ThreadMetadata:
        return ThreadMetadata(id=self.thread_id, created_at=self.clock.now())

    def events(self, turn: TurnContext) -> AsyncIterator[ThreadStreamEvent]:
        return self.server.respond(self.thread, None, turn)

    async def watch(self, turn: TurnContext, seen: list[str]) -> None:
        """Append the type of each event to ``seen``, which an error does not take back."""
        async for event in self.events(turn):
            seen.append(event.type)  # noqa: PERF401  (a comprehension would lose them)

    async def ask(self, text: str) -> str:
        """A customer's message and its answer, kept on the thread as a turn keeps it."""
        await self.add(text)
        turn = self.turn()
        said = text_of(await self.answer(turn))
        await self.add(said, kind="assistant_message", role="assistant")
        return said


def text_of(events: list[ThreadStreamEvent]) -> str:
    """What the one finished item among the events says."""
    done = [event.item for event in events if isinstance(event, ThreadItemDoneEvent)]
    assert len(done) == 1
    assert isinstance(done[0], AssistantMessageItem)
    return "".join(part.text for part in done[0].content)


async def no_other_task() -> None:
    """Come back once this test's task is the only one."""
    async with asyncio.timeout(2):
        while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110  (tasks tell nobody of their end)
            await asyncio.sleep(0.005)


def _add_item(db: Session, desk: Desk, item_id: str, text: str, columns: dict[str, Any]) -> None:
    now = desk.clock.now()
    values: dict[str, Any] = {"kind": "user_message", "role": "customer"} | columns
    item = Item(
        id=item_id,
        tenant_id=desk.tenant_id,
        thread_id=desk.thread_id,
        sort_key=sort_key(now, 0),
        text=text,
        created_at=now,
        updated_at=now,
        **values,
    )
    threads.add_item(db, item)


def _install(db: Session, tenant_id: str, clock: FakeClock) -> str:
    now = clock.now()
    db.add(
        Tenant(
            id=tenant_id,
            door="connect",
            client_key=tenant_id,
            base_url="http://127.0.0.1",
            state="installed",
            installed_at=now,
        )
    )
    db.flush()
    return threads.ensure_thread(db, tenant_id, "10001", "public", now).id


@pytest.fixture
def openai(clock: FakeClock) -> OpenAISite:
    return OpenAISite(clock=clock)


@pytest.fixture
def openai_url(openai: OpenAISite) -> Iterator[str]:
    with serve(openai.asgi) as served:
        yield served.url


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, to be copied: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("assistant") / "empty.db"
    database = Database.open(Settings(database_url=f"sqlite:///{path}"))
    database.migrate()
    database.close()
    return path


@pytest.fixture
def database(empty_database: Path, tmp_path: Path) -> Iterator[Database]:
    path = shutil.copy(empty_database, tmp_path / "test.db")
    database = Database.open(Settings(database_url=f"sqlite:///{path}"))
    yield database
    database.close()


@pytest.fixture
async def clients() -> AsyncIterator[ModelClients]:
    clients = ModelClients(timeout=SILENCE)
    yield clients
    await clients.close()


@pytest.fixture
async def desks(
    database: Database, clients: ModelClients, clock: FakeClock, openai_url: str
) -> tuple[Desk, Desk]:
    """Two tenants' desks, on one server and one database."""
    server = AssistantServer(ThreadStore(database), clients, clock)
    thread_ids = [
        await database.write(_install, tenant_id, clock) for tenant_id in ("here", "there")
    ]
    return (
        Desk(database, server, clock, openai_url, "here", thread_ids[0]),
        Desk(database, server, clock, openai_url, "there", thread_ids[1]),
    )


@pytest.fixture
def desk(desks: tuple[Desk, Desk]) -> Desk:
    return desks[0]
