"""Intake: from a draft to an accepted alert. Every way in, screen or command, comes through here.

    save → submit → accept | send_back | reject        correct, stop, once it is out
                  ask, page_on_call, while it waits
    call                                               staff, by name (`hub.mustering`)

`accept` returns only when alert, order, targets, audit row, outbox and the draft of its correction are
in one durable commit (I1). Every act may be asked for again when its answer was lost: what was done is
not done twice, and the error says what became of it.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog
from sqlalchemy import Connection

from hub import approval as approving
from hub import bus, page, prepared
from hub.alert import Alert, Mode
from hub.approval import Approval
from hub.authorise import SYSTEM, Action, Actor, authorise
from hub.cap import MsgType
from hub.clock import JST, Clock
from hub.codec import AlertRecord, RecordCodec
from hub.delivery import Outcome
from hub.disk import Disk
from hub.draft import Draft, Message, State, check, check_known
from hub.drafting import Drafting, page_topic
from hub.errors import BadInput, Conflict
from hub.gate import Stops
from hub.keys import Keys
from hub.ledger import Ledger, alerts, batches, drafts, outbox
from hub.ledger.alerts import Accepted
from hub.prepared import Prepare
from hub.recipient import Called, Town

__all__ = ["Approval", "Intake"]

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Intake(Drafting):
    """Every method raises `DiskFull` or `DatabaseAway` when the ledger cannot take it."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        records: RecordCodec,
        keys: Keys,
        stops: Stops,
        sender: str,
        clock: Clock,
        page: Callable[[str, str], None],
        relay: Callable[[], None],
        channels: Collection[str] | None = None,
        towns: Collection[Town] | None = None,
        prepare: Prepare | None = None,
        disk: Disk | None = None,
    ) -> None:
        """`relay` is told that the outbox holds something; `page(topic, text)` wakes staff.

        `channels` and `towns`: those this hub has; a draft that names another cannot be submitted.
        `prepare`: the correction of an alert, made with it. `disk`: without room on it no new alert is accepted.
        """
        super().__init__(
            ledger=ledger,
            keys=keys,
            sender=sender,
            clock=clock,
            channels=channels,
            towns=towns,
            prepare=prepare,
        )
        self._records = records
        self._stops = stops
        self._page = page
        self._relay = relay
        self._disk = disk

    async def accept(self, approval: Approval, actor: Actor) -> Accepted:
        """Send a submitted draft. Durable when this returns (I1); sent once however often it is called.

        Raises:
            AlreadySent: it was, by whomever; names the alert.
            Forbidden: no right, or an author approves without breaking glass, or
                somebody else breaks it (I10).
            BadInput: the typed digit is not the level, or the message cannot be sent as it stands.
            Conflict: the draft changed since it was read.
            Refused: the glass is broken too early (`approval.alone_from`).
            DiskFull: there is too little room for a new alert.
        """

        def approved(conn: Connection) -> Approved:
            draft = drafts.get(conn, approval.draft, hold=True)
            approving.may_send(draft, approval, actor)
            self._refuse_sent(draft)
            if draft.state is State.SCHEDULED:
                raise Conflict(
                    "時刻を決めて承認した配信です。その時刻に「送る」と答えるか、取りやめてください / "
                    "It is approved for a time: answer yes at that time, or call it off"
                )
            draft.become(State.SENT)
            approving.check(draft, approval, actor, now=self._clock())
            return Approved(draft=draft, by=actor.login, break_glass=approval.break_glass)

        return await self._send(approved, actor)

    async def _send(self, approved: Callable[[Connection], "Approved"], actor: Actor) -> Accepted:
        """What `approved` lets go, in one commit. `actor`: whose act it is."""

        def work(conn: Connection) -> tuple[Accepted, bool, tuple[str, str] | None]:
            approval = approved(conn)
            draft = approval.draft
            check(draft.message)
            if self._disk is not None and draft.message.msg_type is MsgType.ALERT:
                self._disk.refuse_new()
            alert, number = self._alert(conn, draft.message)
            self._insert(conn, approval, actor, alert=alert, number=number)
            self._end_predecessors(conn, alert, actor)
            self._move(conn, draft, State.SENT, actor, seen=draft.version, alert=alert.identifier)
            glass = approval.told(number)
            if glass is not None:
                page.record(conn, *glass, at=alert.sent)
            accepted = alerts.get(conn, self._keys, alert.identifier)
            return accepted, self._prepare_correction(conn, accepted), glass

        async def send() -> Accepted:
            accepted, has_correction, glass = await self._write(work)
            for predecessor in _predecessors(accepted.alert):
                self._stops.add(predecessor, Outcome.SUPERSEDED)
            self._relay()
            if glass is not None:
                self._page(*glass)
            if not has_correction:
                self._page("correction", _NOT_PREPARED)
            return accepted

        accepted = await _to_the_end(send())
        log.info("alert accepted", alert=accepted.alert.identifier, mode=str(accepted.alert.mode))
        return accepted

    async def call(self, begin: Callable[[Connection], Message], actor: Actor) -> Accepted:
        """Send the message that `begin` gives, in one commit with whatever it writes (I1). Whether the actor may is
        for `begin` to say: it needs no second person, and so goes to nobody but staff who are named in it.

        Raises:
            BadInput: the message cannot be sent as it stands, or is for others too.
        """

        def work(conn: Connection) -> Accepted:
            message = begin(conn)
            if not isinstance(message.targeting.audience, Called):
                raise BadInput("$.targeting.audience", "職員だけを呼べます / Only staff can be called")
            check(message)
            check_known(message.targeting, self._channels, self._towns)
            alert, number = self._alert(conn, message, series=alerts.STAFF_SERIES)
            digest = message.digest()
            alerts.insert_alert(
                conn, self._keys, alert,
                number=number, digest=digest, author=actor.login, approver=actor.login, break_glass=None,
            )  # fmt: skip
            self._audit(
                conn, actor, "alert.accept", alert.identifier, at=alert.sent,
                digest=digest.hex(), author=actor.login, mode=alert.mode,
                muster=message.targeting.audience.muster, ends=_predecessors(alert),
            )  # fmt: skip
            self._enqueue(conn, alert)
            self._end_predecessors(conn, alert, actor)
            return alerts.get(conn, self._keys, alert.identifier)

        async def send() -> Accepted:
            accepted = await self._write(work)
            for predecessor in _predecessors(accepted.alert):
                self._stops.add(predecessor, Outcome.SUPERSEDED)
            self._relay()
            return accepted

        accepted = await _to_the_end(send())
        log.info("staff are called", alert=accepted.alert.identifier, mode=str(accepted.alert.mode))
        return accepted

    async def page_on_call(self, draft: str, actor: Actor) -> Draft:
        """Page whoever is on call, duty and deputies, that a submitted draft waits for approval. Once a
        submission: whoever presses again is told since when they are paged.

        Raises:
            Conflict: it does not wait for approval.
        """
        authorise(actor, Action.COMPOSE)

        def work(conn: Connection) -> tuple[Draft, str]:
            held = self._held(conn, draft)
            authorise(actor, Action.COMPOSE, held.message.hazard)
            if held.state is not State.SUBMITTED or held.submitted_at is None:
                raise Conflict("承認を待っている下書きではありません / This draft does not wait for approval")
            if held.paged_at is not None:
                return held, ""
            called = msgspec.structs.replace(held, paged_at=self._clock())
            text = _waits(called, waited=self._clock() - held.submitted_at)
            drafts.remark(conn, called)
            page.record(conn, page_topic(called), text, at=self._clock())
            self._audit(conn, actor, "draft.page", held.id, version=held.version)
            return called, text

        async def wake() -> Draft:
            called, text = await self._write(work)
            if text:
                self._page(page_topic(called), text)
            return called

        return await _to_the_end(wake())

    async def stop(self, identifier: str, actor: Actor) -> int:
        """Stop what is unsent (I5). Returns the batches that will not be sent.

        What is being sent now gets two seconds, then its sockets are closed and it counts as ambiguous.
        What was sent cannot be taken back: a correction goes to those.

        Raises:
            Conflict: it was stopped before; this process knows of it now, if it did not.
            BadInput: there is no such alert.
            Forbidden: no right, or not for this kind of alert.
        """
        authorise(actor, Action.STOP)

        def work(conn: Connection) -> tuple[Outcome, int | None]:
            now = self._clock()
            alert = alerts.get(conn, self._keys, identifier).alert
            authorise(actor, Action.STOP, alert.hazard if alert.public else None)
            if not alerts.stop(conn, identifier, outcome=Outcome.CANCELLED, at=now, actor=actor.login):
                before = alerts.stopped(conn, [identifier]).get(identifier)
                if before is None:
                    raise BadInput(f"alert {identifier}", "there is no such alert / この配信はありません")
                return before, None
            settled = batches.settle_unsent(conn, identifier, Outcome.CANCELLED)
            self._audit(conn, actor, "alert.stop", identifier, at=now, batches=settled)
            return Outcome.CANCELLED, settled

        async def end() -> int:
            outcome, settled = await self._write(work)
            self._stops.add(identifier, outcome)
            if settled is None:
                raise Conflict("すでに止めています / Sending was stopped already")
            return settled

        return await _to_the_end(end())

    def _prepare_correction(self, conn: Connection, accepted: Accepted) -> bool:
        """The draft of an alert's correction, in the alert's commit. False: it could not be written, which
        holds up no alert."""
        if self._prepare is None or accepted.alert.correction:
            return True
        try:
            message = self._prepare(accepted, accepted.alert.sent)
        except Exception:
            log.exception("no correction was prepared", alert=accepted.alert.identifier)
            return False
        made = prepared.as_draft(accepted.alert.identifier, message, accepted.alert.sent)
        drafts.create(conn, made)
        self._audit(conn, SYSTEM, "draft.prepare", made.id, alert=accepted.alert.identifier)
        return True

    def _alert(self, conn: Connection, message: Message, *, series: str = "") -> tuple[Alert, str]:
        now = self._clock()
        number = alerts.next_number(conn, year=now.astimezone(JST).year, series=series)
        references = [alerts.get(conn, self._keys, reference) for reference in message.references]
        alert = Alert(
            identifier=f"{self._sender}-{number}",
            sender=self._sender,
            sent=now,
            mode=message.mode,
            msg_type=message.msg_type,
            hazard=message.hazard,
            level=message.level,
            order=message.order,
            area=message.area,
            targeting=message.targeting,
            infos=message.infos,
            expires=now + message.valid_for,
            sequence=1 + max((each.alert.sequence for each in references), default=0),
            references=message.references,
            correction=message.correction,
            first=references[0].alert.thread if references else "",
        )
        return alert, number

    def _insert(
        self,
        conn: Connection,
        approval: "Approved",
        actor: Actor,
        *,
        alert: Alert,
        number: str,
    ) -> None:
        draft = approval.draft
        digest = draft.message.digest()
        alerts.insert_alert(
            conn,
            self._keys,
            alert,
            number=number,
            digest=digest,
            author=draft.author,
            approver=approval.by,
            break_glass=approval.break_glass,
        )
        self._audit(
            conn, actor, "alert.accept", alert.identifier, at=alert.sent,
            draft=draft.id, version=draft.version, digest=digest.hex(), author=draft.author,
            authors=draft.authors,
            mode=alert.mode, level=alert.level, break_glass=approval.break_glass, ends=_predecessors(alert),
            left_out=draft.message.why_left_out, **approval.earlier(actor),
        )  # fmt: skip
        self._enqueue(conn, alert)

    def _end_predecessors(self, conn: Connection, alert: Alert, actor: Actor) -> None:
        """An update, correction or lifting is self-contained: what it refers to ends as superseded (I11)."""
        ended = _predecessors(alert)
        for predecessor in ended:
            alerts.stop(conn, predecessor, outcome=Outcome.SUPERSEDED, at=alert.sent, actor=actor.login)
            batches.settle_unsent(conn, predecessor, Outcome.SUPERSEDED)
        alerts.end(conn, ended, at=alert.sent)

    def _enqueue(self, conn: Connection, alert: Alert) -> None:
        record = AlertRecord(identifier=alert.identifier, version=alert.sequence, mode=alert.mode)
        value = self._records.seal(bus.ALERTS, alert.identifier, record)
        outbox.put(conn, bus.ALERTS, alert.identifier, value, at=alert.sent)


