"""A run that never was, to be observed: one in which everything is right, and ways to make it wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.alert import Alert, Mode
from hub.delivery import BatchId, Outcome
from hub.language import Language
from hub.ledger.register import Registration
from hub.ledger.tables import BatchState
from hub.recipient import Kind, RecipientId, Targeting, Town, WholeCity
from hub.testing.alerts import an_alert
from yobikake.chaos.log import Entries, Refused, Struck, Taken
from yobikake.chaos.observed import Freeze, Known, Observed, Record, Row

SENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EXPIRES = SENT + timedelta(hours=1)
FIRST, SECOND = "hub.example-2026-0001", "hub.example-2026-0002"

RESIDENTS = [RecipientId(number) for number in range(1, 7)]
DRILLING = RecipientId(6)
STAFF = RecipientId(90)
POST = RecipientId(99)
NEAR, FAR = Town("near"), Town("far")


def address(id_: int, channel: str = "mail") -> str:
    return f"{channel}-{id_}"


def _person(id_: int, kind: Kind = Kind.RESIDENT) -> Registration:
    return Registration(
        kind=kind,
        language=Language.JA,
        contacts={channel: address(id_, channel) for channel in ("mail", "line", "voice")},
        town=NEAR if id_ % 2 else FAR,
        drills=id_ == DRILLING,
    )


PEOPLE: Mapping[RecipientId, Registration] = {
    **{id_: _person(id_) for id_ in RESIDENTS},
    STAFF: _person(STAFF, Kind.STAFF),
}
TARGETS = {POST: Registration(kind=Kind.TARGET, language=Language.JA, contacts={"x": "post:ja"})}


def at(seconds: float) -> datetime:
    """After the alert was sent."""
    return SENT + timedelta(seconds=seconds)


def taken(id_: int, *, number: str = "2026-0001", channel: str = "mail", **changes: Any) -> Taken:
    """The gateway took it and said so."""
    entry = Taken(
        channel=channel,
        address="post:ja" if channel == "x" else address(id_, channel),
        number=number,
        key="k",
        drill=False,
        begun_at=at(1),
        taken_at=at(1.1),
        answered=True,
        request=1,
    )
    return replace(entry, **changes)


def refused(id_: int, *, permanent: bool = True, channel: str = "mail", **changes: Any) -> Refused:
    entry = Refused(
        channel=channel,
        address=address(id_, channel),
        number="2026-0001",
        code="5.1.1" if permanent else "4.2.1",
        permanent=permanent,
        begun_at=at(1),
        request=1,
    )
    return replace(entry, **changes)


def row(
    members: Sequence[int] = RESIDENTS,
    handover: Outcome | Sequence[Outcome] = Outcome.ACCEPTED,
    *,
    channel: str = "mail",
    receipt: Sequence[Outcome] = (),
    id_: str = "b",
    **changes: Any,
) -> Row:
    outcomes = [handover] * len(members) if isinstance(handover, Outcome) else handover
    made = Row(
        id=BatchId(id_),
        alert=FIRST,
        channel=channel,
        mode=Mode.LIVE,
        parent=None,
        attempt=1,
        spent=0,
        resend=False,
        owner="hub.1",
        due_at=at(0),
        state=BatchState.RECORDED,
        members=tuple(map(RecipientId, members)),
        handover=bytes(outcomes),
        receipt=bytes(receipt) or bytes(len(members)),
    )
    return replace(made, **changes)


def alert(identifier: str = FIRST, *, channels: Sequence[str] = ("mail",), **changes: Any) -> Alert:
    changes = {"targeting": Targeting(audience=WholeCity(), channels=tuple(channels)), **changes}
    return an_alert(identifier=identifier, sent=SENT, **{"expires": EXPIRES, **changes})


def known(
    rows: Sequence[Row], about: Alert | None = None, *, stopped_as: Outcome | None = None, **changes: Any
) -> Known:
    about = about or alert()
    planned = {
        channel: (
            sum(len(each.members) for each in rows if each.channel == channel and each.parent is None),
            True,
        )
        for channel in about.targeting.channels
    }
    made = Known(
        alert=about,
        number=about.identifier.removeprefix("hub.example-"),
        stopped_as=stopped_as,
        planned=planned,
        rows=tuple(replace(each, alert=about.identifier) for each in rows),
    )
    return replace(made, **changes)


def record(*everything: Known, **changes: Any) -> Record:
    deeds = {("alert.accept", each.alert.identifier) for each in everything}
    deeds |= {("alert.stop", each.alert.identifier) for each in everything if each.stopped_as is not None}
    made = Record(
        alerts={each.alert.identifier: each for each in everything}, deeds=frozenset(deeds), targets=TARGETS
    )
    return replace(made, **changes)


def observed(
    *everything: Known,
    taken: Sequence[Taken] = (),
    refused: Sequence[Refused] = (),
    struck: Sequence[Struck] = (),
    **changes: Any,
) -> Observed:
    made = Observed(
        seed=7,
        record=record(*everything),
        log=Entries(taken=tuple(taken), refused=tuple(refused), struck=tuple(struck)),
        people=PEOPLE,
        accepted={each.alert.identifier: at(0.1) for each in everything},
        stopped={},
        ended_at=at(60),
    )
    return replace(made, **changes)


def all_right(**changes: Any) -> Observed:
    """One live alert by mail to everyone, taken and accepted."""
    return observed(known([row()]), taken=[taken(id_) for id_ in RESIDENTS], **changes)


def frozen(leases: Mapping[str, float], *, thawed: float, **changes: Any) -> Freeze:
    """From the second second on; `leases`: when each batch's claim ran out."""
    held = {BatchId(batch): at(until) for batch, until in leases.items()}
    return Freeze("hub", at(2), at(thawed), held)._replace(**changes)
