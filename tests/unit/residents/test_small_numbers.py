"""Two worlds that differ in hidden numbers alone are published as one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub import shelter_list
from hub.exposure import NOBODY_FIRST
from hub.hazard import Hazard
from hub.language import Language
from hub.outbound import Deployment
from hub.shelter_list import MOST_HIDDEN
from operator_ui.residents import geojson, occupancy_file, open_data
from operator_ui.residents.publisher import CITY_ITSELF
from operator_ui.residents.sites import shown_sites
from operator_ui.residents.snapshot import Snapshot
from shelters.ahead import Ahead
from shelters.board import Board, Row, with_plans
from shelters.crowding import Thresholds
from shelters.history import Point
from shelters.occupancy import Occupancy
from shelters.plans import AtOnce, origins_of
from shelters.public_past import Past
from shelters.routing import ARRIVAL
from shelters.shelter import Stage, Step
from tests.unit.residents.portal_setup import CITY, FLOOD, Slots, accepted, flood_order

AT = datetime(2026, 9, 12, 12, 45, tzinfo=UTC)
ORDER = accepted(flood_order(sent=AT - timedelta(hours=1)), "2026-0147")
ORIGINS = {Hazard.FLOOD: origins_of(CITY, NOBODY_FIRST)[Hazard.FLOOD][:3]}
"""Of a few towns, so that a plan takes no time."""
Pair = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Site:
    """How many people are there, and were there every five minutes before, in the one world and in the other."""

    people: Pair
    capacity: int | None
    before: list[tuple[int, int]]


SAID = st.one_of(st.just(0), st.integers(MOST_HIDDEN + 1, 400)).map(lambda people: (people, people))
HIDDEN = st.tuples(st.integers(1, MOST_HIDDEN), st.integers(1, MOST_HIDDEN))
COUNTED = st.one_of(SAID, HIDDEN)
PAIR = st.one_of(COUNTED, st.just((None, None)))
SITES = st.lists(
    st.builds(Site, PAIR, st.one_of(st.none(), st.integers(9, 500)), st.lists(COUNTED, max_size=5)),
    min_size=1,
    max_size=5,
)
"""Of fewer than nine places, half of which are 満, four people may be 満, and that is always said."""


@settings(max_examples=50)
@given(sites=SITES, some=st.integers(1, 48), full=st.one_of(st.none(), st.integers(50, 100)))
def test_nothing_that_is_published_tells_a_hidden_number_from_another(
    sites: list[Site], some: int, full: int | None
) -> None:
    thresholds = Thresholds(some_from_percent=some, crowded_from_percent=49, full_from_percent=full)
    assert published(sites, 0, thresholds) == published(sites, 1, thresholds)


def test_numbers_that_are_not_hidden_are_told() -> None:
    five_or_six = [Site((5, 6), None, [])]
    before = [Site((7, 7), None, [(5, 6)])]
    for sites in (five_or_six, before):
        assert published(sites, 0, Thresholds()) != published(sites, 1, Thresholds())


def test_a_plan_counts_a_few_as_four_and_on_no_guess() -> None:
    few = row(0, Site((2, 3), 100, []), 0, Thresholds())
    assert few.place(Hazard.FLOOD, usable=1.0).room == 100 - MOST_HIDDEN
    guess = replace(few, occupancy=replace(few.occupancy, people=40, guessed=True))
    assert guess.place(Hazard.FLOOD).room is None
    counted = replace(guess, occupancy=replace(guess.occupancy, guessed=False))
    assert counted.place(Hazard.FLOOD, usable=1.0).room == 60


def published(sites: list[Site], world: int, thresholds: Thresholds) -> list[object]:
    """Everything in which a number of people stands, from the list to the texts of messages."""
    rows = [row(number, site, world, thresholds) for number, site in enumerate(sites)]
    board = with_plans(Board(at=AT, rows=tuple(rows)), AtOnce(ORIGINS), known={})
    now = Snapshot(checked_at=AT, alerts=(ORDER,), board=board, slots=Slots(board, ""))
    past = Past(since=AT - timedelta(hours=1), until=AT, samples=samples(sites, world))
    credit = open_data.credit(CITY, CITY_ITSELF, Deployment.PRODUCTION)
    named = {*now.sites}
    zone = ORIGINS[Hazard.FLOOD][0].zone
    lines = board.lines(Hazard.FLOOD, near=CITY.centre, zone=zone)
    return [
        now.version,
        shown_sites(board, Hazard.FLOOD, about=CITY.centre),
        open_data.shelters_json(now, city=CITY, publisher=CITY_ITSELF, deployment=Deployment.PRODUCTION),
        geojson.present(now, None, credit),
        occupancy_file.occupancy_json(past, now.sites, named, credit),
        occupancy_file.occupancy_csv(past, now.sites, named, rehearsal=False),
        lines and [shelter_list.written(lines, each) for each in Language],
        lines and [shelter_list.spoken(lines, each) for each in Language],
    ]


def row(number: int, site: Site, world: int, thresholds: Thresholds) -> Row:
    place, people = replace(FLOOD[number], capacity=site.capacity), site.people[world]
    said = Occupancy(
        site=place.code,
        version=1,
        people=people,
        crowding=None if people is None else thresholds.word(people, site.capacity),
        as_of=AT if people is not None else None,
        fresh_until=AT + timedelta(minutes=10) if people is not None else None,
        ahead=() if people is None else (Ahead(at=AT + ARRIVAL, people=3 * people),),
    )
    return Row(
        site=place, step=Step(site=place.code, number=6, stage=Stage.RECEIVING, at=AT, by=""), occupancy=said
    )


def samples(sites: list[Site], world: int) -> list[Point]:
    return [
        Point(site=FLOOD[number].code, at=AT - timedelta(minutes=5 * ago), people=pair[world])
        for number, site in enumerate(sites)
        for ago, pair in enumerate(site.before, start=1)
    ]