class Approved(NamedTuple):
    """A draft that may go now, and whose login approved it."""

    draft: Draft
    by: str
    break_glass: str | None = None

    def told(self, number: str) -> tuple[str, str] | None:
        """Topic and text of the page when somebody sends alone: each alert has its own, so that none is held back
        as a repeat. None: nobody did."""
        if not (self.break_glass and self.break_glass.strip()):
            return None
        return (
            f"break-glass {number}",
            f"{self.by}が1人で配信しました：{self.break_glass} / "
            f"{number} was sent by {self.by} alone: {self.break_glass}",
        )

    def earlier(self, actor: Actor) -> dict[str, str]:
        """Who approved it, and who said yes to it, where that was before and another act."""
        schedule = self.draft.schedule
        if schedule is None:
            return {}
        return {"approver": self.by, "confirmed_by": schedule.yes.by if schedule.yes else actor.login}


def _waits(draft: Draft, *, waited: timedelta) -> str:
    """Of the page. A drill says that it is one; nothing of the texts is in it: mail is read by others too."""
    minutes, seconds = divmod(int(waited.total_seconds()), 60)
    drill = "" if draft.message.mode is Mode.LIVE else "【訓練】"
    area = draft.message.area.description
    return (
        f"{drill}{area}への配信が、承認を{minutes}分{seconds}秒待っています。コンソールを開いて、内容を見て承認してください / "
        f"{drill}An alert for {area} has waited {minutes} min {seconds} s for approval. Open the console, look, approve"
    )


_NOT_PREPARED = (
    "配信しましたが、訂正の下書きを用意できませんでした。必要なときは続報で知らせてください / "
    "The alert was sent, but its correction could not be prepared. If one is needed, send an update"
)


def _predecessors(alert: Alert) -> tuple[str, ...]:
    """What the alert ends: all it refers to, unless it merely stands beside them."""
    return () if alert.msg_type is MsgType.ALERT else alert.references


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """What follows a commit happens, also when whoever waits for the answer is gone meanwhile."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("an act failed after nobody waited for it any more", error=type(error).__name__)
        raise
