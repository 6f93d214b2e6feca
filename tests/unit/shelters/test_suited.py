"""I16: which site may be named for which hazard, and when. Every combination."""

from datetime import UTC, datetime
from itertools import product

import pytest

import config
from hub.hazard import DESIGNABLE, Hazard
from hub.place import Name, Position
from hub.shelter_list import Crowding
from shelters.shelter import OPENING, Stage, Step
from shelters.site import Site, SiteCode, load_sites
from shelters.suited import Suited, suited

NOON = datetime(2026, 9, 12, 3, 0, tzinfo=UTC)
CROWDINGS = (None, *Crowding)


def site(*hazards: Hazard) -> Site:
    return Site(
        code=SiteCode("a"),
        name=Name(ja="体育館", en="Gym"),
        address="1-1",
        position=Position(latitude=35.7, longitude=139.3),
        emergency_id="E1",
        evacuation_id=None,
        hazards=frozenset(hazards),
        capacity=None,
    )


def step(stage: Stage, opens_at: datetime | None = None) -> Step:
    return Step(site=SiteCode("a"), number=1, stage=stage, at=NOON, by="tanaka", opens_at=opens_at)


CASES = list(product(Hazard, Stage, (None, NOON), CROWDINGS, (False, True)))


@pytest.mark.parametrize("designated", [True, False])
def test_recommended_is_designated_receiving_and_with_room_and_nothing_else(designated: bool) -> None:
    for hazard, stage, opens_at, crowding, full_expected in CASES:
        place = site(*(DESIGNABLE if designated else DESIGNABLE - {hazard}))
        verdict = suited(place, hazard, step(stage, opens_at), crowding, full_expected=full_expected)
        assert verdict.recommended == (
            designated
            and hazard in DESIGNABLE
            and stage is Stage.RECEIVING
            and crowding is not Crowding.FULL
            and not full_expected
        )


def test_shown_is_designated_and_receiving_or_opening_at_an_hour() -> None:
    for hazard, stage, opens_at, crowding, full_expected in CASES:
        for place in (site(hazard), site()):
            verdict = suited(place, hazard, step(stage, opens_at), crowding, full_expected=full_expected)
            designated = hazard in DESIGNABLE and hazard in place.hazards
            receiving = stage in (Stage.RECEIVING, Stage.FULL)
            planned = stage in OPENING and opens_at is not None
            assert verdict.shown == (designated and (receiving or planned))


@pytest.mark.parametrize("hazard", sorted(set(Hazard) - DESIGNABLE))
def test_where_the_law_designates_nothing_no_site_is_ever_named(hazard: Hazard) -> None:
    verdicts = {suited(site(*Hazard), hazard, step(stage), None) for stage in Stage}
    assert verdicts == {Suited.NO_DESIGNATION}


def test_a_full_site_is_shown_as_full_and_nobody_is_sent_there() -> None:
    for stage, crowding in [
        (Stage.FULL, Crowding.HAS_ROOM),
        (Stage.FULL, None),
        (Stage.RECEIVING, Crowding.FULL),
    ]:
        assert suited(site(Hazard.FLOOD), Hazard.FLOOD, step(stage), crowding) is Suited.FULL


def test_a_site_that_will_be_full_is_not_recommended_any_more() -> None:
    verdict = suited(
        site(Hazard.FLOOD), Hazard.FLOOD, step(Stage.RECEIVING), Crowding.SOME, full_expected=True
    )
    assert verdict is Suited.FILLING


def test_every_verdict_is_reached() -> None:
    places = (site(*DESIGNABLE), site())
    reached = {
        suited(place, hazard, step(stage, opens_at), crowding, full_expected=expected)
        for place, (hazard, stage, opens_at, crowding, expected) in product(places, CASES)
    }
    assert reached == set(Suited)


def test_in_akishima_21_of_36_sites_may_be_named_in_a_flood() -> None:
    sites = load_sites(config.folder("akishima")).values()
    open_now = step(Stage.RECEIVING)
    named = {place.name.ja for place in sites if suited(place, Hazard.FLOOD, open_now, None).recommended}
    assert len(named) == 21
    assert "昭島市立玉川小学校" in named
    assert named.isdisjoint({"昭島市立福島中学校", "昭島市立田中小学校", "昭島市立拝島会館"})
