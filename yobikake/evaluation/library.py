"""Makes `shelters/evening.toml`: a library of evenings is simulated, and a small network learned from it.

    python -m yobikake.evaluation.library [FILE]

Quantile regression: the network's nine outputs are the 10, 50 and 90 % points of the change in 30, 60 and 120 minutes,
found by Adam on the pinball loss; then the distance of the outer two from the middle is stretched
until, of evenings not learned from, they hold `COVERED`. numpy alone; a minute. The same seed gives the same table, to the last digits
that the processor's arithmetic leaves open.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

import shelters
from shelters.ahead import HORIZONS
from shelters.evening import LAGS_MIN, TABLE, Weights, points, shape
from yobikake.evaluation.scenarios import STEP_MIN, USUAL, Evening, Evenings, evenings

Floats = NDArray[np.float64]

LIBRARY = Evenings(
    midpoint_min=(-40, 260),
    scale_min=(8, 220),
    load=(0.1, 2.0),
    wave=((0.3, 1.0), (90, 240)),
    waves=0.25,
    full=False,
)
"""Wider than `USUAL`, since nobody knows the ranges. No shelter sends people on here: what cuts a number off at the
capacity cuts off its 10, 50 and 90 % points alike, so that is done when a forecast is made."""
EVENINGS, SEED = 1200, 11
CHECKED, CHECK_SEED = 150, 12
"""Usual evenings, and as many of the library. The evaluation's seeds are others: 1 to 9, and 1001 and more."""
COVERED = 0.8
"""Between 75 and 88 %, on usual evenings as on shifted ones."""

