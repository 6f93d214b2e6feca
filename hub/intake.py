"""Intake: from a draft to an accepted alert. Every way in, screen or command, comes through here.

    save → submit → accept | send_back | reject        stop, once it is out

`accept` returns only when alert, order, targets, audit row and outbox are in one durable commit (I1).
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

import msgspec
import structlog
from sqlalchemy import Connection, insert

from hub import bus
from hub.alert import Alert
from hub.authorise import Action, Actor, authorise
from hub.cap import MsgType
from hub.clock import JST, Clock
from hub.codec import AlertRecord, RecordCodec
from hub.delivery import Outcome
from hub.draft import Draft, Message, State, check
from hub.errors import BadInput, Conflict, Forbidden
from hub.evacuation import Level
from hub.gate import Stops
from hub.keys import Keys
from hub.ledger import Ledger, alerts, audit, batches, drafts, tables
from hub.ledger.alerts import Accepted
from hub.recipient import Targeting, Town, Towns

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What the second person states. `typed` is the level's digit they typed (no level: None).

    `break_glass`: an author sends alone, with this reason; logged, and everyone is paged (I10).
    """

    draft: str
    version: int
    typed: Level | None
    break_glass: str | None = None

    @property
    def breaks_glass(self) -> bool:
        """A reason of blanks is none."""
        return bool(self.break_glass and self.break_glass.strip())


