"""Doors that miss people, go silent or hang the wrong way round; heads counted by cameras, lists and hands."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import typed
from hub.shelter_list import Crowding
from shelters.device import Counts, Device
from shelters.estimate import Ruler, estimate
from shelters.occupancy import Occupancy, Recount, Source
from shelters.reading import DoorDeltas, DoorTotals, HeadCount, Measure, Reading, StaffWord
from shelters.site import SiteCode
from shelters.tally import Tally, add, fold

SITE = SiteCode("E1320700035")
START = datetime(2026, 9, 12, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def device(name: str, counts: Counts, *, error: float | None = 0, staff: int = 0) -> Device:
    return Device(
        id=name, site=SITE, counts=counts, key="k", interval=MINUTE, error_percent=error, staff=staff
    )


NORTH, SOUTH = device("north", Counts.DOOR_TOTALS), device("south", Counts.DOOR_TOTALS)
WEST = device("west", Counts.DOOR_DELTAS)
HALL, GYM = device("hall", Counts.HEADS, staff=2), device("gym", Counts.HEADS)
LIST = device("list", Counts.LIST, error=None)
TWO = Ruler(devices=(NORTH, SOUTH), capacity=1000)


def at(minutes: float) -> datetime:
    return START + minutes * MINUTE


def reading(minutes: float, source: str, measure: Measure) -> Reading:
    moment = at(minutes)
    return Reading(
        site=SITE, device=source, id=f"{source}-{minutes}", at=moment, received_at=moment, measure=measure
    )


def door(name: str, minutes: float, entered: int, left: int = 0) -> Reading:
    return reading(minutes, name, DoorTotals(entered=entered, left=left))


def staff(minutes: float, people: int) -> Reading:
    return reading(minutes, "staff", StaffWord(people=people))


def heads(name: str, minutes: float, people: int) -> Reading:
    return reading(minutes, name, HeadCount(people=people))


def after(readings: Sequence[Reading], minutes: float, ruler: Ruler = TWO) -> Occupancy:
    return estimate(add(Tally(site=SITE), readings), ruler, now=at(minutes))


def filling(first: int, last: int, *doors: str, each: int = 2) -> list[Reading]:
    """So many people come in by each of the doors in a minute."""
    return [door(name, minute, each * minute) for minute in range(first, last + 1) for name in doors]


BOTH = [staff(0, 0), *filling(0, 30, "north", "south")]


def test_a_silent_door_is_stood_in_for_by_the_others_in_its_usual_share() -> None:
    said = after([*BOTH, *filling(31, 50, "north")], 50)
    assert said.people is not None
    assert abs(said.people - 200) <= 2, "what the south door would have counted"
    assert (said.guessed, said.silent, said.recount[0]) == (True, ("south",), Recount.SILENT_DOOR)
    sure = after([*BOTH, *filling(31, 50, "north", "south")], 50)
    assert (sure.people, sure.guessed, sure.recount) == (200, False, ())
    assert (said.margin or 0) > (sure.margin or 0) + 10


def test_totals_that_come_back_replace_what_was_made_up() -> None:
    """Nobody came by the south door while it was silent: then that is what happened."""
    said = after([*BOTH, *filling(31, 50, "north"), door("north", 51, 100), door("south", 51, 60)], 51)
    assert (said.people, said.guessed, said.recount) == (160, False, ())
    sure = after([*BOTH, *filling(31, 51, "north"), *(door("south", each, 60) for each in range(31, 52))], 51)
    assert said.margin == sure.margin


def test_a_counter_that_begins_anew_leaves_a_guess_until_the_next_count() -> None:
    back = [*BOTH, *filling(31, 51, "north"), door("south", 50, 0), door("south", 51, 2)]
    said = after(back, 51)
    assert (abs((said.people or 0) - 202) <= 4, said.guessed, said.silent) == (True, True, ())
    counted = after([*back, staff(51, 199), *filling(52, 52, "north"), door("south", 52, 4)], 52)
    assert (counted.guessed, counted.recount) == (False, ())


def test_a_guess_never_says_that_there_is_space() -> None:
    """Two hundred in a thousand would be 空いています; where the doors are sure, it is."""
    assert after([*BOTH, *filling(31, 50, "north", "south")], 50).crowding is Crowding.HAS_ROOM
    assert after([*BOTH, *filling(31, 50, "north")], 50).crowding is None
    small = Ruler(devices=TWO.devices, capacity=350)
    assert after([*BOTH, *filling(31, 50, "north")], 50, small).crowding is Crowding.CROWDED


@pytest.mark.parametrize(
    ("capacity", "word"),
    [
        (101, Crowding.CROWDED),  # 99 %, and there may be more than fit
        (170, Crowding.CROWDED),  # 59 %, and it may be more
        (250, Crowding.SOME),
        (350, Crowding.SOME),  # 29 %, and it may be more
        (500, Crowding.HAS_ROOM),
    ],
)
def test_the_word_is_that_of_the_most_people_there_may_be(capacity: int, word: Crowding) -> None:
    """But 満, which sends people away, is the number's own."""
    ruler = Ruler(devices=TWO.devices, capacity=capacity)
    said = after([staff(0, 100), door("north", 0, 0), door("south", 0, 0)], 0)
    assert said.people == 100
    moved = [staff(0, 100), *(door(name, minute, 0) for minute in (0, 1) for name in ("north", "south"))]
    assert after(moved, 1, ruler).crowding is word


