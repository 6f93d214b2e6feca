"""What everything that keeps the present must do, in memory or in Redis.

Rates are so low, or so high, that no answer depends on how fast the test runs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest

from hub.alert import Lane
from hub.live import Live

SLOW = 0.001
"""Tokens a second: none comes back during a test."""

QUICK = 1_000.0


class LiveSuite:
    """Subclass it, and give the fixture that says how this one is made."""

    @pytest.fixture
    def make_live(self) -> Callable[[], Live]:
        """Makes one, not yet open."""
        raise NotImplementedError

    @pytest.fixture
    async def live(self, make_live: Callable[[], Live]) -> AsyncIterator[Live]:
        live = make_live()
        await live.open()
        yield live
        await live.close()

    @pytest.fixture
    def bucket(self) -> str:
        return f"bucket-{uuid4()}"

    async def test_a_full_bucket_gives_its_burst_and_no_more(self, live: Live, bucket: str) -> None:
        waits = [await live.take(bucket, 1, rate_per_s=SLOW, burst=10, lane=Lane.URGENT) for _ in range(11)]
        assert waits[:10] == [0.0] * 10
        assert 900 < waits[10] <= 1_000

    async def test_the_routine_lane_leaves_the_last_fifth(self, live: Live, bucket: str) -> None:
        routine = [await live.take(bucket, 1, rate_per_s=SLOW, burst=10, lane=Lane.ROUTINE) for _ in range(9)]
        urgent = [await live.take(bucket, 1, rate_per_s=SLOW, burst=10, lane=Lane.URGENT) for _ in range(3)]
        assert routine[:8] == [0.0] * 8
        assert routine[8] > 0
        assert urgent[:2] == [0.0] * 2
        assert urgent[2] > 0

    async def test_what_was_refused_was_not_taken(self, live: Live, bucket: str) -> None:
        async def take(tokens: float) -> float:
            return await live.take(bucket, tokens, rate_per_s=SLOW, burst=10, lane=Lane.URGENT)

        assert await take(8) == 0.0
        assert 2_900 < await take(5) <= 3_000
        assert await take(2) == 0.0

    async def test_after_the_wait_there_is_something_to_take(self, live: Live, bucket: str) -> None:
        assert await live.take(bucket, 10, rate_per_s=QUICK, burst=10, lane=Lane.URGENT) == 0.0
        asked = 1
        while wait := await live.take(bucket, 10, rate_per_s=QUICK, burst=10, lane=Lane.URGENT):
            assert wait <= 0.01
            await asyncio.sleep(wait)
            asked += 1
        assert asked < 100

    async def test_a_bucket_never_holds_more_than_its_burst(self, live: Live, bucket: str) -> None:
        assert await live.take(bucket, 1, rate_per_s=QUICK, burst=10, lane=Lane.URGENT) == 0.0
        await asyncio.sleep(0.05)  # fifty tokens' time
        assert await live.take(bucket, 8, rate_per_s=QUICK, burst=10, lane=Lane.URGENT) == 0.0
        assert await live.take(bucket, 8, rate_per_s=SLOW, burst=10, lane=Lane.URGENT) > 0

    async def test_more_than_a_burst_is_taken_from_a_full_bucket_and_owed(
        self, live: Live, bucket: str
    ) -> None:
        """A limit of one a second has a burst of one: the routine lane must still get through."""
        assert await live.take(bucket, 3, rate_per_s=SLOW, burst=1, lane=Lane.ROUTINE) == 0.0
        assert 2_900 < await live.take(bucket, 1, rate_per_s=SLOW, burst=1, lane=Lane.URGENT) <= 3_000

    async def test_buckets_are_separate(self, live: Live, bucket: str) -> None:
        assert await live.take(bucket, 1, rate_per_s=SLOW, burst=1, lane=Lane.URGENT) == 0.0
        assert await live.take(f"{bucket}-2", 1, rate_per_s=SLOW, burst=1, lane=Lane.URGENT) == 0.0

    async def test_no_token_is_given_twice(self, live: Live, bucket: str) -> None:
        waits = await asyncio.gather(
            *(live.take(bucket, 1, rate_per_s=SLOW, burst=50, lane=Lane.URGENT) for _ in range(100))
        )
        assert waits.count(0.0) == 50

    async def test_the_latest_value_is_what_was_put_last(self, live: Live) -> None:
        key = f"shelter-{uuid4()}"
        await live.put({key: (1, b"open"), f"{key}-2": (1, b"\x00\xff")})
        await live.put({key: (2, b"full")})
        assert await live.get([key, f"{key}-2"]) == {key: b"full", f"{key}-2": b"\x00\xff"}

    async def test_a_lower_version_never_replaces_a_higher_one(self, live: Live) -> None:
        """Also beyond 2^53, where a floating-point number cannot tell neighbours apart."""
        key = f"shelter-{uuid4()}"
        nanoseconds = 1_795_454_805_716_000_001
        await live.put({key: (nanoseconds, b"newer")})
        await live.put({key: (nanoseconds - 1, b"older")})
        assert await live.get([key]) == {key: b"newer"}
        await live.put({key: (nanoseconds, b"the same version again")})
        assert await live.get([key]) == {key: b"the same version again"}
        await live.put({key: (9, b"far older")})
        assert await live.get([key]) == {key: b"the same version again"}

    async def test_an_unknown_key_has_no_value(self, live: Live) -> None:
        key = f"shelter-{uuid4()}"
        assert await live.get([key]) == {}
        assert await live.get([]) == {}
        await live.put({})
        await live.put({key: (1, b"")})
        assert await live.get([f"{key}-2", key]) == {key: b""}

    async def test_many_values_at_once(self, live: Live) -> None:
        prefix = uuid4()
        values = {f"{prefix}-{number}": (number, b"%d" % number) for number in range(2_000)}
        await live.put(values)
        assert await live.get(list(values)) == {key: value for key, (_, value) in values.items()}
