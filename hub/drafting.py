"""Drafting: from an idea to a submitted draft, before anything is sent. `hub.intake` goes on from here."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from sqlalchemy import Connection

from hub import page, prepared
from hub.approval import may_approve
from hub.authorise import Action, Actor, authorise
from hub.clock import Clock
from hub.draft import Draft, Message, State, check, check_known
from hub.errors import AlreadySent, BadInput
from hub.keys import Keys
from hub.ledger import Ledger, accounts, alerts, audit, drafts, trouble
from hub.ledger.alerts import Accepted
from hub.prepared import Prepare
from hub.recipient import Called, Town

T = TypeVar("T")


def page_topic(draft: Draft) -> str:
    """Of the page that a submission waits: each has its own, so that none is held back as a repeat."""
    return f"approval {draft.id[:8]} v{draft.version}"


class Drafting:
    """What staff do to a draft. Each is one commit with its audit row."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        keys: Keys,
        sender: str,
        clock: Clock,
        channels: Collection[str] | None,
        towns: Collection[Town] | None,
        prepare: Prepare | None,
    ) -> None:
        self._ledger = ledger
        self._keys = keys
        self._sender = sender
        self._clock = clock
        self._channels = channels
        self._towns = towns
        self._prepare = prepare

    async def save(self, message: Message, actor: Actor, *, draft: str | None = None, seen: int = 0) -> Draft:
        """Create a draft, or change the version `seen` of one that is being edited.

        Whoever changes the message is one of its authors. The same message again changes nothing, but
        that a submitted draft is being edited once more.

        A draft's mode is fixed when it is made: a drill never turns into a live alert (I6).
        """
        authorise(actor, Action.COMPOSE, message.hazard)

        def work(conn: Connection) -> Draft:
            if draft is None:
                return self._create(conn, message, actor)
            old = self._held(conn, draft)
            authorise(actor, Action.COMPOSE, old.message.hazard)
            old.become(State.EDITING)
            if message.mode is not old.message.mode:
                raise BadInput(
                    "$.mode",
                    "本番と訓練は途中で変えられません / Drill or live is fixed when the draft is made",
                )
            same = message == old.message
            if same and old.state is State.EDITING and old.version == seen:
                return old
            theirs = same and old.state is not State.PREPARED
            changed = msgspec.structs.replace(
                old,
                version=seen + 1,
                message=message,
                author=old.author if theirs else actor.login,
                authors=old.authors if theirs else old.by(actor.login),
                updated_at=self._clock(),
                state=State.EDITING,
                schedule=None,
                note="" if old.state is State.LAPSED else old.note,
            )
            drafts.replace(conn, changed, seen=seen)
            self._settle(conn, old, actor)
            self._audit(conn, actor, "draft.save", changed.id, version=changed.version)
            return changed

        return await self._write(work)

    async def read(self, draft: str, actor: Actor) -> Draft:
        """Raises `BadInput` when there is none."""
        authorise(actor, Action.VIEW)
        with trouble.told():
            return await self._ledger.read(lambda conn: drafts.get(conn, draft))

    async def submit(self, draft: str, actor: Actor, *, seen: int) -> Draft:
        """Ask for approval. Raises `BadInput` for what can be known to be wrong now.

        Whoever submits what the hub prepared gives the order now, and is its author (I10). Asking for the same
        again, because an answer was lost, changes nothing.
        """
        authorise(actor, Action.COMPOSE)

        def work(conn: Connection) -> Draft:
            old = self._held(conn, draft)
            authorise(actor, Action.COMPOSE, old.message.hazard)
            if old.state is State.SUBMITTED and old.version == seen + 1:
                return old
            if old.state is State.PREPARED:
                old = self._taken_up(old, actor)
            check(old.message)
            check_known(old.message.targeting, self._channels, self._towns)
            now = self._clock()
            return self._move(conn, old, State.SUBMITTED, actor, seen=seen, submitted_at=now, paged_at=None)

        return await self._write(work)

    async def send_back(self, draft: str, actor: Actor, *, seen: int, reason: str) -> Draft:
        """Return a submitted draft to its author, with a reason."""
        authorise(actor, Action.APPROVE)
        return await self._close(draft, State.EDITING, actor, seen=seen, reason=reason)

    async def reject(self, draft: str, actor: Actor, *, seen: int, reason: str) -> Draft:
        """End a submitted draft for good, with a reason."""
        authorise(actor, Action.APPROVE)
        return await self._close(draft, State.REJECTED, actor, seen=seen, reason=reason)

    async def ask(self, draft: str, actor: Actor, *, whom: str) -> Draft:
        """Say who is asked to approve it. That stays with the draft through every later change and submission
        until somebody else is asked.

        It is not part of the version, so that no approval under way is refused for it; and it moves no clock
        (`approval.alone_from`). Raises `BadInput` for somebody who may not approve this draft.
        """
        authorise(actor, Action.COMPOSE)

        def work(conn: Connection) -> Draft:
            held = self._held(conn, draft)
            authorise(actor, Action.COMPOSE, held.message.hazard)
            found = accounts.find(conn, whom)
            if found is None or found.disabled_at is not None or not may_approve(found.actor, held):
                raise BadInput(
                    "asked",
                    "この人は承認できません。ほかの人に頼んでください / They cannot approve it: ask another",
                )
            if held.asked == whom:
                return held
            asked = msgspec.structs.replace(held, asked=whom)
            drafts.remark(conn, asked)
            self._audit(conn, actor, "draft.request", held.id, version=held.version, asked=whom)
            return asked

        return await self._write(work)

    async def correct(self, alert: str, actor: Actor) -> Draft:
        """The draft that says of this alert that it was wrong, in the actor's hands: the one that was prepared
        with it; or a new one, where there is none or it was sent or rejected before.

        Raises `BadInput` when there is no such alert, or nothing to prepare a correction from.
        """
        authorise(actor, Action.COMPOSE)

        def work(conn: Connection) -> Draft:
            found = drafts.find(conn, prepared.draft_id(alert), hold=True)
            if found is not None:
                authorise(actor, Action.COMPOSE, found.message.hazard)
            if found is None or found.state in (State.SENT, State.REJECTED):
                message = self._correction(alerts.get(conn, self._keys, alert))
                authorise(actor, Action.COMPOSE, message.hazard)
                return self._create(conn, message, actor)
            if found.state is State.PREPARED:
                taken_up = self._taken_up(found, actor)
                return self._move(conn, taken_up, State.EDITING, actor, seen=found.version)
            return found

        return await self._write(work)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        with trouble.told():
            return await self._ledger.write(work)

    def _create(self, conn: Connection, message: Message, actor: Actor) -> Draft:
        if isinstance(message.targeting.audience, Called):
            raise BadInput(
                "$.targeting.audience", "職員は「参集」から呼びます / Staff are called by a muster"
            )
        now = self._clock()
        made = Draft(
            id=str(uuid4()), version=1, state=State.EDITING, author=actor.login,
            authors=(actor.login,), message=message, created_at=now, updated_at=now,
        )  # fmt: skip
        drafts.create(conn, made)
        self._audit(conn, actor, "draft.save", made.id, version=made.version)
        return made

    def _held(self, conn: Connection, draft: str) -> Draft:
        """The draft, which nobody else changes before the commit."""
        found = drafts.get(conn, draft, hold=True)
        self._refuse_sent(found)
        return found

    def _refuse_sent(self, draft: Draft) -> None:
        if draft.alert is not None:
            raise AlreadySent(draft.alert, draft.alert.removeprefix(f"{self._sender}-"))

    def _correction(self, accepted: Accepted) -> Message:
        if self._prepare is None:
            raise BadInput(
                "template correction",
                "訂正の定型文がありません。続報で知らせてください / There is no template for a correction; send an update",
            )
        return self._prepare(accepted, self._clock())

    def _taken_up(self, old: Draft, actor: Actor) -> Draft:
        """What the hub prepared, in somebody's hands."""
        return msgspec.structs.replace(
            old,
            message=prepared.ordered_now(old.message, self._clock()),
            author=actor.login,
            authors=old.by(actor.login),
        )

    async def _close(self, draft: str, state: State, actor: Actor, *, seen: int, reason: str) -> Draft:
        if not reason.strip():
            raise BadInput("$.reason", "理由を書いてください / Say why")

        def work(conn: Connection) -> Draft:
            held = self._held(conn, draft)
            authorise(actor, Action.APPROVE, held.message.hazard)
            return self._move(conn, held, state, actor, seen=seen, note=reason)

        return await self._write(work)

    def _move(
        self,
        conn: Connection,
        old: Draft,
        state: State,
        actor: Actor,
        *,
        seen: int,
        told: Mapping[str, Any] = MappingProxyType({}),
        **changes: object,
    ) -> Draft:
        """`told`: what the audit row says besides."""
        old.become(state)
        moved = msgspec.structs.replace(
            old, version=seen + 1, state=state, updated_at=self._clock(), **changes
        )
        drafts.replace(conn, moved, seen=seen)
        self._settle(conn, old, actor)
        self._audit(conn, actor, f"draft.{state}", old.id, version=seen, note=moved.note, **told)
        return moved

    def _settle(self, conn: Connection, old: Draft, actor: Actor) -> None:
        """A submission that waits no more needs nobody: the page of it is done."""
        if old.state is State.SUBMITTED and old.paged_at is not None:
            page.settle(conn, page_topic(old), actor, at=self._clock())

    def _audit(
        self,
        conn: Connection,
        actor: Actor,
        action: str,
        subject: str,
        *,
        at: datetime | None = None,
        **detail: object,
    ) -> None:
        audit.append(
            conn,
            self._keys,
            at=at or self._clock(),
            actor=actor.login,
            action=action,
            subject=subject,
            detail=detail,
        )
