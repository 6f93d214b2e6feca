"""How many readings one device may send: so that one which floods takes nothing from the others of its key."""

from datetime import datetime

PER_S = 2.0
"""Lasting: twice what the shortest interval promises. What an estimate costs grows with the readings of two hours: with
150 a second of one device, the keeper fell behind for every shelter after minutes."""
MOST_PER_MINUTE = 600
"""That the register may grant one device."""
BURST_S = 1_000.0
"""At once it may send what it may in so long: a device that was offline catches up."""
BURST = PER_S * BURST_S


class Quota:
    def __init__(self) -> None:
        self._left: dict[str, tuple[datetime, float]] = {}

    def wait_s(self, device: str, readings: int, *, now: datetime, per_minute: int | None = None) -> float:
        """How long `device` must wait with so many, which are taken where it need not. `per_minute`: what it may send,
        where that is not `PER_S`."""
        per_s = PER_S if per_minute is None else per_minute / 60
        burst = per_s * BURST_S
        then, left = self._left.get(device, (now, burst))
        left = min(burst, left + per_s * max(0.0, (now - then).total_seconds()))
        wait_s = max(0.0, (min(readings, burst) - left) / per_s)
        self._left[device] = (now, left if wait_s else left - readings)
        return wait_s
