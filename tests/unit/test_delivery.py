"""The two tables: how a handover may change, and what handover and receipt together mean."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.alert import Lane, Mode
from hub.capabilities import Capabilities
from hub.delivery import (
    FAILED,
    REACHED,
    RECEIPTS,
    RETRYABLE,
    SENTENCES,
    TRANSITIONS,
    Batch,
    BatchId,
    IllegalTransition,
    Outcome,
    Result,
    Variant,
    advance,
    fold,
    merge,
    tally,
)
from hub.language import Language
from hub.recipient import RecipientId
from hub.retry import judge

NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)

outcomes = st.sampled_from(list(Outcome))
receipts = st.sampled_from(RECEIPTS)
PROOF = (Outcome.DELIVERED, Outcome.ANSWERED)

KNOWLEDGE = {
    Outcome.PENDING: 0,
    **dict.fromkeys([*RETRYABLE, Outcome.AMBIGUOUS, Outcome.ACCEPTED], 1),
    **dict.fromkeys(FAILED, 2),
    Outcome.DELIVERED: 3,
    Outcome.ANSWERED: 4,
}
"""How much an outcome settles: with more reports it never gets less. What may still change says less than
that it failed, and a proof of arrival is believed over that."""


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


# --- how a handover may change ---


def ways(start: Outcome) -> dict[Outcome, list[Outcome]]:
    """Everything a handover can become from `start`, each with a way there."""
    found = {start: [start]}
    ahead = [start]
    while ahead:
        here = ahead.pop()
        for there in TRANSITIONS.get(here, frozenset()):
            if there not in found:
                found[there] = [*found[here], there]
                ahead.append(there)
    return found


@pytest.mark.parametrize("start", Outcome)
def test_every_state_can_end(start: Outcome) -> None:
    """In an outcome that is final, or with its recipient in a child batch, where the same holds."""
    ends = {end for end in ways(start) if not TRANSITIONS.get(end)}
    assert ends <= FAILED | {Outcome.DELIVERED, Outcome.ANSWERED, Outcome.MOVED}
    assert ends or start in (Outcome.AMBIGUOUS, Outcome.ACCEPTED)


@pytest.mark.parametrize("start", Outcome)
def test_no_way_leads_back(start: Outcome) -> None:
    for there, way in ways(start).items():
        assert there is start or start not in ways(there), way


def test_whoever_was_or_may_have_been_reached_is_never_called_unsent() -> None:
    """Their handover stays, or they move to a try that says of itself that it may be the second."""
    for known in (Outcome.AMBIGUOUS, Outcome.ACCEPTED):
        assert ways(known).keys() == {known, Outcome.MOVED}
    for known in PROOF:
        assert ways(known).keys() == {known}


@given(st.lists(outcomes, max_size=30))
def test_whatever_is_written_one_after_the_other_what_was_known_stays_known(written: list[Outcome]) -> None:
    known = Outcome.PENDING
    for outcome in written:
        try:
            after = advance(known, outcome)
        except IllegalTransition:
            continue
        if after is not Outcome.MOVED:
            assert KNOWLEDGE[after] >= KNOWLEDGE[known]
        assert not (known in FAILED and after is not known)
        known = after


# --- what handover and receipts together say ---


@given(outcomes, st.lists(receipts, max_size=12), st.randoms(use_true_random=False))
def test_reports_say_the_same_in_any_order_and_however_often(
    handover: Outcome, reports: list[Outcome], random: Random
) -> None:
    said = merge(handover, reduce(fold, reports, Outcome.PENDING))
    again = [*reports, *random.sample(reports, random.randint(0, len(reports)))]
    random.shuffle(again)
    assert merge(handover, reduce(fold, again, Outcome.PENDING)) is said


@given(outcomes, st.lists(receipts, max_size=12))
def test_another_report_never_makes_less_known(handover: Outcome, reports: list[Outcome]) -> None:
    if handover is Outcome.MOVED:
        return
    receipt, said = Outcome.PENDING, handover
    for report in reports:
        receipt = fold(receipt, report)
        now = merge(handover, receipt)
        assert KNOWLEDGE[now] >= KNOWLEDGE[said], (said, now)
        assert not (said in REACHED - {Outcome.ACCEPTED} and now not in REACHED), "an arrival was forgotten"
        said = now


@given(outcomes, receipts)
def test_merging_what_was_merged_changes_nothing(handover: Outcome, receipt: Outcome) -> None:
    said = merge(handover, receipt)
    assert merge(said, receipt) is said


@given(outcomes, receipts)
def test_who_moved_to_a_retry_is_counted_there_and_only_who_moved(
    handover: Outcome, receipt: Outcome
) -> None:
    assert (merge(handover, receipt) is Outcome.MOVED) == (handover is Outcome.MOVED)


@given(
    st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=8),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, Outcome.CANCELLED, Outcome.SUPERSEDED]),
    st.integers(1, 4),
)
def test_nobody_moves_without_a_child_to_move_to(
    answered: list[Outcome], resends: bool, whole: bool, stopped: Outcome | None, attempt: int
) -> None:
    """Each position is moved to exactly one child, or ends here."""
    results = [outcome for outcome in answered if outcome not in (Outcome.PENDING, Outcome.MOVED)]
    batch = a_batch(len(results), attempt=attempt)
    capabilities = Capabilities(
        kind="mail", japanese="メール", batch_size=10, max_attempts=3, resends_ambiguous=resends,
        retries_whole_batch=whole,
    )  # fmt: skip
    verdict = judge(
        batch,
        {position: Result(batch.members[position], outcome) for position, outcome in enumerate(results)},
        capabilities,
        now=NOW,
        random=Random(0),
        stopped_as=stopped,
    )
    moved = sorted(member for child in verdict.children for member in child.batch.members)
    assert moved == sorted(batch.members[position] for position in verdict.moved)
    assert all(child.batch.parent == batch.id for child in verdict.children)
    for position in set(range(len(results))) - verdict.moved:
        ending = verdict.final[position].outcome
        assert ending in REACHED or ending in FAILED or ending is Outcome.AMBIGUOUS
    if stopped is not None:
        assert not verdict.moved


def a_batch(size: int, *, attempt: int) -> Batch:
    return Batch(
        id=BatchId("b"), alert="a", version=1, mode=Mode.LIVE, lane=Lane.URGENT, channel="mail",
        variant=Variant(Language.JA, None), seq=0,
        members=tuple(RecipientId(number) for number in range(1, size + 1)),
        content_hash="0" * 64, idempotency_key=UUID(int=0), expires=NOW + timedelta(hours=6), attempt=attempt,
    )  # fmt: skip
