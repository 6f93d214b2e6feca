"""The check: what the ledger says against what the gateways saw and what the operator was told.

Pure: the same observation gives the same findings. Each rule is a small function that says in one
sentence why it holds. A violation names the seed, the promise, the alert, the channel and what was
expected; recipients by id, never an address.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.delivery import Outcome
from hub.recipient import Kind, RecipientId
from yobikake.chaos import lateness, truth
from yobikake.chaos.case import Case, cases
from yobikake.chaos.observed import Known, Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Of one run."""

    acked_alerts: int
    recipients: int
    """(alert, channel, recipient) triples of acknowledged alerts."""
    lost: int
    """Those of whom the ledger says what is not true, or nothing; and alerts that are not there at all."""
    unflagged_duplicates: int
    flagged_resends: int
    resend_bound: int
    """Recipients whose request was in flight when a fault hit it."""
    violations: tuple[str, ...]
    stops: int = 0
    """Alerts whose stop was acknowledged."""
    stopped_within_s: float = 0.0
    """The longest that anything still began after that."""


class Rule(NamedTuple):
    """`broken` gives the recipients of a case for whom it does not hold."""

    promise: str
    expected: str
    broken: Callable[[Case], Collection[RecipientId]]
    loses: bool = False


RULES = (
    Rule("I2", "everyone of the audience is in a batch", truth.forgotten, loses=True),
    Rule("I9", "nobody else is in a batch", truth.uninvited),
    Rule("I2", "everyone has an outcome that ends", truth.undecided, loses=True),
    Rule("I2", "everyone is counted in one batch", truth.counted_twice),
    Rule("I3", "who is said to be reached was taken by the gateway", truth.unreached, loses=True),
    Rule("I3", "who was taken by the gateway is not said to be unsent", truth.denied, loses=True),
    Rule("I3", "what the gateway never answered for is not said to be accepted", truth.untold),
    Rule("I3", "a failure has a reason that the gateway or the operator gave", truth.groundless),
    Rule("I3", "what may have arrived is sent again, flagged", truth.unresent),
    Rule("I3", "nobody gets it twice without a flagged resend", truth.repeated),
    Rule("I3", "nobody gets it more than twice", truth.too_often),
    Rule("I9", "only who is in a batch is sent to", truth.outside),
    Rule("I6", "a drill says that it is one, and nothing else does", truth.miscalled),
)


class Limit(NamedTuple):
    """`broken` gives how many requests came too late."""

    promise: str
    expected: str
    broken: Callable[[Case], int]


LIMITS = (
    Limit("I5", "nothing begins later than 2 s after the stop", lateness.after_stop),
    Limit("I11", "nothing begins later than 2 s after its successor", lateness.after_successor),
    Limit("I8", "nothing begins after the expiry", lateness.after_expiry),
    Limit("I3", "nothing begins under a claim that has run out", lateness.without_claim),
)


def check(observed: Observed) -> Findings:
    every = list(cases(observed))
    flagged = sum(story.flagged for case in every for story in case.members.values())
    bound = sum(observed.in_flight) + sum(struck.recipients for struck in observed.log.struck)
    found = [
        *observed.crashes,
        *_of_the_record(observed),
        *_of_what_nobody_sent(observed),
        *(violation for case in every for violation in _of_a_case(case)),
    ]
    if flagged > bound:
        found.append(
            f"I3: at most {bound} resends, as many as were in flight when something failed; {flagged} made"
        )
    return Findings(
        acked_alerts=len(observed.accepted),
        recipients=sum(
            len(case.members) for case in every if case.known.alert.identifier in observed.accepted
        ),
        lost=_lost(observed, every),
        unflagged_duplicates=sum(len(truth.repeated(case)) for case in every),
        flagged_resends=flagged,
        resend_bound=bound,
        violations=tuple(f"seed {observed.seed}: {violation}" for violation in found),
        stops=len(observed.stopped),
        stopped_within_s=max((lateness.latest_after_stop(case) or 0.0 for case in every), default=0.0),
    )


