"""What is tried again, and what is given up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice import Voice
from hub.alert import Lane, Mode
from hub.capabilities import Capabilities, Unit
from hub.delivery import FAILED, Batch, Outcome, Result, Variant
from hub.language import Language
from hub.ledger.batches import Planned
from hub.recipient import RecipientId
from hub.retry import RESEND_AFTER, RESEND_SPREAD, batch_id, judge, key_of

NOW = datetime(2026, 11, 23, 21, 47, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MAIL = Capabilities(kind="mail", japanese="メール", batch_size=100)
ID = batch_id("a")
BATCH = Batch(
    id=ID,
    alert="a",
    version=1,
    mode=Mode.LIVE,
    lane=Lane.URGENT,
    channel="mail",
    variant=Variant(Language.JA, None),
    seq=0,
    members=tuple(RecipientId(n) for n in (11, 12, 13)),
    content_hash="0",
    idempotency_key=key_of(ID),
    expires=NOW + timedelta(hours=1),
)


class Longest(Random):
    """Every wait is as long as it can be."""

    def random(self) -> float:
        return 1.0


def results(
    *outcomes: Outcome, retry_after: timedelta | None = None, alone: bool = False
) -> dict[int, Result]:
    return {
        position: Result(BATCH.members[position], outcome, None, "", retry_after, alone)
        for position, outcome in enumerate(outcomes)
    }


@pytest.mark.parametrize("asked_for", [timedelta.max, timedelta.min, timedelta(days=-1)])
def test_no_gateway_says_when_for_ever(asked_for: timedelta) -> None:
    """Nor before it was asked."""
    verdict = judge(BATCH, results(Outcome.THROTTLE, retry_after=asked_for), MAIL, now=NOW, random=Longest())
    assert NOW <= verdict.children[0].due_at <= BATCH.expires


def test_only_those_who_failed_for_now_are_tried_again() -> None:
    verdict = judge(
        BATCH,
        results(Outcome.ACCEPTED, Outcome.TEMPORARY, Outcome.PERMANENT),
        MAIL,
        now=NOW,
        random=Random(0),
    )
    (child,) = verdict.children
    assert child.batch.members == (RecipientId(12),)
    assert child.batch.attempt == 2
    assert child.batch.parent == BATCH.id
    assert verdict.moved == {1}


def test_a_retry_repeats_the_same_message_under_the_same_key() -> None:
    verdict = judge(BATCH, results(*[Outcome.TEMPORARY] * 3), MAIL, now=NOW, random=Random(0))
    (child,) = verdict.children
    assert child.batch.idempotency_key == BATCH.idempotency_key
    assert child.batch.content_hash == BATCH.content_hash
    assert not child.batch.resend


def test_what_may_have_arrived_is_sent_again_once_and_flagged() -> None:
    first = judge(BATCH, results(*[Outcome.AMBIGUOUS] * 3), MAIL, now=NOW, random=Random(0))
    (child,) = first.children
    assert child.batch.resend
    assert RESEND_AFTER <= child.due_at - NOW <= RESEND_AFTER * RESEND_SPREAD

    second = judge(child.batch, results(*[Outcome.AMBIGUOUS] * 3), MAIL, now=NOW, random=Random(0))
    assert second.children == ()
    assert [result.outcome for result in second.final.values()] == [Outcome.AMBIGUOUS] * 3


@pytest.mark.parametrize(("doubtful", "of"), [(1, 3), (2, 3), (3, 3), (1, 50)])
def test_the_fewer_of_a_batch_are_in_doubt_the_sooner_they_are_sent_again(doubtful: int, of: int) -> None:
    """And no more come at once than if all were."""
    batch = replace(BATCH, members=tuple(RecipientId(n) for n in range(of)))
    said = {
        place: Result(RecipientId(place), Outcome.AMBIGUOUS if place < doubtful else Outcome.ACCEPTED)
        for place in range(of)
    }
    (child,) = judge(batch, said, MAIL, now=NOW, random=Longest()).children
    longest = child.due_at - NOW - RESEND_AFTER
    assert longest == RESEND_AFTER * (RESEND_SPREAD - 1) * doubtful / of


def test_where_a_repeat_is_harmless_what_may_have_arrived_is_repeated_until_it_is_known() -> None:
    line = replace(MAIL, retries_whole_batch=True, max_attempts=3)
    batch, waits = BATCH, []
    for _ in range(2):
        verdict = judge(batch, results(*[Outcome.AMBIGUOUS] * 3), line, now=NOW, random=Random(0))
        (child,) = verdict.children
        batch = child.batch
        waits.append(child.due_at - NOW)
        assert (batch.resend, batch.idempotency_key) == (True, BATCH.idempotency_key)
    assert waits[0] <= RESEND_AFTER * RESEND_SPREAD < waits[1], "only the first repeat comes soon"
    last = judge(batch, results(*[Outcome.AMBIGUOUS] * 3), line, now=NOW, random=Random(0))
    assert [result.outcome for result in last.final.values()] == [Outcome.AMBIGUOUS] * 3


def test_a_part_that_went_under_a_key_of_its_own_is_repeated_under_it_and_by_itself() -> None:
    line, own = replace(MAIL, retries_whole_batch=True), UUID(int=7)
    said = results(Outcome.ACCEPTED, Outcome.AMBIGUOUS, Outcome.TEMPORARY)
    said[1] = msgspec.structs.replace(said[1], again_under=own)
    verdict = judge(BATCH, said, line, now=NOW, random=Random(0))
    repeats = {
        child.batch.idempotency_key: (child.batch.members, child.batch.resend) for child in verdict.children
    }
    assert repeats == {own: ((12,), True), BATCH.idempotency_key: ((13,), False)}
    assert verdict.final[0].outcome is Outcome.ACCEPTED


def test_a_channel_may_refuse_to_resend_what_may_have_arrived() -> None:
    shy = replace(MAIL, resends_ambiguous=False)
    assert judge(BATCH, results(*[Outcome.AMBIGUOUS] * 3), shy, now=NOW, random=Random(0)).children == ()


@pytest.mark.parametrize(("unit", "alone"), [(Unit.PEOPLE, True), (Unit.FACILITIES, False)])
def test_tries_end_where_the_channel_says(unit: Unit, alone: bool) -> None:
    twice = replace(MAIL, max_attempts=2, unit=unit)
    said = results(*[Outcome.TEMPORARY] * 3, alone=alone)
    (child,) = judge(BATCH, said, twice, now=NOW, random=Random(0)).children
    verdict = judge(child.batch, said, twice, now=NOW, random=Random(0))
    assert verdict.children == ()
    assert all(result.outcome in FAILED for result in verdict.final.values())


def test_a_gateway_that_takes_nothing_costs_no_person_a_try_and_is_asked_less_and_less_often() -> None:
    """Three calls are for a person who does not pick up, not for the hours of an outage."""
    once, late = replace(MAIL, max_attempts=1), Longest()
    batch, waits = BATCH, []
    for outcome in (Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.TEMPORARY, Outcome.TEMPORARY):
        (child,) = judge(batch, results(*[outcome] * 3), once, now=NOW, random=late).children
        batch = child.batch
        waits.append(child.due_at - NOW)
    assert waits == list(MAIL.backoff)
    assert (batch.attempt, batch.spent) == (5, 0)
    missed = judge(batch, results(*[Outcome.TEMPORARY] * 3, alone=True), once, now=NOW, random=late)
    assert missed.children == ()


def test_a_doubt_that_is_cleared_is_none_any_more() -> None:
    """A resend that found the call in doubt, which nobody had taken: the next call is a new one."""
    resend = replace(BATCH, resend=True)
    cleared = {
        position: msgspec.structs.replace(result, cleared=position != 0)
        for position, result in results(*[Outcome.TEMPORARY] * 3, alone=True).items()
    }
    children = judge(resend, cleared, MAIL, now=NOW, random=Random(0)).children
    assert {each.batch.members: each.batch.resend for each in children} == {
        (RecipientId(11),): True,
        (RecipientId(12), RecipientId(13)): False,
    }
    given_up = judge(resend, cleared, replace(MAIL, max_attempts=1), now=NOW, random=Random(0))
    assert [result.outcome for result in given_up.final.values()] == [
        Outcome.AMBIGUOUS, Outcome.PERMANENT, Outcome.PERMANENT,
    ]  # fmt: skip


def test_who_was_missed_alone_pays_for_nobody_else() -> None:
    voice = replace(MAIL, max_attempts=3)
    said = results(*[Outcome.TEMPORARY] * 3) | {1: results(*[Outcome.TEMPORARY] * 3, alone=True)[1]}
    children = judge(BATCH, said, voice, now=NOW, random=Random(0)).children
    assert {each.batch.members: each.batch.spent for each in children} == {
        (RecipientId(11), RecipientId(13)): 0,
        (RecipientId(12),): 1,
    }
    assert len({each.batch.id for each in children}) == 2


@pytest.mark.parametrize(
    ("lane", "reason", "spent", "again"),
    [
        (Lane.URGENT, "13224", 0, True),
        (Lane.URGENT, "13224", 1, False),
        (Lane.URGENT, "13225", 0, False),
        (Lane.ROUTINE, "13224", 0, False),
    ],
)
def test_a_number_that_cannot_be_called_is_called_once_more_where_it_is_urgent(
    lane: Lane, reason: str, spent: int, again: bool
) -> None:
    heard = {0: Result(BATCH.members[0], Outcome.PERMANENT, None, reason)}
    batch = replace(BATCH, lane=lane, spent=spent)
    verdict = judge(batch, heard, Voice.capabilities, now=NOW, random=Longest())
    assert [(child.batch.spent, child.batch.members) for child in verdict.children] == (
        [(1, BATCH.members[:1])] if again else []
    )
    assert again or verdict.final[0].outcome is Outcome.PERMANENT


def test_wrong_credentials_cost_no_try() -> None:
    # No recipient is at fault: the audience must not be used up while staff mend the settings.
    once = replace(MAIL, max_attempts=1)
    verdict = judge(BATCH, results(*[Outcome.CREDENTIALS] * 3), once, now=NOW, random=Random(0))
    (child,) = verdict.children
    assert child.batch.attempt == BATCH.attempt


def test_the_gateway_is_not_asked_before_it_said() -> None:
    wait = timedelta(seconds=90)
    verdict = judge(
        BATCH, results(*[Outcome.THROTTLE] * 3, retry_after=wait), MAIL, now=NOW, random=Random(0)
    )
    assert verdict.children[0].due_at >= NOW + wait


@pytest.mark.parametrize("attempt", [1, 2, 3, 9])
def test_the_wait_is_jittered_below_its_ceiling(attempt: int) -> None:
    ceiling = MAIL.backoff[min(attempt, len(MAIL.backoff)) - 1]
    waits = {
        judge(
            replace(BATCH, attempt=attempt),
            results(*[Outcome.TEMPORARY] * 3),
            MAIL,
            now=NOW,
            random=Random(seed),
        )
        .children[0]
        .due_at
        - NOW
        for seed in range(50)
    }
    assert len(waits) > 40
    assert all(timedelta(0) <= wait <= ceiling for wait in waits)


@pytest.mark.parametrize("stopped_as", [Outcome.CANCELLED, Outcome.SUPERSEDED])
def test_nothing_of_a_stopped_alert_is_tried_again(stopped_as: Outcome) -> None:
    verdict = judge(
        BATCH,
        results(Outcome.TEMPORARY, Outcome.AMBIGUOUS, Outcome.ACCEPTED),
        MAIL,
        now=NOW,
        random=Random(0),
        stopped_as=stopped_as,
    )
    assert verdict.children == ()
    assert verdict.final[0].reason == "", "not the gateway's word is why"
    assert [result.outcome for result in verdict.final.values()] == [
        stopped_as,
        Outcome.AMBIGUOUS,
        Outcome.ACCEPTED,
    ]


def test_the_same_verdict_twice_gives_the_same_child() -> None:
    first, second = (
        judge(BATCH, results(*[Outcome.TEMPORARY] * 3), MAIL, now=NOW, random=Random(seed)) for seed in (1, 2)
    )
    assert first.children[0].batch.id == second.children[0].batch.id


def test_what_one_who_died_left_behind_is_sent_again_at_once() -> None:
    # It was no gateway that failed, and those who may have got nothing have waited for a life to end.
    verdict = judge(
        BATCH, results(*[Outcome.AMBIGUOUS] * 3, retry_after=timedelta(0)), MAIL, now=NOW, random=Random(0)
    )
    assert [child.due_at for child in verdict.children] == [NOW]


def test_whom_a_transaction_had_no_room_for_is_tried_at_once() -> None:
    verdict = judge(
        BATCH, results(*[Outcome.TEMPORARY] * 3, retry_after=timedelta(0)), MAIL, now=NOW, random=Random(0)
    )
    assert [child.due_at for child in verdict.children] == [NOW]


def test_what_would_be_due_after_expiry_ends_at_expiry() -> None:
    verdict = judge(
        BATCH,
        results(*[Outcome.THROTTLE] * 3, retry_after=timedelta(days=2)),
        MAIL,
        now=NOW,
        random=Random(0),
    )
    assert [child.due_at for child in verdict.children] == [BATCH.expires]


outcomes = st.sampled_from(
    [outcome for outcome in Outcome if outcome not in (Outcome.PENDING, Outcome.MOVED)]
)
waits = st.none() | st.timedeltas(timedelta(0), timedelta(hours=3))
capabilities = st.builds(
    Capabilities,
    kind=st.just("mail"),
    japanese=st.just("メール"),
    batch_size=st.just(100),
    max_attempts=st.none() | st.integers(1, 4),
    resends_ambiguous=st.booleans(),
    retries_whole_batch=st.booleans(),
)
KEYS = [None, UUID(int=1), UUID(int=2)]
tried = st.builds(
    lambda spent, others, resend: replace(BATCH, attempt=1 + spent + others, spent=spent, resend=resend),
    st.integers(0, 3), st.integers(0, 3), st.booleans(),
)  # fmt: skip


@given(
    batch=tried,
    said=st.lists(st.tuples(outcomes, waits, st.booleans(), st.sampled_from(KEYS)), min_size=3, max_size=3),
    channel=capabilities,
    stopped_as=st.none() | st.sampled_from([Outcome.CANCELLED, Outcome.SUPERSEDED]),
    late=st.timedeltas(timedelta(0), timedelta(hours=2)),
    seed=st.integers(0, 99),
)
def test_whatever_a_gateway_says_everyone_has_one_end_or_one_more_try(
    *,
    batch: Batch,
    said: list[tuple[Outcome, timedelta | None, bool, UUID | None]],
    channel: Capabilities,
    stopped_as: Outcome | None,
    late: timedelta,
    seed: int,
) -> None:
    now = NOW + late
    given_results = {
        position: Result(batch.members[position], outcome, None, "", wait, alone, again_under=key)
        for position, (outcome, wait, alone, key) in enumerate(said)
    }
    first, again = (
        judge(batch, given_results, channel, now=now, random=Random(seed), stopped_as=stopped_as)
        for _ in range(2)
    )
    assert first == again
    moved = [member for child in first.children for member in child.batch.members]
    assert sorted(moved) == sorted(batch.members[position] for position in first.moved), "once each"
    ended = {
        position: result.outcome for position, result in first.final.items() if position not in first.moved
    }
    assert not any(outcome.retryable for outcome in ended.values())
    assert set(ended) | first.moved == {0, 1, 2}
    if stopped_as is not None:
        assert not first.children
    if batch.resend:
        certain = {each: outcome for each, outcome in ended.items() if outcome in FAILED}
        assert all(given_results[each].outcome is outcome for each, outcome in certain.items()), (
            "what may have arrived before is not forgotten"
        )
    if channel.retries_whole_batch:
        keys = [child.batch.idempotency_key for child in first.children]
        assert len(keys) == len(set(keys)), "two sets of people would share a key"
    for child in first.children:
        _is_a_fair_try(
            batch, child, {result.recipient: result for result in given_results.values()}, channel, now
        )


def _is_a_fair_try(
    batch: Batch, child: Planned, said: dict[RecipientId, Result], channel: Capabilities, now: datetime
) -> None:
    own = [said[member] for member in child.batch.members]
    doubtful = any(result.outcome is Outcome.AMBIGUOUS for result in own)
    assert child.batch.resend == (batch.resend or doubtful)
    if doubtful:
        assert channel.resends_ambiguous
        assert channel.retries_whole_batch or not batch.resend, "at most one flagged resend"
    costs = [result.alone and result.outcome is Outcome.TEMPORARY for result in own]
    if channel.max_attempts is None:
        assert child.batch.spent == batch.spent
    elif channel.retries_whole_batch:
        assert child.batch.spent == batch.spent + any(costs)
    else:
        assert {child.batch.spent - batch.spent} == set(costs), "a try that costs some and not others"
    if any(costs):
        assert channel.max_attempts is None or child.batch.spent < channel.max_attempts
    asked = max(
        (result.retry_after for result in own if result.retry_after is not None), default=timedelta(0)
    )
    assert min(now + asked, batch.expires) <= child.due_at <= batch.expires
    assert {result.again_under or batch.idempotency_key for result in own} == {child.batch.idempotency_key}
    assert child.batch.content_hash == batch.content_hash
