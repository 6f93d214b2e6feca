"""Who is sent where: small towns by hand, and what holds in every town."""

import tracemalloc
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.place import Position
from hub.recipient import Town, Zone
from shelters import programme, routing
from shelters.assignment import Assignment, NoSolution, proportional
from shelters.crowding import Thresholds
from shelters.demand import COMPLIANCE, LEAST_LEFT, Origin, remaining
from shelters.routing import USABLE, Method, Place, Plan, Solve, plan, usable
from shelters.site import SiteCode
from shelters.suited import Suited
from shelters.walking import DETOUR, walk, way_m
from shelters.why import Why

DEGREE_M = 111_195.0
"""Of latitude."""
SOLVES: list[Solve | None] = [programme.solve, None]


def at(metres: float) -> Position:
    """So far north of the town's south end, by the road."""
    return Position(latitude=35.7 + metres / DETOUR / DEGREE_M, longitude=139.38)


def town(name: str, metres: float, people: float, zone: str = "") -> Origin:
    return Origin(town=Town(name), zone=Zone(zone or name), position=at(metres), people=people / COMPLIANCE)


def place(
    code: str,
    metres: float,
    *,
    room: float | None = 1_000,
    verdict: Suited = Suited.RECOMMENDED,
    people: int | None = 0,
    coming: float = 0.0,
) -> Place:
    """With `room` left before anybody comes; whole people of capacity."""
    return Place(
        site=SiteCode(code),
        position=at(metres),
        verdict=verdict,
        capacity=None if room is None else round((room + (people or 0) + coming) / USABLE),
        people=people,
        coming=coming,
    )


def sent(made: Plan, zone: str) -> dict[str, int]:
    return {choice.site: choice.people for choice in made.zones[Zone(zone)]}


def whys(made: Plan, zone: str) -> dict[str, tuple[Why, str | None]]:
    return {choice.site: (choice.reason.why, choice.reason.nearer) for choice in made.zones[Zone(zone)]}


def test_with_room_everywhere_everybody_goes_to_the_nearest() -> None:
    made = plan(
        [place("south", 0), place("north", 3_000)],
        [town("a", 100, 70), town("b", 2_900, 140)],
        solve=programme.solve,
    )
    assert made.method is Method.PROGRAMME
    assert (sent(made, "a"), sent(made, "b")) == ({"south": 70}, {"north": 140})
    assert whys(made, "a") == {"south": (Why.NEAREST, None)}
    assert made.prices == {"south": 0.0, "north": 0.0}
    assert made.zones[Zone("b")][0].metres == 100


def test_what_is_scarce_is_kept_for_those_who_have_nothing_else_near() -> None:
    """`south` has room for 70 after those who come anyway. Moving `b` costs 800 m more a head, moving `a` 1,000."""
    anyway = round(140 / COMPLIANCE * (1 - COMPLIANCE))
    made = plan(
        [place("south", 0, room=70 + anyway), place("north", 1_000)],
        [town("a", 0, 70), town("b", 100, 70)],
        solve=programme.solve,
    )
    assert sent(made, "a") == {"south": 70}
    assert sent(made, "b") == {"north": 70}
    assert whys(made, "b") == {"north": (Why.NEARER_SHORT, "south")}
    assert 800 <= made.prices[SiteCode("south")] <= 1_000  # between the two: who pays it stays away


def test_nobody_is_sent_where_those_on_their_way_fill_it() -> None:
    made = plan(
        [place("south", 0, room=0, people=50, coming=200.0), place("north", 1_000)],
        [town("a", 0, 500)],
        solve=programme.solve,
    )
    assert set(sent(made, "a")) == {"north"}


@pytest.mark.parametrize("solve", SOLVES)
@pytest.mark.parametrize(
    ("nearer", "why"),
    [
        (place("south", 0, verdict=Suited.FULL, people=900), Why.NEARER_FULL),
        (place("south", 0, verdict=Suited.FILLING, people=900), Why.NEARER_FILLING),
        (place("south", 0, verdict=Suited.PLANNED), Why.NEARER_CLOSED),
        (place("south", 0, people=None), Why.NEARER_UNKNOWN),
        (place("south", 0, room=None, people=3), Why.NEARER_UNKNOWN),
    ],
)
def test_it_says_why_the_nearer_one_was_passed_over(nearer: Place, why: Why, solve: Solve | None) -> None:
    made = plan([nearer, place("north", 1_000), place("far", 9_000)], [town("a", 0, 70)], solve=solve)
    assert whys(made, "a")["north"] == (why, "south")
    assert "south" not in sent(made, "a")
    assert "south" not in made.prices


