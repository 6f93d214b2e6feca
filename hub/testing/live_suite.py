"""What everything that keeps the present must do, in memory or in Redis.

Rates are so low, or so high, that no answer depends on how fast the test runs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from math import inf
from uuid import uuid4

import pytest

from hub.alert import Lane
from hub.live import Live
from hub.live.turns import AHEAD_S, gap_s

SLOW = 0.001
"""Requests a second: no second turn comes during a test."""

QUICK = 100.0

URGENT, ROUTINE = AHEAD_S[Lane.URGENT], AHEAD_S[Lane.ROUTINE]


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
    def limit(self) -> str:
        return f"limit-{uuid4()}"

    async def test_the_first_turn_comes_at_once_and_the_next_in_its_time(
        self, live: Live, limit: str
    ) -> None:
        assert await live.take(limit, 1, rate_per_s=SLOW, ahead_s=URGENT) == (True, 0.0)
        taken, wait_s = await live.take(limit, 1, rate_per_s=SLOW, ahead_s=URGENT)
        assert not taken
        assert 900 < wait_s < 1_100

    async def test_a_turn_of_many_requests_is_as_long_as_they_are(self, live: Live, limit: str) -> None:
        assert await live.take(limit, 3, rate_per_s=SLOW, ahead_s=ROUTINE) == (True, 0.0)
        taken, wait_s = await live.take(limit, 1, rate_per_s=SLOW, ahead_s=URGENT)
        assert not taken
        assert 2_900 < wait_s < 3_200

    async def test_turns_of_hours_to_come_are_kept(self, live: Live, limit: str) -> None:
        for _ in range(3):
            assert (await live.take(limit, 2, rate_per_s=SLOW, ahead_s=inf)).taken
        taken, wait_s = await live.take(limit, 1, rate_per_s=SLOW, ahead_s=ROUTINE)
        assert not taken
        assert 5_900 < wait_s < 6_200

    async def test_what_was_refused_was_not_taken(self, live: Live, limit: str) -> None:
        assert (await live.take(limit, 1, rate_per_s=SLOW, ahead_s=URGENT)).taken
        first = await live.take(limit, 50, rate_per_s=SLOW, ahead_s=URGENT)
        second = await live.take(limit, 50, rate_per_s=SLOW, ahead_s=URGENT)
        assert not first.taken
        assert not second.taken
        assert second.wait_s <= first.wait_s

    async def test_turns_taken_ahead_follow_each_other_evenly(self, live: Live, limit: str) -> None:
        waits = [await live.take(limit, 1, rate_per_s=QUICK, ahead_s=URGENT) for _ in range(3)]
        assert all(turn.taken for turn in waits)
        began = waits[0].wait_s
        gap = gap_s(1, QUICK)
        assert began <= waits[1].wait_s <= gap
        assert waits[1].wait_s <= waits[2].wait_s <= 2 * gap

    async def test_the_routine_lane_leaves_the_time_to_come_to_the_urgent_one(
        self, live: Live, limit: str
    ) -> None:
        while (await live.take(limit, 1, rate_per_s=QUICK, ahead_s=ROUTINE)).taken:
            pass
        taken, wait_s = await live.take(limit, 1, rate_per_s=QUICK, ahead_s=URGENT)
        assert taken
        assert wait_s <= ROUTINE + gap_s(1, QUICK)
        assert not (await live.take(limit, 1, rate_per_s=QUICK, ahead_s=ROUTINE)).taken

    async def test_after_the_wait_there_is_a_turn_to_take(self, live: Live, limit: str) -> None:
        taken = asked = 0
        while taken < 20:
            turn = await live.take(limit, 1, rate_per_s=QUICK, ahead_s=ROUTINE)
            asked += 1
            taken += turn.taken
            if not turn.taken:
                await asyncio.sleep(turn.wait_s)
        assert asked <= 3 * taken

    async def test_a_turn_that_was_used_late_delays_the_next(self, live: Live, limit: str) -> None:
        await live.delay(limit, 500)
        assert (await live.take(limit, 1, rate_per_s=SLOW, ahead_s=URGENT)).taken
        await live.delay(limit, 500)
        taken, wait_s = await live.take(limit, 1, rate_per_s=SLOW, ahead_s=URGENT)
        assert not taken
        assert 1_400 < wait_s < 1_600

    async def test_limits_are_separate(self, live: Live, limit: str) -> None:
        assert (await live.take(limit, 1, rate_per_s=SLOW, ahead_s=URGENT)).taken
        assert (await live.take(f"{limit}-2", 1, rate_per_s=SLOW, ahead_s=URGENT)).taken

    async def test_no_turn_is_given_twice(self, live: Live, limit: str) -> None:
        turns = await asyncio.gather(
            *(live.take(limit, 1, rate_per_s=SLOW, ahead_s=URGENT) for _ in range(50))
        )
        assert sum(turn.taken for turn in turns) == 1

    async def test_a_flag_is_seen_until_it_runs_out(self, live: Live) -> None:
        flag = f"flag-{uuid4()}"
        assert not await live.held(flag)
        await live.hold(flag, 600)
        assert await live.held(flag)
        assert not await live.held(f"{flag}-2")
        await live.hold(f"{flag}-2", 0.05)
        while await live.held(f"{flag}-2"):  # noqa: ASYNC110 - it runs out by itself
            await asyncio.sleep(0.01)
        assert await live.held(flag)

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
