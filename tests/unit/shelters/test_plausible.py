"""What nobody can have counted does not pass, whatever else a device says; what can be does, whatever it costs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelters.device import Counts, Device
from shelters.plausible import MOST_WHERE_UNKNOWN, TIMES_CAPACITY, Plausible
from shelters.quota import BURST, PER_S, Quota
from shelters.reading import DoorDeltas, DoorTotals, HeadCount, Measure, Sent, StaffWord
from shelters.site import SiteCode
from shelters.tally import HORIZON

NOW = datetime(2026, 9, 12, 13, 3, tzinfo=UTC)
CAPACITY = 100
MOST = TIMES_CAPACITY * CAPACITY
MINUTE = timedelta(minutes=1)


def device(counts: Counts = Counts.DOOR_TOTALS, capacity: int | None = CAPACITY) -> Device:
    return Device(id="d", site=SiteCode("E1"), counts=counts, key="k", interval=MINUTE, capacity=capacity)


def said(minute: float, measure: Measure) -> Sent:
    return Sent(place="$", device="d", id=str(minute), at=NOW + minute * MINUTE, measure=measure)


def totals(entered: int, left: int = 0, bits: int | None = None) -> DoorTotals:
    return DoorTotals(entered=entered, left=left, bits=bits)


class Watched(Plausible):
    def passes(self, minute: float, measure: Measure, capacity: int | None = CAPACITY) -> bool:
        at = device(capacity=capacity)
        return self.absurd(at, said(minute, measure), now=NOW + minute * MINUTE) is None


@pytest.mark.parametrize(
    "measure", [HeadCount(people=MOST), StaffWord(people=MOST), DoorDeltas(entered=MOST, left=0)]
)
def test_ten_times_what_a_site_holds_is_the_limit(measure: Measure) -> None:
    assert Watched().passes(0, measure)
    more = (
        DoorDeltas(entered=MOST, left=1)
        if isinstance(measure, DoorDeltas)
        else type(measure)(people=MOST + 1)
    )
    assert not Watched().passes(0, more)
    assert Watched().passes(0, more, capacity=None)


def test_where_nobody_knows_what_it_holds_there_is_a_limit_too() -> None:
    assert Watched().passes(0, HeadCount(people=MOST_WHERE_UNKNOWN), capacity=None)
    assert not Watched().passes(0, HeadCount(people=MOST_WHERE_UNKNOWN + 1), capacity=None)


def test_a_counter_may_begin_anywhere_and_jump_nowhere() -> None:
    door = Watched()
    assert door.passes(0, totals(4_000_000_000, 7))
    assert not door.passes(1, totals(4_000_000_000 + 2 * MOST, 7))
    assert not door.passes(2, totals(0, 2 * MOST))
    assert door.passes(3, totals(4_000_000_020, 9))


def test_what_is_refused_changes_nothing_and_small_steps_add_up() -> None:
    door = Watched()
    assert door.passes(0, totals(0))
    assert all(door.passes(0, totals(step * MOST // 4)) for step in range(1, 5))
    assert not door.passes(0.5, totals(MOST + 100))
    assert door.passes(10, totals(MOST + 500))


def test_after_a_long_silence_a_busy_hall_is_believed() -> None:
    door = Watched()
    assert door.passes(0, totals(0))
    assert door.passes(3 * 24 * 60, totals(9_000, 9_000))


def test_a_full_counter_and_one_that_began_anew_pass() -> None:
    door = Watched()
    assert door.passes(0, totals(65_530, 500, 16))
    assert door.passes(1, totals(3, 502, 16))
    assert door.passes(2, totals(0, 0, 16))


def test_a_width_that_cannot_be_buys_no_room() -> None:
    door = Watched()
    assert door.passes(0, totals(70_000))
    assert not door.passes(1, totals(250, MOST, 16))


def test_what_comes_late_is_no_more_than_what_is_known() -> None:
    door = Watched()
    assert door.passes(5, totals(310, 20))
    assert door.passes(2, totals(300, 20))
    assert not door.passes(3, totals(900, 20))
    assert door.passes(6, totals(312, 20))


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.floats(0, 30)), max_size=30
    )
)
def test_no_stream_moves_a_door_further_than_people_can_pass(steps: list[tuple[int, int, float]]) -> None:
    door, minute, moved, before = Watched(), 0.0, 0, (0, 0)
    assert door.passes(0, totals(0))
    for entered, left, later in steps:
        minute += later
        if door.passes(minute, totals(entered, left)):
            moved += sum(
                now - then if now >= then else now for then, now in zip(before, (entered, left), strict=True)
            )
            before = (entered, left)
    assert moved <= MOST + 60 * minute + 1


def test_one_device_that_floods_is_held_back_and_no_other() -> None:
    quota = Quota()
    assert sum(not quota.wait_s("flood", 1, now=NOW) for _ in range(5_000)) == BURST
    assert quota.wait_s("quiet", 1_000, now=NOW) == 0
    wait_s = quota.wait_s("flood", 450, now=NOW)
    assert wait_s == 450 / PER_S
    assert quota.wait_s("flood", 450, now=NOW + timedelta(seconds=wait_s)) == 0


def test_what_one_device_may_send_stays_quick_to_look_at() -> None:
    assert BURST + HORIZON.total_seconds() * PER_S < 20_000
