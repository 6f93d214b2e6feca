"""What of the past was public in its own moment."""

from datetime import UTC, datetime, timedelta

import pytest

from config import folder
from hub.hazard import Hazard
from shelters.history import Point
from shelters.public_past import InForce, public
from shelters.shelter import Stage, Step
from shelters.site import Site, SiteCode, load_sites

NOON = datetime(2026, 9, 12, 3, 0, tzinfo=UTC)
SITES = load_sites(folder("akishima"))
FOR_FLOOD = next(site for site in SITES.values() if site.designated_for(Hazard.FLOOD))
NOT_FOR_FLOOD = next(
    site for site in SITES.values() if site.hazards and not site.designated_for(Hazard.FLOOD)
)
ONLY_TO_LIVE_IN = next(site for site in SITES.values() if not site.hazards)
FLOOD = InForce(Hazard.FLOOD, NOON + timedelta(hours=1), NOON + timedelta(hours=4))


def step(site: SiteCode, number: int, stage: Stage, after_h: float) -> Step:
    return Step(site=site, number=number, stage=stage, at=NOON + timedelta(hours=after_h), by="sato")


def life(site: Site) -> list[Step]:
    """Opened before the order, paused and full for a time, closed after it was lifted."""
    return [
        step(site.code, 1, Stage.PREPARING, 0.25),
        step(site.code, 5, Stage.RECEIVING, 0.5),
        step(site.code, 6, Stage.PAUSED, 2),
        step(site.code, 7, Stage.FULL, 3),
        step(site.code, 8, Stage.CLOSED, 5),
    ]


def public_hours(site: Site, alerts: list[InForce]) -> list[float]:
    """Of samples at every half hour from noon to six."""
    samples = [Point(site=site.code, at=NOON + timedelta(minutes=30 * i), people=30) for i in range(13)]
    found = public(samples, SITES, {site.code: life(site)}, alerts)
    return [(sample.at - NOON) / timedelta(hours=1) for sample in found]


def test_a_count_is_public_while_its_site_receives_in_an_alert_it_is_designated_for() -> None:
    assert public_hours(FOR_FLOOD, [FLOOD]) == [1, 1.5, 3, 3.5]


def test_a_count_that_may_be_of_a_moment_after_the_site_closed_or_the_order_was_lifted_is_not_public() -> (
    None
):
    """What came to be known late in a slot stands in it with the time at which it began."""
    at = NOON + timedelta(hours=2)
    sample = Point(site=FOR_FLOOD.code, at=at, people=30)
    received = step(FOR_FLOOD.code, 5, Stage.RECEIVING, 0.5)

    def is_public(closed_min: float, lifted_min: float) -> bool:
        closed = step(FOR_FLOOD.code, 6, Stage.CLOSED, 2 + closed_min / 60)
        alert = InForce(Hazard.FLOOD, NOON, at + timedelta(minutes=lifted_min))
        return public([sample], SITES, {FOR_FLOOD.code: [received, closed]}, [alert]) == [sample]

    assert is_public(6, 6)
    assert not is_public(2, 6)
    assert not is_public(6, 2)


@pytest.mark.parametrize("site", [NOT_FOR_FLOOD, ONLY_TO_LIVE_IN])
def test_of_a_site_that_was_never_on_the_list_nothing_is(site: Site) -> None:
    assert public_hours(site, [FLOOD]) == []


def test_without_an_alert_nothing_is_public_of_a_school_whose_doors_count() -> None:
    assert public_hours(FOR_FLOOD, []) == []
    samples = [Point(site=FOR_FLOOD.code, at=NOON + timedelta(hours=2), people=412)]
    assert public(samples, SITES, {}, [FLOOD]) == [], "nor in one, while it is no shelter"


def test_of_two_alerts_either_is_enough() -> None:
    storm = InForce(Hazard.LANDSLIDE, NOON + timedelta(hours=4), NOON + timedelta(hours=6))
    assert FOR_FLOOD.designated_for(Hazard.LANDSLIDE)
    assert public_hours(FOR_FLOOD, [FLOOD, storm]) == [1, 1.5, 3, 3.5, 4, 4.5]


def test_a_site_that_the_city_no_longer_has_is_left_out() -> None:
    samples = [Point(site=SiteCode("E0000000000"), at=NOON + timedelta(hours=2), people=9)]
    assert public(samples, SITES, {}, [FLOOD]) == []
