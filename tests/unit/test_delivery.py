"""The two tables: how a handover may change, and what handover and receipt together mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.delivery import (
    FAILED,
    REACHED,
    RECEIPTS,
    SENTENCES,
    IllegalTransition,
    Outcome,
    advance,
    fold,
    merge,
    tally,
)

outcomes = st.sampled_from(list(Outcome))
receipts = st.sampled_from(RECEIPTS)


def test_every_outcome_says_what_is_known_in_both_languages() -> None:
    for outcome in Outcome:
        japanese, english = SENTENCES[outcome]
        assert japanese.endswith("。")
        assert english.endswith(".")


@given(outcomes)
def test_what_is_final_stays(new: Outcome) -> None:
    for final in FAILED | {Outcome.DELIVERED, Outcome.ANSWERED, Outcome.MOVED}:
        if new is not final:
            with pytest.raises(IllegalTransition):
                advance(final, new)


def test_a_temporary_failure_is_never_overwritten_by_success() -> None:
    # Its recipient lives on in a child batch; success is written there.
    with pytest.raises(IllegalTransition):
        advance(Outcome.TEMPORARY, Outcome.ACCEPTED)


def test_a_bounce_overrides_an_acceptance() -> None:
    assert merge(Outcome.ACCEPTED, Outcome.PERMANENT) is Outcome.PERMANENT


def test_a_bounce_does_not_undo_a_proof_of_arrival() -> None:
    assert merge(Outcome.DELIVERED, Outcome.PERMANENT) is Outcome.DELIVERED


@given(outcomes)
def test_a_proof_of_arrival_is_believed_whatever_we_thought(handover: Outcome) -> None:
    merged = merge(handover, Outcome.DELIVERED)
    assert merged in REACHED or merged is Outcome.MOVED
    assert merged is not Outcome.ACCEPTED


@given(outcomes)
def test_without_a_receipt_the_handover_counts(handover: Outcome) -> None:
    assert merge(handover, Outcome.PENDING) is handover


@given(receipts, receipts, receipts)
def test_receipts_fold_to_the_same_in_any_order(a: Outcome, b: Outcome, c: Outcome) -> None:
    assert fold(fold(a, b), c) is fold(a, fold(c, b))


@given(st.lists(st.tuples(outcomes, receipts), max_size=200))
def test_everybody_is_counted_once_and_those_who_moved_elsewhere(
    pairs: list[tuple[Outcome, Outcome]],
) -> None:
    counted = tally(bytes(h for h, _ in pairs), bytes(r for _, r in pairs))
    moved = sum(handover is Outcome.MOVED for handover, _ in pairs)
    assert counted.total() == len(pairs) - moved
    assert Outcome.MOVED not in counted