def _lost(observed: Observed, every: Collection[Case]) -> int:
    """Each recipient once, however many rules they break; an alert that is not there counts as one."""
    missing = observed.accepted.keys() - observed.record.alerts.keys()
    recipients = ({id_ for rule in RULES if rule.loses for id_ in rule.broken(case)} for case in every)
    return len(missing) + sum(map(len, recipients))


def _of_the_record(observed: Observed) -> Iterator[str]:
    """What was acknowledged is in the ledger with its audit row, and nobody has changed either (I1, I12)."""
    record = observed.record
    if record.broken:
        yield f"I12: the record is as it was written: {record.broken}"
    for identifier in sorted(observed.accepted.keys() - record.alerts.keys()):
        yield f"I1 {identifier}: an alert that was acknowledged is in the ledger"
    for identifier, known in record.alerts.items():
        if ("alert.accept", identifier) not in record.deeds:
            yield f"I12 {known.number}: its acceptance is in the audit"
    for identifier in sorted(observed.stopped.keys() & record.alerts.keys()):
        yield from _of_a_stop(observed, identifier)
    for name in observed.leaks:
        yield f"I12: no address stands in {name}, which the transport wrote"


def _of_a_stop(observed: Observed, identifier: str) -> Iterator[str]:
    """An alert may have been ended by a later one before somebody stopped it: then that is its end."""
    known = observed.record.alerts[identifier]
    if known.stopped_as is None:
        yield f"I5 {known.number}: a stop that was acknowledged is in the ledger"
    elif known.stopped_as is Outcome.CANCELLED and ("alert.stop", identifier) not in observed.record.deeds:
        yield f"I12 {known.number}: its stop is in the audit"


def _of_what_nobody_sent(observed: Observed) -> Iterator[str]:
    """A gateway gets nothing that no alert says on its channel; what residents get says which alert it is.

    Mail to staff on call names no alert.
    """
    said = {
        (known.number, channel) for known in observed.record.alerts.values() for channel in _channels(known)
    }
    told = {(each.number, each.channel) for each in observed.log.taken if each.number}
    for number, channel in sorted(told - said):
        yield f"I9 {number} {channel}: the ledger has an alert of this number for this channel"
    residents = {
        address
        for person in observed.people.values()
        if person.kind is Kind.RESIDENT
        for address in person.contacts.values()
    }
    nameless = {each.channel for each in observed.log.taken if not each.number and each.address in residents}
    for channel in sorted(nameless):
        yield f"I9 {channel}: what a resident gets says which alert it is"


def _channels(known: Known) -> Sequence[str]:
    return known.alert.targeting.channels


def _of_a_case(case: Case) -> Iterator[str]:
    where = f"{case.known.number} {case.channel}"
    for rule in RULES:
        if broken := rule.broken(case):
            first = ", ".join(map(str, sorted(broken)[:3]))
            yield f"{rule.promise} {where}: {rule.expected}; not so for {len(broken)} (recipient {first})"
    for limit in LIMITS:
        if late := limit.broken(case):
            yield f"{limit.promise} {where}: {limit.expected}; {late} requests did"
    if case.strangers:
        yield f"I9 {where}: every address belongs to somebody registered; not so for {len(case.strangers)}"
    yield from _of_the_plan(case)


def _of_the_plan(case: Case) -> Iterator[str]:
    """Nothing counts as done before planning is complete, and what was planned adds up (I2)."""
    planned, complete = case.known.planned.get(case.channel, (0, False))
    held = sum(len(row.members) for row in case.rows if row.parent is None)
    where = f"{case.known.number} {case.channel}"
    if not complete:
        yield f"I2 {where}: planning is complete"
    if planned != held:
        yield f"I2 {where}: the plan counts as many as its batches hold; it counts {planned}, they hold {held}"
