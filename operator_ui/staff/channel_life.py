"""What is known of whether a channel lives: by its probe, by test messages end to end, by what was really sent (I15)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from hub.canary import AT_ONCE, Plan
from hub.capabilities import Capabilities, Unit
from hub.channel import Health, Target
from hub.health import SILENT_AFTER
from hub.ledger.batches import Taken
from hub.ledger.canaries import Known
from hub.wifi_drill import Record


class State(StrEnum):
    """The first that holds."""

    SILENT = "silent"  # nobody has probed it for a while
    DEAD = "dead"  # it does not answer its probe
    MISSED = "missed"  # a test message did not arrive
    DUE = "due"  # nothing tries it but a drill, and the last is long ago
    UNKNOWN = "unknown"  # nobody has tried it yet
    GOOD = "good"


class Reach(StrEnum):
    """How far something is known to have gone. None says more than is known."""

    ARRIVED = "arrived"  # a mailbox or a device has it
    SHOWN = "shown"  # a facility's equipment said so when it was read back
    ENTERED = "entered"  # somebody said that they carried it over
    ACCEPTED = "accepted"  # a gateway took it


class Proven(NamedTuple):
    at: datetime
    reach: Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One facility. `shown_at`: when a drill's name was last read back there; None: in no drill that is kept."""

    name: str
    shown_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One channel at `now`. `plan`: of its test messages; None: none are set up. `sent`: the last real sending, or drill,
    of which somebody is known to have been accepted; of sheets, the last that was ticked. `places`: what is tried one by one, the longest untried first.
    `nobody`: its test messages have nobody yet who gets them."""

    kind: str
    has: Capabilities
    health: Health | None
    plan: Plan | None
    nobody: bool
    canary: Known | None
    sent: Taken | None
    places: Sequence[Place]
    drill_within: timedelta
    now: datetime

    @property
    def silent(self) -> bool:
        return self.health is not None and self.now - self.health.checked_at > SILENT_AFTER

    @property
    def by_itself(self) -> bool:
        """It is tried end to end without anybody doing anything."""
        return self.plan is not None and not self.nobody

    @property
    def proven(self) -> Proven | None:
        """What last went through it, as far as anybody can tell."""
        by_hand = Reach.ENTERED if self.has.unit is Unit.SHEETS else Reach.ACCEPTED
        known = [
            (self.canary and self.canary.proven_at, self.canary_reach),
            (self.sent and self.sent.at, by_hand),
            *((place.shown_at, Reach.SHOWN) for place in self.places),
        ]
        return max((Proven(at, reach) for at, reach in known if at), default=None)

    @property
    def proven_at(self) -> datetime | None:
        return self.proven and self.proven.at

    @property
    def canary_reach(self) -> Reach:
        arrives = self.plan is not None and self.plan.proof not in AT_ONCE
        return Reach.ARRIVED if arrives else Reach.ACCEPTED

    @property
    def overdue(self) -> Sequence[Place]:
        """Of the places, those that no drill has shown lately."""
        return [place for place in self.places if self._old(place.shown_at)]

    @property
    def drill_due(self) -> bool:
        """Never of sheets: in a drill nobody enters anything anywhere."""
        if self.has.unit is Unit.SHEETS:
            return False
        return not self.by_itself and (bool(self.overdue) if self.places else self._old(self.proven_at))

    @property
    def state(self) -> State:
        if self.silent:
            return State.SILENT
        if self.health and not self.health.ok:
            return State.DEAD
        if self.plan and self.canary and self.canary.missed:
            return State.MISSED
        if self.drill_due:
            return State.DUE
        if not self.health:
            return State.UNKNOWN
        tried = self.sent is not None if self.has.unit is Unit.SHEETS else not self.by_itself
        return State.GOOD if tried or (self.canary and self.canary.proven_at) else State.UNKNOWN

    def _old(self, moment: datetime | None) -> bool:
        return moment is None or self.now - moment > self.drill_within


def places(targets: Iterable[Target], drills: Iterable[Record]) -> list[Place]:
    """By the drills that are kept."""
    shown: Mapping[str, datetime | None] = {
        ref: _newest(part.shown_at for drill in drills for part in drill.parts if part.ref == ref)
        for ref in {part.ref for drill in drills for part in drill.parts}
    }
    found = [Place(name=target.name, shown_at=shown.get(target.ref)) for target in targets]
    return sorted(found, key=lambda place: (place.shown_at is not None, place.shown_at, place.name))


def _newest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
