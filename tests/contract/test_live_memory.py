"""The present in memory keeps the contract."""

from bisect import bisect_left
from collections.abc import Callable

import pytest

from hub.alert import Lane
from hub.live import Live
from hub.live.memory import MemoryLive
from hub.live.turns import AHEAD_S, gap_s
from hub.testing.live_suite import ROUTINE, URGENT, LiveSuite


class TestMemoryLive(LiveSuite):
    @pytest.fixture
    def make_live(self) -> Callable[[], Live]:
        return MemoryLive


@pytest.mark.parametrize("rate", [1.0, 3.0, 30.0, 200.0])
async def test_no_second_has_more_than_the_contract_and_none_is_left_unused(rate: float) -> None:
    """Four workers of each lane, who always have something to send, for a minute."""
    now = 0.0
    live = MemoryLive(now=lambda: now)
    asking = [(0.0, lane) for lane in Lane for _ in range(4)]
    sent: list[float] = []
    while now < 60:
        now, lane = min(asking)
        asking.remove((now, lane))
        turn = await live.take("line", 1, rate_per_s=rate, ahead_s=AHEAD_S[lane])
        if turn.taken:
            sent.append(now + turn.wait_s)
        asking.append((now + max(turn.wait_s, 0.0001), lane))
    assert max(bisect_left(sent, at + 1) - number for number, at in enumerate(sent)) <= rate
    assert bisect_left(sent, 60) >= 0.98 * rate * 60


@pytest.mark.parametrize("rate", [1.0, 30.0, 200.0])
async def test_urgent_requests_come_before_what_routine_ones_have_not_taken_yet(rate: float) -> None:
    now = 0.0
    live = MemoryLive(now=lambda: now)
    for step in range(2_000):
        now = step / 100
        while (await live.take("line", 1, rate_per_s=rate, ahead_s=ROUTINE)).taken:
            pass
    turn = await live.take("line", 1, rate_per_s=rate, ahead_s=URGENT)
    assert (turn.wait_s if turn.taken else turn.wait_s + URGENT) <= ROUTINE + gap_s(1, rate)


async def test_the_wait_is_exactly_what_the_rate_needs() -> None:
    now = 0.0
    live = MemoryLive(now=lambda: now)
    gap = gap_s(8, 4)
    assert await live.take("mail", 8, rate_per_s=4, ahead_s=URGENT) == (True, 0.0)
    assert await live.take("mail", 1, rate_per_s=4, ahead_s=URGENT) == (False, gap - 0.25)
    assert await live.take("mail", 1, rate_per_s=4, ahead_s=ROUTINE) == (False, gap - 0.1)
    now = 2.0
    turn = await live.take("mail", 1, rate_per_s=4, ahead_s=ROUTINE)
    assert turn == (True, gap - now)
