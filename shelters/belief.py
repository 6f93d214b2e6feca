"""What is believed of one site at a moment: how many people, how sure that is, and what contradicts it.

A belief holds all that is needed to go on from it. `carrying.carry` takes it forward; `Tally` keeps one where it
folds.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shelters.device import Device
from shelters.doorway import Seen, share
from shelters.filter import State


class Count(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Heads that somebody or something counted at once."""

    at: datetime
    id: str
    device: str
    people: int
    by_people: bool = False
    """By staff, or by a device."""


class Belief(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was counted up to `to`."""

    to: datetime
    heard_at: datetime
    """When something was counted last."""
    state: State
    counted_at: datetime | None = None
    """The count that `state.people` rests on. None: nobody counted yet, or something was missed since that
    no other door can stand in for; then `state.people` says nothing."""
    doors: dict[str, Seen] = {}
    heads: dict[str, Count] = {}
    """The latest of each head counter."""
    entered: float = 0.0
    left: float = 0.0
    """By all doors, since it began."""
    guessed: float = 0.0
    """Crossings made up since the count, for doors that could not tell them when they came back."""
    contradicted: bool = False
    """The doors and what was counted do not agree."""
    flipped: tuple[str, ...] = ()
    """Doors that seem to count in as out: turned round, they would agree with what was counted."""

    @property
    def made_up(self) -> float:
        """Crossings in the number that nobody counted."""
        return self.guessed + sum(seen.made_in + seen.made_out for seen in self.doors.values())

    def carries(self, doors: Sequence[Device], now: datetime) -> bool:
        """Whether the doors tell how many are inside: one lives, and the living stand in for each that does not."""
        living = [door for door in doors if alive(self.doors, door, now, self.counted_at)]
        if self.counted_at is None or not any(door.id in self.doors for door in living):
            return False
        return all(door in living or share(self.doors, door.id, living) is not None for door in doors)


def alive(seen: dict[str, Seen], door: Device, now: datetime, counted_at: datetime | None) -> bool:
    """Whether `door` is believed at `now`. One that never reported has its patience from the count."""
    last = seen[door.id].at if door.id in seen else counted_at
    return last is not None and now <= last + door.patience
