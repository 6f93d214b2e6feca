"""The check finds a correction that goes to the wrong people (I5), and what no alert says (I6, I9)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from hub.alert import Mode
from hub.cap import MsgType
from hub.delivery import Outcome
from hub.recipient import Reached, Targeting
from tests.unit.chaos.checking import (
    EVERYONE,
    A,
    C,
    D,
    P,
    Q,
    nothing_wrong,
    replace_contact,
    the_only_violation,
)
from tests.unit.chaos.made_up import (
    FIRST,
    RESIDENTS,
    SECOND,
    STAFF,
    alert,
    all_right,
    at,
    known,
    observed,
    row,
    taken,
)  # fmt: skip
from yobikake.chaos.check import check
from yobikake.chaos.log import Taken
from yobikake.chaos.observed import Observed, Row


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
