"""The key set of invocation tokens: remembered, asked for anew, and never hammered for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.doors.forge.keys import (
    FRESH_FOR,
    PAUSE,
    InvocationKeys,
    InvocationKeysUnavailable,
    read_keys,
)
from app.errors import AuthError
from tests.doors import signing
from tests.doors.forge import minting
from tests.support.clock import FakeClock

URL = "https://keys.example.com/jwks.json"
KID = "forge-key-1"


@dataclass
class Place:
    """Where the keys are: what it answers, and how often it was asked."""

    keys: InvocationKeys
    clock: FakeClock
    listed: list[Any]
    status: int = 200
    asked: int = 0
    broken: bool = False
    held: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, _: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        self.reached.set()
        await self.held.wait()
        if self.broken:
            raise httpx2.ConnectError("away")
        return httpx2.Response(self.status, content=json.dumps({"keys": self.listed}))

    def later(self, by: timedelta) -> None:
        self.clock.advance(by.total_seconds())

    async def knows(self, kid: str = KID) -> bool:
        pair = signing.key_pair(kid)
        return await self.keys.key(kid) == pair.private.public_key()

    async def refuses(self, kid: str) -> None:
        with pytest.raises(AuthError, match="UNKNOWN_KID"):
            await self.keys.key(kid)


@pytest.fixture
async def place(clock: FakeClock) -> AsyncIterator[Place]:
    made: list[Place] = []

    async def answer(request: httpx2.Request) -> httpx2.Response:
        return await made[0].answer(request)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        made.append(Place(InvocationKeys(URL, http=http, clock=clock), clock, [minting.jwk()]))
        made[0].held.set()
        yield made[0]


async def test_a_key_is_asked_for_once(place: Place) -> None:
    first, second = await place.keys.key(KID), await place.keys.key(KID)
    assert first == second == minting.key_pair().private.public_key()
    assert place.asked == 1


async def test_a_new_key_is_found_when_a_token_names_it(place: Place) -> None:
    await place.keys.key(KID)
    place.listed.append(minting.jwk(signing.key_pair("forge-key-2")))
    place.later(PAUSE)
    assert (
        await place.keys.key("forge-key-2") == signing.key_pair("forge-key-2").private.public_key()
    )
    assert place.asked == 2


async def test_made_up_ids_ask_once_in_a_while(place: Place) -> None:
    await place.keys.key(KID)
    place.later(PAUSE)
    for number in range(50):
        await place.refuses(f"made-up-{number}")
    assert place.asked == 2
    assert await place.knows()  # and the real one is known all the time
    place.later(PAUSE)
    await place.refuses("made-up")
    assert place.asked == 3


async def test_those_who_come_at_once_share_one_question(place: Place) -> None:
    place.held.clear()
    asking = [asyncio.create_task(place.keys.key(KID)) for _ in range(20)]
    await place.reached.wait()
    place.held.set()
    assert len({id(key) for key in await asyncio.gather(*asking)}) == 1
    assert place.asked == 1


async def test_one_who_goes_away_takes_the_answer_from_nobody(place: Place) -> None:
    place.held.clear()
    first, second = (asyncio.create_task(place.keys.key(KID)) for _ in range(2))
    await place.reached.wait()
    first.cancel()
    place.held.set()
    assert await second == minting.key_pair().private.public_key()


async def test_old_keys_serve_where_new_ones_cannot_be_had(place: Place) -> None:
    await place.keys.key(KID)
    for trouble in ({"broken": True}, {"broken": False, "status": 500}, {"status": 302}):
        place.later(FRESH_FOR + timedelta(seconds=1))
        for name, value in trouble.items():
            setattr(place, name, value)
        assert await place.knows()
    place.listed, place.status = [], 200
    place.later(FRESH_FOR)
    assert await place.knows(), "an empty set is no answer"


async def test_a_key_that_was_taken_away_serves_no_more(place: Place) -> None:
    await place.keys.key(KID)
    place.listed = [minting.jwk(signing.key_pair("forge-key-2"))]
    place.later(FRESH_FOR)
    await place.refuses(KID)


async def test_as_long_as_no_key_is_known_the_call_may_be_repeated(place: Place) -> None:
    place.broken = True
    with pytest.raises(InvocationKeysUnavailable):
        await place.keys.key(KID)
    with pytest.raises(InvocationKeysUnavailable):
        await place.keys.key(KID)
    assert place.asked == 1
    place.broken = False
    place.later(PAUSE)
    assert await place.knows()


def listed(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize(
    "odd",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"alg": "HS256"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC"},
        {"n": None},
        {"n": "AQAB"},
        {"e": "!"},
        {"kid": None},
        {"kid": ["forge-key-1"]},
    ],
)
def test_what_is_no_key_for_signatures_is_left_out(odd: dict[str, Any]) -> None:
    good = minting.jwk(signing.key_pair("forge-key-2"))
    assert set(read_keys(listed(minting.jwk(**odd), good))) == {"forge-key-2"}


def test_a_second_key_of_one_name_does_not_replace_the_first() -> None:
    found = read_keys(listed(minting.jwk(), minting.jwk(minting.other_pair())))
    assert found == {KID: minting.key_pair().private.public_key()}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"keys": {}}', b'{"keys": [1, null, "a"]}', b"[" * 9000]
)
def test_what_is_no_set_holds_no_keys(body: bytes) -> None:
    assert read_keys(body) == {}
