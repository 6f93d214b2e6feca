"""What is tried again, when, and what is given up: decided from one batch's results, without side effects."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from hub.alert import Lane
from hub.capabilities import Capabilities, Unit
from hub.delivery import FAILED, REACHED, Batch, BatchId, Outcome, Result
from hub.ledger.batches import Planned

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:yobikake:batch")

RESEND_AFTER = timedelta(seconds=2)
"""The one flagged resend comes soon, since whoever may not have got the alert waits for it; but not into the
moment that swallowed the first try, and not everybody's at once: between this and `RESEND_SPREAD` times it where all of
a batch are in doubt, and so much sooner as fewer of it are. Then no more come at once than in the worst case."""

RESEND_SPREAD = 5

LONGEST_WAIT = timedelta(days=1)
"""Whatever a gateway asks for: an alert ends sooner, and a time without end cannot be written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`final` is written to the batch; the positions in `moved` live on in `children`."""

    final: dict[int, Result]
    moved: frozenset[int]
    children: tuple[Planned, ...]


def batch_id(*parts: object) -> BatchId:
    """The same parts give the same id: planning the same thing twice adds nothing."""
    return BatchId(str(uuid5(_NAMESPACE, "|".join(map(str, parts)))))


def judge(
    batch: Batch,
    results: Mapping[int, Result],
    capabilities: Capabilities,
    *,
    now: datetime,
    random: Random,
    stopped_as: Outcome | None = None,
) -> Verdict:
    """Sort a batch's results into what is final and what is tried again.

    `stopped_as`: the alert was stopped meanwhile; what would be retried gets that outcome instead. So it
    does once the alert has expired.
    """
    if {result.outcome for result in results.values()} <= REACHED:
        return Verdict(final=dict(results), moved=frozenset(), children=())
    if stopped_as is None and now >= batch.expires:
        stopped_as = Outcome.EXPIRED
    final: dict[int, Result] = {}
    again: defaultdict[_Why, list[int]] = defaultdict(list)
    for position, heard in results.items():
        result = _believed(batch, heard, capabilities)
        doubted = replace(batch, resend=False) if result.cleared else batch
        ending = _ending(doubted, result, capabilities, stopped_as)
        if ending is None:
            costs = _costs(result, capabilities)
            why = _Why(
                result.outcome,
                result.retry_after,
                costs,
                doubted.resend,
                result.again_under or batch.idempotency_key,
            )
            again[why].append(position)
        final[position] = ending or result
    children = tuple(
        child(
            replace(batch, resend=why.resend, idempotency_key=why.key), positions, why.outcome,
            capabilities, now=now, random=random, retry_after=why.retry_after, costs=why.costs,
        )
        for why, positions in (_together(again) if capabilities.retries_whole_batch else again).items()
    )  # fmt: skip
    return Verdict(
        final=final,
        moved=frozenset(position for positions in again.values() for position in positions),
        children=children,
    )


def child(
    batch: Batch,
    positions: list[int],
    outcome: Outcome,
    capabilities: Capabilities,
    *,
    now: datetime,
    random: Random,
    retry_after: timedelta | None = None,
    costs: bool = False,
) -> Planned:
    """The batch that tries `positions` again, after full jitter (or what the gateway asked for).

    `costs`: it uses up one of the tries that the channel gives its recipients.

    It keeps the batch's idempotency key: what is sent again is the same message, and says so. Once it may have
    arrived, every later try says so too. What would be due after the alert's expiry is due, and ends, then.
    """
    doubtful = outcome is Outcome.AMBIGUOUS
    attempt = batch.attempt if outcome is Outcome.CREDENTIALS else batch.attempt + 1
    if doubtful and not batch.resend and retry_after is None:
        spread = (RESEND_SPREAD - 1) * len(positions) / len(batch.members)
        wait = RESEND_AFTER * (1 + spread * random.random())
    else:
        wait = _wait(batch.attempt, capabilities, random, retry_after)
    retried = replace(
        batch,
        id=batch_id(batch.id, attempt, outcome.name, positions[0]),
        members=tuple(batch.members[position] for position in positions),
        attempt=attempt,
        spent=batch.spent + costs,
        resend=batch.resend or doubtful,
        parent=batch.id,
    )
    return Planned(batch=retried, due_at=min(now + wait, batch.expires))


class _Why(NamedTuple):
    """What is to be tried again, the wait that the gateway asked for, whether it uses up a try, whether an earlier
    one may have arrived, and under which key."""

    outcome: Outcome
    retry_after: timedelta | None
    costs: bool
    resend: bool
    key: UUID


Again = Mapping[_Why, list[int]]
"""Positions by why they are tried again."""


def _together(again: Again) -> Again:
    """One child for all under a key: it stands for one set of people, so no two children may share it (LINE).

    It is what is worst of any of them, and waits as long as the longest.
    """
    by_key: defaultdict[UUID, list[_Why]] = defaultdict(list)
    for why in again:
        by_key[why.key].append(why)
    return {
        _worst(whys): sorted(position for why in whys for position in again[why]) for whys in by_key.values()
    }


def _worst(whys: Sequence[_Why]) -> _Why:
    return _Why(
        outcome=max(why.outcome for why in whys),
        retry_after=max((why.retry_after for why in whys if why.retry_after is not None), default=None),
        costs=any(why.costs for why in whys),
        resend=any(why.resend for why in whys),
        key=whys[0].key,
    )


def may_try_again(batch: Batch, capabilities: Capabilities) -> bool:
    """Whether another try is left after this one, if this one costs one."""
    return capabilities.max_attempts is None or batch.spent + 1 < capabilities.max_attempts


def _costs(result: Result, capabilities: Capabilities) -> bool:
    """A gateway that fails uses up no person's tries. What is no person has them counted all the same:
    staff are to hear soon of a facility that cannot be switched on."""
    if capabilities.max_attempts is None or result.outcome is not Outcome.TEMPORARY:
        return False
    return result.alone or capabilities.unit is not Unit.PEOPLE


def _believed(batch: Batch, result: Result, capabilities: Capabilities) -> Result:
    """A refusal for good that may be none counts as a try that failed, the first time that it is urgent."""
    doubtful = result.outcome is Outcome.PERMANENT and result.reason in capabilities.once_more
    if not doubtful or batch.lane is not Lane.URGENT or batch.spent:
        return result
    return msgspec.structs.replace(result, outcome=Outcome.TEMPORARY, alone=True)


def _ending(
    batch: Batch, result: Result, capabilities: Capabilities, stopped_as: Outcome | None
) -> Result | None:
    """The result to keep for good, or None when there is another try."""
    outcome = result.outcome
    if outcome is Outcome.AMBIGUOUS:
        return None if stopped_as is None and _may_resend(batch, capabilities) else result
    if outcome in FAILED:
        # a refusal now does not take back what an earlier try may have brought
        return msgspec.structs.replace(result, outcome=unsent(batch, outcome))
    if not outcome.retryable:
        return result
    if stopped_as is not None:
        # what the gateway said of this try is not why there is no other
        return msgspec.structs.replace(result, outcome=unsent(batch, stopped_as), reason="")
    if _costs(result, capabilities) and not may_try_again(batch, capabilities):
        return msgspec.structs.replace(result, outcome=unsent(batch, Outcome.PERMANENT))
    return None


def _may_resend(batch: Batch, capabilities: Capabilities) -> bool:
    """Once; but where the gateway knows a repeat by its key, as often as anything is tried (LINE)."""
    if capabilities.retries_whole_batch:
        most = capabilities.max_attempts
        return capabilities.resends_ambiguous and (most is None or batch.attempt < most)
    return capabilities.resends_ambiguous and not batch.resend


def unsent(batch: Batch, outcome: Outcome) -> Outcome:
    """`outcome` for who was not sent to now; but what an earlier try may have brought stays ambiguous."""
    return Outcome.AMBIGUOUS if batch.resend else outcome


def _wait(
    attempt: int, capabilities: Capabilities, random: Random, retry_after: timedelta | None
) -> timedelta:
    """`retry_after` zero means at once; anything else the gateway asked for is a little more, so that not
    everybody comes back at the same moment."""
    ceiling = capabilities.backoff[min(attempt, len(capabilities.backoff)) - 1]
    if retry_after is None:
        return ceiling * random.random()
    asked_for = min(max(retry_after, timedelta(0)), LONGEST_WAIT)
    return asked_for + ceiling * random.random() * 0.1 if asked_for else asked_for


def key_of(batch: BatchId) -> UUID:
    """The idempotency key of a root batch."""
    return uuid5(_NAMESPACE, f"key|{batch}")
