"""Scheduling: what was approved for a time asks again, is sent by a second yes, or lapses.

    schedule → (15 minutes before: asks) → confirm → sent at its time
             → (at its time: asks)       → confirm → sent at once
             → call_off, or nobody answers → lapsed

The ledger holds all of it, so a restart forgets nothing. `keep_times` is the beat: several processes may run
it, since each step holds the draft and looks again before it acts.
"""

from datetime import datetime, timedelta

import msgspec
import structlog
from sqlalchemy import Connection

from hub import approval as approving
from hub import page
from hub.alert import Mode
from hub.approval import Approval
from hub.authorise import SYSTEM, Action, Actor, authorise
from hub.clock import JST
from hub.draft import Draft, Message, State, check
from hub.errors import AlreadySent, BadInput, Conflict, DatabaseAway, HubError, Refused
from hub.evacuation import Level
from hub.intake import Approved, Intake
from hub.ledger import drafts
from hub.ledger.alerts import Accepted
from hub.schedule import ASK_BEFORE, BEHIND, FURTHEST, GIVE_UP_AFTER, Phase, Schedule, Step

log = structlog.get_logger(__name__)

MOST = 500
"""Scheduled sends that are looked after at once."""


class Scheduling(Intake):
    """Intake, with a time. Every method raises what `Intake`'s do."""

    async def schedule(self, approval: Approval, at: datetime, actor: Actor) -> Draft:
        """Approve a submitted draft for a time. Its order says that time too, since no other is true when it is sent.

        Raises:
            Forbidden, BadInput, Conflict: as `accept` does; BadInput also for a time too near or too far.
            Refused: it may not wait (`why_not`), or the actor is alone: breaking the glass is for at once.
        """

        def work(conn: Connection) -> Draft:
            draft, now = drafts.get(conn, approval.draft, hold=True), self._clock()
            approving.may_send(draft, approval, actor)
            self._refuse_sent(draft)
            if _repeats(draft, at, actor):
                return draft
            draft.become(State.SCHEDULED)
            approving.check(draft, approval, actor, now=now)
            _check_time(draft.message, approval, at, now)
            message = _ordered_at(draft.message, at)
            check(message)
            made = Schedule(at=at, approver=actor.login, digest=message.digest().hex())
            return self._move(
                conn, draft, State.SCHEDULED, actor, seen=approval.version, told={"for": at.isoformat()},
                message=message, schedule=made,
            )  # fmt: skip

        return await self._write(work)

    async def confirm(self, draft: str, actor: Actor, *, seen: int) -> Accepted | None:
        """The second yes. Before the time it is a promise, and None: the hub sends it at its time. From the time on
        it is sent now.

        Raises:
            AlreadySent: it was, by whomever.
            Conflict: it is too early, too late, changed or called off.
        """
        authorise(actor, Action.COMPOSE)

        def promised(conn: Connection) -> bool:
            held, schedule = self._scheduled(conn, draft, seen)
            authorise(actor, Action.COMPOSE, held.message.hazard)
            phase = schedule.phase(self._clock())
            if phase is Phase.WAITING:
                raise Conflict(
                    f"{_clock(schedule.at - ASK_BEFORE)}から答えられます / "
                    f"It can be answered from {_clock(schedule.at - ASK_BEFORE)} on"
                )
            if phase is Phase.OVER:
                raise Conflict(
                    "時刻を過ぎたので、もう送りません / Its time has passed: it is not sent any more"
                )
            if phase is Phase.SOON and schedule.yes is None:
                self._keep(conn, self._said_yes(conn, held, schedule, actor))
            return phase is Phase.SOON

        if await self._write(promised):
            return None
        return await self._send(lambda conn: self._due(conn, draft, seen, yes=actor), actor)

    async def call_off(self, draft: str, actor: Actor, *, seen: int, reason: str) -> Draft:
        """It is not sent. Whoever may stop an alert may do this, at any time before it is sent."""
        authorise(actor, Action.STOP)

        def work(conn: Connection) -> Draft:
            held, _ = self._scheduled(conn, draft, seen)
            authorise(actor, Action.STOP, held.message.hazard)
            page.settle(conn, topic(held), actor, at=self._clock())
            why = reason.strip()
            note = f"取りやめました（{why}） / Called off ({why})" if why else "取りやめました / Called off"
            return self._move(conn, held, State.LAPSED, actor, seen=seen, note=note)

        return await self._write(work)

    async def keep_times(self) -> None:
        """Do what is due of everything scheduled. One that fails holds up no other."""
        found = await self._ledger.read(lambda conn: drafts.in_state(conn, State.SCHEDULED, limit=MOST))
        for draft in found:
            try:
                await self._take_step(draft)
            except DatabaseAway:
                raise
            except Exception:
                log.exception("a scheduled send cannot be looked after; it is tried again", draft=draft.id)

    async def _take_step(self, draft: Draft) -> None:
        match draft.schedule and draft.schedule.step(self._clock()):
            case Step.SEND:
                await self._at_its_time(draft)
            case Step.ASK:
                await self._ask(draft)
            case Step.GIVE_UP:
                await self._give_up(draft)

    async def _at_its_time(self, draft: Draft) -> None:
        """What cannot be sent is not tried for ever: whoever is there is told why, and asked once more."""
        try:
            await self._send(lambda conn: self._due(conn, draft.id, draft.version), SYSTEM)
        except AlreadySent:
            return  # another process was first
        except DatabaseAway:
            raise
        except HubError as e:
            log.warning("a scheduled send failed; staff are asked", draft=draft.id, reason=e.message)
            await self._ask(draft, failed=True)

    async def _ask(self, draft: Draft, *, failed: bool = False) -> None:
        def work(conn: Connection) -> str | None:
            held, now = drafts.get(conn, draft.id, hold=True), self._clock()
            wanted = Step.SEND if failed else Step.ASK
            if (
                held.state is not State.SCHEDULED
                or held.schedule is None
                or held.schedule.step(now) is not wanted
            ):
                return None
            phase = held.schedule.phase(now)
            text = _question(held, held.schedule, now)
            self._keep(conn, msgspec.structs.replace(held, schedule=held.schedule.asked_in(phase)))
            self._audit(conn, SYSTEM, "draft.ask", held.id, phase=phase)
            page.record(conn, topic(held), text, at=now)
            return text

        if text := await self._write(work):
            self._page(topic(draft), text)

    async def _give_up(self, draft: Draft) -> None:
        def work(conn: Connection) -> str | None:
            held, now = drafts.get(conn, draft.id, hold=True), self._clock()
            if held.state is not State.SCHEDULED or held.schedule is None:
                return None
            text = _given_up(held, held.schedule)
            self._move(
                conn,
                held,
                State.LAPSED,
                SYSTEM,
                seen=held.version,
                note="「送る」の答えがありませんでした / Nobody said yes",
            )
            page.record(conn, topic(held), text, at=now)
            return text

        if text := await self._write(work):
            self._page(topic(draft), text)

    def _scheduled(self, conn: Connection, draft: str, seen: int) -> tuple[Draft, Schedule]:
        """Held, as it was seen. Raises `AlreadySent`, or `Conflict` when it waits for no answer."""
        held = self._held(conn, draft)
        if held.state is not State.SCHEDULED or held.schedule is None:
            raise Conflict("この予約は、もうありません / This is not scheduled any more")
        if held.version != seen:
            raise Conflict(
                "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
            )
        return held, held.schedule

    def _due(self, conn: Connection, draft: str, seen: int, *, yes: Actor | None = None) -> Approved:
        """`yes`: who says it now; without it somebody promised it before."""
        held, schedule = self._scheduled(conn, draft, seen)
        if schedule.phase(self._clock()) is not Phase.DUE or (yes is None and schedule.yes is None):
            raise Conflict("「送る」の答えがありません / Nobody has said yes")
        if held.message.digest().hex() != schedule.digest:
            raise Conflict(
                "承認したあとで、このハブの文面の作り方が変わりました。取りやめて、承認し直してください / "
                "How this hub fills texts has changed since the approval. Call it off and approve it anew"
            )
        said = held if yes is None else self._said_yes(conn, held, schedule, yes)
        return Approved(draft=said, by=schedule.approver)

    def _said_yes(self, conn: Connection, held: Draft, schedule: Schedule, actor: Actor) -> Draft:
        """With its audit row, in the caller's commit; the draft is still to be written."""
        now = self._clock()
        self._audit(conn, actor, "draft.confirm", held.id, at=now, version=held.version)
        page.settle(conn, topic(held), actor, at=now)
        return msgspec.structs.replace(held, schedule=schedule.promised(actor.login, now))

    def _keep(self, conn: Connection, held: Draft) -> None:
        """The version stays: what was approved has not changed, and an answer to an earlier question still counts."""
        drafts.replace(conn, held, seen=held.version)


