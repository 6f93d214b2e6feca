"""Was anything begun that should not have begun any more? Moments are those at which the gateway read a request.

A gate can be asked only before the first byte, not with it: a process that is frozen in between
writes that one request when it thaws. There is one such at a time, since one task runs at a time.
So one request of a channel right after each thaw is let pass.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
        each for each in case.requests if case.observed.earliest_hub_time(each.begun_at) > expires + READING
    ]
    return len(_beyond_thaws(case.observed.freezes, late))


def without_claim(case: Case) -> int:
    """Requests begun under a claim that had run out: its holder fences itself before that (I3)."""
    return sum(_under_frozen_claims(case, freeze) for freeze in case.observed.freezes)


def _late(case: Case, limit: datetime) -> int:
    late = [each for each in case.requests if each.begun_at > limit + READING]
    return len(_beyond_thaws(case.observed.freezes, late))


def _beyond_thaws(freezes: Sequence[Freeze], late: Iterable[Taken | Refused]) -> set[int]:
    """The requests that nobody was frozen in front of."""
    begun = {each.request: each.begun_at for each in late}
    for freeze in freezes:
        thawed = [
            request for request, at in begun.items() if freeze.thawed_at <= at <= freeze.thawed_at + THAWING
        ]
        if thawed:
            del begun[min(thawed, key=begun.__getitem__)]
    return set(begun)


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
                beyond |= {each.request for each in _of(case, id_) if ran_out_at < each.begun_at < due_at}
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
