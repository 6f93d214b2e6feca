"""How often one address may ask."""

from datetime import UTC, datetime, timedelta

from operator_ui.allowance import Allowance


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 9, 12, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    clock = Clock()
    allowance = Allowance(clock=clock, per_s=2, at_once=3)
    assert [allowance.wait_s("8.8.8.8") for _ in range(5)] == [0, 0, 0, 1, 1]
    clock.now += timedelta(seconds=0.5)
    assert [allowance.wait_s("8.8.8.8") for _ in range(2)] == [0, 1]
    clock.now += timedelta(minutes=1)
    assert [allowance.wait_s("8.8.8.8") for _ in range(4)] == [0, 0, 0, 1], "no more than at the beginning"


def test_nobody_waits_for_another_and_many_behind_one_address_not_at_all() -> None:
    allowance = Allowance(clock=Clock(), per_s=0.1, at_once=1)
    assert [allowance.wait_s(each) for each in ("8.8.8.8", "9.9.9.9", "8.8.8.8")] == [0, 0, 10]
    assert [allowance.wait_s(None) for _ in range(100)] == [0] * 100
