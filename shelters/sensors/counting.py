"""What of a counter's words is a count, of which line or room; what says that it must not be believed."""

from collections.abc import Mapping
from typing import Any

import msgspec

from shelters.reading import DoorDeltas, DoorTotals, HeadCount, Measure
from shelters.sensors.decoding import Model
from shelters.sensors.frame import Decoded


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Names of what came and what went since the counter's own zero, and how wide they are."""

    entered: str
    left: str
    bits: int


class Deltas(msgspec.Struct, frozen=True, kw_only=True):
    """The same since its last report. `unless`: with this, the period is not over yet."""

    entered: str
    left: str
    unless: str = ""


class Heads(msgspec.Struct, frozen=True, kw_only=True):
    people: str


Way = Totals | Deltas | Heads
Parts = Mapping[str, tuple[Way, ...]]
"""A line or room → the ways in which it is counted there. The first part is meant where none is named."""

LINE, ROOM = "line", "room"


def _lines(name: str) -> Parts:
    lines: dict[str, tuple[Way, ...]] = {
        f"line {line}": (
            Totals(entered=name.format(line, "total_in"), left=name.format(line, "total_out"), bits=32),
            Deltas(entered=name.format(line, "period_in"), left=name.format(line, "period_out")),
        )
        for line in range(1, 5)
    }
    return lines | {f"region {region}": (Heads(people=f"region_{region}_count"),) for region in range(1, 5)}


_PASSAGE: Parts = {
    LINE: (
        Totals(entered="total_in", left="total_out", bits=16),
        Deltas(entered="period_in", left="period_out", unless="period_count_alarm"),
    )
}
_FLOW: Parts = {LINE: (Totals(entered="count_in", left="count_out", bits=32),)}

PARTS: Mapping[Model, Parts] = {
    ("milesight", "vs121"): {
        LINE: (
            Totals(entered="people_total_in", left="people_total_out", bits=16),
            Deltas(entered="people_in", left="people_out"),
        ),
        ROOM: (Heads(people="people_count_all"),),
        **{f"region {region}": (Heads(people=f"region_{region}_count"),) for region in range(1, 17)},
    },
    ("milesight", "vs132"): {
        LINE: (
            Totals(entered="total_counter_in", left="total_counter_out", bits=32),
            Deltas(entered="periodic_counter_in", left="periodic_counter_out"),
        )
    },
    ("milesight", "vs133"): _lines("line_{}/{}"),
    ("milesight", "vs135"): _lines("line_{}_{}"),
    ("milesight", "vs350"): _PASSAGE,
    ("milesight", "vs351"): _PASSAGE,
    ("milesight", "vs360"): _PASSAGE,
    ("terabee", "people-flow-counting-l-xl"): _FLOW,
    ("terabee", "people-flow-counting-m"): _FLOW,
    ("terabee", "people-occupancy-counting"): {
        ROOM: (Heads(people="zone_global"),),
        **{f"zone {zone}": (Heads(people=f"zone_{zone}"),) for zone in range(8)},
    },
    ("imbuildings", "people-counter"): {
        LINE: (
            Totals(entered="total_counter_a", left="total_counter_b", bits=16),
            Deltas(entered="counter_a", left="counter_b"),
        )
    },
}
"""Models that count people. Those that only see whether somebody is there are not among them."""

PRESENCE = frozenset({("milesight", "vs330"), ("milesight", "vs340"), ("milesight", "vs370")})
"""Models that see whether somebody is there. That is shown to staff, and never becomes a count."""

SAYS_IT_ITSELF = frozenset({("axis", "people-counter"), ("xovis", "people-counter")})
"""Counters that speak JSON: their parts are called as the counter calls them, and it says itself what it counts."""

STANDS_STILL = ("TPC_STOPPED", "TPC_STUCK", "MULTI_DEV_ISSUE", "STOPPED", "STUCK", "WARMUP")
"""Flags with which a count is none: the counter stands still, starts, or misses some of its devices."""


MISTRUSTED = ("Devices Misaligned",)
"""Alarms while which a count is none: the two halves of a VS360 do not see each other, and whoever passes is missed or
counted in the wrong direction. It says so once, and once that it is over."""

OCCUPIED, VACANT = "occupied", "vacant"
"""What sensors say that see whether somebody is there. It is evidence, and never a count."""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """How a counter is. `battery` in percent; `volts` where it tells these instead. `trouble`: its own words.

    `lasting`: those of `trouble` that it says once, as they begin, and not again while they last. `over`: those that it
    says have ended.
    """

    battery: float | None = None
    volts: float | None = None
    trouble: tuple[str, ...] = ()
    lasting: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    standing: bool = False
    """It says itself that its counts are not to be believed."""
    presence: str = ""
    """`OCCUPIED` or `VACANT`, of a sensor that sees whether somebody is there."""


def measure(decoded: Decoded, way: Way, *, reverse: bool) -> Measure | None:
    """The count of a part in `decoded`; None where there is none. `reverse`: its «in» is our «out»."""
    match way:
        case Heads(people=name):
            people = _value(decoded, name)
            return None if people is None else HeadCount(people=people)
        case Deltas(unless=unless) if unless and unless in decoded:
            return None
    came, went = _value(decoded, way.entered), _value(decoded, way.left)
    if came is None or went is None:
        return None
    counted: DoorTotals | DoorDeltas = (
        DoorTotals(entered=came, left=went, bits=way.bits)
        if isinstance(way, Totals)
        else DoorDeltas(entered=came, left=went)
    )
    return turned(counted) if reverse else counted


def turned(measure: Measure) -> Measure:
    """The count of a counter that hangs the other way round."""
    if isinstance(measure, DoorTotals | DoorDeltas):
        return msgspec.structs.replace(measure, entered=measure.left, left=measure.entered)
    return measure


def condition(decoded: Decoded) -> Condition:
    batteries = [decoded[name] for name in ("battery", "battery_main", "battery_node") if name in decoded]
    flags = [flag for flag in STANDS_STILL if flag in decoded.get("flags", {})]
    alarms = _events(decoded) | {
        name: value == "alarm_triggered"
        for name, value in decoded.items()
        if name.endswith("_occlusion_alarm")
    }
    lasting = tuple(name for name, lasts in alarms.items() if lasts)
    return Condition(
        battery=min(batteries, default=None),
        volts=decoded.get("battery_voltage"),
        trouble=(*flags, *lasting),
        lasting=lasting,
        over=tuple(name for name, lasts in alarms.items() if not lasts),
        standing=bool(flags),
        presence=said if (said := decoded.get("occupancy")) in (OCCUPIED, VACANT) else "",
    )


def _events(decoded: Decoded) -> dict[str, bool]:
    """What happened → whether it lasts. Under the same name others repeat a setting, which is no list."""
    told: Any = decoded.get("event")
    return {event["type"]: event["status"] == "Alarm" for event in told} if isinstance(told, list) else {}


def _value(decoded: Decoded, name: str) -> int | None:
    """`line_1/total_in` is `total_in` of `line_1`. A word in place of a number is none."""
    value: Any = decoded
    for step in name.split("/"):
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, int) else None
