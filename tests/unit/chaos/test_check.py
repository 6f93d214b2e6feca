"""The check finds every breach there is, and none that there is not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from hub.alert import Mode
from hub.cap import MsgType
from hub.delivery import FAILED, Outcome
from hub.recipient import Reached, Targeting, Towns
from tests.unit.chaos.made_up import (
    DRILLING,
    FAR,
    FIRST,
    NEAR,
    PEOPLE,
    POST,
    RESIDENTS,
    SECOND,
    STAFF,
    alert,
    all_right,
    at,
    frozen,
    known,
    observed,
    record,
    refused,
    row,
    taken,
)  # fmt: skip
from yobikake.chaos import observed as observing
from yobikake.chaos.check import Findings, check
from yobikake.chaos.log import Struck, Taken
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


def test_where_everything_is_right_nothing_is_found() -> None:
    findings = nothing_wrong(all_right())
    assert (findings.acked_alerts, findings.recipients) == (1, 6)
    assert (findings.flagged_resends, findings.resend_bound) == (0, 0)


def test_a_violation_names_seed_promise_alert_channel_and_recipients_but_no_address() -> None:
    text = the_only_violation(observed(known(with_one(Outcome.PENDING)), taken=ALL_BUT_ONE))
    for word in ("seed 7", "I2", "2026-0001", "mail", "recipient 6"):
        assert word in text
    assert "mail-6" not in text


# --- I1, I12: what was acknowledged is there -----------------------------------------------------


def test_a_hub_that_crashed_is_told_though_nobody_was_harmed() -> None:
    run = replace(all_right(), crashes=["mail-1 crashed: SIGSEGV"])
    assert the_only_violation(run) == f"seed {run.seed}: mail-1 crashed: SIGSEGV"


def test_an_acknowledged_alert_that_is_not_in_the_ledger_is_lost() -> None:
    findings = check(observed(accepted={FIRST: at(0)}))
    assert findings.lost == 1
    assert findings.violations[0].startswith(f"seed 7: I1 {FIRST}")


def test_an_alert_that_nobody_was_told_of_may_exist_and_obeys_the_same_rules() -> None:
    run = all_right(accepted={})
    assert nothing_wrong(run).recipients == 0
    assert "I2" in the_only_violation(replace(run, record=record(known(with_one(Outcome.TEMPORARY)))))


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"broken": "audit row 3 was changed"}, "I12: the record"),
        ({"deeds": frozenset()}, "I12 2026-0001"),
    ],
)
def test_the_audit_tells_of_what_was_done(changes: dict[str, Any], promise: str) -> None:
    run = all_right()
    assert promise in the_only_violation(replace(run, record=replace(run.record, **changes)))


def test_a_stop_that_was_acknowledged_is_in_the_ledger() -> None:
    assert "I5 2026-0001" in the_only_violation(all_right(stopped={FIRST: at(5)}))


@pytest.mark.parametrize(("stop", "begins", "within_s"), [(5.0, 1.0, 0.0), (0.5, 1.25, 0.75)])
def test_how_long_anything_begins_after_a_stop_is_told(stop: float, begins: float, within_s: float) -> None:
    run = replace(
        observed(known([row()]), taken=[taken(id_, begun_at=at(begins)) for id_ in RESIDENTS]),
        stopped={FIRST: at(stop)},
        record=record(known([row()], stopped_as=C)),
    )
    findings = nothing_wrong(run)
    assert (findings.stops, findings.stopped_within_s) == (1, within_s)


def test_a_stop_is_in_the_audit_unless_a_later_alert_had_ended_it_before() -> None:
    stopped = replace(all_right(stopped={FIRST: at(5)}), record=record(known([row()], stopped_as=C)))
    nothing_wrong(stopped)
    unaudited = replace(stopped.record, deeds=frozenset({("alert.accept", FIRST)}))
    assert "I12 2026-0001: its stop" in the_only_violation(replace(stopped, record=unaudited))
    superseded = replace(unaudited, alerts={FIRST: known([row()], stopped_as=Outcome.SUPERSEDED)})
    nothing_wrong(replace(stopped, record=superseded))


def test_no_address_stands_in_what_the_transport_wrote(tmp_path: Path) -> None:
    clean, dirty, secret = (tmp_path / name for name in ("clean.db", "dirty.db", "secret.log"))
    clean.write_bytes(b"\0\1mail-\0 7777")
    dirty.write_bytes(b"\0\1" + b"x" * 5000 + b"line-3\0")
    secret.write_bytes(b"Bearer hush")
    found = observing.leaks([clean, dirty, secret], PEOPLE.values(), ["hush"])
    assert found == ["dirty.db", "secret.log"]
    assert "dirty.db" in the_only_violation(all_right(leaks=found[:1]))


# --- I2, I9: the audience ------------------------------------------------------------------------


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


# --- I3: the ledger says what happened -----------------------------------------------------------


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


def test_what_may_have_arrived_is_sent_again_unless_the_alert_was_stopped() -> None:
    rows = with_one(Q)
    assert "sent again, flagged" in the_only_violation(observed(known(rows), taken=ALL_BUT_ONE))
    nothing_wrong(observed(known(rows, stopped_as=C), taken=ALL_BUT_ONE))


# --- I3: nobody twice ----------------------------------------------------------------------------

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


# --- I3: no request under a claim that has run out -----------------------------------------------

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


# --- I5, I8, I11: nothing begins too late --------------------------------------------------------


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


# --- I5: corrections -----------------------------------------------------------------------------


def corrected(first: Sequence[Row], to: Sequence[int]) -> Observed:
    """The correction went to these."""
    about = alert(
        SECOND,
        msg_type=MsgType.UPDATE,
        correction=True,
        references=(FIRST,),
        sequence=2,
        targeting=Targeting(audience=Reached(identifier=FIRST), channels=("mail",)),
    )
    unsent = {
        id_ for each in first for id_, byte in zip(each.members, each.handover, strict=True) if byte == C
    }
    sent = [entry for id_, entry in zip(RESIDENTS, EVERYONE, strict=True) if id_ not in unsent]
    sent += [taken(id_, number="2026-0002", request=9) for id_ in to]
    return observed(
        known(first, stopped_as=C), known([row(to, id_="z")], about), taken=sent, stopped={FIRST: at(3)}
    )


STOPPED_MIDWAY = [row(handover=[A, D, Q, Q, C, C])]


def test_a_correction_goes_to_those_who_were_or_may_have_been_told() -> None:
    nothing_wrong(corrected(STOPPED_MIDWAY, [1, 2, 3, 4]))


def test_it_misses_nobody_of_them() -> None:
    run = corrected(STOPPED_MIDWAY, [1, 2, 3])
    assert "I2 2026-0002 mail: everyone of the audience" in the_only_violation(run)


def test_it_goes_to_nobody_who_was_not_told() -> None:
    run = corrected(STOPPED_MIDWAY, [1, 2, 3, 4, 5])
    assert "I9 2026-0002 mail: nobody else" in the_only_violation(run)


@pytest.mark.parametrize("to", [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]])
def test_it_may_have_gone_to_somebody_of_whom_a_failure_was_reported_later(to: list[int]) -> None:
    reported = [row(handover=[A] * 6, receipt=[Outcome.PENDING] * 5 + [P])]
    run = corrected(reported, to)
    about_the_first = [each for each in check(run).violations if "2026-0002" in each]
    assert about_the_first == []


def test_a_correction_of_a_correction_goes_to_those_of_both() -> None:
    third = "hub.example-2026-0003"

    def correcting(identifier: str, earlier: str, sequence: int) -> Any:
        return alert(
            identifier,
            msg_type=MsgType.UPDATE,
            correction=True,
            references=(earlier,),
            sequence=sequence,
            targeting=Targeting(audience=Reached(identifier=earlier), channels=("mail",)),
        )

    everything = [
        known([row()], stopped_as=Outcome.SUPERSEDED),
        known(
            [row(handover=[A, *[Outcome.SUPERSEDED] * 5])],
            correcting(SECOND, FIRST, 2),
            stopped_as=Outcome.SUPERSEDED,
        ),
        known([row()], correcting(third, SECOND, 3)),
    ]
    sent = [
        *EVERYONE,
        taken(1, number="2026-0002", request=2),
        *(taken(id_, number="2026-0003", request=3) for id_ in RESIDENTS),
    ]
    nothing_wrong(observed(*everything, taken=sent))


# --- I6, I9: what the gateways got ---------------------------------------------------------------


@pytest.mark.parametrize(("mode", "meant"), [(Mode.LIVE, RESIDENTS), (Mode.STAFF_DRILL, [STAFF])])
def test_a_drill_says_so_and_nothing_else_does(mode: Mode, meant: Sequence[int]) -> None:
    about = known([row(meant)], alert(mode=mode))
    right = mode is not Mode.LIVE
    nothing_wrong(observed(about, taken=[taken(id_, drill=right) for id_ in meant]))
    wrong = observed(about, taken=[taken(id_, drill=not right) for id_ in meant])
    assert "I6 2026-0001 mail" in the_only_violation(wrong)


def test_nobody_who_is_in_no_batch_is_sent_to() -> None:
    run = all_right()
    to_staff = replace(run, log=replace(run.log, taken=(*EVERYONE, taken(STAFF))))
    assert "I9 2026-0001 mail: only who is in a batch" in the_only_violation(to_staff)
    to_a_stranger = replace(run, log=replace(run.log, taken=(*EVERYONE, taken(1, address="mail-7777"))))
    text = the_only_violation(to_a_stranger)
    assert "I9 2026-0001 mail: every address" in text
    assert "7777" not in text


@pytest.mark.parametrize(
    "entry", [taken(1, number="2026-0009"), taken(1, channel="line")], ids=["unknown alert", "other channel"]
)
def test_a_gateway_gets_nothing_that_no_alert_says(entry: Taken) -> None:
    run = all_right()
    run = replace(run, log=replace(run.log, taken=(*EVERYONE, entry)))
    assert f"I9 {entry.number} {entry.channel}" in the_only_violation(run)


def test_what_a_resident_gets_says_which_alert_it_is() -> None:
    run = all_right()
    on_call = taken(1, number="", address="duty@city.example")
    nothing_wrong(replace(run, log=replace(run.log, taken=(*EVERYONE, on_call))))
    nameless = replace(run, log=replace(run.log, taken=(*EVERYONE, taken(1, number=""))))
    assert "I9 mail" in the_only_violation(nameless)


def test_a_channel_without_a_gateway_is_checked_for_its_audience_alone() -> None:
    people = {id_: replace_contact(id_) for id_ in RESIDENTS}
    about = alert(channels=["manual"])
    nothing_wrong(observed(known([row(channel="manual")], about), people=people))
    missing = observed(known([row(RESIDENTS[1:], channel="manual")], about), people=people)
    assert "I2" in the_only_violation(missing)


def replace_contact(id_: int) -> Any:

    return structs.replace(PEOPLE[RESIDENTS[id_ - 1]], contacts={"manual": f"sheet-{id_}"})
