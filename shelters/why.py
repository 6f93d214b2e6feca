"""Why people are sent to one site and not to a nearer one, in words."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from shelters.site import SiteCode
from shelters.suited import Suited


class Why(StrEnum):
    """Of a site that was chosen. The nearer one is always one that is designated for the hazard (I16)."""

    NEAREST = "nearest"
    ONLY = "only"
    """The only one that receives."""
    NEARER_FULL = "nearer_full"
    NEARER_FILLING = "nearer_filling"
    """The forecast says it is full before people who set out now arrive."""
    NEARER_SHORT = "nearer_short"
    """It has room, but not for all who are expected there: it is kept for those who live nearer to it."""
    NEARER_UNKNOWN = "nearer_unknown"
    NEARER_CLOSED = "nearer_closed"
    """It is being opened, and takes nobody in yet."""

    @property
    def japanese(self) -> str:
        """`{nearer}`: the nearer site."""
        return _JAPANESE[self]


_JAPANESE = {
    Why.NEAREST: "送る町からいちばん近く、空きがあります",
    Why.ONLY: "受け入れているのは、ここだけです",
    Why.NEARER_FULL: "近い{nearer}は、もういっぱいです",
    Why.NEARER_FILLING: "近い{nearer}は、着くまでに満員になる見込みです",
    Why.NEARER_SHORT: "近い{nearer}は、来る見込みの全員には足りません",
    Why.NEARER_UNKNOWN: "近い{nearer}は、混み具合が分かりません",
    Why.NEARER_CLOSED: "近い{nearer}は、まだ開いていません",
}

_BY_VERDICT = {
    Suited.FULL: Why.NEARER_FULL,
    Suited.FILLING: Why.NEARER_FILLING,
    Suited.PLANNED: Why.NEARER_CLOSED,
}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A site as somebody sees it who stands at one place."""

    site: SiteCode
    metres: float
    verdict: Suited
    counted: bool
    """Its room is known."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """`nearer`: the nearest of those that were passed over."""

    why: Why
    nearer: SiteCode | None = None


def reason(chosen: SiteCode, seen: Sequence[Seen]) -> Reason:
    """Why `chosen`, which has room. `seen`: every site that may be shown for the hazard."""
    here = next(each for each in seen if each.site == chosen)
    if sum(each.verdict.recommended for each in seen) == 1:
        return Reason(why=Why.ONLY)
    passed = [each for each in seen if each.metres < here.metres]
    if not passed:
        return Reason(why=Why.NEAREST)
    nearest = min(passed, key=lambda each: (each.metres, each.site))
    return Reason(why=_passed_over(nearest), nearer=nearest.site)


def _passed_over(nearest: Seen) -> Why:
    if not nearest.verdict.recommended:
        return _BY_VERDICT[nearest.verdict]
    return Why.NEARER_SHORT if nearest.counted else Why.NEARER_UNKNOWN