def why_not(message: Message) -> str:
    """Why it may not wait for a time; empty: it may."""
    if message.correction:
        return "訂正は予約できません。すぐに知らせてください / A correction cannot wait: send it now"
    if message.mode is Mode.LIVE and message.level in (Level.EVACUATE, Level.SECURE_LIFE):
        return (
            f"警戒レベル{int(message.level)}の本番は予約できません。決めたら、すぐに送ります / "
            f"A live order of level {int(message.level)} cannot be scheduled: once decided, it is sent"
        )
    return ""


def _check_time(message: Message, approval: Approval, at: datetime, now: datetime) -> None:
    if refusal := why_not(message):
        raise Refused(refusal)
    if approval.breaks_glass:
        raise Refused(
            "1人で配信できるのは、すぐに送るときだけです / Sending alone is only for what is sent at once"
        )
    if at < now + ASK_BEFORE:
        raise BadInput(
            "$.at",
            "15分以上先の時刻にしてください。それより早いなら、いま承認して配信してください / "
            "Choose a time at least 15 minutes ahead, or approve and send it now",
        )
    if at > now + FURTHEST:
        raise BadInput("$.at", f"{FURTHEST.days}日先までです / At most {FURTHEST.days} days ahead")


def _repeats(draft: Draft, at: datetime, actor: Actor) -> bool:
    """Whether this is once more the scheduling that was carried out already."""
    known = draft.schedule
    return (
        draft.state is State.SCHEDULED
        and known is not None
        and (known.at, known.approver) == (at, actor.login)
    )


