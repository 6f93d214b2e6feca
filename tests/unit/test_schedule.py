"""When the hub asks, sends or gives up: a pure function of the time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.schedule import ASK_BEFORE, BEHIND, GIVE_UP_AFTER, Phase, Schedule, Step

AT = datetime(2026, 9, 13, 1, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MOMENTS = st.timedeltas(-timedelta(days=1), timedelta(days=1)).map(lambda span: AT + span)


def a_schedule() -> Schedule:
    return Schedule(at=AT, approver="tanaka", digest="00")


@pytest.mark.parametrize(
    ("moment", "phase"),
    [
        (AT - ASK_BEFORE - SECOND, Phase.WAITING),
        (AT - ASK_BEFORE, Phase.SOON),
        (AT - SECOND, Phase.SOON),
        (AT, Phase.DUE),
        (AT + GIVE_UP_AFTER - SECOND, Phase.DUE),
        (AT + GIVE_UP_AFTER, Phase.OVER),
    ],
)
def test_a_time_comes_nearer_and_passes(moment: datetime, phase: Phase) -> None:
    assert a_schedule().phase(moment) is phase


def test_it_asks_once_before_and_once_at_its_time() -> None:
    schedule = a_schedule()
    assert schedule.step(AT - ASK_BEFORE - SECOND) is None
    assert schedule.step(AT - ASK_BEFORE) is Step.ASK
    schedule = schedule.asked_in(Phase.SOON)
    assert schedule.step(AT - SECOND) is None
    assert schedule.step(AT) is Step.ASK
    schedule = schedule.asked_in(Phase.DUE)
    assert schedule.step(AT + GIVE_UP_AFTER - SECOND) is None
    assert schedule.step(AT + GIVE_UP_AFTER) is Step.GIVE_UP


def test_whoever_said_yes_is_not_asked_again_until_it_is_late() -> None:
    schedule = a_schedule().asked_in(Phase.SOON).promised("ito", AT - ASK_BEFORE)
    assert schedule.step(AT - SECOND) is None
    assert schedule.step(AT) is Step.SEND
    assert schedule.step(AT + BEHIND) is Step.SEND
    late = AT + BEHIND + SECOND
    assert schedule.step(late) is Step.ASK
    assert schedule.asked_in(schedule.phase(late)).step(late) is None, "the earlier yes counts no longer"


@given(MOMENTS, st.sampled_from([None, *Phase]))
def test_without_a_yes_nothing_is_ever_sent(moment: datetime, asked: Phase | None) -> None:
    schedule = a_schedule() if asked is None else a_schedule().asked_in(asked)
    assert schedule.step(moment) is not Step.SEND


@given(MOMENTS)
def test_with_a_yes_it_is_sent_at_its_time_or_not_on_that_yes(moment: datetime) -> None:
    step = a_schedule().promised("ito", AT).step(moment)
    assert (step is Step.SEND) == (AT <= moment <= AT + BEHIND)
