"""Waiting after failures."""

from datetime import datetime, timedelta

import pytest

from operator_ui.throttle import FORGET, Throttle
from tests.unit.operator_ui.desk import NOW

MINUTE = timedelta(minutes=1)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_first_failures_are_free_and_the_next_double_the_wait(clock: Clock) -> None:
    throttle = Throttle(clock=clock, free=3, longest=MINUTE)
    waits = []
    for _ in range(10):
        throttle.failed("sato")
        waits.append(int(throttle.wait("sato").total_seconds()))
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_asking_does_not_lengthen_the_wait_and_time_ends_it(clock: Clock) -> None:
    throttle = Throttle(clock=clock, free=1, longest=MINUTE)
    for _ in range(4):
        throttle.failed("sato")
    assert throttle.wait("sato") == throttle.wait("sato") == timedelta(seconds=8)
    clock.now += timedelta(seconds=8)
    assert throttle.wait("sato") == timedelta(0)


def test_others_do_not_wait_and_success_forgets(clock: Clock) -> None:
    throttle = Throttle(clock=clock, free=1, longest=MINUTE)
    for _ in range(4):
        throttle.failed("sato")
    assert throttle.wait("tanaka") == timedelta(0)
    throttle.succeeded("sato")
    assert throttle.wait("sato") == timedelta(0)


def test_old_failures_are_forgotten(clock: Clock) -> None:
    throttle = Throttle(clock=clock, free=2, longest=MINUTE)
    for _ in range(6):
        throttle.failed("sato")
    clock.now += FORGET
    throttle.failed("sato")
    assert throttle.wait("sato") == timedelta(0)


def test_a_failure_that_was_none_is_taken_back(clock: Clock) -> None:
    throttle = Throttle(clock=clock, free=2, longest=MINUTE)
    for _ in range(2):
        throttle.failed("sato")
    throttle.take_back("sato")
    throttle.take_back("nobody")
    assert throttle.wait("sato") == timedelta(0)
    throttle.failed("sato")
    assert throttle.wait("sato") == timedelta(seconds=1)