def test_doors_silent_together_are_unknown_until_they_tell_or_somebody_counts() -> None:
    dark = [*BOTH, *filling(31, 31, "north")]
    silent = after(dark, 60)
    assert (silent.people, silent.crowding, silent.recount) == (None, None, (Recount.LOST,))
    assert after([*dark, door("north", 61, 100), door("south", 61, 90)], 61).people == 190
    anew = [*dark, door("north", 61, 1), door("south", 61, 90)]
    assert after(anew, 61).people is None
    assert after([*anew, staff(61, 150), door("north", 62, 2), door("south", 62, 91)], 62).people == 152


def test_a_share_that_nobody_knows_makes_nothing_up() -> None:
    said = after(
        [staff(0, 0), *filling(0, 3, "north", "south", each=1), *filling(4, 10, "north", each=1)], 10
    )
    assert said.people == 0, "what staff said, while it is fresh"
    assert said.source is Source.STAFF


def test_too_wide_is_unknown() -> None:
    """A door that everybody takes to smoke, and that is silent for two hours, may have done anything."""
    to_and_fro = [door("north", minute, 10 * minute - 240, 10 * minute - 300) for minute in range(31, 150)]
    assert after([*BOTH, *to_and_fro[:4]], 34).people == 120
    lost = after([*BOTH, *to_and_fro], 149)
    assert (lost.people, lost.crowding, lost.recount) == (None, None, (Recount.LOST,))


def test_a_door_that_hangs_the_wrong_way_round_is_found_at_the_next_count() -> None:
    """North counts 60 in; south counts as going the 60 who came."""
    turned = [
        staff(0, 50),
        *filling(0, 30, "north"),
        *(door("south", minute, 0, 2 * minute) for minute in range(31)),
    ]
    assert after(turned, 30).people == 50
    said = after([*turned, staff(30, 171), *filling(31, 31, "north"), door("south", 31, 0, 62)], 31)
    assert (said.flipped, said.guessed) == (("south",), True)
    assert {Recount.CONTRADICTED, Recount.FLIPPED} <= set(said.recount)
    assert said.crowding is None


def test_fewer_than_nobody_is_noticed_at_once() -> None:
    turned = [staff(0, 0), *(door(n, m, 0, 2 * m) for m in range(11) for n in ("north", "south"))]
    said = after(turned, 10)
    assert (said.people, said.flipped) == (0, ("north", "south"))
    assert Recount.CONTRADICTED in said.recount


def test_a_count_that_agrees_ends_the_doubt() -> None:
    doubted = [*BOTH, staff(30, 160), *filling(31, 40, "north", "south")]
    assert after(doubted, 40).recount == (Recount.CONTRADICTED,)
    assert after([*doubted, staff(40, 198), *filling(41, 41, "north", "south")], 41).recount == ()


def test_zones_are_added_up_without_the_staff_in_them() -> None:
    ruler = Ruler(devices=(HALL, GYM), capacity=None)
    assert after([heads("hall", 0, 42), heads("gym", 0.5, 60)], 1, ruler).people == 100
    one = after([heads("hall", 0, 42)], 1, ruler)
    assert (one.people, one.silent) == (None, ("gym",)), "what one zone holds is not what the site holds"
    assert after([heads("hall", 0, 1), heads("gym", 0, 0)], 0, ruler).people == 0


