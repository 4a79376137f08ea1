"""Clients: one a tenant and key, reused, closed when their key is gone."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import openai
import pytest

from app.assistant.models import ModelAccess, ModelClients, explain, explain_code, make_client
from tests.support.clock import FakeClock

HERE = ModelAccess("sk-one", "http://127.0.0.1:9/v1", "gpt-5.4-mini")
RENEWED = ModelAccess("sk-two", "http://127.0.0.1:9/v1", "gpt-5.4-mini")


def refusal(
    status: int, body: dict[str, str], headers: dict[str, str] | None = None
) -> openai.APIError:
    request = httpx2.Request("POST", "http://127.0.0.1:9/v1/responses")
    response = httpx2.Response(status, headers=headers, json={"error": body}, request=request)
    return openai.APIStatusError("canary", response=response, body=body)


async def test_a_client_asks_once_and_bears_silence_for_as_long_as_told() -> None:
    async with make_client(HERE, timeout=42) as client:
        assert client.max_retries == 0
        assert isinstance(client.timeout, httpx2.Timeout)
        assert (client.timeout.read, client.timeout.connect) == (42, 10)
        assert client.api_key == "sk-one"


async def test_a_client_is_reused_for_its_tenant_and_for_nobody_else(
    clients: ModelClients,
) -> None:
    async with clients.use("here", HERE) as first:
        pass
    async with clients.use("here", HERE) as again, clients.use("there", HERE) as other:
        assert again is first
        assert other is not first


async def test_a_replaced_key_closes_its_client_once_nobody_uses_it(
    clients: ModelClients,
) -> None:
    async with clients.use("here", HERE) as old:
        async with clients.use("here", RENEWED) as new:
            assert new.api_key == "sk-two"
        assert not old.is_closed()
    assert old.is_closed()
    assert not new.is_closed()


async def test_the_idle_ones_used_longest_ago_are_closed_first() -> None:
    clients = ModelClients(timeout=1, most_idle=2)
    made = []
    for tenant_id in ("one", "two", "one", "three"):
        async with clients.use(tenant_id, HERE) as client:
            made.append(client)
    assert [client.is_closed() for client in made] == [False, True, False, False]
    await clients.close()


async def test_closing_closes_all() -> None:
    clients = ModelClients(timeout=1)
    async with clients.use("here", HERE) as client:
        pass
    await clients.close()
    assert client.is_closed()


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (429, {"type": "insufficient_quota"}, "quota"),
        (403, {"code": "unsupported_country"}, "key_refused"),
        (400, {"code": "model_not_found"}, "model_unknown"),
        (400, {"code": "string_above_max_length"}, "too_long"),
        (413, {}, "too_long"),
        (422, {}, "refused"),
        (408, {}, "unreachable"),
        (599, {}, "unreachable"),
    ],
)
def test_a_status_has_its_cause(
    clock: FakeClock, status: int, body: dict[str, str], cause: str
) -> None:
    assert explain(refusal(status, body), clock).cause == cause


def test_a_wait_may_be_named_as_a_date_and_never_exceeds_an_hour(clock: FakeClock) -> None:
    def wait(value: str) -> float | None:
        return explain(refusal(429, {}, {"retry-after": value}), clock).retry_after

    at = (clock.now() + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert wait(at) == 90
    assert wait("Mon, 01 Jan 2001 00:00:00 GMT") == 0
    assert wait("99999") == 3600
    assert wait("soon") == 20
    assert wait("0") == 0


def test_an_error_that_nobody_knows_is_ours(clock: FakeClock) -> None:
    error = explain(ValueError("canary"), clock)
    assert (error.cause, error.retry_after) == ("internal", None)
    assert "canary" not in str(error)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (None, "unreachable"),
        ("server_error", "unreachable"),
        ("rate_limit_exceeded", "rate_limited"),
        ("insufficient_quota", "quota"),
        ("bio_policy", "refused"),
    ],
)
def test_a_code_within_a_stream_has_its_cause(code: str | None, cause: str) -> None:
    assert explain_code(code).cause == cause
