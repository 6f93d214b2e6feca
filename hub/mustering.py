"""Mustering: what staff, a rule and those who are called do to a muster. Each is one commit with its audit row.

    call | by a rule → answer … → again … → end | cancel

Sending is the engine's, as for every alert (`Intake.call`). No second person is asked: it reaches staff alone,
names no danger to residents, and each minute counts (docs/decisions/0028-muster.md).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from hub.alert import Mode
from hub.authorise import SYSTEM, Action, Actor, authorise
from hub.clock import Clock
from hub.draft import Message
from hub.errors import BadInput, Conflict
from hub.intake import Intake
from hub.keys import Keys
from hub.ledger import Ledger, alerts, audit, musters, trouble
from hub.muster import LONGEST_REASON, Answer, Given, Muster, Occasion, Roll, message, said, silent
from hub.recipient import RecipientId

OWN = "recipient"
"""The actor, in audit rows of what somebody did by their own link."""


class Mustering:
    """Every method raises `DatabaseAway` when the ledger cannot take it."""

    def __init__(self, *, ledger: Ledger, keys: Keys, intake: Intake, clock: Clock) -> None:
        self._ledger = ledger
        self._keys = keys
        self._intake = intake
        self._clock = clock

    async def call(self, roll: Roll, mode: Mode, actor: Actor, *, form: str) -> int:
        """Call everybody of the roll. Returns the muster's number; durable by then.

        `form`: an id that the page made. The same one again calls nobody, and gives the muster that it called.

        Raises:
            Forbidden: no right.
            BadInput: nobody is chosen, no reason or one that cannot be sent; names the field.
        """
        authorise(actor, Action.CALL_STAFF)
        made = await self._call(roll, mode, actor, rule="", event=form)
        return (
            made if made is not None else await self._ledger.read(lambda conn: musters.called_by(conn, form))
        )

    async def by_rule(self, rule: str, event: str, roll: Roll, mode: Mode) -> int | None:
        """Call for a rule that found its event. None: that was done before, for this event."""
        return await self._call(roll, mode, SYSTEM, rule=rule, event=event)

    async def again(self, number: int, channels: Sequence[str], actor: Actor) -> int:
        """Call those who are silent once more; nothing more of the earlier calls goes out. Returns how many.

        `channels`: of those of the first call; none: all of them.

        Raises:
            Forbidden: no right.
            Conflict: everybody has answered, or it is over.
        """
        authorise(actor, Action.CALL_STAFF)
        called: list[RecipientId] = []

        def begin(conn: Connection) -> Message:
            muster = _running(conn, self._keys, number)
            called[:] = silent(muster.roll, said(musters.answers(conn, number)))
            if not called:
                raise Conflict("全員が答えています / Everybody has answered")
            self._audit(conn, actor, "muster.again", number, people=len(called))
            return self._message(conn, muster, Occasion.AGAIN, called, actor, channels=channels)

        await self._intake.call(begin, actor)
        return len(called)

    async def cancel(self, number: int, actor: Actor) -> None:
        """It was called by mistake, or is needed no more: nothing more goes out, and everybody is told.

        Raises:
            Forbidden: no right.
            Conflict: it is over.
        """
        authorise(actor, Action.CALL_STAFF)

        def begin(conn: Connection) -> Message:
            muster = _running(conn, self._keys, number)
            musters.end(conn, number, by=actor.login, at=self._clock(), cancelled=True)
            self._audit(conn, actor, "muster.cancel", number)
            return self._message(conn, muster, Occasion.CANCEL, tuple(muster.roll.people), actor)

        await self._intake.call(begin, actor)

    async def end(self, number: int, actor: Actor) -> None:
        """Take no more answers, and call nobody any more: those who come have come.

        Raises:
            Forbidden: no right.
            Conflict: it is over.
        """
        authorise(actor, Action.CALL_STAFF)

        def work(conn: Connection) -> list[str]:
            _running(conn, self._keys, number)
            musters.end(conn, number, by=actor.login, at=self._clock(), cancelled=False)
            self._audit(conn, actor, "muster.end", number)
            return self._in_force(conn, number)

        with trouble.told():
            calls = await self._ledger.write(work)
        for call in calls:
            with suppress(Conflict):  # somebody was faster
                await self._intake.stop(call, actor)

    async def _call(self, roll: Roll, mode: Mode, actor: Actor, *, rule: str, event: str) -> int | None:
        _check(roll)
        made: list[Muster] = []

        def begin(conn: Connection) -> Message:
            at = self._clock()
            if not musters.fire(conn, rule, event, at=at):
                raise _Before
            muster = musters.begin(conn, self._keys, mode=mode, roll=roll, by=actor.login, rule=rule, at=at)
            musters.fired(conn, rule, event, muster.id)
            made[:] = [muster]
            self._audit(
                conn, actor, "muster.call", muster.id, people=len(roll.people), mode=mode, rule=rule,
                groups=[group.code for group in roll.groups],
            )  # fmt: skip
            return self._message(conn, muster, Occasion.CALL, tuple(roll.people), actor)

        try:
            await self._intake.call(begin, actor)
        except _Before:
            return None
        return made[0].id

    def _message(
        self,
        conn: Connection,
        muster: Muster,
        occasion: Occasion,
        to: Sequence[RecipientId],
        actor: Actor,
        *,
        channels: Sequence[str] = (),
    ) -> Message:
        return message(
            muster,
            occasion,
            to,
            channels=channels or muster.roll.channels,
            issuer=actor.name,
            at=self._clock(),
            ends=self._in_force(conn, muster.id),
        )

    def _in_force(self, conn: Connection, number: int) -> list[str]:
        found = alerts.of_muster(conn, self._keys, number)
        return [each.alert.identifier for each in found if each.stopped_at is None and each.ended_at is None]

    def _audit(self, conn: Connection, actor: Actor, action: str, number: int, **detail: object) -> None:
        _audit(conn, self._keys, actor.login, action, number, at=self._clock(), detail=detail)


async def answer(
    ledger: Ledger,
    keys: Keys,
    number: int,
    recipient: RecipientId,
    given: Answer,
    *,
    actor: Actor | None,
    at: datetime,
) -> bool:
    """Keep what somebody says; their last word counts. `actor`: who writes it down for them; None: they themselves,
    by their own link. False: they had said so already, and nothing was written.

    Raises:
        Forbidden: no right to answer for others.
        BadInput: nobody of that number was called.
        Conflict: it is over.
        DatabaseAway: the ledger cannot take it.
    """
    if actor is not None:
        authorise(actor, Action.ANSWER_FOR)

    def work(conn: Connection) -> bool:
        muster = _running(conn, keys, number)
        if recipient not in muster.roll.people:
            raise BadInput("recipient", "この参集で呼ばれた人ではありません / Was not called to this muster")
        by = "" if actor is None else actor.login
        if not musters.answer(conn, number, Given(recipient, given, at, by)):
            return False
        detail = {"recipient": recipient, "answer": given}
        _audit(conn, keys, by or OWN, "muster.answer", number, at=at, detail=detail)
        return True

    with trouble.told():
        return await ledger.write(work)


def _running(conn: Connection, keys: Keys, number: int) -> Muster:
    muster = musters.get(conn, keys, number, hold=True)
    if not muster.running:
        raise Conflict("この参集は終わっています / This muster is over")
    return muster


def _audit(
    conn: Connection,
    keys: Keys,
    login: str,
    action: str,
    number: int,
    *,
    at: datetime,
    detail: Mapping[str, object],
) -> None:
    audit.append(conn, keys, at=at, actor=login, action=action, subject=f"muster {number}", detail=detail)


class _Before(Exception):
    """The rule, or the form, has called for this event."""


def _check(roll: Roll) -> None:
    if not roll.people:
        raise BadInput("groups", "呼ぶ組を選んでください / Choose whom to call")
    if not roll.channels:
        raise BadInput("channels", "手段を1つ以上選んでください / Choose at least one channel")
    if not roll.reason.strip() or len(roll.reason) > LONGEST_REASON or "\n" in roll.reason:
        raise BadInput(
            "reason",
            f"理由を1行、{LONGEST_REASON}文字までで書いてください / "
            f"Say why in one line of at most {LONGEST_REASON} characters",
        )