def _ordered_at(message: Message, at: datetime) -> Message:
    return msgspec.structs.replace(message, order=msgspec.structs.replace(message.order, ordered_at=at))


def topic(draft: Draft) -> str:
    """Of the pages about it: what is asked later takes the place of what was asked before."""
    return f"scheduled {draft.id[:8]}"


def _question(draft: Draft, schedule: Schedule, now: datetime) -> str:
    name, time = _name(draft.message), _clock(schedule.at)
    answer = "ホームで「送る」か「取りやめ」を選んでください"
    if now < schedule.at:
        return f"{time}に送る予定の「{name}」を送りますか。{answer} / Send «{name}», scheduled for {time}? Answer on the first page"
    if now - schedule.at > BEHIND or schedule.yes is not None:
        return (
            f"「{name}」は、予定の{time}に送れず、まだ送っていません（いま{_clock(now)}）。{answer} / "
            f"«{name}» was not sent at {time} as planned, nor since (now {_clock(now)}). Answer on the first page"
        )
    return (
        f"予定の{time}になりました。「{name}」を送りますか。{answer} / "
        f"It is {time}. Send «{name}»? It is not sent without an answer on the first page"
    )


def _given_up(draft: Draft, schedule: Schedule) -> str:
    name, time, minutes = _name(draft.message), _clock(schedule.at), GIVE_UP_AFTER // timedelta(minutes=1)
    return (
        f"{time}に送る予定だった「{name}」は、{minutes}分待っても答えがなかったので、送りませんでした / "
        f"«{name}», scheduled for {time}, was not sent: nobody answered within {minutes} min"
    )


def _name(message: Message) -> str:
    drill = "" if message.mode is Mode.LIVE else "【訓練】"
    return f"{drill}{message.infos[0].event}"


def _clock(moment: datetime) -> str:
    return moment.astimezone(JST).strftime("%H:%M")
