"""Which sites residents see in a flood, in which words, and where a full one sends them (I13, I16)."""

from datetime import timedelta

from hub.hazard import Hazard
from hub.shelter_list import Crowding
from operator_ui.residents.sites import ShownSite, State, shown_sites
from shelters.shelter import Stage
from tests.unit.residents.portal_setup import CITY, FLOOD, NOT_FLOOD, NOW, SITES, Shelters, open_some


def shown(shelters: Shelters, hazard: Hazard = Hazard.FLOOD) -> list[ShownSite]:
    return shown_sites(shelters.board(NOW), hazard, about=CITY.centre)


def by_code(shelters: Shelters) -> dict[str, ShownSite]:
    return {site.entry.code: site for site in shown(shelters)}


def test_every_state_of_a_site_has_its_word() -> None:
    shelters = Shelters()
    open_some(shelters)
    found = by_code(shelters)
    assert [found[site.code].state for site in FLOOD[:7]] == [
        State.HAS_ROOM,
        State.SOME,
        State.CROWDED,
        State.FULL,
        State.UNKNOWN,
        State.COUNTED,
        State.PLANNED,
    ]


def test_a_site_that_is_not_designated_or_not_receiving_is_not_there() -> None:
    shelters = Shelters()
    for site in SITES.values():
        shelters.put(site, Stage.RECEIVING, people=1, capacity=100, crowding=Crowding.HAS_ROOM)
    shelters.put(FLOOD[0], Stage.PAUSED)
    shelters.put(FLOOD[1], Stage.CLOSED)
    shelters.put(FLOOD[2], Stage.PREPARING)  # without an hour
    assert {site.entry.code for site in shown(shelters)} == {site.code for site in FLOOD[3:]}
    assert NOT_FLOOD
    assert shown(shelters, Hazard.UTILITY) == []


def test_a_full_site_names_the_nearest_with_room() -> None:
    shelters = Shelters()
    open_some(shelters)
    here = FLOOD[3]
    instead = by_code(shelters)[here.code].instead
    with_room = [FLOOD[0], FLOOD[1]]
    nearest = min(with_room, key=lambda site: here.position.distance_m(site.position))
    assert instead is not None
    assert instead.name == nearest.name
    assert abs(instead.distance_km - here.position.distance_m(nearest.position) / 1000) <= 0.05


def test_a_full_site_with_nothing_else_open_names_none() -> None:
    shelters = Shelters()
    shelters.put(FLOOD[0], Stage.FULL)
    (site,) = shown(shelters)
    assert (site.state, site.instead) == (State.FULL, None)


def test_a_site_that_is_late_says_so() -> None:
    shelters = Shelters()
    shelters.put(FLOOD[0], Stage.UNLOCKED, opens_at=NOW - timedelta(minutes=1))
    shelters.put(FLOOD[1], Stage.UNLOCKED, opens_at=NOW + timedelta(minutes=1))
    found = by_code(shelters)
    assert (found[FLOOD[0].code].late, found[FLOOD[1].code].late) == (True, False)


def test_a_report_of_more_than_half_an_hour_ago_is_old() -> None:
    shelters = Shelters()
    shelters.put(FLOOD[0], Stage.RECEIVING, people=1, as_of=NOW - timedelta(minutes=31))
    shelters.put(FLOOD[1], Stage.RECEIVING, people=1, as_of=NOW - timedelta(minutes=30))
    found = by_code(shelters)
    assert (found[FLOOD[0].code].old, found[FLOOD[1].code].old) == (True, False)


def test_the_bar_never_passes_its_end_and_needs_a_capacity() -> None:
    shelters = Shelters()
    shelters.put(FLOOD[0], Stage.RECEIVING, people=120, capacity=100, crowding=Crowding.CROWDED)
    shelters.put(FLOOD[1], Stage.RECEIVING, people=120)
    found = by_code(shelters)
    assert (found[FLOOD[0].code].percent, found[FLOOD[1].code].percent) == (100, None)
