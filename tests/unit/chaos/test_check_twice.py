"""The check finds who got the same alert twice, and requests under a claim that has run out (I3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.chaos.checking import EVERYONE, IN_FLIGHT, D, M, nothing_wrong, the_only_violation, with_one
from tests.unit.chaos.made_up import (
    PEOPLE,
    POST,
    RESIDENTS,
    alert,
    at,
    frozen,
    known,
    observed,
    row,
    taken,
)  # fmt: skip
from yobikake.chaos.check import check
from yobikake.chaos.log import Struck
from yobikake.chaos.observed import Observed, Row

TWICE = [*EVERYONE, taken(6, request=2)]
RESENT = [*with_one(M), row([6], id_="c", parent="b", resend=True)]


def test_twice_without_a_flag_is_a_duplicate() -> None:
    run = observed(known([*with_one(M), row([6], id_="c", parent="b")]), taken=TWICE, in_flight=IN_FLIGHT)
    assert "without a flagged resend" in the_only_violation(run)
    assert check(run).unflagged_duplicates == 1


def test_twice_with_a_flag_is_the_one_resend_that_is_allowed() -> None:
    findings = nothing_wrong(observed(known(RESENT), taken=TWICE, in_flight=IN_FLIGHT))
    assert (findings.flagged_resends, findings.resend_bound) == (1, 6)


def test_a_flag_does_not_allow_a_third() -> None:
    run = observed(known(RESENT), taken=[*TWICE, taken(6, request=3)], in_flight=IN_FLIGHT)
    assert "more than twice" in the_only_violation(run)
    assert check(run).unflagged_duplicates == 0


@pytest.mark.parametrize(("keys", "duplicates"), [(("k", "k"), 0), (("k", "l"), 1)])
def test_line_knows_a_repeat_by_its_key(keys: tuple[str, str], duplicates: int) -> None:
    people = {1: PEOPLE[RESIDENTS[0]]}
    rows = [row([1], M, channel="line"), row([1], channel="line", id_="c", parent="b", resend=True)]
    about = known(rows, alert(channels=["line"]))
    sent = [taken(1, channel="line", key=key, request=number) for number, key in enumerate(keys)]
    findings = check(observed(about, taken=sent, people=people, in_flight=[1]))
    assert findings.unflagged_duplicates == duplicates


def test_a_call_is_placed_again_when_nobody_picked_up() -> None:
    people = {1: PEOPLE[RESIDENTS[0]]}
    rows = [row([1], M, channel="voice"), row([1], D, channel="voice", id_="c", parent="b", attempt=2)]
    about = known(rows, alert(channels=["voice"]))
    rings, speaks = taken(1, channel="voice", reached=False), taken(1, channel="voice", request=2)
    nothing_wrong(observed(about, taken=[rings, speaks], people=people))
    twice = observed(about, taken=[replace(rings, reached=True), speaks], people=people)
    assert check(twice).unflagged_duplicates == 1


def test_the_parts_of_a_thread_are_no_repeats() -> None:
    parts = [
        taken(POST, channel="x", part=number, parts=2, key=str(number), request=number) for number in (1, 2)
    ]
    about = known([row([POST], channel="x")], alert(channels=["x"]))
    nothing_wrong(observed(about, taken=parts))
    assert check(observed(about, taken=[*parts, replace(parts[1], request=3)])).unflagged_duplicates == 1


@pytest.mark.parametrize(
    ("in_flight", "struck", "right"),
    [([], [], False), ([1], [], True), ([], [Struck(mishap="s", channel="mail", recipients=1)], True)],
)
def test_no_more_is_sent_again_than_was_in_flight_when_something_failed(
    in_flight: list[int], struck: list[Struck], right: bool
) -> None:
    run = observed(known(RESENT), taken=EVERYONE, in_flight=in_flight, struck=struck)
    if right:
        nothing_wrong(run)
    else:
        assert "at most 0 resends" in the_only_violation(run)


PAIRS = [row(RESIDENTS[:2], id_="b"), row(RESIDENTS[2:4], id_="c"), row(RESIDENTS[4:], id_="d")]
LEASES = {"b": 5.0, "c": 5.0, "d": 5.0}


def under_frozen_claims(late: Sequence[int], rows: Sequence[Row] = PAIRS, **changes: Any) -> Observed:
    """Those of `late` were sent to after the thaw, two in a request."""
    sent = [taken(id_, begun_at=at(7 if id_ in late else 1), request=(id_ + 1) // 2) for id_ in RESIDENTS]
    freeze = frozen(LEASES, thawed=6.9)
    return observed(known(rows), taken=sent, freezes=[freeze._replace(**changes)], in_flight=IN_FLIGHT)


def test_a_holder_that_was_frozen_past_its_lease_sends_nothing_more() -> None:
    nothing_wrong(under_frozen_claims([]))
    assert "under a claim that has run out; 2 requests" in the_only_violation(under_frozen_claims(RESIDENTS))


def test_one_request_may_have_passed_the_gate_before_the_freeze() -> None:
    nothing_wrong(under_frozen_claims(RESIDENTS[:2]))


@pytest.mark.parametrize(("due_s", "right"), [(6.95, True), (7.5, False)])
def test_what_took_over_from_a_frozen_claim_may_send_once_it_is_due(due_s: float, right: bool) -> None:
    rows = [
        part
        for each in PAIRS
        for part in (
            replace(each, handover=bytes([M, M])),
            row(each.members, id_=f"{each.id}2", parent=each.id, resend=True, due_at=at(due_s)),
        )
    ]
    assert (check(under_frozen_claims(RESIDENTS, rows)).violations == ()) is right


def test_due_is_by_the_hubs_own_clock() -> None:
    rows = [
        part
        for each in PAIRS
        for part in (
            replace(each, handover=bytes([M, M])),
            row(each.members, id_=f"{each.id}2", parent=each.id, resend=True, due_at=at(11.9)),
        )
    ]
    run = under_frozen_claims(RESIDENTS, rows)
    nothing_wrong(replace(run, clock=[(at(6), timedelta(seconds=5))]))


@pytest.mark.parametrize(("owner", "right"), [("hub.0", True), ("hub.1", False)])
def test_a_batch_that_was_given_back_is_claimed_anew_under_another_name(owner: str, right: bool) -> None:
    rows = [replace(each, due_at=at(6.95)) for each in PAIRS]
    run = under_frozen_claims(RESIDENTS, rows, owners={each.id: owner for each in PAIRS})
    assert (check(run).violations == ()) is right
