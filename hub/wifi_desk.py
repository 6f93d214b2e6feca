"""What staff want of the free Wi-Fi beside what the alerts ask for: facilities held open, for how long it is known to
be needed, which alerts need it no more, and a drill of the Wi-Fi alone.

Nothing here ever closes the Wi-Fi by the clock while an alert asks for it: after some hours staff are asked, and without
an answer it stays open (docs/decisions/0047).
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec
from sqlalchemy import Connection

from hub import codec
from hub.authorise import Action, Actor, authorise
from hub.errors import BadInput, Conflict
from hub.keys import Keys
from hub.ledger import revisions

SUBJECT = "wifi"
LONGEST_REASON = 200
MOST_HOURS = 72
MOST_MINUTES = 120


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A facility that `by` (a login) holds open without an alert, for `reason`."""

    ref: str
    since: datetime
    until: datetime
    by: str
    reason: str


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A drill of the Wi-Fi alone: the drill's name at these facilities, until `until` or until somebody ended it."""

    id: str
    refs: tuple[str, ...]
    begun_at: datetime
    until: datetime
    by: str
    ended_at: datetime | None = None

    def over(self, at: datetime) -> bool:
        return self.ended_at is not None or self.until <= at


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """`number`: of the revision that this is. `needed_until`: somebody said so. `released`: identifiers of alerts that
    somebody said need it no more."""

    number: int = 0
    holds: tuple[Hold, ...] = ()
    needed_until: datetime | None = None
    released: tuple[str, ...] = ()
    trial: Trial | None = None

    def held(self, at: datetime) -> list[Hold]:
        return [hold for hold in self.holds if hold.until > at]

    def drilled(self, at: datetime) -> Trial | None:
        """The drill that runs."""
        return None if self.trial is None or self.trial.over(at) else self.trial


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """«Is it still needed?»: open `since`, to be asked from `due_at` on."""

    since: datetime
    due_at: datetime


def question(
    desk: Desk, asking: Sequence[tuple[str, datetime]], *, at: datetime, ask_after: timedelta
) -> Question | None:
    """`asking`: the live alerts in force that ask for it, with when each was sent. None: nothing keeps it open."""
    since = [sent for identifier, sent in asking if identifier not in desk.released]
    since += [hold.since for hold in desk.held(at)]
    if not since:
        return None
    due_at = min(since) + ask_after
    if desk.needed_until is not None:
        due_at = max(due_at, desk.needed_until)
    return Question(since=min(since), due_at=due_at)


def read(conn: Connection, keys: Keys) -> Desk:
    newest = revisions.latest(conn, keys, SUBJECT)
    if newest is None:
        return Desk()
    return msgspec.structs.replace(codec.decode(Desk, newest.value, what=SUBJECT), number=newest.number)


class Change:
    """One act of staff on what they saw (`seen`: its number).

    Every method raises:
        Forbidden: no right.
        BadInput: names the field.
        Conflict: somebody changed it meanwhile.
    """

    def __init__(self, conn: Connection, keys: Keys, actor: Actor, *, seen: int, at: datetime) -> None:
        authorise(actor, Action.COMPOSE)
        self._conn, self._keys, self._actor, self._at = conn, keys, actor, at
        self._desk = read(conn, keys)
        if self._desk.number != seen:
            raise Conflict(
                "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
            )

    def hold(self, refs: Collection[str], known: Collection[str], *, hours: int | None, reason: str) -> None:
        """Open these facilities although no alert asks for it. A hold of before is replaced."""
        _check_refs(refs, known)
        until = self._at + timedelta(hours=_between(hours, "hours", MOST_HOURS))
        _check_reason(reason)
        others = [hold for hold in self._desk.held(self._at) if hold.ref not in refs]
        new = [
            Hold(ref=ref, since=self._at, until=until, by=self._actor.login, reason=reason) for ref in refs
        ]
        self._save("hold", {"refs": sorted(refs), "until": _text(until)}, holds=(*others, *new))

    def let_go(self, refs: Collection[str]) -> None:
        """Hold these no more."""
        holds = tuple(hold for hold in self._desk.held(self._at) if hold.ref not in refs)
        self._save("let_go", {"refs": sorted(refs)}, holds=holds)

    def keep(self, *, hours: int | None) -> None:
        """It is still needed; ask again in so many hours."""
        until = self._at + timedelta(hours=_between(hours, "keep", MOST_HOURS))
        holds = tuple(
            msgspec.structs.replace(hold, until=max(hold.until, until)) for hold in self._desk.held(self._at)
        )
        self._save("keep", {"until": _text(until)}, needed_until=until, holds=holds)

    def put_back(self, alerts: Collection[str], *, reason: str) -> None:
        """It is needed no more, by these alerts and by hand. One that comes later opens it again."""
        _check_reason(reason, "why")
        self._save(
            "put_back",
            {"alerts": sorted(alerts)},
            released=tuple(sorted(alerts)),
            holds=(),
            needed_until=None,
        )

    def begin_trial(
        self,
        refs: Collection[str],
        allowed: Collection[str],
        *,
        minutes: int | None,
        live: Collection[str] = (),
    ) -> str:
        """A drill at these facilities; its id. `live`: those that an alert keeps open, at which there is none."""
        _check_refs(refs, allowed, "drill")
        if {*live, *(hold.ref for hold in self._desk.held(self._at))}.intersection(refs):
            raise BadInput(
                "drill",
                "本番で開いている施設では訓練できません。先に元に戻してください / "
                "A facility that is open in earnest takes no drill: put it back first",
            )
        if self._desk.drilled(self._at):
            raise BadInput("drill", "訓練はもう始まっています / A drill is running already")
        until = self._at + timedelta(minutes=_between(minutes, "minutes", MOST_MINUTES))
        trial = Trial(
            id=uuid4().hex[:12],
            refs=tuple(sorted(refs)),
            begun_at=self._at,
            until=until,
            by=self._actor.login,
        )
        self._save("drill", {"drill": trial.id, "refs": trial.refs, "until": _text(until)}, trial=trial)
        return trial.id

    def end_trial(self) -> None:
        """End the drill that runs; no error where none does."""
        running = self._desk.drilled(self._at)
        if running is not None:
            ended = msgspec.structs.replace(running, ended_at=self._at)
            self._save("drill_ended", {"drill": running.id}, trial=ended)

    def _save(self, act: str, detail: dict[str, object], **changed: object) -> None:
        after = msgspec.structs.replace(self._desk, **changed)
        revisions.add(
            self._conn,
            self._keys,
            SUBJECT,
            codec.encode(after),
            seen=self._desk.number,
            at=self._at,
            by=self._actor.login,
            detail={"act": act, **detail},
        )


def _check_refs(refs: Collection[str], known: Collection[str], field: str = "refs") -> None:
    if not refs:
        raise BadInput(field, "施設を1つ以上選んでください / Choose at least one facility")
    if set(refs) - set(known):
        raise BadInput(field, "この施設は選べません / This facility cannot be chosen")


def _check_reason(reason: str, field: str = "reason") -> None:
    if not reason:
        raise BadInput(field, "理由を書いてください / Say why")
    if len(reason) > LONGEST_REASON:
        raise BadInput(field, f"{LONGEST_REASON}文字までです / {LONGEST_REASON} characters at most")


def _between(number: int | None, field: str, most: int) -> int:
    if number is None or not 1 <= number <= most:
        raise BadInput(field, f"1から{most}までの数字を入れてください / Enter a number from 1 to {most}")
    return number


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
