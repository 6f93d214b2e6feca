"""A plan is drawn from its seed alone, and every kind of fault is drawn often enough."""

from collections import Counter

import pytest

from hub.alert import Mode
from yobikake.chaos import faults
from yobikake.chaos.plan import BEFORE, FOLLOWING, Act, plan
from yobikake.chaos.shapes import KINDS, Embedded


def test_the_same_seed_draws_the_same_plan() -> None:
    assert [plan(seed, Embedded()) for seed in range(50)] == [plan(seed, Embedded()) for seed in range(50)]


def test_other_seeds_draw_other_plans() -> None:
    assert len({plan(seed, Embedded()).steps for seed in range(50)}) > 25


@pytest.mark.parametrize("start", [0, 7, 100])
def test_half_as_many_seeds_as_there_are_kinds_draw_every_kind(start: int) -> None:
    seeds = range(start, start + (len(KINDS) + 1) // 2)
    assert {hit.kind for seed in seeds for hit in plan(seed, Embedded()).hits} == set(KINDS)


def test_no_fault_hits_a_run_twice() -> None:
    for seed in range(200):
        kinds = [hit.kind for hit in plan(seed, Embedded()).hits]
        assert len(kinds) == len(set(kinds)), seed


def test_a_few_hundred_seeds_draw_every_kind_many_times() -> None:
    drawn = Counter(hit.kind for seed in range(200) for hit in plan(seed, Embedded()).hits)
    assert min(drawn[kind] for kind in KINDS) >= 10


@pytest.mark.parametrize("seed", range(60))
def test_a_plan_can_be_carried_out(seed: int) -> None:
    steps = plan(seed, Embedded()).steps
    for index, step in enumerate(steps):
        assert (step.of is not None) == (step.act is Act.STOP or step.act in FOLLOWING)
        assert step.of is None or (step.of < index and steps[step.of].act is not Act.STOP)
        assert step.act is not Act.SEND or step.channels
    for hit in plan(seed, Embedded()).hits:
        assert not hit.before or steps[hit.step].act in BEFORE[hit.kind]
        assert hit.before or steps[hit.step].act is not Act.STOP


def test_operators_do_everything_that_operators_do() -> None:
    steps = [step for seed in range(60) for step in plan(seed, Embedded()).steps]
    assert {step.act for step in steps} == set(Act)
    assert {step.mode for step in steps} == set(Mode)
    assert any(step.routine for step in steps)
    assert any(step.area for step in steps if step.act is Act.SEND and step.mode is Mode.LIVE)
    assert any(step.valid_for_s < 10 for step in steps)


def test_every_kind_that_is_drawn_is_a_fault_there_is() -> None:
    assert set(KINDS) <= faults.table().keys()
