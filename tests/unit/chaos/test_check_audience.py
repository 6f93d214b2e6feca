"""The check finds whoever is missing, added, or counted twice (I2, I9)."""

from collections.abc import Sequence
from typing import Any

import pytest

from hub.alert import Mode
from hub.delivery import Outcome
from hub.recipient import Targeting, Towns
from tests.unit.chaos.checking import ALL_BUT_ONE, EVERYONE, M, P, nothing_wrong, the_only_violation, with_one
from tests.unit.chaos.made_up import (
    DRILLING,
    FAR,
    NEAR,
    PEOPLE,
    POST,
    RESIDENTS,
    STAFF,
    alert,
    known,
    observed,
    row,
    taken,
)  # fmt: skip
from yobikake.chaos.check import check


def test_whoever_is_in_no_batch_is_lost() -> None:
    findings = check(observed(known([row(RESIDENTS[:-1])]), taken=ALL_BUT_ONE))
    assert findings.lost == 1
    assert "everyone of the audience is in a batch" in findings.violations[0]


def test_nobody_else_is_in_a_batch() -> None:
    run = observed(known([row([*RESIDENTS, STAFF])]), taken=[*EVERYONE, taken(STAFF)])
    assert "I9 2026-0001 mail: nobody else" in the_only_violation(run)


@pytest.mark.parametrize(
    ("changes", "meant"),
    [
        ({"targeting": Targeting(audience=Towns(towns=(NEAR,)), channels=("mail",))}, [1, 3, 5]),
        ({"targeting": Targeting(audience=Towns(towns=(NEAR, FAR)), channels=("mail",))}, RESIDENTS),
        ({"mode": Mode.STAFF_DRILL}, [STAFF]),
        (
            {
                "mode": Mode.STAFF_DRILL,
                "targeting": Targeting(audience=Towns(towns=(FAR,)), channels=("mail",)),
            },
            [STAFF],
        ),
        ({"mode": Mode.RESIDENT_DRILL}, [DRILLING]),
    ],
)
def test_the_audience_is_the_registers(changes: dict[str, Any], meant: Sequence[int]) -> None:
    drill = changes.get("mode", Mode.LIVE) is not Mode.LIVE
    nothing_wrong(
        observed(known([row(meant)], alert(**changes)), taken=[taken(id_, drill=drill) for id_ in meant])
    )
    everyone = [*RESIDENTS, STAFF]
    too_many = observed(
        known([row(everyone)], alert(**changes)), taken=[taken(id_, drill=drill) for id_ in everyone]
    )
    assert "I9" in the_only_violation(too_many)


def test_posts_are_for_everybody_but_in_a_drill() -> None:
    post = taken(POST, channel="x")
    nothing_wrong(observed(known([row([POST], channel="x")], alert(channels=["x"])), taken=[post]))
    drill = alert(channels=["x"], mode=Mode.RESIDENT_DRILL)
    nothing_wrong(observed(known([], drill)))
    assert "I9" in check(observed(known([row([POST], channel="x")], drill), taken=[post])).violations[0]


@pytest.mark.parametrize(
    "outcome", [Outcome.PENDING, Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.CREDENTIALS]
)
def test_an_outcome_that_does_not_end_is_none(outcome: Outcome) -> None:
    run = observed(known(with_one(outcome)), taken=ALL_BUT_ONE)
    assert "everyone has an outcome that ends" in the_only_violation(run)
    assert check(run).lost == 1


def test_a_receipt_that_says_failed_ends_what_was_accepted() -> None:
    rows = [row([1], channel="voice", receipt=[P])]
    call = taken(1, channel="voice", reached=False)
    only = {1: PEOPLE[RESIDENTS[0]]}
    nothing_wrong(observed(known(rows, alert(channels=["voice"])), taken=[call], people=only))


def test_nobody_is_counted_in_two_batches() -> None:
    rows = [row(), row([6], id_="c", parent="b")]
    assert "counted in one batch" in the_only_violation(observed(known(rows), taken=EVERYONE))


def test_who_moved_to_a_retry_is_counted_there() -> None:
    rows = [*with_one(M), row([6], id_="c", parent="b", attempt=2)]
    nothing_wrong(observed(known(rows), taken=EVERYONE))


@pytest.mark.parametrize(("planned", "says"), [((6, False), "planning is complete"), ((5, True), "counts 5")])
def test_what_was_planned_adds_up(planned: tuple[int, bool], says: str) -> None:
    run = observed(known([row()], planned={"mail": planned}), taken=EVERYONE)
    assert says in the_only_violation(run)