POINTS = np.array([0.1, 0.5, 0.9])
UNITS, ROUNDS, AT_ONCE = 24, 25, 512
SMOOTH = 0.03
"""Within so little of a point, in the scale, the pinball is round."""
PACE = 0.01
_STEPS = [int(horizon.total_seconds() // 60 // STEP_MIN) for horizon in HORIZONS]


def main() -> None:
    file = Path(sys.argv[1]) if sys.argv[1:] else Path(shelters.__file__).with_name(TABLE)
    weights = stretched(learned(EVENINGS, rounds=ROUNDS), CHECKED)
    file.write_text(written(weights), encoding="utf-8")


def learned(count: int, *, rounds: int, units: int = UNITS) -> Weights:
    """From `count` evenings, each seen `rounds` times."""
    seen, change, weight = _origins(count)
    network = _Network(seen.shape[1], units, change.shape[1])
    chance = np.random.default_rng(SEED)
    batches = max(1, len(seen) // AT_ONCE)
    for step in range(rounds * batches):
        if step % batches == 0:
            order = np.array_split(chance.permutation(len(seen)), batches)
        of = order[step % batches]
        network.improve(seen[of], change[of], weight[of], pace=PACE * (1 - step / (rounds * batches)))
    return network.weights()


def stretched(weights: Weights, count: int) -> Weights:
    """The same, its outer points as far from the middle as makes them hold `COVERED` of `count` usual evenings and of
    as many of the library, each horizon for itself."""
    needed: list[list[float]] = [[] for _ in HORIZONS]
    for kind in (USUAL, msgspec.structs.replace(LIBRARY, full=True)):
        for evening in evenings(kind, count, seed=CHECK_SEED):
            for i, each in _needed(evening, weights):
                needed[i].append(each)
    rows = list(weights.change)
    for i, stretches in enumerate(needed):
        stretch = float(np.quantile(stretches, COVERED))
        low, middle, high = (np.array(row) for row in rows[3 * i : 3 * i + 3])
        rows[3 * i] = tuple(map(float, middle + stretch * (low - middle)))
        rows[3 * i + 2] = tuple(map(float, middle + stretch * (high - middle)))
    return Weights(hidden=weights.hidden, change=tuple(rows))


def written(weights: Weights) -> str:
    rows = {
        name: ",\n".join(f"  [{', '.join(f'{each:.4f}' for each in row)}]" for row in rows)
        for name, rows in (("hidden", weights.hidden), ("change", weights.change))
    }
    return (
        "# Made by `python -m yobikake.evaluation.library`; read by shelters/evening.py. Not to be edited.\n"
        f"# {EVENINGS} simulated evenings, seed {SEED}; stretched on {2 * CHECKED}, seed {CHECK_SEED}.\n"
        f"\nhidden = [\n{rows['hidden']},\n]\n\nchange = [\n{rows['change']},\n]\n"
    )


def _origins(count: int) -> tuple[Floats, Floats, Floats]:
    """What is seen at every moment at which somebody is inside, how it went on (in the scale), and what an error there
    weighs: errors of a crowd are larger, and count in the scale of counts."""
    seen, change, weight = [], [], []
    for evening in evenings(LIBRARY, count, seed=SEED):
        counted = evening.counted
        padded = np.concatenate([np.zeros(LAGS_MIN[-1] // STEP_MIN), counted])
        for step in np.flatnonzero(counted[: -_STEPS[-1]]):
            inside = float(counted[step])
            now = step + LAGS_MIN[-1] // STEP_MIN
            features, scale = shape(inside, [float(padded[now - lag // STEP_MIN]) for lag in LAGS_MIN])
            seen.append(features)
            change.append([(evening.people[step + ahead] - inside) / scale for ahead in _STEPS])
            weight.append(scale / np.sqrt(inside + 20))
    weights = np.array(weight)
    return np.array(seen), np.repeat(np.array(change), len(POINTS), axis=1), weights / weights.mean()


def _needed(evening: Evening, weights: Weights) -> Iterator[tuple[int, float]]:
    """By horizon, how far each interval of an evening must be stretched to hold the truth: 1 where it just does. It
    ends at the capacity, as what is forecast does."""
    counted = [0.0] * (LAGS_MIN[-1] // STEP_MIN) + evening.counted.tolist()
    for step in range(1, len(evening.counted) - _STEPS[-1]):
        now = step + LAGS_MIN[-1] // STEP_MIN
        if not (inside := counted[now]):
            continue
        most = max(evening.capacity, inside)
        told = points(inside, [counted[now - lag // STEP_MIN] for lag in LAGS_MIN], weights)
        for i, (low, middle, high) in enumerate(told):
            truth = float(evening.people[step + _STEPS[i]])
            if truth >= most <= middle or truth <= 0 >= middle:
                yield i, 0.0
            elif truth < middle:
                yield i, (middle - truth - 0.5) / max(middle - low, 1e-9)  # 0.5: said in whole people
            else:
                yield i, (truth - middle - 0.5) / max(high - middle, 1e-9)


class _Network:
    """One layer of tanh, and what it saw beside it."""

    def __init__(self, seen: int, units: int, outputs: int) -> None:
        chance = np.random.default_rng(SEED)
        self._hidden = chance.normal(0, 1 / np.sqrt(seen), (seen + 1, units))
        self._hidden[0] = 0
        self._change = chance.normal(0, 0.1 / np.sqrt(units), (1 + units + seen, outputs))
        self._change[0] = 0
        self._points = np.tile(POINTS, outputs // len(POINTS))
        self._mean = [np.zeros_like(each) for each in (self._hidden, self._change)]
        self._square = [np.zeros_like(each) for each in (self._hidden, self._change)]
        self._improved = 0

    def improve(self, seen: Floats, change: Floats, weight: Floats, *, pace: float) -> None:
        """One step of Adam (Kingma and Ba 2015, algorithm 1, its constants)."""
        ones = np.ones((len(seen), 1))
        sees = np.hstack([ones, seen])
        units = np.tanh(sees @ self._hidden)
        told = np.hstack([ones, units, seen])
        errors = change - told @ self._change
        slope = -(np.clip(errors / SMOOTH, -1, 1) / 2 + self._points - 0.5) * weight[:, None] / len(seen)
        back = (slope @ self._change[1 : 1 + units.shape[1]].T) * (1 - units**2)
        self._improved += 1
        for i, (values, gradient) in enumerate(
            zip((self._hidden, self._change), (sees.T @ back, told.T @ slope), strict=True)
        ):
            self._mean[i] += 0.1 * (gradient - self._mean[i])
            self._square[i] += 0.001 * (gradient**2 - self._square[i])
            spread = np.sqrt(self._square[i] / (1 - 0.999**self._improved)) + 1e-8
            np.subtract(values, pace * self._mean[i] / (1 - 0.9**self._improved) / spread, out=values)

    def weights(self) -> Weights:
        return Weights(
            hidden=tuple(tuple(map(float, row)) for row in self._hidden.T),
            change=tuple(tuple(map(float, row)) for row in self._change.T),
        )


if __name__ == "__main__":
    main()
