"""What is proposed to staff, and what is not."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub.hazard import Hazard
from hub.place import Name, Position
from hub.recipient import Zone
from shelters.board import Board, board
from shelters.occupancy import Occupancy, Recount
from shelters.proposals import REACH_M, SOON, Matter, Proposal, proposals
from shelters.shelter import Stage, Step
from shelters.site import Site, SiteCode

NOW = datetime(2026, 9, 12, 13, 0, tzinfo=UTC)
HERE = Position(latitude=35.70, longitude=139.36)
FAR = Position(latitude=35.73, longitude=139.36)
"""Three kilometres north."""
NEAR_ZONE, FAR_ZONE = (Zone("near"), HERE), (Zone("far"), FAR)
SCHOOL = Site(
    code=SiteCode("E1"),
    name=Name(ja="小学校", en="School"),
    address="",
    position=HERE,
    emergency_id="E1",
    evacuation_id=None,
    hazards=frozenset({Hazard.FLOOD}),
    capacity=300,
)


def now_board(stage: Stage = Stage.RECEIVING, **known: object) -> Board:
    said = msgspec.structs.replace(
        Occupancy(site=SCHOOL.code, version=1, people=200, as_of=NOW, fresh_until=NOW + SOON), **known
    )
    step = Step(site=SCHOOL.code, number=5, stage=stage, at=NOW, by="sato")
    return board({SCHOOL.code: SCHOOL}, {SCHOOL.code: step}, {SCHOOL.code: said}, now=NOW)


def test_a_zone_without_a_site_in_reach_is_told() -> None:
    assert FAR.distance_m(HERE) > REACH_M
    affected = {Hazard.FLOOD: [NEAR_ZONE, FAR_ZONE]}
    lacking = Proposal(matter=Matter.NO_SITE, hazard=Hazard.FLOOD, zones=(Zone("far"),))
    assert proposals(now_board(), affected) == [lacking]
    (everyone,) = proposals(now_board(Stage.FULL), affected)
    assert everyone.zones == (Zone("near"), Zone("far"))
    not_designated = {Hazard.EARTHQUAKE: [NEAR_ZONE]}
    assert [each.matter for each in proposals(now_board(), not_designated)] == [Matter.NO_SITE]
    assert proposals(now_board(), {Hazard.HEAT: [FAR_ZONE]}) == [], "the law designates no sites for it"


@pytest.mark.parametrize(
    ("minutes", "stage", "told"),
    [(30, Stage.RECEIVING, True), (31, Stage.RECEIVING, False), (10, Stage.FULL, False)],
)
def test_a_site_that_will_be_full_within_half_an_hour_is_told_while_it_receives(
    minutes: int, stage: Stage, told: bool
) -> None:
    found = proposals(now_board(stage, full_at=NOW + timedelta(minutes=minutes)), {})
    assert found == ([Proposal(matter=Matter.FILLING, site=SCHOOL.code)] if told else [])
    flood = proposals(now_board(stage, full_at=NOW + timedelta(minutes=minutes)), {Hazard.FLOOD: [NEAR_ZONE]})
    assert [each.hazard for each in flood if each.matter is Matter.FILLING] == [Hazard.FLOOD] * told


@pytest.mark.parametrize(
    ("reason", "told"), [(Recount.CONTRADICTED, True), (Recount.FLIPPED, True), (Recount.WIDE, False)]
)
def test_sensors_and_staff_that_disagree_are_told(reason: Recount, told: bool) -> None:
    found = proposals(now_board(recount=(reason,)), {})
    assert found == ([Proposal(matter=Matter.DISAGREE, site=SCHOOL.code)] if told else [])
    assert proposals(now_board(Stage.CLOSED, recount=(reason,)), {}) == []