def test_the_only_one_that_receives_is_called_that() -> None:
    made = plan([place("north", 1_000)], [town("a", 0, 70)], solve=programme.solve)
    assert whys(made, "a") == {"north": (Why.ONLY, None)}


def test_a_reason_names_the_nearer_site_where_there_is_one() -> None:
    for why in Why:
        assert ("{nearer}" in why.japanese) == why.name.startswith("NEARER")


def test_who_is_inside_is_not_waited_for_again_and_some_may_always_come() -> None:
    assert remaining(1_000, inside=400) == 0.6
    assert remaining(1_000, inside=400, coming=100) == 0.5
    assert remaining(1_000, inside=5_000) == LEAST_LEFT
    assert remaining(0, inside=0) == 0
    made = plan([place("south", 0, people=350)], [town("a", 0, 490)], solve=programme.solve)
    assert sent(made, "a") == {
        "south": 245
    }  # 700 come, 350 of them are there, 0.7 of the others go by what is said


def test_a_site_is_filled_no_further_than_where_it_is_called_full() -> None:
    assert usable(Thresholds(full_from_percent=80)) == 0.8
    assert usable(Thresholds(full_from_percent=None)) == usable(Thresholds(full_from_percent=100)) == USABLE


def test_walking_takes_as_long_as_the_guidelines_say() -> None:
    assert walk(1_000).total_seconds() == 1_000
    assert walk(1_000, impaired=True).total_seconds() == 2_000
    assert walk(1_000, impaired=True, night=True).total_seconds() == 2_500
    assert way_m(at(0), at(1_300)) == pytest.approx(1_300)


def test_whoever_fits_nowhere_is_counted_and_told_of_no_site_beyond_its_room() -> None:
    made = plan([place("south", 0, room=100)], [town("a", 0, 700)], solve=programme.solve)
    assert made.unplaced == 700
    assert sent(made, "a") == {}  # those who come anyway fill it


def test_the_proportional_rule_shares_by_room_and_by_what_is_further() -> None:
    """e^(−400/400) of the weight 400 m further away, for the same room; and beyond 2 km nobody while there is room."""
    found = proportional([100.0], [1_000.0, 1_000.0, 1_000.0], [[0.0, 400.0, 3_000.0]])
    (row,) = found.placed
    assert row[1] / row[0] == pytest.approx(2.71828**-1, rel=1e-4)
    assert row[2] == 0
    assert sum(row) == pytest.approx(100)
    assert found.price_m == [0.0, 0.0, 0.0]


def test_the_proportional_rule_goes_further_than_2_km_when_there_is_nothing_nearer() -> None:
    assert proportional([10.0], [0.0, 50.0], [[0.0, 9_000.0]]).placed == [[0.0, 10.0]]


@pytest.mark.parametrize("status", ["time", "exception"])
def test_without_a_solution_the_proportional_rule_stands_in(status: str) -> None:
    def solve(*_numbers: Sequence[object]) -> Assignment:
        raise NoSolution("out of time")

    def broken(people: Sequence[float], room: Sequence[float], metres: Sequence[object]) -> Assignment:
        return programme.solve(people, [float("nan")] * len(room), metres)  # type: ignore[arg-type]

    places, origins = [place("south", 0), place("north", 600)], [town("a", 0, 70)]
    made = plan(places, origins, solve=solve if status == "time" else broken)  # type: ignore[arg-type]
    assert made == plan(places, origins, solve=None)
    assert made.method is Method.PROPORTIONAL


VERDICTS = st.sampled_from([Suited.RECOMMENDED] * 3 + [Suited.FULL, Suited.FILLING, Suited.PLANNED])
PLACES = st.lists(
    st.builds(
        lambda metres, capacity, people, coming, verdict: (metres, capacity, people, coming, verdict),
        st.integers(0, 6_000),
        st.none() | st.integers(1, 900),
        st.none() | st.integers(0, 900),
        st.sampled_from([0.0, 12.5, 300.0]),
        VERDICTS,
    ),
    max_size=8,
)
TOWNS = st.lists(
    st.tuples(st.integers(0, 6_000), st.integers(0, 900), st.sampled_from("xyz")), min_size=1, max_size=12
)


