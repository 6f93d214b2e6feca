"""The steps of a shelter: what may follow what, and that nobody is locked in or out."""

from itertools import pairwise, product

import pytest

from shelters.shelter import INHABITED, TRANSITIONS, IllegalStep, Stage, check

WAY = (
    Stage.UNOPENED,
    Stage.PREPARING,
    Stage.STAFF_ARRIVED,
    Stage.UNLOCKED,
    Stage.SAFETY_CHECKED,
    Stage.RECEIVING,
)


def test_a_shelter_opens_step_by_step_and_closes_when_empty() -> None:
    for now, to in pairwise(WAY):
        check(now, to, people=None)
    for now, to in [
        (Stage.RECEIVING, Stage.FULL),
        (Stage.FULL, Stage.RECEIVING),
        (Stage.RECEIVING, Stage.PAUSED),
        (Stage.PAUSED, Stage.RECEIVING),
        (Stage.RECEIVING, Stage.CLOSED),
        (Stage.CLOSED, Stage.PREPARING),
    ]:
        check(now, to, people=0)


@pytest.mark.parametrize(
    ("now", "to"), [pair for pair in product(Stage, Stage) if pair[1] not in TRANSITIONS[pair[0]]]
)
def test_every_other_step_is_refused_and_says_what_may_follow(now: Stage, to: Stage) -> None:
    with pytest.raises(IllegalStep) as refused:
        check(now, to, people=0)
    assert f"いまは「{now.japanese}」です" in refused.value.message
    assert all(stage.japanese in refused.value.message for stage in TRANSITIONS[now])


@pytest.mark.parametrize("now", [stage for stage in Stage if Stage.CLOSED in TRANSITIONS[stage]])
def test_nobody_is_locked_in(now: Stage) -> None:
    with pytest.raises(IllegalStep, match="人がいる間は閉められません（372人）"):
        check(now, Stage.CLOSED, people=372)


@pytest.mark.parametrize("now", sorted(INHABITED))
def test_an_unknown_number_is_not_nobody(now: Stage) -> None:
    with pytest.raises(IllegalStep, match="0人と報告してください"):
        check(now, Stage.CLOSED, people=None)


def test_receiving_is_reached_through_the_safety_check_or_from_a_pause_only() -> None:
    before = {stage for stage, nexts in TRANSITIONS.items() if Stage.RECEIVING in nexts}
    assert before == {Stage.SAFETY_CHECKED, Stage.PAUSED, Stage.FULL}


def test_every_stage_can_be_left_and_reached() -> None:
    reached = {stage for nexts in TRANSITIONS.values() for stage in nexts}
    assert all(TRANSITIONS[stage] for stage in Stage)
    assert reached == set(Stage) - {Stage.UNOPENED}
