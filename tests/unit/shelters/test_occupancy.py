"""From counts to people: who is believed, what silence means, and that order and repetition change nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.shelter_list import Crowding
from shelters.crowding import Thresholds
from shelters.device import Counts, Device
from shelters.estimate import Ruler, estimate
from shelters.occupancy import Occupancy, Recount, Source
from shelters.reading import DoorDeltas, DoorTotals, HeadCount, Measure, Reading, StaffWord
from shelters.site import SiteCode
from shelters.tally import HORIZON, Tally, add, fold

SITE = SiteCode("E1320700035")
START = datetime(2026, 9, 12, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def device(name: str, counts: Counts, interval: timedelta = MINUTE, error: float | None = None) -> Device:
    return Device(id=name, site=SITE, counts=counts, key="k", interval=interval, error_percent=error)


NORTH, SOUTH = device("north", Counts.DOOR_TOTALS, error=0), device("south", Counts.DOOR_DELTAS, error=0)
"""They see everybody: what they count is what happened."""
CAMERA = device("camera", Counts.HEADS, 5 * MINUTE)
DOORS = Ruler(devices=(NORTH, SOUTH), capacity=100, thresholds=Thresholds(full_from_percent=80))
ALL = Ruler(devices=(NORTH, SOUTH, CAMERA), capacity=100)


def at(minutes: float) -> datetime:
    return START + minutes * MINUTE


def reading(minutes: float, source: str, measure: Measure, name: str | None = None) -> Reading:
    return Reading(
        site=SITE,
        device=source,
        id=name or f"{source}-{minutes}",
        at=at(minutes),
        received_at=at(minutes),
        measure=measure,
    )


def north(minutes: float, entered: int, left: int = 0) -> Reading:
    return reading(minutes, "north", DoorTotals(entered=entered, left=left))


def south(minutes: float, entered: int = 0, left: int = 0) -> Reading:
    return reading(minutes, "south", DoorDeltas(entered=entered, left=left))


def staff(minutes: float, people: int | None = None, crowding: Crowding | None = None) -> Reading:
    return reading(minutes, "staff", StaffWord(people=people, crowding=crowding))


def camera(minutes: float, people: int) -> Reading:
    return reading(minutes, "camera", HeadCount(people=people))


def after(readings: Sequence[Reading], minutes: float, ruler: Ruler = DOORS) -> Occupancy:
    return estimate(add(Tally(site=SITE), readings), ruler, now=at(minutes))


def quiet(first: int, last: int) -> list[Reading]:
    """Both doors report every minute, and nobody moves."""
    return [door for minute in range(first, last + 1) for door in (north(minute, 50), south(minute))]


@pytest.mark.parametrize("capacity", [9, 10, 12, 16])
def test_no_word_tells_how_few_there_are_with_a_margin_either(capacity: int) -> None:
    seeing = msgspec.structs.replace(CAMERA, error_percent=20)
    ruler = Ruler(devices=(seeing,), capacity=capacity)
    said = [after([camera(0, people)], 1, ruler) for people in (1, 2, 3, 4)]
    assert [each.people for each in said] == [1, 2, 3, 4]
    assert len({each.crowding for each in said}) == 1
    doors = msgspec.structs.replace(DOORS, capacity=capacity)
    wide = [msgspec.structs.replace(each, error_percent=30) for each in DOORS.devices]
    by_doors = msgspec.structs.replace(doors, devices=tuple(wide))
    words = {
        after([north(0, 0), south(0), north(1, people), south(1)], 1, by_doors).crowding
        for people in (1, 2, 3)
    }
    assert len(words) == 1


def test_doors_carry_a_head_count_on() -> None:
    said = after([staff(0, 10), north(0, 50, 5), south(0), north(1, 62, 6), south(1, 4, 1)], 1)
    assert said.people == 10 + 11 + 3
    assert said.source is Source.DOORS
    assert said.as_of == at(1)
    assert said.crowding is Crowding.HAS_ROOM


def test_doors_alone_never_tell_how_many() -> None:
    said = after([north(0, 50), south(0), north(1, 90), south(1, 4)], 1)
    assert not said.known
    assert said.source is None


def test_a_head_count_corrects_the_doors() -> None:
    """By so much as it is surer than they are; one that contradicts them takes their place."""
    near = [staff(0, 100), *quiet(0, 4), staff(4, 104), north(5, 53), south(5)]
    assert after(near, 5).people == 102 + 3  # both counts are as sure as each other
    far = after([staff(0, 10), *quiet(0, 4), staff(4, 30), north(5, 53), south(5)], 5)
    assert (far.people, far.recount) == (30 + 3, (Recount.CONTRADICTED, Recount.WIDE))


def test_of_a_reading_that_began_before_the_count_only_the_rest_is_added() -> None:
    assert after([staff(0, 10), *quiet(0, 4), staff(4.5, 10), north(5, 58), south(5)], 5).people == 10 + 4


def test_staff_are_believed_before_a_camera_while_their_number_is_fresh() -> None:
    ruler = Ruler(devices=(CAMERA,), capacity=None)
    readings = [staff(0, 40), camera(20, 90)]
    assert after(readings, 30, ruler).people == 40
    assert after(readings, 30, ruler).source is Source.STAFF
    later = after(readings, 30.1, ruler)
    assert later.source is None
    assert after([*readings, camera(30, 95)], 30.1, ruler).people == 95


def test_the_age_is_that_of_the_door_that_reported_longest_ago() -> None:
    said = after([staff(0, 10), north(0, 50), south(0), north(2, 60), south(1)], 2)
    assert said.as_of == at(1)
    assert said.fresh_until == at(3)


def test_a_counter_that_goes_backwards_began_at_zero() -> None:
    said = after([staff(0, 10), north(0, 50, 5), south(0), north(1, 3, 1), south(1)], 1)
    assert said.people == 12


def test_more_people_leave_than_were_counted() -> None:
    assert after([staff(0, 2), north(0, 0), south(0), north(1, 0), south(1, 0, 9)], 1).people == 0


def test_silence_of_one_door_is_unknown_and_never_room() -> None:
    readings = [staff(0, 10), *quiet(0, 40), north(41, 50), north(42, 50), north(43, 50)]
    assert after(readings, 42).people == 10
    silent = after(readings, 43)
    assert not silent.known
    assert silent.crowding is None
    assert silent.silent == ("south",)


def test_silence_is_two_intervals() -> None:
    readings = [staff(0, 10), *quiet(0, 40)]
    assert after(readings, 42).people == 10
    assert not after(readings, 42.01).known


def test_what_is_unknown_still_shows_staff_the_last_number() -> None:
    tally = add(Tally(site=SITE), [staff(0, 10), *quiet(0, 40)])
    before = estimate(tally, DOORS, now=at(41))
    said = estimate(tally, DOORS, now=at(50), before=before)
    assert (said.people, said.last_people, said.last_at) == (None, 10, at(40))
    assert said.version == before.version + 1


def test_a_fresh_number_of_staff_stands_alone_while_a_door_is_silent() -> None:
    """What the living door saw is left out: it may be the exit."""
    readings = [*quiet(0, 5), staff(5, 80), north(6, 50, 30), north(7, 50, 70), north(8, 50, 70)]
    said = after(readings, 8)
    assert (said.people, said.source, said.as_of) == (80, Source.STAFF, at(5))


def test_deltas_missed_in_a_gap_make_the_sum_unknown() -> None:
    gap = [staff(0, 10), *quiet(0, 40), *quiet(60, 62)]
    assert not after(gap, 62).known
    assert after([*gap, staff(61, 25)], 62).people == 25


def test_totals_bridge_a_gap_but_not_a_new_beginning_in_it() -> None:
    ruler = Ruler(devices=(NORTH,))
    bridged = [staff(0, 10), north(0, 50), north(1, 50), north(40, 75), north(41, 76)]
    assert after(bridged, 41, ruler).people == 36
    began_anew = [staff(0, 10), north(0, 50), north(1, 50), north(40, 5), north(41, 6)]
    assert not after(began_anew, 41, ruler).known


def test_a_door_that_came_later_than_the_head_count_does_not_carry_it() -> None:
    ruler = Ruler(devices=(NORTH,))
    assert not after([staff(0, 10), north(31, 50), north(32, 52)], 32, ruler).known


def test_nothing_known_is_unknown() -> None:
    said = after([], 0, Ruler(capacity=100))
    assert not said.known


def test_versions_begin_at_the_time_so_that_lost_snapshots_hold_nothing_back() -> None:
    first = estimate(Tally(site=SITE), DOORS, now=at(0))
    assert estimate(Tally(site=SITE), DOORS, now=at(1), before=first).version == first.version + 1
    assert estimate(Tally(site=SITE), DOORS, now=at(1)).version > first.version + 1


def test_staffs_word_stands_above_the_number_and_expires() -> None:
    readings = [staff(0, 10), *quiet(0, 40), staff(0.5, crowding=Crowding.FULL)]
    assert after(readings, 30).crowding is Crowding.FULL
    assert after(readings, 30).fresh_until == at(30.5)
    assert after(readings, 31).crowding is Crowding.HAS_ROOM


def test_a_later_number_of_staff_replaces_their_earlier_word() -> None:
    readings = [staff(0, crowding=Crowding.FULL), staff(1, 10)]
    assert after(readings, 2, Ruler(capacity=100)).crowding is Crowding.HAS_ROOM
    assert after(readings, 2, Ruler(capacity=None)).crowding is Crowding.FULL


def test_staffs_word_alone_is_worth_showing() -> None:
    said = after([staff(0, crowding=Crowding.CROWDED)], 10, Ruler())
    assert (said.people, said.crowding, said.source, said.as_of) == (
        None,
        Crowding.CROWDED,
        Source.STAFF,
        at(0),
    )


def test_an_unknown_capacity_gives_people_and_age_only() -> None:
    said = after([staff(0, 196)], 5, Ruler(capacity=None))
    assert (said.people, said.crowding, said.capacity, said.as_of) == (196, None, None, at(0))


def test_a_reader_sees_unknown_once_it_is_stale_even_if_nobody_says_so() -> None:
    said = after([staff(0, 10)], 5, Ruler(capacity=100))
    assert said.at(at(30)).people == 10
    stale = said.at(at(30.1))
    assert not stale.known
    assert stale.last_people == 10


moves = st.lists(
    st.tuples(st.sampled_from(["north", "south"]), st.integers(0, 5), st.integers(0, 5)),
    min_size=1,
    max_size=12,
)


def story(steps: Sequence[tuple[str, int, int]], base: int) -> tuple[list[Reading], int]:
    """Both doors report every minute; the readings, and how many are inside in truth."""
    readings: list[Reading] = [staff(-1, base), north(-1, 0), south(-1)]
    people, entered, left = base, 0, 0
    for minute, (door, come, go) in enumerate(steps):
        people += come - go
        if door == "north":
            entered, left = entered + come, left + go
        readings += [
            north(minute, entered, left),
            south(minute, *((come, go) if door == "south" else (0, 0))),
        ]
    return readings, people


@given(steps=moves, base=st.integers(60, 90))
def test_doors_that_see_everything_tell_the_truth(steps: list[tuple[str, int, int]], base: int) -> None:
    readings, people = story(steps, base)
    assert after(readings, len(steps) - 1).people == people


@given(steps=moves, base=st.integers(60, 90), data=st.data())
def test_order_and_repetition_change_nothing(
    steps: list[tuple[str, int, int]], base: int, data: st.DataObject
) -> None:
    readings, _ = story(steps, base)
    again = data.draw(st.lists(st.sampled_from(readings), max_size=5))
    shuffled = data.draw(st.permutations([*readings, *again]))
    now = len(steps) - 1
    assert after(shuffled, now) == after(readings, now)
    assert add(Tally(site=SITE), shuffled) == add(Tally(site=SITE), readings)


@pytest.mark.parametrize(
    "namesakes",
    [
        (
            reading(3, "north", DoorTotals(entered=7, left=0), "x"),
            reading(9, "north", DoorTotals(entered=40, left=0), "x"),
        ),
        (reading(3, "camera", HeadCount(people=1), "x"), reading(3, "camera", HeadCount(people=90), "x")),
        (reading(3, "camera", HeadCount(people=1), "x"), reading(9, "camera", HeadCount(people=90), "x")),
        (
            reading(3, "staff", StaffWord(people=9, crowding=Crowding.HAS_ROOM), "x"),
            reading(3, "staff", StaffWord(people=90, crowding=Crowding.FULL), "x"),
        ),
    ],
)
def test_two_readings_under_one_id_are_the_same_one_in_any_order(namesakes: tuple[Reading, Reading]) -> None:
    def tally(first: Reading, second: Reading) -> Tally:
        begun = fold(add(Tally(site=SITE), [staff(0, 50), *quiet(0, 8), first]), ALL.devices)
        return fold(add(begun, [second, *quiet(9, 12)]), ALL.devices)

    one, other = tally(*namesakes), tally(*reversed(namesakes))
    assert one == other
    assert estimate(one, ALL, now=at(12)) == estimate(other, ALL, now=at(12))


@given(steps=moves, base=st.integers(60, 90), horizon_min=st.integers(1, 10))
def test_folding_changes_no_number(steps: list[tuple[str, int, int]], base: int, horizon_min: int) -> None:
    readings, _ = story(steps, base)
    tally = Tally(site=SITE)
    for one in readings[:3]:
        tally = add(tally, [one])
    for one in readings[3:]:
        tally = fold(add(tally, [one]), DOORS.devices, horizon=horizon_min * MINUTE)
    now = at(len(steps) - 1)
    whole = estimate(add(Tally(site=SITE), readings), DOORS, now=now)
    assert estimate(tally, DOORS, now=now) == whole


@given(steps=moves, base=st.integers(60, 90), pause_min=st.integers(3, 600))
def test_silence_never_reads_as_a_number(
    steps: list[tuple[str, int, int]], base: int, pause_min: int
) -> None:
    readings, _ = story(steps, base)
    said = after(readings, len(steps) - 1 + 31 + pause_min)
    assert said.people is None
    assert said.crowding is None


def test_what_comes_too_late_is_not_counted_twice_or_at_all() -> None:
    day = [staff(0, 10), *quiet(0, 200)]
    tally = fold(add(Tally(site=SITE), day), DOORS.devices)
    assert tally.folded_to == at(200) - HORIZON
    assert add(tally, [south(3, 40), staff(5, 500)]) == tally
    assert add(tally, day) == tally
    assert estimate(tally, DOORS, now=at(200)).people == 10


def test_a_folded_tally_stays_small() -> None:
    tally = fold(add(Tally(site=SITE), [staff(0, 10), *quiet(0, 900)]), DOORS.devices)
    assert {len(crossings) for crossings in tally.doors.values()} == {120}
    assert tally.counts == ()


def test_a_door_taken_out_of_the_register_is_forgotten() -> None:
    tally = fold(add(Tally(site=SITE), [staff(0, 10), *quiet(0, 130)]), [NORTH])
    assert tally.doors.keys() == {"north"}
    assert tally.belief is not None
    assert tally.belief.doors.keys() == {"north"}


@pytest.mark.parametrize("first", [Counts.DOOR_TOTALS, Counts.DOOR_DELTAS])
def test_what_a_door_said_before_it_was_registered_otherwise_moves_nobody(first: Counts) -> None:
    def said(minute: int, counts: Counts) -> Reading:
        measure = DoorTotals if counts is Counts.DOOR_TOTALS else DoorDeltas
        return reading(minute, "door", measure(entered=5_000 if measure is DoorTotals else 1, left=0))

    (second,) = {Counts.DOOR_TOTALS, Counts.DOOR_DELTAS} - {first}
    before = add(Tally(site=SITE), [staff(0, 10), *(said(minute, first) for minute in range(1, 20))])
    for tally in (before, fold(before, [device("door", first, error=0)])):
        changed = add(tally, [said(20, second), staff(21, 40), said(22, second), said(23, second)])
        counted = estimate(changed, Ruler(devices=(device("door", second, error=0),)), now=at(23))
        assert counted.people == (42 if second is Counts.DOOR_DELTAS else 40)
        assert counted.recount == ()


@pytest.mark.parametrize("capacity", [None, 100])
def test_a_head_counter_that_is_no_longer_registered_is_not_believed(capacity: int | None) -> None:
    assert not after([camera(0, 10)], 1, Ruler(capacity=capacity)).known


def measured(name: str, counts: Counts, percent: float) -> Device:
    return Device(id=name, site=SITE, counts=counts, key="k", interval=MINUTE, error_percent=percent)


def test_the_interval_grows_with_what_the_doors_counted() -> None:
    ruler = Ruler(
        devices=(measured("north", Counts.DOOR_TOTALS, 3), measured("south", Counts.DOOR_DELTAS, 8)),
        capacity=1000,
    )
    begun = [staff(0, 10), north(0, 0), south(0)]
    little = after([*begun, north(1, 8, 2), south(1, 3, 2)], 1, ruler)
    much = after([*begun, north(1, 80, 20), south(1, 30, 20)], 1, ruler)
    factor = (1 / 0.97 + 1 / 0.92) / 2
    assert much.people == round(10 + factor * (60 + 10))
    assert 2 <= (little.margin or 0) < (much.margin or 0)
    assert after([staff(0, 10)], 0, ruler).margin is None  # somebody counted
    assert much.at(at(60)).margin is None


def test_what_is_folded_still_counts_into_the_interval() -> None:
    door = measured("north", Counts.DOOR_TOTALS, 10)
    ruler = Ruler(devices=(door,))
    readings = [staff(0, 0), *(north(minute, minute) for minute in range(0, 201))]
    tally = add(Tally(site=SITE), readings)
    folded = fold(tally, [door], horizon=30 * MINUTE)
    assert len(folded.doors["north"]) < len(tally.doors["north"])
    told = [estimate(each, ruler, now=at(200)) for each in (tally, folded)]
    assert told[0] == told[1]
    assert (told[0].people, told[0].recount) == (round(200 / 0.9), ())


def test_counters_that_nobody_tested_are_taken_to_miss_some() -> None:
    ruler = Ruler(devices=(msgspec.structs.replace(NORTH, error_percent=None),))
    said = after([staff(0, 10), north(0, 0), north(1, 100)], 1, ruler)
    assert said.people == 116
    assert (said.margin or 0) > 8


def test_a_head_count_has_its_own_error() -> None:
    ruler = Ruler(devices=(measured("camera", Counts.HEADS, 2),))
    assert after([camera(0, 120)], 0, ruler).margin == 4  # 2 % is a deviation: nine in ten lie within 1.645
