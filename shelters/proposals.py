"""What staff may want to say or do about shelters now. Proposals only: nothing is ever sent by itself."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum

import msgspec

from hub.hazard import Hazard
from hub.place import Position
from hub.recipient import Zone
from shelters.board import Board, Row
from shelters.occupancy import Recount
from shelters.shelter import INHABITED, Stage
from shelters.site import SiteCode

SOON = timedelta(minutes=30)
"""A site that is full so soon is full before many who set out now arrive."""

REACH_M = 2_000
"""As the crow flies: half an hour on foot, an hour for whoever walks badly."""


class Matter(StrEnum):
    """In the order of their urgency."""

    NO_SITE = "no_site"
    FILLING = "filling"
    DISAGREE = "disagree"


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """`hazard` is that of an alert in force, where one is in force; `zones` of `NO_SITE`, `site` of the others."""

    matter: Matter
    hazard: Hazard | None = None
    zones: tuple[Zone, ...] = ()
    site: SiteCode | None = None

    @property
    def subject(self) -> str:
        """Tells it from the others of its matter."""
        return str(self.site or self.hazard)


def proposals(board: Board, affected: Mapping[Hazard, Collection[tuple[Zone, Position]]]) -> list[Proposal]:
    """`affected`: by hazard of the alerts in force, the zones that they name, with their centres."""
    return [*_without_site(board, affected), *_filling(board, affected), *_disagreeing(board)]


def _without_site(
    board: Board, affected: Mapping[Hazard, Collection[tuple[Zone, Position]]]
) -> Iterator[Proposal]:
    for hazard, zones in affected.items():
        if not hazard.designable:
            continue
        open_to_them = board.recommended(hazard)
        lacking = tuple(
            zone
            for zone, centre in zones
            if all(row.site.position.distance_m(centre) > REACH_M for row in open_to_them)
        )
        if lacking:
            yield Proposal(matter=Matter.NO_SITE, hazard=hazard, zones=lacking)


def _filling(board: Board, affected: Collection[Hazard]) -> Iterator[Proposal]:
    for row in board.rows:
        full_at = row.occupancy.full_at
        if row.step.stage is not Stage.RECEIVING or full_at is None or full_at > board.at + SOON:
            continue
        hazards = [hazard for hazard in affected if row.site.designated_for(hazard)]
        yield Proposal(matter=Matter.FILLING, hazard=hazards[0] if hazards else None, site=row.site.code)


def _disagreeing(board: Board) -> Iterator[Proposal]:
    for row in board.rows:
        if row.step.stage in INHABITED and _doubted(row):
            yield Proposal(matter=Matter.DISAGREE, site=row.site.code)


def _doubted(row: Row) -> bool:
    return bool({Recount.CONTRADICTED, Recount.FLIPPED} & set(row.occupancy.recount))
