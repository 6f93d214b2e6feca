"""The check finds a ledger that does not say what happened (I3)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.delivery import FAILED, Outcome
from tests.unit.chaos.checking import (
    ALL_BUT_ONE,
    EVERYONE,
    IN_FLIGHT,
    A,
    C,
    D,
    E,
    M,
    P,
    Q,
    nothing_wrong,
    the_only_violation,
    with_one,
)
from tests.unit.chaos.made_up import (
    PEOPLE,
    POST,
    RESIDENTS,
    alert,
    at,
    known,
    observed,
    refused,
    row,
    taken,
)  # fmt: skip
from yobikake.chaos.check import check


@pytest.mark.parametrize("outcome", [A, D, Outcome.ANSWERED])
def test_an_acceptance_that_no_gateway_gave_is_a_loss(outcome: Outcome) -> None:
    run = observed(known(with_one(outcome)), taken=ALL_BUT_ONE)
    assert "said to be reached" in the_only_violation(run)
    assert check(run).lost == 1


def test_a_call_nobody_picked_up_was_accepted_and_not_delivered() -> None:
    only = {1: PEOPLE[RESIDENTS[0]]}
    rings = taken(1, channel="voice", reached=False)
    for outcome, wrong in ((A, 0), (D, 1)):
        run = observed(
            known([row([1], outcome, channel="voice")], alert(channels=["voice"])), taken=[rings], people=only
        )
        assert check(run).lost == wrong


def test_half_a_thread_is_no_acceptance() -> None:
    parts = [taken(POST, channel="x", part=number, parts=2, key=str(number)) for number in (1, 2)]
    about = known([row([POST], channel="x")], alert(channels=["x"]))
    nothing_wrong(observed(about, taken=parts))
    assert "said to be reached" in the_only_violation(observed(about, taken=parts[:1]))


@pytest.mark.parametrize("outcome", sorted(FAILED))
def test_who_was_taken_is_never_said_to_be_unsent(outcome: Outcome) -> None:
    about = known(with_one(outcome), alert(expires=at(30)), stopped_as=C)
    findings = check(observed(about, taken=EVERYONE, refused=[refused(6)]))
    assert findings.lost == 1
    assert any("is not said to be unsent" in violation for violation in findings.violations)


def test_what_the_gateway_never_answered_for_is_ambiguous() -> None:
    silent = [*ALL_BUT_ONE, taken(6, answered=False)]
    assert "never answered" in the_only_violation(observed(known([row()]), taken=silent))
    resent = [*with_one(M), row([6], Q, id_="c", parent="b", resend=True)]
    nothing_wrong(observed(known(resent), taken=silent, in_flight=IN_FLIGHT))


def test_somebody_refused_for_good_was_refused_by_the_gateway() -> None:
    about = known(with_one(P))
    nothing_wrong(observed(about, taken=ALL_BUT_ONE, refused=[refused(6)]))
    nothing_wrong(observed(about, taken=ALL_BUT_ONE, refused=[refused(6, number="")]))
    for others in ([], [refused(6, permanent=False)], [refused(5)], [refused(6, channel="line")]):
        assert "a failure has a reason" in the_only_violation(
            observed(about, taken=ALL_BUT_ONE, refused=others)
        )


@pytest.mark.parametrize(("spent", "right"), [(1, False), (2, True)])
def test_a_channel_with_few_tries_gives_up_after_the_last(spent: int, right: bool) -> None:
    about = known([row([1], P, channel="voice", attempt=9, spent=spent)], alert(channels=["voice"]))
    run = observed(about, people={1: PEOPLE[RESIDENTS[0]]})
    assert (check(run).violations == ()) is right


def test_nobody_expires_before_the_alert_does() -> None:
    rows = with_one(E)
    nothing_wrong(observed(known(rows, alert(expires=at(59))), taken=ALL_BUT_ONE))
    early = observed(known(rows, alert(expires=at(61))), taken=ALL_BUT_ONE)
    assert "a failure has a reason" in the_only_violation(early)
    nothing_wrong(replace(early, clock=[(at(10), timedelta(seconds=5)), (at(11), timedelta(0))]))


@pytest.mark.parametrize("outcome", [C, Outcome.SUPERSEDED])
def test_nobody_is_cancelled_unless_the_alert_was_stopped(outcome: Outcome) -> None:
    rows = with_one(outcome)
    nothing_wrong(observed(known(rows, stopped_as=C), taken=ALL_BUT_ONE))
    run = observed(known(rows), taken=ALL_BUT_ONE)
    assert "a failure has a reason" in the_only_violation(run)


@pytest.mark.parametrize("outcome", [Outcome.NO_ADDRESS, Outcome.SUPPRESSED, Outcome.UNSUPPORTED])
def test_nobody_here_is_without_address_held_back_or_unsupported(outcome: Outcome) -> None:
    run = observed(known(with_one(outcome)), taken=ALL_BUT_ONE)
    assert "a failure has a reason" in the_only_violation(run)


def test_nobody_is_held_back_who_was_not_refused_for_good_twice() -> None:
    held, others = with_one(Outcome.SUPPRESSED), {"taken": ALL_BUT_ONE}
    who = RESIDENTS[-1]
    nothing_wrong(observed(known(held), refused=[refused(who, request=n) for n in (1, 2)], **others))
    for said in ([refused(who, request=1)] * 2, [refused(who, request=n, permanent=False) for n in (1, 2)]):
        run = observed(known(held), refused=said, **others)
        assert "a failure has a reason" in the_only_violation(run)


def test_what_may_have_arrived_is_sent_again_unless_the_alert_was_stopped() -> None:
    rows = with_one(Q)
    assert "sent again, flagged" in the_only_violation(observed(known(rows), taken=ALL_BUT_ONE))
    nothing_wrong(observed(known(rows, stopped_as=C), taken=ALL_BUT_ONE))
