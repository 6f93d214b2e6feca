"""What happens in a run: drawn from its seed alone, so that a seed is a run that can be had again."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol

from hub.alert import Mode

CHANNELS = ("mail", "line", "voice", "x")
BY_TEXT = ("mail", "line")
FLOOD, TEST = "flood-4", "system-test"
AREA = "tamagawa-flood"
LASTS_S = 3600

HITS = (3, 5)
"""So many faults hit a run."""


class Act(StrEnum):
    """What the operator does. All but `SEND` and `STOP` say something about an earlier alert."""

    SEND = "send"
    STOP = "stop"
    UPDATE = "update"
    CORRECTION = "correction"
    RETRACTION = "retraction"
    LIFTING = "lifting"


FOLLOWING = (Act.UPDATE, Act.CORRECTION, Act.RETRACTION, Act.LIFTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing the operator does, once gateways took `after` of the earlier alert's audience (0 to 1).

    `of`: the step whose alert it is about; the earlier alert is that one's, else the last one sent.
    """

    act: Act
    after: float = 0.0
    of: int | None = None
    template: str = ""
    area: str | None = None
    mode: Mode = Mode.LIVE
    channels: tuple[str, ...] = ()
    valid_for_s: int = LASTS_S
    routine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A fault, and its moment: before `step` is taken, or once gateways took `after` of its audience."""

    kind: str
    seed: int
    step: int
    after: float | None

    @property
    def before(self) -> bool:
        return self.after is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int
    steps: tuple[Step, ...]
    hits: tuple[Hit, ...]

    def of_kind(self, kind: str) -> bool:
        return any(hit.kind == kind for hit in self.hits)


class Suffering(Protocol):
    """What a plan asks of a shape."""

    @property
    def kinds(self) -> Sequence[str]: ...


BEFORE: dict[str, tuple[Act, ...]] = {
    "kill_at_intake": (Act.SEND, *FOLLOWING),
    "kill_at_stop": (Act.STOP,),
    "kill_at_answer": (Act.SEND, Act.STOP, *FOLLOWING),
    "kill_at_relay": (Act.SEND, *FOLLOWING),
    "kill_at_fanout": (Act.SEND, *FOLLOWING),
}
"""Faults that lie in wait for an act of the operator."""

CALLS = frozenset(
    {"kill_at_receipt", "callback_first", "callback_late", "callback_repeated", "callback_disordered"}
)
"""Faults that need somebody to be called."""

MIDST = frozenset({"freeze", "kill_at_takeover"})
"""Faults that need a hub with its hands full."""

FINISHED = frozenset({"replayed"})
"""Faults that need something to be over."""


def plan(seed: int, shape: Suffering) -> Plan:
    """Two faults go round all kinds, seed by seed, half the round apart; the others are drawn."""
    random = Random(seed)  # noqa: S311 - a run that can be had again
    kinds = list(shape.kinds)
    turn = [kinds[(seed + by) % len(kinds)] for by in (0, len(kinds) // 2)]
    others = [kind for kind in kinds if kind not in turn]
    drawn = [*turn, *random.sample(others, random.randint(*HITS) - len(turn))]
    steps = _steps(random, drawn)
    return Plan(seed=seed, steps=steps, hits=tuple(_hit(kind, steps, random) for kind in drawn))


def _steps(random: Random, kinds: Sequence[str]) -> tuple[Step, ...]:
    """One alert to many on most channels, and what an operator does beside and about it."""
    must = ("voice",) if CALLS & set(kinds) else ()
    channels = tuple(c for c in CHANNELS if c == "mail" or c in must or random.random() < 0.8)
    area = AREA if random.random() < 0.3 else None
    steps = [Step(act=Act.SEND, template=FLOOD, area=area, channels=channels)]
    beside = [_routine, _staff_drill, _resident_drill]
    if "clock_jump" not in kinds:
        beside += [_short, _short]
    for kind in dict.fromkeys(random.sample(beside, random.choice([0, 1, 1, 2]))):
        steps.append(kind(random))
    if "kill_at_stop" in kinds or random.random() < 0.8:
        steps += _about(random, stops="kill_at_stop" in kinds)
    return tuple(steps)


def _routine(random: Random) -> Step:
    return Step(
        act=Act.SEND, template=TEST, channels=BY_TEXT, routine=True, after=random.choice([0.0, 0.2, 0.6])
    )


def _staff_drill(random: Random) -> Step:
    return Step(
        act=Act.SEND,
        template=FLOOD,
        area=AREA,
        mode=Mode.STAFF_DRILL,
        channels=BY_TEXT,
        after=random.random(),
    )


def _resident_drill(random: Random) -> Step:
    return Step(
        act=Act.SEND,
        template=FLOOD,
        mode=Mode.RESIDENT_DRILL,
        channels=random.choice([BY_TEXT, CHANNELS]),
        after=random.random() * 0.5,
    )


def _short(random: Random) -> Step:
    """It expires while it is being sent, or soon after."""
    return Step(
        act=Act.SEND,
        template=FLOOD,
        channels=BY_TEXT,
        valid_for_s=random.randint(2, 5),
        after=random.random() * 0.5,
    )


def _about(random: Random, *, stops: bool) -> list[Step]:
    """What is done about the first alert, and perhaps about what was said of it."""
    after = random.random() * 0.7
    steps: list[Step] = []
    if stops or random.random() < 0.45:
        steps.append(Step(act=Act.STOP, of=0, after=after))
        after = 0.0
        if random.random() < 0.3:
            return steps
    acts = (Act.CORRECTION, Act.RETRACTION) if steps else FOLLOWING
    steps.append(Step(act=random.choice(acts), of=0, after=after))
    return steps


def _hit(kind: str, steps: Sequence[Step], random: Random) -> Hit:
    seed = random.getrandbits(32)
    if acts := BEFORE.get(kind):
        fitting = [index for index, step in enumerate(steps) if step.act in acts]
        return Hit(kind=kind, seed=seed, step=random.choice(fitting), after=None)
    if kind in CALLS:
        return Hit(kind=kind, seed=seed, step=0, after=0.0)
    if kind in MIDST:
        return Hit(kind=kind, seed=seed, step=0, after=random.random() * 0.4)
    sent = [index for index, step in enumerate(steps) if step.act is not Act.STOP]
    soon_over = [index for index in sent if steps[index].valid_for_s < LASTS_S]
    step = random.choice([0, 0, *sent, *(2 * soon_over)])
    after = 0.9 if kind in FINISHED else random.choice([0.0, random.random() * 0.7])
    return Hit(kind=kind, seed=seed, step=step, after=after)
