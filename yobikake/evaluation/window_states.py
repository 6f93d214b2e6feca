"""What is true in a city when the window is asked: calm, a flood, a flood after an earthquake, and when nobody knows.

The sites are the city's own; which of them are open is made up here, so that each state has some that receive and are
designated for what threatens, and some that must not be named.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from hub import phrases
from hub.alert import Alert, Area, DecisionMethod, Mode, Order
from hub.city import City
from hub.hazard import Hazard
from hub.ledger.alerts import Accepted
from hub.phrases import Template
from hub.recipient import Targeting, Towns
from hub.shelter_list import Crowding
from operator_ui.residents.snapshot import Snapshot
from shelters.board import Board, board
from shelters.occupancy import Occupancy, Source
from shelters.shelter import Stage, Step
from shelters.site import Site, SiteCode
from yobikake.slot_source import CitySlots

NOW = datetime(2026, 9, 12, 12, 49, tzinfo=UTC)
_STAGES = (Stage.RECEIVING, Stage.RECEIVING, Stage.PREPARING, Stage.RECEIVING, Stage.FULL, Stage.PAUSED)
"""Of the sites in turn: those that receive are designated for one hazard or the other, as it comes."""
_CROWDING = (Crowding.HAS_ROOM, None, Crowding.SOME, Crowding.CROWDED)


class StateName(StrEnum):
    CALM = "calm"  # nothing in force, nothing open
    CALM_OPEN = "calm_open"  # nothing in force, but sites receive
    FLOOD = "flood"
    SECURE_LIFE = "secure_life"  # a flood at level 5
    FLOOD_AND_EARTHQUAKE = "flood_and_earthquake"
    ALL_FULL = "all_full"
    DRILL = "drill"  # of residents; nothing else
    STUCK = "stuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """`hazards`: those that threaten, of which a named site must be designated for each."""

    now: Snapshot
    hazards: frozenset[Hazard]


def states(
    city: City, sites: Mapping[SiteCode, Site], templates: Mapping[str, Template]
) -> dict[StateName, Stated]:
    some = _board(sites, _STAGES)
    full = _board(sites, (Stage.FULL, Stage.PREPARING))
    flood = _alert(city, templates["flood-4"], "0147")
    worse = _alert(city, templates["flood-5"], "0148")
    quake = _alert(city, templates["earthquake"], "0149")
    drill = _alert(city, templates["flood-4"], "0150", mode=Mode.RESIDENT_DRILL)

    def stated(shown: Board, *alerts: Accepted, stuck: bool = False) -> Stated:
        slots = CitySlots(city, sites, None if stuck else shown, city.website.rstrip("/"))
        now = Snapshot(checked_at=NOW, alerts=alerts, board=shown, slots=slots, stuck=stuck)
        return Stated(now=now, hazards=frozenset(now.hazards))

    return {
        StateName.CALM: stated(_board(sites, (Stage.UNOPENED,))),
        StateName.CALM_OPEN: stated(some),
        StateName.FLOOD: stated(some, flood),
        StateName.SECURE_LIFE: stated(some, worse),
        StateName.FLOOD_AND_EARTHQUAKE: stated(some, flood, quake),
        StateName.ALL_FULL: stated(full, flood),
        StateName.DRILL: stated(some, drill),
        StateName.STUCK: stated(some, flood, stuck=True),
    }


def _board(sites: Mapping[SiteCode, Site], stages: Sequence[Stage]) -> Board:
    steps = {code: _step(code, stages[i % len(stages)]) for i, code in enumerate(sites)}
    counts = {code: _occupancy(code, _CROWDING[i % len(_CROWDING)], i) for i, code in enumerate(sites)}
    return board(sites, steps, counts, now=NOW)


def _step(code: SiteCode, stage: Stage) -> Step:
    opens_at = NOW + timedelta(minutes=40) if stage is Stage.PREPARING else None
    return Step(site=code, number=6, stage=stage, at=NOW, by="evaluation", opens_at=opens_at)


def _occupancy(code: SiteCode, crowding: Crowding | None, i: int) -> Occupancy:
    return Occupancy(
        site=code,
        version=1,
        people=10 * i,
        capacity=None if crowding is None else 1_000,
        crowding=crowding,
        source=Source.STAFF,
        as_of=NOW - timedelta(minutes=4),
        fresh_until=NOW + timedelta(minutes=30),
    )


def _alert(city: City, template: Template, number: str, *, mode: Mode = Mode.LIVE) -> Accepted:
    """For the towns of a preset for that hazard, or for those of the first zone."""
    preset = next((each for each in city.presets.values() if each.hazard is template.hazard), None)
    zone = next(iter(city.zones.values()))
    towns, area = (preset.towns, preset.area) if preset else (zone.towns, zone.name)
    river = city.rivers[0].names if city.rivers else None
    alert = Alert(
        identifier=f"{city.cap_sender}-2026-{number}",
        sender=city.cap_sender,
        sent=NOW - timedelta(minutes=5),
        mode=mode,
        msg_type=template.msg_type,
        hazard=template.hazard,
        level=template.level,
        order=_order(city),
        area=Area(description=area.ja),
        targeting=Targeting(audience=Towns(towns=towns), channels=("website",)),
        infos=phrases.fill(template, city=city.names, area=[area], river=river),
        expires=NOW + timedelta(hours=6),
    )
    return Accepted(
        alert=alert,
        number=f"2026-{number}",
        author="evaluation",
        approver="evaluation",
        stopped_as=None,
        stopped_at=None,
        ended_at=None,
    )


def _order(city: City) -> Order:
    return Order(
        issuer=city.mayor.ja,
        method=DecisionMethod.HEADQUARTERS,
        ordered_at=NOW - timedelta(minutes=6),
        grounds="評価用",
    )


def may_be_named(site: Site, step: Step, hazards: Iterable[Hazard]) -> bool:
    """Said again here in other words than `suited`, which is what is examined: designated for each, and taking people in."""
    return site.hazards.issuperset(hazards) and step.stage in (Stage.RECEIVING, Stage.FULL)
