"""Was anything begun that should not have begun any more? Moments are those at which the gateway read a request, or
the instrument began to stand still before it read it.

A gate can be asked only before the first byte, not with it: a process that is frozen in between
writes that one request when it thaws. There is one such at a time, since one task runs at a time.
So one request of a channel right after each thaw is let pass.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from hub.cap import MsgType
from hub.delivery import BatchId
from hub.recipient import RecipientId
from yobikake.chaos.case import Case
from yobikake.chaos.log import Refused, Taken
from yobikake.chaos.observed import Freeze, Row

STOPS_WITHIN = timedelta(seconds=2)
"""I5, I11: after that nothing of a stopped alert begins."""

READING = timedelta(seconds=0.5)
"""Between a byte's arrival and the reading of the clock, on a machine that is busy."""

THAWING = timedelta(seconds=1)
"""In which a process that was frozen writes what it was about to write."""


def after_stop(case: Case) -> int:
    """Requests begun after a stop was acknowledged: it closes the gate, and what was begun is aborted (I5)."""
    stopped_at = case.observed.stopped.get(case.known.alert.identifier)
    return 0 if stopped_at is None else _late(case, stopped_at + STOPS_WITHIN)


def latest_after_stop(case: Case) -> float | None:
    """Seconds from the acknowledgement of a stop to the last request that began; None: none began after it."""
    stopped_at = case.observed.stopped.get(case.known.alert.identifier)
    if stopped_at is None:
        return None
    beyond = _beyond_thaws(case, [each for each in case.requests if _begun(case, each) > stopped_at])
    return max(((at - stopped_at).total_seconds() for at in beyond.values()), default=None)


def after_successor(case: Case) -> int:
    """Requests begun after an alert that takes this one's place was acknowledged: it stops this one (I11)."""
    accepted = [
        at
        for known in case.observed.record.alerts.values()
        if known.alert.msg_type is not MsgType.ALERT
        and case.known.alert.identifier in known.alert.references
        and (at := case.observed.accepted.get(known.alert.identifier)) is not None
    ]
    return _late(case, min(accepted) + STOPS_WITHIN) if accepted else 0


def after_expiry(case: Case) -> int:
    """Requests begun after the alert had expired by the hub's own clock: the gate is asked directly before (I8)."""
    expires = case.known.alert.expires
    late = [
        each
        for each in case.requests
        if case.observed.earliest_hub_time(_begun(case, each)) > expires + READING
    ]
    return len(_beyond_thaws(case, late))


def without_claim(case: Case) -> int:
    """Requests begun under a claim that had run out: its holder fences itself before that (I3)."""
    return sum(_under_frozen_claims(case, freeze) for freeze in case.observed.freezes)


def _late(case: Case, limit: datetime) -> int:
    late = [each for each in case.requests if _begun(case, each) > limit + READING]
    return len(_beyond_thaws(case, late))


def _begun(case: Case, each: Taken | Refused) -> datetime:
    return case.observed.arrived(each.begun_at)


def _beyond_thaws(case: Case, late: Iterable[Taken | Refused]) -> Mapping[int, datetime]:
    """The requests that nobody was frozen in front of, and when they began."""
    begun = {each.request: _begun(case, each) for each in late}
    for freeze in case.observed.freezes:
        thawed = [
            request for request, at in begun.items() if freeze.thawed_at <= at <= freeze.thawed_at + THAWING
        ]
        if thawed:
            del begun[min(thawed, key=begun.__getitem__)]
    return begun


def _under_frozen_claims(case: Case, freeze: Freeze) -> int:
    """What the frozen holder sent after its claims had run out, but for one request.

    From that moment until something else of the recipient's is due nobody may send to them: not before
    the retries of the batch that took over, or the batch itself where it was given back. What began in
    between, the old holder began.
    """
    beyond: set[int] = set()
    for row in case.rows:
        if (ran_out_at := freeze.leases.get(row.id)) is not None:
            for id_ in row.members:
                due_at = _due_again(case, row, freeze, id_)
                sent = {each.request: _begun(case, each) for each in _of(case, id_)}
                beyond |= {request for request, at in sent.items() if ran_out_at < at < due_at}
    return max(0, len(beyond) - 1)


def _of(case: Case, id_: RecipientId) -> Iterator[Taken | Refused]:
    story = case.stories[id_]
    yield from story.taken
    yield from (each for each in story.refused if each.number == case.known.number)


def _due_again(case: Case, row: Row, freeze: Freeze, id_: RecipientId) -> datetime:
    """By the hub's clock, which may be wrong: then a little earlier."""
    due = [each.due_at for each in _descendants(case, row.id) if id_ in each.members]
    if row.owner != freeze.owners.get(row.id, row.owner):
        due.append(row.due_at)
    fast = max((by for _, by in case.observed.clock), default=timedelta(0))
    return min(due) - max(fast, timedelta(0)) if due else case.observed.ended_at


def _descendants(case: Case, batch: BatchId) -> Iterator[Row]:
    children: defaultdict[BatchId | None, list[Row]] = defaultdict(list)
    for row in case.rows:
        children[row.parent].append(row)
    waiting = [batch]
    while waiting:
        for row in children[waiting.pop()]:
            waiting.append(row.id)
            yield row
