"""Asking the check about a run that never was."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from hub.delivery import Outcome
from tests.unit.chaos.made_up import (
    PEOPLE,
    RESIDENTS,
    row,
    taken,
)  # fmt: skip
from yobikake.chaos.check import Findings, check
from yobikake.chaos.observed import Observed, Row

A, C, D, E, P = Outcome.ACCEPTED, Outcome.CANCELLED, Outcome.DELIVERED, Outcome.EXPIRED, Outcome.PERMANENT
Q, M = Outcome.AMBIGUOUS, Outcome.MOVED
IN_FLIGHT = [6]


def the_only_violation(run: Observed) -> str:
    violations = check(run).violations
    assert len(violations) == 1, violations
    return violations[0]


def nothing_wrong(run: Observed) -> Findings:
    findings = check(run)
    assert findings.violations == ()
    assert (findings.lost, findings.unflagged_duplicates) == (0, 0)
    return findings


def with_one(outcome: Outcome, **changes: Any) -> Sequence[Row]:
    """The last of the residents has another outcome."""
    return [row(handover=[A] * 5 + [outcome], **changes)]


EVERYONE = [taken(id_) for id_ in RESIDENTS]
ALL_BUT_ONE = EVERYONE[:-1]


def replace_contact(id_: int) -> Any:

    return structs.replace(PEOPLE[RESIDENTS[id_ - 1]], contacts={"manual": f"sheet-{id_}"})
