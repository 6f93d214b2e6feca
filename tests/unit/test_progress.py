"""Numbers that add up, whatever the batches hold."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub import progress as counting
from hub.capabilities import Capabilities
from hub.delivery import RECEIPTS, Outcome
from hub.progress import Tally

NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
VOICE = Capabilities(kind="voice", japanese="電話", batch_size=1, receipt_wait=timedelta(minutes=10))

pairs = st.lists(
    st.tuples(st.sampled_from(list(Outcome)), st.sampled_from(RECEIPTS)), min_size=1, max_size=30
)
"""Every pair the arrays could hold, also those that should not come about."""


def row(held: list[tuple[Outcome, Outcome]], **changes: Any) -> Any:
    return SimpleNamespace(
        handover=bytes(handover for handover, _ in held),
        receipt=bytes(receipt for _, receipt in held),
        **{
            "reasons": "{}", "retried": False, "waiting": False, "number": 1, "due_at": NOW,
            "first_at": None, "last_at": None,
        } | changes,
    )  # fmt: skip


def counted(rows: list[Any], *, awaits: bool = False) -> Tally:
    tally = Tally()
    for each in rows:
        counting._count(tally, each, awaits=awaits)
    return tally


@given(pairs, st.dictionaries(st.integers(0, 29), st.sampled_from(["5.1.1", "busy"])), st.integers(1, 3))
def test_batches_that_say_the_same_count_like_each_by_itself(
    held: list[tuple[Outcome, Outcome]], said: dict[int, str], number: int
) -> None:
    reasons = json.dumps({str(place): reason for place, reason in said.items() if place < len(held)})
    together = counted([row(held, reasons=reasons, number=number)])
    assert together == counted([row(held, reasons=reasons)] * number)
    assert together.failed == together.reasons.total()


@given(st.lists(pairs, max_size=5), st.booleans())
def test_everybody_is_counted_once_and_those_who_moved_not_here(
    held: list[list[tuple[Outcome, Outcome]]], awaits: bool
) -> None:
    tally = counted([row(each) for each in held], awaits=awaits)
    everybody = sum(handover is not Outcome.MOVED for each in held for handover, _ in each)
    known = (
        tally.accepted, tally.delivered, tally.answered, tally.ambiguous, tally.failed, tally.pending,
    )  # fmt: skip
    assert sum(known) == everybody
    assert tally.failed == tally.reasons.total()
    assert tally.retrying + tally.awaiting <= tally.pending


def test_an_acceptance_is_pending_only_while_a_receipt_may_come() -> None:
    held = [(Outcome.ACCEPTED, Outcome.PENDING)]
    assert counting._awaits(row(held, waiting=True), VOICE)
    assert not counting._awaits(row(held), VOICE)
    assert not counting._awaits(row(held, waiting=True), replace(VOICE, receipt_wait=timedelta(0)))
    assert counted([row(held)], awaits=True).awaiting == 1
    assert counted([row(held)]).accepted == 1


def test_nothing_is_done_before_planning_is_complete() -> None:
    assert not Tally(planned=3, accepted=3).done
    assert Tally(planned=3, accepted=3, complete=True).done
    assert not Tally(planned=3, accepted=2, pending=1, complete=True).done


def test_a_retry_is_known_as_one_also_where_it_cost_no_try() -> None:
    pending = [(Outcome.PENDING, Outcome.PENDING)]
    tally = counted([row(pending), row(pending, retried=True)])
    assert (tally.pending, tally.retrying, tally.next_at) == (2, 1, NOW)


def test_first_and_last_are_those_of_all_batches() -> None:
    one, other = row([]), row([])
    one.first_at = one.last_at = NOW
    other.first_at, other.last_at = NOW - timedelta(seconds=2), NOW + timedelta(seconds=3)
    tally = counted([one, other])
    assert (tally.first_at, tally.last_at) == (other.first_at, other.last_at)
