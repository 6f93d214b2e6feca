"""How many people a site holds, how sure that is, and until when it may be believed: what is said, and what it means.

How it is found out is `estimate`'s. When nothing is fresh the number is unknown, 不明: silence never reads as «space
available» (I13), and neither does a guess.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from hub.shelter_list import Crowding
from shelters.ahead import NOTHING, Ahead, Forecast
from shelters.site import SiteCode

STAFF_INTERVAL = timedelta(minutes=15)
"""How often staff are asked to report (the screen's 次の目安)."""


class Source(StrEnum):
    """Where the number (or, without a number, the word) comes from."""

    STAFF = "staff"
    HEADS = "heads"
    DOORS = "doors"

    @property
    def japanese(self) -> str:
        return {Source.STAFF: "職員入力", Source.HEADS: "人数の計測", Source.DOORS: "センサー"}[self]


class Recount(StrEnum):
    """Why staff are asked to count heads."""

    CONTRADICTED = "contradicted"
    FLIPPED = "flipped"
    SILENT_DOOR = "silent_door"
    WIDE = "wide"
    LOST = "lost"

    @property
    def japanese(self) -> str:
        return _RECOUNT_JAPANESE[self]


_RECOUNT_JAPANESE = {
    Recount.CONTRADICTED: "数えた人数とセンサーが合いません",
    Recount.FLIPPED: "出入りが逆に数えられているようです",
    Recount.SILENT_DOOR: "止まったセンサーの分は推定です",
    Recount.WIDE: "誤差が大きくなりました",
    Recount.LOST: "センサーだけでは人数が分かりません",
}


class Occupancy(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one site at one moment, as it travels on `occupancy`.

    `people` and `crowding` both None: 不明. `version` rises with every new word on a site. It begins at the
    time in seconds, so that if snapshots are lost, what is said anew still replaces what was said before.
    """

    site: SiteCode
    version: int
    people: int | None = None
    margin: int | None = None
    """People ±, nine times in ten. None: a number that staff gave and nothing carried on, or not known."""
    capacity: int | None = None
    crowding: Crowding | None = None
    source: Source | None = None
    as_of: datetime | None = None
    """Time of the reading that is oldest among those it rests on now: its age on screens."""
    fresh_until: datetime | None = None
    """From then on it is unknown, unless something newer has come."""
    silent: tuple[str, ...] = ()
    """Devices that should have reported and did not."""
    guessed: bool = False
    """Part of `people` is made up, for a door that is silent or seems to count the wrong way round. Staff see it
    as that; nobody else is told the number, and it is never «space available»."""
    recount: tuple[Recount, ...] = ()
    """Why staff are asked to count, the most urgent first. Empty: they are not."""
    flipped: tuple[str, ...] = ()
    """Doors that seem to count those who come as going."""
    last_people: int | None = None
    """For staff, while it is unknown: the last number there was, and its time."""
    last_at: datetime | None = None
    ahead: tuple[Ahead, ...] = ()
    """People expected in 30, 60 and 120 minutes, from when it was last asked. Empty where `people` is not known."""
    full_at: datetime | None = None
    full_between: tuple[datetime, datetime | None] | None = None
    """As in `Forecast`."""

    @property
    def known(self) -> bool:
        return self.people is not None or self.crowding is not None

    def at(self, now: datetime) -> "Occupancy":
        """The same, as it must be read at `now`: unknown once it is no longer fresh, whoever went silent."""
        if self.fresh_until is None or now <= self.fresh_until:
            return self
        return msgspec.structs.replace(
            self,
            people=None,
            margin=None,
            crowding=None,
            source=None,
            as_of=None,
            fresh_until=None,
            guessed=False,
        ).expecting(NOTHING)

    def expecting(self, forecast: Forecast) -> "Occupancy":
        return msgspec.structs.replace(
            self, ahead=forecast.ahead, full_at=forecast.full_at, full_between=forecast.full_between
        )

    def says_the_same(self, other: "Occupancy") -> bool:
        """Whether a reader would learn nothing from `other`, but for what is expected, which moves with the clock."""
        return msgspec.structs.replace(self, version=other.version).expecting(NOTHING) == other.expecting(
            NOTHING
        )
