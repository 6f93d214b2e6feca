"""A contract of so many requests a second, as a gateway keeps it."""

import aiohttp
import pytest

from yobikake.rehearsal import http
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway

AS_CITY = {"Authorization": "Bearer not-a-token"}
BODY = {"to": ["U" + 32 * "0"], "messages": [{"type": "text", "text": "避難指示"}]}


async def test_one_more_than_a_second_allows_is_refused_and_reading_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(http, "monotonic", lambda: now)
    async with (
        LineGateway(Inbox(), faults=Faults(limit_per_s=2)) as gateway,
        aiohttp.ClientSession(gateway.url, headers=AS_CITY) as session,
    ):

        async def multicast() -> int:
            async with session.post("/v2/bot/message/multicast", json=BODY) as response:
                return response.status

        async def quota() -> int:
            async with session.get("/v2/bot/message/quota") as response:
                return response.status

        assert [await quota(), await multicast(), await quota(), await multicast()] == 4 * [200]
        assert [await multicast(), await multicast(), await quota()] == [429, 429, 200]
        now += 0.99
        assert await multicast() == 429
        now += 0.01
        assert [await multicast(), await multicast(), await multicast()] == [200, 200, 429]
