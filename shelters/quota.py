"""How many readings one device may send: so that one which floods takes nothing from the others of its key."""

from datetime import datetime

PER_S = 2.0
"""Lasting: twice what the shortest interval promises. What an estimate costs grows with the readings of two hours: with
150 a second of one device, the keeper fell behind for every shelter after minutes."""
BURST = 2_000.0
"""At once: a device that was offline catches up."""


class Quota:
    def __init__(self) -> None:
        self._left: dict[str, tuple[datetime, float]] = {}

    def wait_s(self, device: str, readings: int, *, now: datetime) -> float:
        """How long `device` must wait with so many, which are taken where it need not."""
        then, left = self._left.get(device, (now, BURST))
        left = min(BURST, left + PER_S * max(0.0, (now - then).total_seconds()))
        wait_s = max(0.0, (min(readings, BURST) - left) / PER_S)
        self._left[device] = (now, left if wait_s else left - readings)
        return wait_s