@settings(max_examples=60)
@given(drawn=PLACES, towns=TOWNS, by=st.sampled_from(SOLVES))
def test_never_beyond_the_room_never_to_an_unsuited_site_and_always_the_same(
    drawn: list[tuple[int, int | None, int | None, float, Suited]],
    towns: list[tuple[int, int, str]],
    by: Solve | None,
) -> None:
    places = [
        Place(
            site=SiteCode(f"s{i}"),
            position=at(metres),
            verdict=verdict,
            capacity=capacity,
            people=people,
            coming=coming,
        )
        for i, (metres, capacity, people, coming, verdict) in enumerate(drawn)
    ]
    origins = [town(f"t{i}", metres, people, zone) for i, (metres, people, zone) in enumerate(towns)]
    made = plan(places, origins, solve=by)
    assert made == plan(places, origins, solve=by)
    placed: dict[str, int] = {}
    for choice in (choice for choices in made.zones.values() for choice in choices):
        placed[choice.site] = placed.get(choice.site, 0) + choice.people
    for each in places:
        zones = len(made.zones)
        assert placed.get(each.site, 0) <= (each.room or 0) + zones / 2  # each zone's number is rounded
        if each.room is None:
            assert each.site not in made.prices
            assert each.site not in placed
    left = remaining(
        sum(origin.people for origin in origins),
        inside=sum(each.people or 0 for each in places),
        coming=sum(each.coming for each in places),
    )
    expected = left * sum(people for _, people, _ in towns)
    assert sum(placed.values()) + made.unplaced == pytest.approx(expected, abs=1 + len(placed) * 3)


@settings(max_examples=25)
@given(
    towns=st.lists(st.tuples(st.integers(0, 6_000), st.integers(1, 300)), min_size=1, max_size=5),
    sites=st.lists(st.tuples(st.integers(0, 6_000), st.integers(1, 500)), min_size=1, max_size=4),
)
def test_nobody_can_swap_or_move_to_walk_less(
    towns: list[tuple[int, int]], sites: list[tuple[int, int]]
) -> None:
    """What makes an assignment the shortest: each goes where way and price are least, and only full sites cost."""
    metres = [[abs(a - b) * 1.0 for b, _ in sites] for a, _ in towns]
    people, room = [float(n) for _, n in towns], [float(n) for _, n in sites]
    found = programme.solve(people, room, metres)
    for row, ways in zip(found.placed, metres, strict=True):
        least = min(way + price for way, price in zip(ways, found.price_m, strict=True))
        for number, way, price in zip(row, ways, found.price_m, strict=True):
            assert number < 1e-6 or way + price <= least + 0.01
    for site, price in enumerate(found.price_m):
        taken = sum(row[site] for row in found.placed)
        assert taken <= room[site] + 1e-6
        assert price < 0.01 or taken >= room[site] - 1e-6
    for one, other in combinations(range(len(towns)), 2):
        assert _no_worse_swapped(found.placed[one], found.placed[other], metres[one], metres[other])


def _no_worse_swapped(
    one: Sequence[float], other: Sequence[float], one_m: Sequence[float], other_m: Sequence[float]
) -> bool:
    mine = [j for j, number in enumerate(one) if number > 1e-6]
    theirs = [j for j, number in enumerate(other) if number > 1e-6]
    return all(one_m[j] + other_m[k] <= one_m[k] + other_m[j] + 0.01 for j in mine for k in theirs)


def test_a_plan_is_small() -> None:
    """It lies in `Live`, and is read with the board."""
    from hub import codec

    origins = [town(f"t{i}", 60 * i, 50, zone=f"z{i // 7}") for i in range(80)]
    made = plan(
        [place(f"E132070{i:04}", 250 * i, room=300) for i in range(20)], origins, solve=programme.solve
    )
    assert len(codec.encode(made)) < 12_000


def test_nothing_is_promised_where_no_room_is_known() -> None:
    made = plan(
        [place("south", 0, room=None), place("north", 10, people=None)], [town("a", 0, 9)], solve=None
    )
    assert (made.prices, sent(made, "a")) == ({}, {})
    assert routing.plan([], [town("a", 0, 9)], solve=programme.solve).unplaced == 9


def test_a_large_citys_programme_takes_no_more_memory_than_its_numbers() -> None:
    """As whole matrices this one took thirty megabytes, and twice as many of both take eight times that."""
    towns, sites = 120, 60
    metres = [[float(100 + (37 * i + 91 * j) % 5000) for j in range(sites)] for i in range(towns)]
    programme.solve([1.0], [1.0], [[1.0]])  # the libraries are loaded
    tracemalloc.start()
    try:
        found = programme.solve([10.0] * towns, [30.0] * sites, metres)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(sum, found.placed)) == pytest.approx(10 * towns)
    assert most < 6_000_000
