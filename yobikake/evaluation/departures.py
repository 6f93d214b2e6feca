"""When people set out for a shelter after an order, and with whom.

Logistic in time, scale 25 to 110 minutes, midpoint 20 minutes before to 120 after the order of level 4. No
published curve was found: an assumption, which evaluations shift on purpose. Families of one to five.
"""

import math
import random

import msgspec

FAMILY_SIZES = (1, 2, 3, 4, 5)
FAMILY_WEIGHTS = (0.33, 0.29, 0.18, 0.14, 0.06)


class Departures(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes since the order; what lies before it is left out."""

    midpoint_min: float
    scale_min: float

    def share(self, minute: float) -> float:
        """Of those who come in the end, how many have set out by `minute`: 0 at 0, towards 1."""
        return (self._reached(minute) - self._reached(0)) / (1 - self._reached(0))

    def _reached(self, minute: float) -> float:
        return 1 / (1 + math.exp(-(minute - self.midpoint_min) / self.scale_min))


def drawn(chance: random.Random) -> Departures:
    """An evening as it may be."""
    return Departures(midpoint_min=chance.uniform(-20, 120), scale_min=chance.uniform(25, 110))


def family(chance: random.Random) -> int:
    return chance.choices(FAMILY_SIZES, FAMILY_WEIGHTS)[0]
