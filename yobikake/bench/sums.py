"""Whether the sums of one alert on one channel are right: what the ledger says of each recipient beside what the gateway took."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from hub.delivery import FAILED, MERGED, REACHED, Outcome
from hub.keys import Keys
from hub.ledger import batches, packs, register
from hub.recipient import RecipientId

Audience = Mapping[RecipientId, str]
"""Everyone registered on the channel, with their address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Recipients. `outcomes`: by name; the rest is 0 where all is well, but for `resent`."""

    recipients: int
    outcomes: dict[str, int]
    forgotten: int
    """In no batch, or in one and not registered."""
    counted_twice: int
    undecided: int
    lost: int
    """Said to be reached, and the gateway took nothing for them; or said not to be, and it did."""
    twice: int
    """For whom the gateway carried it out more than once, without a resend that the ledger flags."""
    resent: int
    """Flagged."""
    strangers: int
    """Addresses that nobody registered."""

    @property
    def right(self) -> bool:
        return not (
            self.forgotten
            or self.counted_twice
            or self.undecided
            or self.lost
            or self.twice
            or self.strangers
        )


def audience(conn: Connection, keys: Keys, channel: str) -> dict[RecipientId, str]:
    """Everyone in the channel's packs, with their address."""
    found: dict[RecipientId, str] = {}
    for variant in packs.variants(conn, channel):
        for pack in packs.walk(conn, channel, variant, after=0):
            found |= register.open_addresses(conn, keys, channel, variant, pack.ids).addresses
    return found


class Place(NamedTuple):
    """A recipient in one of an alert's batches."""

    recipient: RecipientId
    outcome: Outcome
    resend: bool


def sums(conn: Connection, alert: str, channel: str, of: Audience, taken: Mapping[str, int] | None) -> Sums:
    """As `compared`, of what the ledger holds."""
    return compared(_places(conn, alert, channel), of, taken)


def _places(conn: Connection, alert: str, channel: str) -> Iterator[Place]:
    for row in batches.of_alert(conn, alert, channel=channel):
        for id_, handover, receipt in zip(row.members, row.handover, row.receipt, strict=True):
            yield Place(id_, MERGED[handover, receipt], row.resend)


def compared(places: Iterable[Place], of: Audience, taken: Mapping[str, int] | None) -> Sums:
    """`of`: with the addresses as the gateway knows them. `taken`: how often, by address; None: it counts no recipients
    (a post, a switch)."""
    counted: Counter[RecipientId] = Counter()
    said: dict[RecipientId, Outcome] = {}
    flagged: set[RecipientId] = set()
    for id_, outcome, resend in places:
        if resend:
            flagged.add(id_)
        if outcome is not Outcome.MOVED:
            counted[id_] += 1
            said[id_] = outcome
    times = {id_: (taken or {}).get(of[id_], 0) for id_ in of.keys() & said.keys()}
    return Sums(
        recipients=len(said),
        outcomes={outcome.name.lower(): number for outcome, number in Counter(said.values()).items()},
        forgotten=len(of.keys() ^ said.keys()),
        counted_twice=sum(number > 1 for number in counted.values()),
        undecided=sum(outcome not in _ENDS for outcome in said.values()),
        lost=0 if taken is None else sum(_untrue(said[id_], number) for id_, number in times.items()),
        twice=sum(number > 1 and id_ not in flagged for id_, number in times.items()),
        resent=len(flagged),
        strangers=len((taken or {}).keys() - set(of.values())),
    )


_ENDS = FAILED | REACHED | {Outcome.AMBIGUOUS}


def _untrue(said: Outcome, times: int) -> bool:
    return (said in REACHED and times == 0) or (said in FAILED and times > 0)
