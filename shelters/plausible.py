"""What nobody can have counted: more people than ten times the site holds, a door that they cannot have passed.

Kept in memory, by device, and by the hub's own clock: what a device says of its time is not asked. A device of
which nothing is known yet may begin anywhere; totals that begin move nobody.
"""

from datetime import datetime, timedelta

import msgspec

from shelters.device import Device
from shelters.reading import DoorDeltas, DoorTotals, HeadCount, Sent, StaffWord

TIMES_CAPACITY = 10
MOST_WHERE_UNKNOWN = 20_000
"""People, where nobody knows how many a site holds."""

PASSES_PER_S = 1.0
"""Through one door, lasting; `TIMES_CAPACITY` at once. A wide door in a crowd passes more for minutes, never for hours."""


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """What a door last said that was believed, when it came, and how many more could pass at once then."""

    at: datetime
    came_at: datetime
    entered: int
    left: int
    totals: bool
    room: float


class Plausible:
    def __init__(self) -> None:
        self.passed: dict[str, Passed] = {}
        """By device. May be set to what another process knew."""

    def absurd(
        self, device: Device, sent: Sent, *, now: datetime, since: datetime | None = None
    ) -> str | None:
        """Why `sent` cannot be, if it cannot. What can be is remembered. `since`: what its device said before that
        moment is forgotten, so that it may begin anywhere."""
        most = TIMES_CAPACITY * device.capacity if device.capacity else MOST_WHERE_UNKNOWN
        match sent.measure:
            case HeadCount(people=people) | StaffWord(people=people):
                if people is not None and people > most:
                    return f"{people} people, where {most} would be absurd / 人数が多すぎます"
                return None
            case DoorTotals() | DoorDeltas():
                known = self.passed.get(device.id)
                if known is not None and since is not None and known.at < since:
                    del self.passed[device.id]
                return self._absurd_door(device, sent.at, sent.measure, most, now)

    def _absurd_door(
        self, device: Device, at: datetime, measure: DoorTotals | DoorDeltas, most: int, now: datetime
    ) -> str | None:
        totals, known = isinstance(measure, DoorTotals), self.passed.get(device.id)
        before = known if known is not None and known.totals == totals else None
        if totals and before is not None and at < before.at:
            return _too_late(before, measure)
        elapsed = max(timedelta(0), now - before.came_at) if before else timedelta(0)
        room = (before.room if before else most) + PASSES_PER_S * elapsed.total_seconds()
        steps = 0 if totals and before is None else _steps(before, measure)
        if steps > room:
            return (
                f"{steps} people cannot have passed this door since its last count. If the counter was exchanged, "
                "release it in the console or register the new one under another id / "
                "この扉をこれだけの人が通ったはずはありません。機器を取り替えたときは、計測機器の画面で"
                "「ここから数え直す」を押すか、別の id で登録してください"
            )
        self.passed[device.id] = Passed(
            at=at,
            came_at=now,
            entered=measure.entered,
            left=measure.left,
            totals=totals,
            room=min(most, room - steps),
        )
        return None


def _too_late(before: Passed, measure: DoorTotals | DoorDeltas) -> str | None:
    """A total that is told late is no more than the later one that is known."""
    if measure.entered <= before.entered and measure.left <= before.left:
        return None
    return "a later count of this door was lower / この扉の後の計測より大きい値です"


def _steps(before: Passed | None, measure: DoorTotals | DoorDeltas) -> int:
    """How many people it says have passed since."""
    if before is None or isinstance(measure, DoorDeltas):
        return measure.entered + measure.left
    return sum(
        now - then if now >= then else _anew(then, now, measure.bits)
        for then, now in ((before.entered, measure.entered), (before.left, measure.left))
    )


def _anew(then: int, now: int, bits: int | None) -> int:
    """A counter that was full, where that is fewer people; else one that began at zero."""
    return min(now, (1 << bits) - then + now) if bits and then < 1 << bits else now
