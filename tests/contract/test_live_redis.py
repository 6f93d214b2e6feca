"""The present in Redis keeps the contract, is shared, and outlives Redis."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from hub.alert import Lane
from hub.errors import BadSettings
from hub.live import Live
from hub.live.redis import RedisLive
from hub.testing.live_suite import SLOW, LiveSuite
from tests.servers.absence import absent
from tests.servers.program import REDIS, missing
from tests.servers.redis import Redis

pytestmark = pytest.mark.redis


class TestRedisLive(LiveSuite):
    @pytest.fixture
    def make_live(self, redis_url: str) -> Callable[[], Live]:
        return lambda: RedisLive(redis_url, share=0.5, prefix=f"test-{uuid4()}:")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Redis]:
    """A Redis that this test may end."""
    if missing([REDIS]):
        absent("redis-server is not installed")
    server = Redis(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def pair(server: Redis) -> AsyncIterator[tuple[RedisLive, RedisLive]]:
    """Two workers of one hub."""
    one, other = (RedisLive(server.address, share=0.5) for _ in range(2))
    await one.open()
    await other.open()
    yield one, other
    await one.close()
    await other.close()


async def _take(live: Live, *, times: int) -> int:
    """How often one token of ten could be taken."""
    waits = [await live.take("line", 1, rate_per_s=SLOW, burst=10, lane=Lane.URGENT) for _ in range(times)]
    return waits.count(0.0)


async def test_workers_share_a_limit_and_see_each_other_s_values(pair: tuple[RedisLive, RedisLive]) -> None:
    one, other = pair
    assert await _take(one, times=6) == 6
    assert await _take(other, times=6) == 4
    await one.put({"shelter": (2, b"full")})
    await other.put({"shelter": (1, b"open")})
    assert await other.get(["shelter"]) == {"shelter": b"full"}


async def test_while_redis_is_away_each_worker_has_its_share(
    server: Redis, pair: tuple[RedisLive, RedisLive]
) -> None:
    await server.stop()
    assert [await _take(live, times=10) for live in pair] == [5, 5]


async def test_values_put_while_redis_was_away_reach_the_others_once_it_is_back(
    server: Redis, pair: tuple[RedisLive, RedisLive]
) -> None:
    one, other = pair
    await one.put({"early": (1, b"lost with Redis")})
    await server.stop()
    await one.put({"shelter": (1, b"open"), "gate": (1, b"open")})
    await one.put({"shelter": (2, b"full")})
    await one.put({"shelter": (1, b"late")})
    assert await one.get(["shelter", "gate", "early"]) == {"shelter": b"full", "gate": b"open"}
    await server.start()
    while await other.get(["shelter"]) != {"shelter": b"full"}:
        await one.put({})
    assert await other.get(["gate"]) == {"gate": b"open"}


async def test_the_shared_limit_holds_again_once_redis_is_back(
    server: Redis, pair: tuple[RedisLive, RedisLive]
) -> None:
    one, other = pair
    await server.stop()
    assert await _take(one, times=10) == 5
    await server.start()
    taken = 0
    while not taken:  # its share is used up: what it gets now comes from Redis
        taken = await _take(one, times=1)
    while await _take(one, times=1):
        taken += 1
    assert taken == 10
    await other.open()
    while await _take(other, times=1):  # until it, too, has seen that Redis is back
        pass
    assert await _take(other, times=1) == 0


async def test_a_worker_starts_without_redis(server: Redis) -> None:
    await server.stop()
    live = RedisLive(server.address, share=1.0)
    await live.open()
    assert await _take(live, times=11) == 10
    assert await live.get(["shelter"]) == {}
    await live.close()


@pytest.mark.parametrize(("url", "share"), [("http://127.0.0.1", 0.5), ("redis://127.0.0.1", 0.0)])
def test_settings_that_cannot_work_are_named(url: str, share: float) -> None:
    with pytest.raises(BadSettings, match=r"\[redis\]"):
        RedisLive(url, share=share)