class Intake:
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
    ) -> None:
        """`relay` is told that the outbox holds something; `page(topic, text)` wakes staff.

        `channels` and `towns`: those this hub has; a draft that names another cannot be submitted.
        """
        self._channels = channels
        self._towns = towns
        self._ledger = ledger
        self._records = records
        self._keys = keys
        self._stops = stops
        self._sender = sender
        self._clock = clock
        self._page = page
        self._relay = relay

    async def save(self, message: Message, actor: Actor, *, draft: str | None = None, seen: int = 0) -> Draft:
        """Create a draft, or change the version `seen` of one that is being edited.

        Whoever changes the message is one of its authors. The same message again changes nothing, but
        that a submitted draft is being edited once more.

        A draft's mode is fixed when it is made: a drill never turns into a live alert (I6).
        """
        authorise(actor, Action.COMPOSE)

        def work(conn: Connection) -> Draft:
            now = self._clock()
            if draft is None:
                made = Draft(
                    id=str(uuid4()), version=1, state=State.EDITING, author=actor.login,
                    authors=(actor.login,), message=message, created_at=now, updated_at=now,
                )  # fmt: skip
                drafts.create(conn, made)
                self._audit(conn, actor, "draft.save", made.id, version=made.version)
                return made
            old = drafts.get(conn, draft)
            old.become(State.EDITING)
            if message.mode is not old.message.mode:
                raise BadInput(
                    "$.mode",
                    "本番と訓練は途中で変えられません / Drill or live is fixed when the draft is made",
                )
            same = message == old.message
            if same and old.state is State.EDITING and old.version == seen:
                return old
            changed = msgspec.structs.replace(
                old,
                version=seen + 1,
                message=message,
                author=old.author if same else actor.login,
                authors=old.authors if same else _with(old.authors, actor.login),
                updated_at=now,
                state=State.EDITING,
            )
            drafts.replace(conn, changed, seen=seen)
            self._audit(conn, actor, "draft.save", changed.id, version=changed.version)
            return changed

        return await self._ledger.write(work)

    async def read(self, draft: str, actor: Actor) -> Draft:
        """Raises `BadInput` when there is none."""
        authorise(actor, Action.VIEW)
        return await self._ledger.read(lambda conn: drafts.get(conn, draft))

    async def submit(self, draft: str, actor: Actor, *, seen: int) -> Draft:
        """Ask for approval. Raises `BadInput` for what can be known to be wrong now."""
        authorise(actor, Action.COMPOSE)

        def work(conn: Connection) -> Draft:
            old = drafts.get(conn, draft)
            check(old.message)
            self._check_targets(old.message.targeting)
            return self._move(conn, old, State.SUBMITTED, actor, seen=seen, submitted_at=self._clock())

        return await self._ledger.write(work)

    async def send_back(self, draft: str, actor: Actor, *, seen: int, reason: str) -> Draft:
        """Return a submitted draft to its author, with a reason."""
        authorise(actor, Action.APPROVE)
        return await self._close(draft, State.EDITING, actor, seen=seen, reason=reason)

    async def reject(self, draft: str, actor: Actor, *, seen: int, reason: str) -> Draft:
        """End a submitted draft for good, with a reason."""
        authorise(actor, Action.APPROVE)
        return await self._close(draft, State.REJECTED, actor, seen=seen, reason=reason)

    async def accept(self, approval: Approval, actor: Actor) -> Accepted:
        """Send a submitted draft. Durable when this returns (I1); sent once however often it is called.

        Raises:
            Forbidden: no right, or an author approves without breaking glass, or
                somebody else breaks it (I10).
            BadInput: the typed digit is not the level, or the message cannot be sent as it stands.
            Conflict: the draft changed since it was read, or was sent already.
        """

        def work(conn: Connection) -> Accepted:
            draft = drafts.get(conn, approval.draft)
            alone = approval.breaks_glass or not draft.message.needs_approval()
            authorise(actor, Action.COMPOSE if alone else Action.APPROVE)
            draft.become(State.SENT)
            self._check_approval(draft, approval, actor)
            check(draft.message)
            alert, number = self._alert(conn, draft)
            self._insert(conn, draft, approval, actor, alert=alert, number=number)
            self._end_predecessors(conn, alert, actor)
            self._move(conn, draft, State.SENT, actor, seen=approval.version, alert=alert.identifier)
            return alerts.get(conn, self._keys, alert.identifier)

        accepted = await self._ledger.write(work)
        for predecessor in _predecessors(accepted.alert):
            self._stops.add(predecessor, Outcome.SUPERSEDED)
        self._relay()
        if approval.breaks_glass:
            self._page(
                f"break-glass {accepted.number}",
                f"{actor.login}が1人で配信しました：{approval.break_glass} / "
                f"{accepted.number} was sent by {actor.login} alone: {approval.break_glass}",
            )
        log.info("alert accepted", alert=accepted.alert.identifier, mode=str(accepted.alert.mode))
        return accepted

    async def stop(self, identifier: str, actor: Actor) -> int:
        """Stop what is unsent (I5). Returns the batches that will not be sent.

        What is being sent now gets two seconds, then its sockets are closed and it counts as ambiguous.
        What was sent cannot be taken back: a correction goes to those.
        """
        authorise(actor, Action.STOP)

        def work(conn: Connection) -> int:
            if not alerts.stop(
                conn, identifier, outcome=Outcome.CANCELLED, at=self._clock(), actor=actor.login
            ):
                raise Conflict("すでに止めています / Sending was stopped already")
            settled = batches.settle_unsent(conn, identifier, Outcome.CANCELLED)
            self._audit(conn, actor, "alert.stop", identifier, batches=settled)
            return settled

        settled = await self._ledger.write(work)
        self._stops.add(identifier, Outcome.CANCELLED)
        return settled

    def _check_targets(self, targeting: Targeting) -> None:
        """A target this hub does not have is an error, here and not in the fan-out (I9)."""
        for channel in targeting.channels:
            if self._channels is not None and channel not in self._channels:
                raise BadInput(
                    "$.targeting.channels", f"{channel} はこのハブにない手段です / is not configured"
                )
        if isinstance(targeting.audience, Towns):
            for town in targeting.audience.towns:
                if self._towns is not None and town not in self._towns:
                    raise BadInput(
                        "$.targeting.audience.towns", f"{town} はこの市の町ではありません / is no town here"
                    )

    def _check_approval(self, draft: Draft, approval: Approval, actor: Actor) -> None:
        if draft.version != approval.version:
            raise Conflict(
                "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
            )
        is_author = actor.login in draft.authors
        if approval.breaks_glass and not is_author:
            raise Forbidden(
                "1人で配信できるのは、作成した人だけです / Only an author of this draft can send it alone"
            )
        if is_author and draft.message.needs_approval() and not approval.breaks_glass:
            raise Forbidden("作成した人は承認できません / The author cannot approve")
        if approval.typed != draft.message.level:
            level = "なし" if draft.message.level is None else int(draft.message.level)
            raise BadInput(
                "$.typed",
                f"入力した数字がレベルと違います（提出はレベル{level}） / The digit does not match (submitted level is {level})",
            )

    def _alert(self, conn: Connection, draft: Draft) -> tuple[Alert, str]:
        message, now = draft.message, self._clock()
        number = alerts.next_number(conn, year=now.astimezone(JST).year)
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
        )
        return alert, number

    def _insert(
        self,
        conn: Connection,
        draft: Draft,
        approval: Approval,
        actor: Actor,
        *,
        alert: Alert,
        number: str,
    ) -> None:
        digest = draft.message.digest()
        alerts.insert_alert(
            conn,
            self._keys,
            alert,
            number=number,
            digest=digest,
            author=draft.author,
            approver=actor.login,
            break_glass=approval.break_glass,
        )
        self._audit(
            conn, actor, "alert.accept", alert.identifier,
            draft=draft.id, version=draft.version, digest=digest.hex(), author=draft.author,
            authors=draft.authors,
            mode=alert.mode, level=alert.level, break_glass=approval.break_glass, ends=_predecessors(alert),
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
        conn.execute(
            insert(tables.outbox).values(
                topic=bus.ALERTS, key=alert.identifier, value=value, created_at=alert.sent
            )
        )

    async def _close(self, draft: str, state: State, actor: Actor, *, seen: int, reason: str) -> Draft:
        if not reason.strip():
            raise BadInput("$.reason", "理由を書いてください / Say why")
        return await self._ledger.write(
            lambda conn: self._move(conn, drafts.get(conn, draft), state, actor, seen=seen, note=reason)
        )

    def _move(
        self,
        conn: Connection,
        old: Draft,
        state: State,
        actor: Actor,
        *,
        seen: int,
        **changes: str | datetime,
    ) -> Draft:
        old.become(state)
        moved = msgspec.structs.replace(
            old, version=seen + 1, state=state, updated_at=self._clock(), **changes
        )
        drafts.replace(conn, moved, seen=seen)
        self._audit(conn, actor, f"draft.{state}", old.id, version=seen, note=moved.note)
        return moved

    def _audit(self, conn: Connection, actor: Actor, action: str, subject: str, **detail: object) -> None:
        audit.append(
            conn,
            self._keys,
            at=self._clock(),
            actor=actor.login,
            action=action,
            subject=subject,
            detail=detail,
        )


def _with(authors: tuple[str, ...], login: str) -> tuple[str, ...]:
    return authors if login in authors else (*authors, login)


def _predecessors(alert: Alert) -> tuple[str, ...]:
    """What the alert ends: all it refers to, unless it merely stands beside them."""
    return () if alert.msg_type is MsgType.ALERT else alert.references
