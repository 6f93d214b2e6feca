"""How fast an alert went out: when how many had been accepted, and when how many had reached a device."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, func, insert, select, type_coerce

from hub.delivery import Outcome, tally
from hub.ledger import tables
from hub.ledger.columns import MICROSECONDS, streamed

_batches = tables.batches.c
_arrivals = tables.arrivals.c
_TAKEN = (Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.ANSWERED)


class Taken(NamedTuple):
    """So many more, of whom it was known by `at`; those of one second may stand together."""

    channel: str
    at: datetime
    number: int


class Tempo(NamedTuple):
    """Both in the order of time. `accepted`: or more than that is known; `arrived`: known to have reached a device,
    or answered."""

    accepted: list[Taken]
    arrived: list[Taken]


def tempo(conn: Connection, alert: str) -> Tempo:
    """From the alert's batches, as they stand, and the times of its receipts. Batches whose record was complete in
    the same second and says the same are read as one."""
    second = type_coerce(_batches.last_at, BigInteger) // MICROSECONDS
    alike = (_batches.channel, _batches.handover, _batches.receipt)
    query = (
        select(*alike, func.max(_batches.last_at).label("at"), func.count().label("number"))
        .where(_batches.alert == alert, _batches.last_at.is_not(None))
        .group_by(*alike, second)
    )
    accepted: list[Taken] = []
    arrived = _by_receipt(conn, alert)
    for row in streamed(conn, query):
        counted = tally(row.handover, row.receipt)
        at_once = Counter(row.handover)
        accepted.append(Taken(row.channel, row.at, row.number * sum(counted[each] for each in _TAKEN)))
        told = sum(at_once[each] for each in (Outcome.DELIVERED, Outcome.ANSWERED))
        arrived.append(Taken(row.channel, row.at, row.number * told))
    return Tempo(_ordered(accepted), _ordered(arrived))


def arrive(conn: Connection, alert: str, channel: str, times: Iterable[datetime]) -> None:
    """Note when receipts said of somebody, for the first time, that a device was reached. One row a second."""
    seconds = Counter(moment.replace(microsecond=0) for moment in times)
    rows = [
        {"alert": alert, "channel": channel, "at": at, "number": number} for at, number in seconds.items()
    ]
    if rows:
        conn.execute(insert(tables.arrivals), rows)


def leave(conn: Connection, alert: str, channel: str, at: datetime) -> None:
    """Note that of one of them it was said by mistake."""
    row = {"alert": alert, "channel": channel, "at": at.replace(microsecond=0), "number": -1}
    conn.execute(insert(tables.arrivals).values(row))


def half(of: Iterable[Taken], planned: int) -> datetime | None:
    """When half of those planned, rounded up, had been accepted; None when they never were. `of` by time."""
    so_far = 0
    for each in of:
        so_far += each.number
        if 2 * so_far >= planned > 0:
            return each.at
    return None


def _by_receipt(conn: Connection, alert: str) -> list[Taken]:
    query = (
        select(_arrivals.channel, _arrivals.at, func.sum(_arrivals.number).label("number"))
        .where(_arrivals.alert == alert)
        .group_by(_arrivals.channel, _arrivals.at)
    )
    return [Taken(row.channel, row.at, int(row.number)) for row in conn.execute(query)]


def _ordered(of: list[Taken]) -> list[Taken]:
    return sorted((each for each in of if each.number), key=lambda each: each.at)
