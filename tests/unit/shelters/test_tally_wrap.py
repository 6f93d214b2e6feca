"""Counters that were full go on at zero; counters that restart begin there. The two are told apart by width."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelters.doorway import WRAP_WITHIN, Crossing, Seen
from shelters.reading import DoorTotals, Reading
from shelters.site import SiteCode
from shelters.tally import Tally, add

SITE = SiteCode("E1")
START = datetime(2026, 9, 12, 12, 0, tzinfo=UTC)


def passed(totals: list[tuple[int, int]], bits: int | None) -> tuple[int, int]:
    """Who came and who went, by a door that showed these."""
    readings = [
        Reading(
            site=SITE,
            device="north",
            id=str(minute),
            at=START + timedelta(minutes=minute),
            received_at=START + timedelta(minutes=minute),
            measure=DoorTotals(entered=entered, left=left, bits=bits),
        )
        for minute, (entered, left) in enumerate(totals)
    ]
    crossings = add(Tally(site=SITE), readings).doors["north"]
    steps = [_seen(before).grown(after) for before, after in pairwise(crossings)]
    return sum(entered for entered, _ in steps), sum(left for _, left in steps)


def _seen(crossing: Crossing) -> Seen:
    return Seen(crossing.at, crossing.entered, crossing.left, 0, 0)


@given(
    bits=st.sampled_from([16, 32]),
    short_of_full=st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)),
    steps=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=12),
)
def test_a_full_counter_loses_nobody(
    bits: int, short_of_full: tuple[int, int], steps: list[tuple[int, int]]
) -> None:
    full = 1 << bits
    entered, left = (full - 1 - short for short in short_of_full)
    shown = [(entered, left)]
    for came, went in steps:
        entered, left = entered + came, left + went
        shown.append((entered % full, left % full))
    assert passed(shown, bits) == (sum(came for came, _ in steps), sum(went for _, went in steps))


@pytest.mark.parametrize(
    ("before", "after", "bits", "came", "went"),
    [
        ((65_530, 10), (4, 12), 16, 10, 2),
        ((65_530, 10), (4, 12), None, 4, 12),
        ((65_530, 10), (4, 12), 32, 4, 12),
        ((40_000, 10), (4, 12), 16, 4, 12),
        ((65_530, 4_000), (4, 3), 16, 4, 3),
        ((65_535, 65_535), (0, 1), 16, 1, 2),
        ((2**32 - 1, 0), (0, 0), 32, 1, 0),
    ],
)
def test_a_wrap_and_a_restart(
    before: tuple[int, int], after: tuple[int, int], bits: int | None, came: int, went: int
) -> None:
    assert passed([before, after], bits) == (came, went)


def test_a_width_that_comes_later_and_cannot_be_takes_nobody_away() -> None:
    assert _seen(Crossing(START, "1", 70_000, 0)).grown(Crossing(START, "2", 5, 1, 8)) == (5, 1)


def test_close_to_full_means_that_nobody_could_have_passed_more_often() -> None:
    top = 1 << 16
    assert passed([(top - WRAP_WITHIN + 1, 0), (1, 0)], 16) == (WRAP_WITHIN, 0)
    assert passed([(top - WRAP_WITHIN, 0), (1, 0)], 16) == (1, 0)
