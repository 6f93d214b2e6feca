"""The present in memory keeps the contract."""

from collections.abc import Callable

import pytest

from hub.alert import Lane
from hub.live import Live
from hub.live.memory import MemoryLive
from hub.testing.live_suite import LiveSuite


class TestMemoryLive(LiveSuite):
    @pytest.fixture
    def make_live(self) -> Callable[[], Live]:
        return MemoryLive


async def test_the_wait_is_exactly_what_the_rate_needs() -> None:
    now = 0.0
    live = MemoryLive(now=lambda: now)
    assert await live.take("mail", 20, rate_per_s=4, burst=20, lane=Lane.URGENT) == 0.0
    assert await live.take("mail", 8, rate_per_s=4, burst=20, lane=Lane.URGENT) == 2.0
    assert await live.take("mail", 8, rate_per_s=4, burst=20, lane=Lane.ROUTINE) == 3.0
    now = 2.0
    assert await live.take("mail", 8, rate_per_s=4, burst=20, lane=Lane.ROUTINE) == 1.0
    assert await live.take("mail", 8, rate_per_s=4, burst=20, lane=Lane.URGENT) == 0.0
