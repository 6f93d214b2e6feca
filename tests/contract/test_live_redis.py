"""The present in Redis keeps the contract, is shared, and outlives Redis."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis as Client

from hub.errors import BadSettings
from hub.live import Live, Turn
from hub.live.redis import RedisLive
from hub.live.turns import gap_s
from hub.testing.live_suite import QUICK, SLOW, URGENT, LiveSuite
from tests.servers.absence import absent
from yobikake.rehearsal.servers.program import REDIS, missing
from yobikake.rehearsal.servers.redis import Redis

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


async def _take(live: Live) -> Turn:
    return await live.take("line", 1, rate_per_s=SLOW, ahead_s=URGENT)


async def test_workers_share_a_limit_flags_and_values(pair: tuple[RedisLive, RedisLive]) -> None:
    one, other = pair
    assert (await _take(one)).taken
    assert not (await _take(other)).taken
    await one.hold("urgent", 600)
    assert await other.held("urgent")
    await one.put({"shelter": (2, b"full")})
    await other.put({"shelter": (1, b"open")})
    assert await other.get(["shelter"]) == {"shelter": b"full"}


async def test_a_clock_of_redis_that_was_set_back_stops_nobody(
    server: Redis, pair: tuple[RedisLive, RedisLive]
) -> None:
    one, _ = pair
    assert (await one.take("line", 1, rate_per_s=QUICK, ahead_s=URGENT)).taken
    async with Client.from_url(server.address) as client:
        (key,) = await client.keys("*limit:line")
        seconds, _ = await client.time()
        await client.hset(key, mapping={"free": str(seconds + 3600), "seen": str(seconds + 3600)})
    turn = await one.take("line", 1, rate_per_s=QUICK, ahead_s=URGENT)
    assert turn.taken
    assert turn.wait_s <= gap_s(1, QUICK)


async def test_while_redis_is_away_each_worker_has_its_share(
    server: Redis, pair: tuple[RedisLive, RedisLive]
) -> None:
    await server.stop()
    for live in pair:
        assert (await _take(live)).taken
        taken, wait_s = await _take(live)
        assert not taken
        assert 1_900 < wait_s < 2_100, "twice as long as the whole limit's, at a share of a half"
        await live.hold("urgent", 600)
        assert await live.held("urgent")


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
    assert (await _take(one)).taken
    assert (await _take(other)).taken
    await server.start()
    while not (await _take(one)).taken:  # its share is used up: what it gets now comes from Redis
        pass
    await one.put({"here": (1, b"")})
    while not await other.get(["here"]):  # until it, too, has seen that Redis is back
        pass
    assert not (await _take(other)).taken


async def test_a_worker_starts_without_redis(server: Redis) -> None:
    await server.stop()
    live = RedisLive(server.address, share=1.0)
    await live.open()
    assert (await _take(live)).taken
    assert await live.get(["shelter"]) == {}
    await live.close()


@pytest.mark.parametrize(("url", "share"), [("http://127.0.0.1", 0.5), ("redis://127.0.0.1", 0.0)])
def test_settings_that_cannot_work_are_named(url: str, share: float) -> None:
    with pytest.raises(BadSettings, match=r"\[redis\]"):
        RedisLive(url, share=share)