def test_cameras_correct_the_doors_without_being_believed_as_often_as_they_look() -> None:
    ruler = Ruler(devices=(NORTH, msgspec.structs.replace(HALL, error_percent=5)))
    readings = [
        staff(0, 100),
        *(each for minute in range(11) for each in (door("north", minute, 0), heads("hall", minute, 112))),
    ]
    said = after(readings, 10, ruler)
    assert 101 <= (said.people or 0) <= 105
    assert said.source is Source.DOORS
    assert (said.margin or 0) >= 4


def test_a_check_in_list_stands_where_nothing_else_counts() -> None:
    ruler = Ruler(devices=(LIST,))
    assert after([heads("list", 0, 80)], 1, ruler).people == 80
    assert after([heads("list", 0, 80)], 3, ruler).people is None
    with_doors = Ruler(devices=(NORTH, LIST))
    readings = [heads("list", 0, 80), door("north", 0, 0), door("north", 1, 10)]
    assert after(readings, 1, with_doors).people == 90


def test_a_site_of_which_nothing_was_heard_for_a_day_begins_anew() -> None:
    long_after = 60 * 30
    said = after([*BOTH, door("north", long_after, 90), door("south", long_after, 90)], long_after)
    assert said.people is None


events = st.lists(
    st.tuples(
        st.sampled_from(["north", "south", "west", "hall", "staff", "restart"]),
        st.integers(0, 90),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 10),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda event: event[:2],
)
EVERYTHING = Ruler(devices=(NORTH, SOUTH, WEST, HALL), capacity=200)


def story(given_events: Sequence[tuple[str, int, int, int, int]]) -> list[tuple[Reading, int]]:
    """Readings with all that goes wrong, in the order of their time, and by how many minutes each is late."""
    totals = {"north": [0, 0], "south": [0, 0]}
    readings: list[tuple[Reading, int]] = []
    for source, minute, entered, left, late in sorted(given_events, key=lambda event: event[1]):
        if source == "restart":
            totals["north"] = [0, 0]
            continue
        measure: Measure
        match source:
            case "west":
                measure = DoorDeltas(entered=entered, left=left)
            case "hall":
                measure = HeadCount(people=10 * entered + left)
            case "staff":
                measure = StaffWord(people=10 * entered + left)
            case _:
                totals[source][0] += entered
                totals[source][1] += left
                measure = DoorTotals(entered=totals[source][0], left=totals[source][1])
        readings.append((reading(minute, source, measure), late))
    return readings


@settings(max_examples=80)
@given(given_events=events, data=st.data())
def test_order_repetition_and_folding_change_nothing(
    given_events: list[tuple[str, int, int, int, int]], data: st.DataObject
) -> None:
    """Late by up to ten minutes and folded after fifteen, some of them twice."""
    told = story(given_events)
    arriving = [one for one, _ in sorted(told, key=lambda pair: (pair[0].at + pair[1] * MINUTE, pair[0].id))]
    whole = add(Tally(site=SITE), [one for one, _ in told])
    piecemeal = Tally(site=SITE)
    for one in arriving:
        piecemeal = fold(add(piecemeal, [one, one]), EVERYTHING.devices, horizon=15 * MINUTE)
    shuffled = add(Tally(site=SITE), data.draw(st.permutations(arriving)))
    assert shuffled == whole
    now = at(data.draw(st.integers(90, 130)))
    assert estimate(piecemeal, EVERYTHING, now=now) == estimate(whole, EVERYTHING, now=now)
    kept = typed.from_msgpack(msgspec.msgpack.encode(piecemeal), Tally)
    assert kept == piecemeal


@given(given_events=events)
def test_whatever_is_said_makes_sense(given_events: list[tuple[str, int, int, int, int]]) -> None:
    tally = add(Tally(site=SITE), [one for one, _ in story(given_events)])
    for minute in range(0, 120, 7):
        said = estimate(tally, EVERYTHING, now=at(minute))
        assert said.people is None or said.people >= 0
        assert said.margin is None or said.margin >= 0
        assert not (said.guessed and said.crowding is Crowding.HAS_ROOM)
        assert said.fresh_until is None or said.known
