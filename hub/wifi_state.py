"""What each facility's Wi-Fi shows, as it was read back: told by the process that drives it, seen by all.

The present, not the record: where nobody tells it, a screen says that it is not known.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import structlog

from hub import codec
from hub.alert import Mode
from hub.errors import BadInput
from hub.ledger.columns import to_us
from hub.live import Live

log = structlog.get_logger(__name__)

KEY = "wifi:states"
OLD_AFTER = timedelta(minutes=2)
"""After which a screen says that nobody has told it anything new."""


class Look(StrEnum):
    """What staff see of a facility; decided by what was read, never by what was sent."""

    DISASTER = "disaster"
    DRILL = "drill"
    CHANGING = "changing"
    FAILED = "failed"
    EVERYDAY = "everyday"
    UNKNOWN = "unknown"


class FacilityState(msgspec.Struct, frozen=True, kw_only=True):
    """`site`: the code of the shelter it is, where it is one. `drills`: it may be chosen for a drill.

    `wanted` is None where nothing asks for it: it is to be as it was before. `shows`: the name that was on the air
    at `read_at`, empty where none was, None where nothing could be read. `problem`: a short reason why it is not as
    wanted; `failed`: in how many rounds in a row."""

    ref: str
    name: str = ""
    site: str = ""
    drills: bool = False
    wanted: Mode | None = None
    shows: str | None = None
    read_at: datetime | None = None
    problem: str = ""
    failed: int = 0


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Of one round, at `at`. `left`: facilities that are no longer in the settings and still to be put back.
    `ask_after_s`: for so long it may be open until staff are asked."""

    at: datetime
    ssid_name: str
    drill_ssid_name: str
    ask_after_s: float
    states: tuple[FacilityState, ...]
    left: tuple[FacilityState, ...] = ()

    @property
    def ask_after(self) -> timedelta:
        return timedelta(seconds=self.ask_after_s)

    def state(self, ref: str) -> FacilityState | None:
        return next((each for each in self.states if each.ref == ref), None)

    def look(self, state: FacilityState) -> Look:
        if state.shows is None and state.wanted is None:
            return Look.UNKNOWN  # nothing was asked of it that could have failed
        if state.problem:
            return Look.FAILED if state.failed >= RETRIES or state.shows is None else Look.CHANGING
        if state.shows is None:
            return Look.UNKNOWN
        if state.shows == self.ssid_name:
            return Look.DISASTER
        return Look.DRILL if state.shows == self.drill_ssid_name else Look.EVERYDAY


RETRIES = 3
"""Rounds after which it is a failure that people must look at."""


async def tell(live: Live, known: Known) -> None:
    await live.put({KEY: (to_us(known.at), codec.encode(known))})


async def known(live: Live) -> Known | None:
    """The newest round; None: nobody has told one."""
    value = (await live.get([KEY])).get(KEY)
    if value is None:
        return None
    try:
        return codec.decode(Known, value, what=KEY)
    except BadInput as e:
        log.warning("the state of the Wi-Fi could not be read", error=str(e))
        return None


def failing(states: Sequence[FacilityState]) -> list[FacilityState]:
    """Of whom somebody must be told now: exactly in the round in which it has failed often enough."""
    return [state for state in states if state.failed == RETRIES]
