"""Each fault of the simulated OpenAI is what the real client makes of the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import openai as sdk
import pytest
from openai import AsyncOpenAI

from app.sandbox.openai import DEMO_KEY, OpenAISite
from app.sandbox.openai.faults import Kind
from app.sandbox.serving import Served, serve
from tests.support.clock import FakeClock


@pytest.fixture
def openai(clock: FakeClock) -> OpenAISite:
    site = OpenAISite(clock=clock)
    site.answers("one two three four five six")
    return site


@pytest.fixture
def served(openai: OpenAISite) -> Iterator[Served]:
    with serve(openai.asgi) as served:
        yield served


@pytest.fixture
async def client(served: Served) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        api_key=DEMO_KEY, base_url=f"{served.url}/v1", max_retries=0, timeout=10
    ) as client:
        yield client


async def streamed(client: AsyncOpenAI) -> tuple[str, str]:
    """What was said, and the type of the last event."""
    said: list[str] = []
    last = await read_into(said, client)
    return "".join(said), last


async def read_into(said: list[str], client: AsyncOpenAI) -> str:
    """Append each delta to ``said``; the type of the last event."""
    last = ""
    async with await client.responses.create(model="gpt-5.4", input="go", stream=True) as stream:
        async for event in stream:
            last = event.type
            if event.type == "response.output_text.delta":
                said.append(event.delta)
    return last


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        (429, sdk.RateLimitError, "rate_limit_exceeded"),
        ("insufficient_quota", sdk.RateLimitError, "insufficient_quota"),
        (401, sdk.AuthenticationError, "invalid_api_key"),
        (404, sdk.NotFoundError, "model_not_found"),
        ("too_long", sdk.BadRequestError, "context_length_exceeded"),
        (400, sdk.BadRequestError, "invalid_prompt"),
        (500, sdk.InternalServerError, "server_error"),
        (503, sdk.InternalServerError, None),
    ],
)
async def test_an_error_answer_is_raised_as_the_client_names_it(
    openai: OpenAISite,
    client: AsyncOpenAI,
    kind: Kind | int,
    error: type[sdk.APIStatusError],
    code: str | None,
) -> None:
    openai.faults.add(kind)
    with pytest.raises(error) as raised:
        await streamed(client)
    assert raised.value.code == code
    assert await streamed(client) == ("one two three four five six", "response.completed")


async def test_a_rate_limit_says_how_long_to_wait(openai: OpenAISite, client: AsyncOpenAI) -> None:
    openai.faults.add(429, retry_after=7)
    openai.faults.add(429, retry_after=None)
    with pytest.raises(sdk.RateLimitError) as timed:
        await streamed(client)
    assert timed.value.response.headers["retry-after"] == "7"
    with pytest.raises(sdk.RateLimitError) as untimed:
        await streamed(client)
    assert "retry-after" not in untimed.value.response.headers


async def test_a_fault_strikes_as_often_as_asked(openai: OpenAISite, client: AsyncOpenAI) -> None:
    openai.faults.add(500, times=2)
    for _ in range(2):
        with pytest.raises(sdk.InternalServerError):
            await streamed(client)
    await streamed(client)
    openai.faults.add(500, times=None)
    for _ in range(3):
        with pytest.raises(sdk.InternalServerError):
            await streamed(client)
    openai.faults.clear()
    await streamed(client)


async def test_a_cut_connection_ends_the_stream_in_its_midst(
    openai: OpenAISite, client: AsyncOpenAI
) -> None:
    openai.faults.add("drop", after=2)
    said: list[str] = []
    with pytest.raises(sdk.APIConnectionError):
        await read_into(said, client)
    assert said == ["one ", "two "]
    assert openai.cancelled == []


async def test_a_hanging_answer_runs_into_the_time_limit_of_the_client(
    openai: OpenAISite, client: AsyncOpenAI
) -> None:
    openai.faults.add("hang")
    with pytest.raises(sdk.APITimeoutError):
        await streamed(client.with_options(timeout=0.2))
    await openai.until(lambda: openai.cancelled)
    assert openai.active_streams == 0


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("fail", "response.failed"),
        ("incomplete", "response.incomplete"),
        ("filtered", "response.incomplete"),
    ],
)
async def test_a_response_may_end_otherwise_than_complete(
    openai: OpenAISite, client: AsyncOpenAI, kind: Kind, ending: str
) -> None:
    openai.faults.add(kind, after=2)
    assert await streamed(client) == ("one two ", ending)


async def test_a_slow_answer_is_whole_all_the_same(openai: OpenAISite, client: AsyncOpenAI) -> None:
    openai.faults.add("slow", seconds=0.001)
    assert (await streamed(client))[0] == "one two three four five six"


async def test_a_held_stream_stands_still_until_released(
    openai: OpenAISite, client: AsyncOpenAI
) -> None:
    openai.hold(after=2)
    said = []
    async with await client.responses.create(model="gpt-5.4", input="go", stream=True) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                said.append(event.delta)
            if len(said) == 2 and openai.active_streams:
                await openai.wait_for_stream()
                assert openai.active_streams == 1
                openai.release()
    assert "".join(said) == "one two three four five six"
    assert openai.cancelled == []


@pytest.mark.parametrize("after", [0, 2])
async def test_a_client_that_closes_its_stream_is_noticed(
    openai: OpenAISite, client: AsyncOpenAI, after: int
) -> None:
    openai.hold(after=after)
    async with await client.responses.create(model="gpt-5.4", input="go", stream=True):
        await openai.wait_for_stream()
    await openai.until(lambda: openai.cancelled)
    assert (openai.cancelled[0].key, openai.cancelled[0].deltas) == (DEMO_KEY, after)
    assert openai.active_streams == 0
