"""Events as bytes: whatever they say and wherever they are cut, a client reads what was told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream.encoding import one_line
from app.stream.sse import COMMENT, RETRY, EventId, frame
from tests.support.events import Parser, Told

EPOCHS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=8)
IDS = st.builds(EventId, EPOCHS, st.integers(0, 10**18 - 1))
TEXTS = st.text(st.characters(), max_size=20)


@given(IDS)
def test_an_id_is_read_back(event_id: EventId) -> None:
    assert EventId.parse(str(event_id)) == event_id


@pytest.mark.parametrize(
    "text",
    [
        None, "", "abcdefgh", "abcdefgh-", "abcdefgh-01", "abcdefgh--1", "abcdefgh-1 ",
        " abcdefgh-1", "ABCDEFGH-1", "abcdefg-1", "abcdefghi-1", "abcdefgh-1\n", "abcdefgh-1.0",
        "abcdefgh-\u0661", "abcdefgh-" + "9" * 19, "abcdefgh-1e3", "0",
    ],
)  # fmt: skip
def test_what_is_no_id_of_ours_is_none(text: str | None) -> None:
    assert EventId.parse(text) is None


@given(st.text(max_size=30))
def test_any_text_is_an_id_or_none(text: str) -> None:
    found = EventId.parse(text)
    assert found is None or str(found) == text


def test_an_event_is_an_id_a_type_and_one_line_of_data() -> None:
    told = frame(EventId("a1b2c3d4", 7), "notice", '{"type":"notice"}')
    assert told == b'id: a1b2c3d4-7\nevent: notice\ndata: {"type":"notice"}\n\n'


def test_what_keeps_a_stream_alive_is_no_event() -> None:
    parser = Parser()
    assert parser.feed(RETRY + COMMENT + COMMENT) == []
    assert parser.comments == 2
    [told] = parser.feed(frame(EventId("a1b2c3d4", 1), "notice", "{}"))
    assert told == Told("a1b2c3d4-1", "notice", "{}")


@given(st.lists(TEXTS, min_size=1, max_size=6), st.data())
def test_bytes_that_come_in_any_pieces_are_the_events_that_were_told(
    texts: list[str], data: st.DataObject
) -> None:
    lines = [one_line({"type": "notice", "message": text}) for text in texts]
    told = [(EventId("a1b2c3d4", n), "notice", line) for n, line in enumerate(lines, 1)]
    sent = RETRY + b"".join(frame(*event) + COMMENT for event in told)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=8)))

    parser, read = Parser(), list[Told]()
    for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        read += parser.feed(sent[start:end])

    assert read == [(str(event_id), kind, line) for event_id, kind, line in told]
    assert [json.loads(event.data)["message"] for event in read] == texts
