"""The on-call list: who is called in which order when something needs a person (当番・代理).

Staff keep it in the console; it is sealed, for it holds their numbers. `now` is what every screen and the pager ask.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection

from hub import codec
from hub.authorise import Action, Actor, authorise
from hub.clock import JST
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import revisions

SUBJECT = "on-call"
MOST = 20
"""People on the list."""

_PHONE = re.compile(r"\+?[0-9][0-9-]{7,18}")
_MAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")


class Duty(StrEnum):
    DUTY = "duty"
    DEPUTY = "deputy"

    @property
    def japanese(self) -> str:
        return {Duty.DUTY: "当番", Duty.DEPUTY: "代理"}[self]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on the list; their place in it is the order of calling. An empty `phone` or `mail`: not by that.

    `since`, `until`: the first and the last day, in Japan; None: no such limit.
    """

    name: str
    duty: Duty = Duty.DUTY
    phone: str = ""
    mail: str = ""
    since: date | None = None
    until: date | None = None

    def on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


class OnCall(msgspec.Struct, frozen=True):
    """The whole list, as the ledger keeps it."""

    people: tuple[Person, ...] = ()


def now(conn: Connection, keys: Keys, *, at: datetime) -> tuple[Person, ...]:
    """Who is on call at that moment, in the order of calling. Empty: nobody has been written down for it."""
    people, _ = listed(conn, keys)
    return tuple(person for person in people if person.on(at.astimezone(JST).date()))


def listed(conn: Connection, keys: Keys) -> tuple[tuple[Person, ...], int]:
    """The whole list, also for other days, and the number of its revision."""
    newest = revisions.latest(conn, keys, SUBJECT)
    if newest is None:
        return (), 0
    return codec.decode(OnCall, newest.value, what=SUBJECT).people, newest.number


def set_list(
    conn: Connection, keys: Keys, people: Sequence[Person], actor: Actor, *, seen: int, at: datetime
) -> None:
    """Put another list in the place of the revision `seen`. The audit says how long it is, and no name.

    Raises:
        Forbidden: no right.
        BadInput: names the person's place and field, as in `2.phone`.
        Conflict: somebody changed it meanwhile.
    """
    authorise(actor, Action.CONFIGURE)
    if len(people) > MOST:
        raise BadInput("people", f"{MOST}人までです / {MOST} people at most")
    for place, person in enumerate(people):
        _check(place, person)
    value = codec.encode(OnCall(tuple(people)))
    detail = {"people": len(people)}
    revisions.add(conn, keys, SUBJECT, value, seen=seen, at=at, by=actor.login, detail=detail)


def _check(place: int, person: Person) -> None:
    if not person.name or not person.name.isprintable() or len(person.name) > 100:
        raise BadInput(f"{place}.name", "氏名を書いてください / Write the name")
    if person.phone and not _PHONE.fullmatch(person.phone):
        raise BadInput(f"{place}.phone", "電話番号は 090-0000-0000 のように / A number like 090-0000-0000")
    if person.mail and not _MAIL.fullmatch(person.mail):
        raise BadInput(f"{place}.mail", "メールアドレスを確かめてください / This is no mail address")
    if not person.phone and not person.mail:
        raise BadInput(f"{place}.phone", "電話かメールのどちらかが要ります / A telephone or a mail is needed")
    if person.since and person.until and person.until < person.since:
        raise BadInput(f"{place}.until", "終わりの日が初めの日より前です / It ends before it begins")
