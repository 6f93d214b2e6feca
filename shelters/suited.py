"""Which site may be named to residents, for which hazard, and when (I16). Decided here and nowhere else.

Texts, lists, maps, redirects, the portal and every answer ask `suited`.
"""

from enum import StrEnum

from hub.hazard import Hazard
from hub.shelter_list import Crowding
from shelters.shelter import Stage, Step
from shelters.site import Site


class Suited(StrEnum):
    """Whether a site may be named, or why not."""

    RECOMMENDED = "recommended"
    """Designated, receiving, with room or without a count: people may be sent there."""
    FULL = "full"
    """Designated and receiving, but full: shown with that word, nobody is sent there, and people in danger
    are taken in."""
    FILLING = "filling"
    """Receiving, but full before those who set out now arrive: shown, and nobody more is sent there."""
    PLANNED = "planned"
    """Designated and being opened, with an hour: shown with it; nobody is sent there yet."""
    PAUSED = "paused"
    NOT_OPEN = "not_open"
    NOT_DESIGNATED = "not_designated"
    NO_DESIGNATION = "no_designation"
    """The law designates no sites for this hazard."""

    @property
    def recommended(self) -> bool:
        """May be named as a place to go to."""
        return self is Suited.RECOMMENDED

    @property
    def shown(self) -> bool:
        """May stand on a public list or map, with the word for its state."""
        return self in _SHOWN


_SHOWN = frozenset({Suited.RECOMMENDED, Suited.FULL, Suited.FILLING, Suited.PLANNED})

_BY_STAGE = {
    Stage.UNOPENED: Suited.NOT_OPEN,
    Stage.PREPARING: Suited.PLANNED,
    Stage.STAFF_ARRIVED: Suited.PLANNED,
    Stage.UNLOCKED: Suited.PLANNED,
    Stage.SAFETY_CHECKED: Suited.PLANNED,
    Stage.RECEIVING: Suited.RECOMMENDED,
    Stage.PAUSED: Suited.PAUSED,
    Stage.FULL: Suited.FULL,
    Stage.CLOSED: Suited.NOT_OPEN,
}


def suited(
    site: Site, hazard: Hazard, step: Step, crowding: Crowding | None, *, full_expected: bool = False
) -> Suited:
    """Whether `site`, whose last step is `step`, may be named for `hazard` now.

    `crowding` None: not known, which is no reason against it. `full_expected`: a forecast says it
    will be full before people who set out now arrive.
    """
    if not hazard.designable:
        return Suited.NO_DESIGNATION
    if not site.designated_for(hazard):
        return Suited.NOT_DESIGNATED
    verdict = _BY_STAGE[step.stage]
    if verdict is Suited.PLANNED and step.opens_at is None:
        return Suited.NOT_OPEN
    if verdict is Suited.RECOMMENDED and crowding is Crowding.FULL:
        return Suited.FULL
    if verdict is Suited.RECOMMENDED and full_expected:
        return Suited.FILLING
    return verdict
