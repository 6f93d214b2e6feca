"""How far it is on foot, and how long that takes.

Speeds: 1.0 m/s, 0.5 m/s for who walks with difficulty, × 0.8 at night (the prefectures' guidelines for
evacuation plans, and 総務省消防庁's). No network of streets is at hand: the straight line is lengthened by 1.3.
Road networks measure 1.2 to 1.25 (Newell 1980; O'Sullivan and Morrall 1996); on foot, with rivers and railways in
between, more.
"""

from datetime import datetime, timedelta

from hub.clock import JST
from hub.place import Position

DETOUR = 1.3
METRES_PER_S = 1.0
IMPAIRED = 0.5
NIGHT = 0.8


def way_m(start: Position, end: Position) -> float:
    """Metres on foot, about."""
    return DETOUR * start.distance_m(end)


def walk(metres: float, *, impaired: bool = False, night: bool = False) -> timedelta:
    """For so many metres of way (`way_m`)."""
    speed = METRES_PER_S * (IMPAIRED if impaired else 1) * (NIGHT if night else 1)
    return timedelta(seconds=metres / speed)


def is_night(moment: datetime) -> bool:
    """Between 18 and 6 o'clock in Japan, whatever the season."""
    return not 6 <= moment.astimezone(JST).hour < 18
