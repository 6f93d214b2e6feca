"""New numbers that are tried once, and what became of it: of each contact by telephone or fax one row, from its
registration to its end. No number stands here."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from hub.delivery import ProviderRef
from hub.language import Language
from hub.ledger import tables
from hub.ledger.columns import one_at_a_time
from hub.recipient import Kind, RecipientId, Town

TRIED = ("voice", "fax")
"""Channels whose numbers are tried when they are new."""
MOST_TRIES = 2
BETWEEN = timedelta(seconds=5)
"""Of any two on one channel."""
_LOCK = 0x7472_6961

_trials = tables.trials.c


class Finding(StrEnum):
    """What is known of a number once it was tried."""

    NONE = ""
    CONFIRMED = "confirmed"
    """It was picked up, by whomever; or the page came out."""
    UNANSWERED = "unanswered"
    """Nobody picked up, or it was engaged, at every try."""
    WRONG = "wrong"
    """There is no such number, or it cannot be called."""
    UNCLEAR = "unclear"
    """The gateway took it, and nobody said what became of it."""


FAILED = (Finding.WRONG, Finding.UNANSWERED)
"""Whoever has such a number is told nothing in an emergency: staff look into it."""


class Trial(NamedTuple):
    """`tries`: begun so far. `ref`: of the last one at the provider."""

    recipient: RecipientId
    channel: str
    tries: int
    sent_at: datetime | None
    key: str
    ref: str
    waiting: bool
    finding: Finding
    reason: str
    found_at: datetime | None


class Failed(NamedTuple):
    """And whose number it is."""

    trial: Trial
    kind: Kind
    town: Town
    language: Language


def ask(conn: Connection, contacts: Iterable[tuple[RecipientId, str]], *, at: datetime) -> None:
    """These (recipient, channel), which are new, are to be tried from `at` on."""
    rows = [
        {
            "recipient": recipient, "channel": channel, "due_at": at, "tries": 0, "key": "", "ref": "",
            "waiting": False, "finding": Finding.NONE, "reason": "",
        }
        for recipient, channel in contacts
    ]  # fmt: skip
    if rows:
        conn.execute(insert(tables.trials), rows)


def ask_again(conn: Connection, recipient: RecipientId, channel: str, *, at: datetime) -> bool:
    """As if never before. False: this number is not known to have failed."""
    known = of(conn, recipient, channel)
    if known is None or known.finding not in FAILED:
        return False
    forget(conn, [recipient], channel)
    ask(conn, [(recipient, channel)], at=at)
    return True


def due(conn: Connection, channel: str, *, at: datetime) -> Trial | None:
    """Whose turn it is."""
    query = select(tables.trials).where(_trials.channel == channel, _trials.due_at <= at)
    row = conn.execute(query.order_by(_trials.due_at, _trials.recipient).limit(1)).first()
    return None if row is None else _trial(row)


def begin(conn: Connection, trial: Trial, *, key: str, at: datetime) -> bool:
    """Claim it, before anything is sent. False: somebody else did, or another one of the channel is too near."""
    one_at_a_time(conn, _LOCK)
    near = select(_trials.recipient).where(
        _trials.channel == trial.channel, _trials.sent_at > at - BETWEEN, _trials.sent_at < at + BETWEEN
    )
    if conn.execute(near.limit(1)).first() is not None:
        return False
    here = (*_this(trial), _trials.due_at.is_not(None), _trials.tries == trial.tries)
    claimed = conn.execute(
        update(tables.trials)
        .where(*here)
        .values(due_at=None, sent_at=at, key=key, ref="", tries=trial.tries + 1, waiting=True)
    )
    return claimed.rowcount == 1


def hand_over(conn: Connection, trial: Trial, key: str, ref: ProviderRef | None) -> None:
    """The gateway has it, and knows it by `ref`."""
    here = (*_this(trial), _trials.key == key)
    conn.execute(update(tables.trials).where(*here).values(ref=ref or ""))


def out(conn: Connection, channel: str) -> list[Trial]:
    """Those that nobody has heard of yet."""
    rows = conn.execute(select(tables.trials).where(_trials.channel == channel, _trials.waiting.is_(True)))
    return [_trial(row) for row in rows]


def find_out(
    conn: Connection, trial: Trial, key: str, finding: Finding, *, reason: str, at: datetime
) -> bool:
    """That is how it ended. False: it has ended already, or another one was begun since."""
    return _end(conn, trial, key, due_at=None, finding=finding, reason=reason, found_at=at)


def again(
    conn: Connection, trial: Trial, key: str, *, reason: str, at: datetime, counts: bool = True
) -> bool:
    """Another one, from `at` on. `counts`: this one was begun; else the gateway had nothing of it."""
    tries = _trials.tries if counts else _trials.tries - 1
    return _end(conn, trial, key, due_at=at, tries=tries, finding=Finding.NONE, reason=reason)


def by_key(conn: Connection, channel: str, key: str) -> Trial | None:
    """Whose last one had this key."""
    here = (_trials.channel == channel, _trials.key == key)
    row = conn.execute(select(tables.trials).where(*here)).first()
    return None if row is None else _trial(row)


def of(conn: Connection, recipient: RecipientId, channel: str) -> Trial | None:
    here = (_trials.recipient == recipient, _trials.channel == channel)
    row = conn.execute(select(tables.trials).where(*here)).first()
    return None if row is None else _trial(row)


def failed(conn: Connection, *, limit: int) -> list[Failed]:
    """Numbers that staff should look into, the newest first."""
    person = tables.recipients.c
    query = (
        select(tables.trials, person.kind, person.town, person.language)
        .join(tables.recipients, person.id == _trials.recipient)
        .where(_trials.finding.in_(FAILED))
        .order_by(_trials.found_at.desc(), _trials.recipient)
    )
    return [
        Failed(_trial(row), Kind(row.kind), Town(row.town), Language(row.language))
        for row in conn.execute(query.limit(limit))
    ]


def counted(conn: Connection) -> Counter[Finding]:
    """`Finding.NONE`: still to be tried, or waited for."""
    rows = conn.execute(select(_trials.finding, func.count()).group_by(_trials.finding))
    return Counter({Finding(finding): number for finding, number in rows})


def forget(conn: Connection, recipients: Collection[RecipientId], channel: str | None = None) -> None:
    here = [_trials.recipient.in_(recipients), *([_trials.channel == channel] if channel else [])]
    conn.execute(delete(tables.trials).where(*here))


def _end(conn: Connection, trial: Trial, key: str, **values: Any) -> bool:
    """Of one that is out, or of which nobody had said anything."""
    unknown = _trials.finding.in_((Finding.NONE, Finding.UNCLEAR))
    here = (*_this(trial), _trials.key == key, _trials.due_at.is_(None), unknown)
    return conn.execute(update(tables.trials).where(*here).values(waiting=False, **values)).rowcount == 1


def _this(trial: Trial) -> Sequence[ColumnElement[bool]]:
    return _trials.recipient == trial.recipient, _trials.channel == trial.channel


def _trial(row: Row[Any]) -> Trial:
    values = {field: getattr(row, field) for field in Trial._fields}
    return Trial(**values | {"recipient": RecipientId(row.recipient), "finding": Finding(row.finding)})
