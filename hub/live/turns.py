"""How turns in a limit follow each other (GCRA, as ATM Forum TM 4.1 §4.4 has it, with a bucket of one)."""

from collections.abc import Mapping

from hub.alert import Lane

USED = 0.99
"""The part of a contract's rate that is used. The rest is for requests that arrive a little closer to each
other than they were sent: `LATE_S` of it."""

LATE_S = 1 / USED - 1
"""A request that starts this much after its turn still leaves no second with too many."""

AHEAD_S: Mapping[Lane, float] = {Lane.URGENT: 0.25, Lane.ROUTINE: 0.1}
"""How far ahead a lane may take turns: urgent requests wait for no more routine ones than this. Far enough
that turns are taken before they come, although whoever takes them wakes a little late."""


def gap_s(requests: float, rate_per_s: float) -> float:
    """From a turn of so many requests to the next."""
    return requests / (rate_per_s * USED)
