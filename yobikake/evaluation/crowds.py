"""People who come to one shelter, and the counters at its doors, which see most of them. Nobody is real.

How many are inside is known here, as nowhere else: rehearsals live on it, and the estimate is measured against it.
The same seed gives the same people, whatever the pace.
"""

import random
from dataclasses import dataclass, field

from yobikake.evaluation.departures import Departures, drawn, family

GO_OUT = 0.004
"""Of the people inside, in a minute: to smoke, to telephone, to fetch something. They come back."""

COME_BACK = 0.2
"""Of those outside for a moment, in a minute."""

STAFF_GO_OUT = 0.01


@dataclass(slots=True, kw_only=True)
class Door:
    """A counter, with what it has counted since its own zero. `missed`: ratio of crossings it does not see."""

    missed_in: float
    missed_out: float
    busy: float = 1.0
    """How much of the crowd takes it, against the other doors."""
    entered: int = 0
    left: int = 0


@dataclass(slots=True, kw_only=True)
class Crowd:
    """Time is in minutes since the order. Departures follow a logistic curve; families of one to five stay together.

    The shelter's staff are inside from the start and pass the doors as everybody does; they are not in `people`.
    """

    random: random.Random
    coming: int
    """How many come in the end."""
    departures: Departures
    doors: list[Door]
    staff: int = 0
    leaving: Departures | None = None
    """When people go home for good, in minutes since `leaving_from`."""
    leaving_from: int = 0
    minute: int = 0
    people: int = 0
    out: int = 0
    """Inside before, and for a moment outside."""
    staff_out: int = 0
    arrived: int = 0
    gone: int = 0
    _choice: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self._choice = [door.busy for door in self.doors]

    def advance(self, minute: int) -> None:
        """Live until `minute`, minute by minute."""
        while self.minute < minute:
            self.minute += 1
            self._go_out()
            self._come_back()
            self._arrive()
            self._go_home()
            self._change_staff()

    def _arrive(self) -> None:
        due = round(self.coming * self.departures.share(self.minute))
        while self.arrived < due:
            together = family(self.random)
            self.arrived += together
            self._enter(together)
            self.people += together

    def _go_home(self) -> None:
        if self.leaving is None or self.minute <= self.leaving_from:
            return
        due = round(self.arrived * self.leaving.share(self.minute - self.leaving_from))
        while self.gone < due and self.people:
            together = min(family(self.random), self.people)
            self.gone += together
            self._leave(together)
            self.people -= together

    def _go_out(self) -> None:
        going = self._some(self.people, GO_OUT)
        self._leave(going)
        self.people -= going
        self.out += going

    def _come_back(self) -> None:
        returning = self._some(self.out, COME_BACK)
        self._enter(returning)
        self.out -= returning
        self.people += returning

    def _change_staff(self) -> None:
        going, returning = (
            self._some(self.staff - self.staff_out, STAFF_GO_OUT),
            self._some(self.staff_out, COME_BACK),
        )
        self._leave(going)
        self._enter(returning)
        self.staff_out += going - returning

    def _some(self, people: int, ratio: float) -> int:
        return sum(self.random.random() < ratio for _ in range(people))

    def _enter(self, people: int) -> None:
        door = self._door()
        door.entered += self._some(people, 1 - door.missed_in)

    def _leave(self, people: int) -> None:
        door = self._door()
        door.left += self._some(people, 1 - door.missed_out)

    def _door(self) -> Door:
        return self.random.choices(self.doors, self._choice)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A door's counter reports nothing for a while. `restarts`: it lost its totals, and what passed meanwhile."""

    door: int
    begins: int
    ends: int
    restarts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`doors`: each counter's totals, in and out, None where it does not report; `counted`: heads, where somebody
    counted; `people`: the truth."""

    minute: int
    doors: tuple[tuple[int, int] | None, ...]
    counted: int | None
    people: int


@dataclass(frozen=True, slots=True)
class Misses:
    """Ratios of crossings that a counter does not see: each door and direction has its own."""

    least: float
    most: float


USUAL, BAD = Misses(0.03, 0.08), Misses(0.08, 0.15)


def night(seed: str, misses: Misses, *, minutes: int = 720, every: int = 5) -> list[Moment]:
    """A shelter from its opening on, looked at `every` so many minutes; staff count heads every two to four hours."""
    chance = random.Random(seed)  # noqa: S311 (an evaluation, not a secret)
    crowd = _crowd(chance, misses)
    outages = list(_outages(chance, minutes))
    counts = _counts(chance, minutes, every)
    zeros, seen = [(0, 0)] * len(crowd.doors), []
    for minute in range(0, minutes + 1, every):
        crowd.advance(minute)
        for outage in outages:
            if outage.restarts and outage.ends - every < minute <= outage.ends:
                door = crowd.doors[outage.door]
                zeros[outage.door] = (door.entered, door.left)
        seen.append(
            Moment(
                minute=minute,
                doors=tuple(
                    None if _out(outages, number, minute) else (door.entered - zero[0], door.left - zero[1])
                    for number, (door, zero) in enumerate(zip(crowd.doors, zeros, strict=True))
                ),
                counted=_by_hand(chance, crowd.people) if minute in counts else None,
                people=crowd.people,
            )
        )
    return seen


def _crowd(chance: random.Random, misses: Misses) -> Crowd:
    return Crowd(
        random=chance,
        coming=chance.randint(60, 500),
        departures=drawn(chance),
        doors=[
            Door(
                missed_in=chance.uniform(misses.least, misses.most),
                missed_out=chance.uniform(misses.least, misses.most),
                busy=busy,
            )
            for busy in (1.0, chance.uniform(0.2, 1.0))
        ],
        staff=chance.randint(3, 8),
        leaving=drawn(chance) if chance.random() < 0.7 else None,
        leaving_from=chance.randint(240, 540),
    )


def _outages(chance: random.Random, minutes: int) -> list[Outage]:
    """One door in three is out once, for half an hour to two hours; every second one forgets its totals."""
    found = []
    for door in range(2):
        if chance.random() < 1 / 3:
            begins = chance.randint(30, max(30, minutes - 120))
            found.append(
                Outage(
                    door=door,
                    begins=begins,
                    ends=begins + chance.randint(30, 120),
                    restarts=chance.random() < 0.5,
                )
            )
    return found


def _out(outages: list[Outage], door: int, minute: int) -> bool:
    return any(outage.door == door and outage.begins < minute <= outage.ends for outage in outages)


def _counts(chance: random.Random, minutes: int, every: int) -> set[int]:
    found, minute = {0}, 0
    while minute < minutes:
        minute += every * round(chance.uniform(120, 240) / every)
        found.add(minute)
    return found


def _by_hand(chance: random.Random, people: int) -> int:
    """Whoever counts errs by 2 % and one person."""
    return max(0, round(people + chance.gauss(0, 0.02 * people + (1 if people else 0))))
