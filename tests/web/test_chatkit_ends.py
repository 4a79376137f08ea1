"""A stream of ``/chatkit`` lasts as long as the right to read the thread, and no longer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from tests.support.clock import ShiftedClock
from tests.support.talks import Chat
from tests.support.world import PATIENCE, World, until, world

LATER = "CANARY-4711"
"""What the model says after the right was lost."""
LONG_ENOUGH = timedelta(seconds=31)
"""Until rights are asked for again. A lease may lapse before, and the answer be begun anew."""


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def here(sqlite_template: Path, tmp_path: Path, clock: ShiftedClock) -> Iterator[World]:
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    with world(f"sqlite:///{tmp_path / 'app.db'}", clock=clock) as made:
        made.openai.answers(f"It swaps since Monday, says {LATER}, and will go on.")
        yield made


@contextmanager
def asking(chat: Chat) -> Iterator[Iterator[str]]:
    """Somebody asks; the lines of the stream that is the answer, until it ends."""
    content = [{"type": "input_text", "text": "Why is it slow?"}]
    said = {"content": content, "attachments": [], "inference_options": {}}
    body = {"type": "threads.create", "params": {"input": said}, "metadata": {}}
    with (
        httpx2.Client(trust_env=False, timeout=PATIENCE) as http,
        http.stream("POST", f"{chat.here.url}/chatkit", json=body, headers=chat.headers) as answer,
    ):
        assert answer.status_code == 200
        yield answer.iter_lines()


def read_words(lines: Iterator[str]) -> None:
    """Read on until the answer's first words are seen."""
    for line in lines:
        if "text_delta" in line:
            return
    raise AssertionError("the stream ended before the first words")


@pytest.mark.parametrize(
    ("by", "key", "audience", "right"),
    [
        ("rita", "OPS-1", "public", "BROWSE_PROJECTS"),
        ("agnes", "SUP-1", "internal", "SERVICEDESK_AGENT"),
    ],
)
def test_a_stream_ends_when_the_right_to_read_is_lost(
    here: World, clock: ShiftedClock, by: str, key: str, audience: str, right: str
) -> None:
    chat = Chat(here, key, by, audience)
    here.openai.hold(after=2)
    with asking(chat) as lines:
        read_words(lines)
        here.jira.revoke(by, key.partition("-")[0], right)
        clock.ahead += LONG_ENOUGH
        here.openai.release()
        rest = list(lines)

    until(lambda: any(LATER in item.text for item in here.items(audience)), "the whole answer")
    assert LATER not in "".join(rest)
    assert chat.get().status_code == 403
    here.run_until_idle()


def test_a_stream_goes_on_while_the_right_is_held(here: World, clock: ShiftedClock) -> None:
    chat = Chat(here, "OPS-1", "rita")
    here.openai.hold(after=2)
    with asking(chat) as lines:
        read_words(lines)
        clock.ahead += LONG_ENOUGH
        here.openai.release()
        rest = [line for line in lines if line]

    assert '"type":"thread.item.done"' in rest[-1]
    assert LATER in rest[-1]
    here.run_until_idle()
