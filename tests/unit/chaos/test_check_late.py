"""The check finds what begins too late (I5, I8, I11)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.cap import MsgType
from hub.delivery import Outcome
from tests.unit.chaos.checking import ALL_BUT_ONE, C, P, nothing_wrong, the_only_violation, with_one
from tests.unit.chaos.made_up import (
    FIRST,
    RESIDENTS,
    SECOND,
    alert,
    at,
    frozen,
    known,
    observed,
    refused,
    row,
    taken,
)  # fmt: skip
from yobikake.chaos.check import check
from yobikake.chaos.log import Taken
from yobikake.chaos.observed import Observed


def begun(*moments: float) -> list[Taken]:
    """Everyone is sent to; the last of them at these moments, in a request each."""
    first = [taken(id_) for id_ in RESIDENTS[: -len(moments)]]
    last = zip(RESIDENTS[-len(moments) :], moments, strict=True)
    return [*first, *(taken(id_, begun_at=at(moment), request=id_) for id_, moment in last)]


def test_nothing_begins_later_than_two_seconds_after_a_stop() -> None:
    stopped = {"stopped": {FIRST: at(5)}}
    nothing_wrong(observed(known([row()], stopped_as=C), taken=begun(6.9, 7.1), **stopped))
    late = observed(known([row()], stopped_as=C), taken=begun(6.9, 7.6, 8.0), **stopped)
    assert "I5 2026-0001 mail" in the_only_violation(late)
    assert "; 2 requests" in the_only_violation(late)


def test_a_refused_request_was_begun_too() -> None:
    late = observed(
        known(with_one(P), stopped_as=C),
        taken=ALL_BUT_ONE,
        refused=[refused(6, begun_at=at(9))],
        stopped={FIRST: at(5)},
    )
    assert "I5" in the_only_violation(late)
    another = replace(late.log, refused=(refused(6), refused(6, number="", begun_at=at(9))))
    nothing_wrong(replace(late, log=another))


@pytest.mark.parametrize(("thawed", "right"), [(8.9, True), (5.0, False), (20.0, False)])
def test_what_was_frozen_between_gate_and_socket_leaves_when_it_thaws(thawed: float, right: bool) -> None:
    run = observed(
        known([row()], stopped_as=C),
        taken=begun(9.0),
        stopped={FIRST: at(5)},
        freezes=[frozen({}, thawed=thawed)],
    )
    assert (check(run).violations == ()) is right


def test_it_is_one_request_that_leaves_then() -> None:
    run = observed(
        known([row()], stopped_as=C),
        taken=begun(9.0, 9.1),
        stopped={FIRST: at(5)},
        freezes=[frozen({}, thawed=8.9)],
    )
    assert "; 1 requests" in the_only_violation(run)


def test_nothing_begins_after_expiry_by_the_hubs_own_clock() -> None:
    short = known([row()], alert(expires=at(5)))
    nothing_wrong(observed(short, taken=begun(4.9)))
    late = observed(short, taken=begun(5.6))
    assert "I8 2026-0001 mail" in the_only_violation(late)
    slow = [(at(3), timedelta(seconds=-5)), (at(30), timedelta(0))]
    nothing_wrong(replace(late, clock=slow))
    fast = [(at(3), timedelta(seconds=5)), (at(30), timedelta(0))]
    assert "I8" in the_only_violation(replace(late, clock=fast)), "a process started anew has the right time"
    over = [(at(1), timedelta(seconds=-5)), (at(2), timedelta(0))]
    assert "I8" in the_only_violation(replace(late, clock=over))


@pytest.mark.parametrize(("stall", "right"), [((4.8, 5.5), True), ((4.8, 5.0), False), ((5.55, 5.58), False)])
def test_what_lay_there_while_the_instrument_stood_still_may_have_come_in_time(
    stall: tuple[float, float], right: bool
) -> None:
    since, until = stall
    run = observed(known([row()], alert(expires=at(5))), taken=begun(5.6), stalls=[(at(since), at(until))])
    assert bool(check(run).violations) is not right


def followed_by(msg_type: MsgType) -> Observed:
    """A second alert refers to the first, and was acknowledged five seconds after it."""
    second = alert(SECOND, msg_type=msg_type, references=(FIRST,), sequence=2)
    ended = msg_type is not MsgType.ALERT
    first = known([row()], stopped_as=Outcome.SUPERSEDED if ended else None)
    sent = [*begun(8.0), *(taken(id_, number="2026-0002", begun_at=at(6), request=50) for id_ in RESIDENTS)]
    return observed(first, known([row(id_="z")], second), taken=sent, accepted={FIRST: at(0), SECOND: at(5)})


@pytest.mark.parametrize("msg_type", [MsgType.UPDATE, MsgType.CANCEL])
def test_nothing_begins_later_than_two_seconds_after_what_takes_its_place(msg_type: MsgType) -> None:
    assert "I11 2026-0001 mail" in the_only_violation(followed_by(msg_type))


def test_an_alert_that_merely_refers_to_another_ends_nothing() -> None:
    nothing_wrong(followed_by(MsgType.ALERT))
