"""Progress as the screen shows it: one line a channel whose numbers add up, and what they are of."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hub.capabilities import Capabilities, Unit
from hub.delivery import Outcome
from hub.ledger.tempo import Tempo, half
from hub.progress import Tally
from hub.reasons import WAY
from operator_ui.staff.pace import TOTAL, Step, steps

SHARES = ("answered", "delivered", "accepted", "ambiguous", "retrying", "failed", "waiting")
"""In the order of a bar, from what is known best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A channel, or the sum of some. planned = the sum of `SHARES`, always."""

    kind: str
    japanese: str
    unit: Unit
    planned: int
    complete: bool
    answered: int
    delivered: int
    accepted: int
    ambiguous: int
    retrying: int
    failed: int
    waiting: int
    first_at: datetime | None
    last_at: datetime | None
    next_at: datetime | None
    reasons: tuple[tuple[str, int], ...]
    half_at: datetime | None = None
    """When half of those planned had been accepted."""
    steps: tuple[Step, ...] = ()
    """How it grew, where that was asked for (`paced`)."""

    @property
    def done(self) -> bool:
        return self.complete and not (self.waiting or self.retrying)

    @property
    def unsent(self) -> int:
        """What a stop would still keep from being sent."""
        return self.waiting + self.retrying

    def shares(self) -> list[tuple[str, int]]:
        """(class of the bar's colour, amount)."""
        return [("pending" if name == "waiting" else name, getattr(self, name)) for name in SHARES]


def lines(tallies: Mapping[str, Tally], capabilities: Mapping[str, Capabilities]) -> list[Line]:
    """In the order of `capabilities`; a channel that is configured no more keeps its line."""
    order = [*capabilities, *(kind for kind in tallies if kind not in capabilities)]
    return [_line(kind, tallies[kind], capabilities.get(kind)) for kind in order if kind in tallies]


def total(of: list[Line]) -> Line:
    """The sum. Someone reached on two channels is in it twice: it counts deliveries, not persons."""
    firsts = [line.first_at for line in of if line.first_at]
    lasts = [line.last_at for line in of if line.last_at]
    nexts = [line.next_at for line in of if line.next_at]
    return Line(
        kind=TOTAL,
        japanese="",
        unit=Unit.PEOPLE,
        complete=all(line.complete for line in of),
        planned=sum(line.planned for line in of),
        **{name: sum(getattr(line, name) for line in of) for name in SHARES},
        first_at=min(firsts, default=None),
        last_at=max(lasts, default=None),
        next_at=min(nexts, default=None),
        reasons=(),
    )


def paced(of: list[Line], tempo: Tempo) -> tuple[list[Line], Line]:
    """The lines, and the sum of those that reach people, with how they grew."""
    people = [line for line in of if line.unit is Unit.PEOPLE]
    kinds = [line.kind for line in people]
    grown = steps(tempo, kinds)

    def with_pace(line: Line, kinds: Collection[str]) -> Line:
        mine = [each for each in tempo.accepted if each.channel in kinds]
        return replace(line, half_at=half(mine, line.planned), steps=grown.get(line.kind, ()))

    return [with_pace(line, {line.kind}) for line in of], with_pace(total(people), kinds)


def reason_words(reason: str) -> str:
    """What is known of a failure, 「日本語 / English」; a provider's own code as it is."""
    named = Outcome.__members__.get(reason.upper())
    known = named.sentence if named is not None else WAY.get(reason)
    return " / ".join(known) if known else reason


def _line(kind: str, tally: Tally, has: Capabilities | None) -> Line:
    """An acceptance whose receipt is still to come is an acceptance: the gateway has it."""
    return Line(
        kind=kind,
        japanese=has.japanese if has else kind,
        unit=has.unit if has else Unit.PEOPLE,
        planned=tally.planned,
        complete=tally.complete,
        answered=tally.answered,
        delivered=tally.delivered,
        accepted=tally.accepted + tally.awaiting,
        ambiguous=tally.ambiguous,
        retrying=tally.retrying,
        failed=tally.failed,
        waiting=tally.pending - tally.retrying - tally.awaiting,
        first_at=tally.first_at,
        last_at=tally.last_at,
        next_at=tally.next_at,
        reasons=tuple(tally.reasons.most_common()),
    )
