"""Who goes where so that everybody together walks least: a linear programme. Nothing else here imports scipy.

    minimise    Σ d[i,j] x[i,j] + Σ D u[i]
    subject to  Σ_j x[i,j] + u[i] = p[i]     everybody of origin i is placed, or counted as not placed
                Σ_i x[i,j]       ≤ r[j]      nobody beyond the room of site j
                x, u ≥ 0

x[i,j]: people from i to j; d: metres on foot; u: people for whom there is no place within D metres.
"""

from collections.abc import Sequence
from typing import Any

from shelters.assignment import Assignment, NoSolution

UNPLACED_M = 8_000.0
"""D: whoever would have to walk further than this is not placed at all. Two hours and more."""
PATIENCE_S = 5.0
_TIE_M = 1e-4
"""What a site that comes later in the list costs more, so that of equal solutions always the same one is found."""


def solve(people: Sequence[float], room: Sequence[float], metres: Sequence[Sequence[float]]) -> Assignment:
    """`metres[i][j]`: from origin i to site j. The same numbers give the same answer.

    Raises:
        NoSolution: the solver found none in time, failed, or is not there.
    """
    try:
        return _solve(people, room, metres)
    except NoSolution:
        raise
    except Exception as e:  # whatever a solver does, people are told where to go
        raise NoSolution(f"{type(e).__name__}: {e}") from e


def _solve(people: Sequence[float], room: Sequence[float], metres: Sequence[Sequence[float]]) -> Assignment:
    import numpy as np  # noqa: PLC0415 - loaded only where a plan is made
    from scipy import sparse  # noqa: PLC0415
    from scipy.optimize import linprog  # noqa: PLC0415

    n, m = len(people), len(room)
    walking = np.asarray(metres, dtype=np.float64) + _TIE_M * np.arange(m)
    # sparse: a large city's matrices have some hundred million cells, of which nearly all are zero
    at_sites: Any = sparse.hstack(
        [sparse.kron(np.ones((1, n)), sparse.eye_array(m)), sparse.coo_array((m, n))]
    )
    of_origins: Any = sparse.hstack([sparse.kron(sparse.eye_array(n), np.ones((1, m))), sparse.eye_array(n)])
    found = linprog(
        np.concatenate([walking.ravel(), np.full(n, UNPLACED_M)]),
        A_ub=at_sites,
        b_ub=np.asarray(room, dtype=np.float64),
        A_eq=of_origins,
        b_eq=np.asarray(people, dtype=np.float64),
        method="highs",
        options={"time_limit": PATIENCE_S},
    )
    if found.status != 0 or found.x is None:
        raise NoSolution(found.message)
    return Assignment(
        placed=[[float(number) for number in row] for row in found.x[: n * m].reshape(n, m)],
        price_m=[max(0.0, -float(price)) for price in found.ineqlin.marginals],
    )
