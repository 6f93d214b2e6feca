"""The Kalman filter of one site: how many people, and by how much its doors count too few.

The state is people N, in-factor a, out-factor b: for every one that the doors count in, a came in; for every
one that they count out, b went. The equations, and how good it is, stand in `docs/occupancy.md`. Three by three,
in plain floats: for so few numbers they are faster than any library.
"""

from math import sqrt

import msgspec

LEAST_FACTOR, MOST_FACTOR = 0.95, 1.25
"""What a counter that still counts may be off by."""

FACTOR, FACTOR_DEVIATION = 1.06, 0.05
"""Where nobody has tested the counters: most miss 3 to 8 % of those who pass."""

ALIKE = 0.8
"""Correlation of the two factors at the start: it is the same counters that look both ways."""

FACTOR_DRIFT = 0.001
"""Deviation by which a factor wanders in one step: crowds, light and batteries change."""

VAGUE = 10.0
"""Deviation of what a sum below nobody says, in people. Chosen on CalIt2's first two thirds: with it the factors come
to where the best constant ones would be."""

NINETY = 1.645
"""Standard deviations in half of a 90 % interval."""


class State(msgspec.Struct, frozen=True, array_like=True):
    """The mean, and the covariance's upper half: `p` people, `a` in-factor, `b` out-factor."""

    people: float
    a: float
    b: float
    pp: float
    pa: float
    pb: float
    aa: float
    ab: float
    bb: float

    @property
    def deviation(self) -> float:
        """Of `people`."""
        return sqrt(max(0.0, self.pp))


def begun(factor: float = FACTOR, deviation: float = FACTOR_DEVIATION) -> State:
    """Before anybody counted: `people` is not to be used yet."""
    variance = deviation * deviation
    return State(0.0, factor, factor, 0.0, 0.0, 0.0, variance, ALIKE * variance, variance)


def moved(state: State, entered: float, left: float, noise: float) -> State:
    """After the doors counted so many in and out. `noise`: variance of what they missed, around the factors.

    `people` may come out below zero: whoever asks decides what that means.
    """
    pa = state.pa + entered * state.aa - left * state.ab
    pb = state.pb + entered * state.ab - left * state.bb
    pp = state.pp + entered * (state.pa + pa) - left * (state.pb + pb) + noise
    people = state.people + state.a * entered - state.b * left
    return State(people, state.a, state.b, max(0.0, pp), pa, pb, state.aa, state.ab, state.bb)


def counted(state: State, people: float, variance: float) -> State:
    """After somebody counted `people`, with that variance. What the count says of the factors is learned."""
    total = state.pp + variance
    if total == 0:
        return state
    gap = people - state.people
    k, ka, kb = state.pp / total, state.pa / total, state.pb / total
    return State(
        max(0.0, state.people + k * gap),
        _bounded(state.a + ka * gap),
        _bounded(state.b + kb * gap),
        state.pp - k * state.pp,
        state.pa - k * state.pa,
        state.pb - k * state.pb,
        state.aa - ka * state.pa,
        state.ab - ka * state.pb,
        state.bb - kb * state.pb,
    )


def not_below_nobody(state: State) -> State:
    """`people` at 0 at least. That the doors fell below says something of the factors, as a vague count would."""
    if state.people >= 0:
        return state
    told = counted(state, 0.0, VAGUE * VAGUE)
    return msgspec.structs.replace(told, people=max(0.0, told.people))


def rebased(state: State, people: float, variance: float) -> State:
    """`people` from now on, whatever was believed before. The factors stay."""
    return State(people, state.a, state.b, variance, 0.0, 0.0, state.aa, state.ab, state.bb)


def drifted(state: State) -> State:
    """One step later: factors that were not certain have become less so."""
    if state.aa == 0 and state.bb == 0:
        return state
    more = FACTOR_DRIFT * FACTOR_DRIFT
    return msgspec.structs.replace(state, aa=state.aa + more, bb=state.bb + more)


def _bounded(factor: float) -> float:
    return min(max(factor, LEAST_FACTOR), MOST_FACTOR)
