"""Two web and two worker processes on PostgreSQL: one reply and no gap, whoever is killed."""

from __future__ import annotations

import signal

import pytest

from tests.hosts.conftest import Hosts
from tests.support.events import EventSource, watching
from tests.support.talks import Chat
from tests.support.world import until

ANSWER = "It swaps, since it was given half of the memory that it needs. " * 3

pytestmark = pytest.mark.postgresql


def test_in_through_one_out_through_the_other_a_worker_killed_one_reply(hosts: Hosts) -> None:
    web, other = hosts.web(), hosts.another_web()
    workers = [hosts.worker(), hosts.worker()]
    here = hosts.here
    here.install()
    here.openai.answers(ANSWER)
    here.openai.hold(after=10)
    chat = Chat(here, "OPS-1", "agnes", "public")
    before = chat.thread()["last_event_id"]
    address = other.of(f"{chat.url}/events", here)
    with watching(address, chat.token, before) as seen:
        here.jira.comment("OPS-1", "Why is it slow?", by="rita")  # its webhook goes to the first
        until(seen.texts, "the first words")
        [at_work] = [program for program in workers if program.pid == hosts.pid_at_work()]
        at_work.signal(signal.SIGKILL)
        at_work.end()
        here.openai.release()
        seen.until("turn.completed")

        # ... and then the process that the watcher is at.
        connections = seen.connections
        other.program.signal(signal.SIGKILL)
        other.program.end()
        seen.url = web.of(f"{chat.url}/events", here)
        until(lambda: seen.connections > connections, "the watcher to come back")
        here.jira.comment("OPS-1", "And now?", by="rita")
        seen.until("turn.completed", 2)
    here.run_until_idle()

    first, second = here.answers("OPS-1")
    assert ANSWER.strip() in first
    assert ANSWER.strip() in second
    assert [turn.state for turn in here.turns()] == ["completed", "completed"]
    assert seen.numbers() == list(range(1, len(seen.events) + 1))
    assert "stream.resync" not in seen.types()
    removed = seen.types().index("thread.item.removed")  # begun again by the other worker
    assert removed < seen.types().index("turn.started", removed)
    again = EventSource(address.replace(other.address, web.address), chat.token, before)
    again.read(lambda source: len(source.events) == len(seen.events))
    assert [told.id for told in again.events] == [told.id for told in seen.events]
