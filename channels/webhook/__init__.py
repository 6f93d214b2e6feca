"""Webhook: other systems are told of every alert, signed, as Standard Webhooks says (docs/webhooks.md).

A repeat carries the same id and the same bytes, and the receiver leaves it out: so what may have arrived is simply sent
again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from channels._hook.answer import Answer
from channels._hook.line import Line, line_to, refuse_odd
from channels._hook.signature import message_id
from channels._settings import Ref, TimeoutS
from channels.webhook.answers import UNFIT, classify
from channels.webhook.event import body, canary
from hub.alert import Mode
from hub.capabilities import CanaryTo, Capabilities, Drilling, Unit
from hub.channel import Health, Parcel, Target
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.language import Language
from hub.outbound import Outbound
from hub.reasons import together
from hub.recipient import Recipient

CAPABILITIES = Capabilities(
    kind="webhook",
    japanese="システム連携（Webhook）",
    unit=Unit.SYSTEMS,
    batch_size=1,
    connections=16,
    one_instance=True,
    drilling=Drilling.PREVIEW_ONLY,
    backoff=(timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10)),
    canary_every=timedelta(days=1),
    canary_to=CanaryTo.TARGETS,
    request_deadline=timedelta(seconds=15),
)


ASKED_WITHIN_S = 3.0
"""At the start: one system that is slow keeps no other waiting."""


class System(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One receiver. `secret_file`: `whsec_…`, shared with it; `next_secret_file`: the one it is about to be changed to.
    `private`: it is in the city's own network."""

    ref: Ref
    name: Annotated[str, Meta(min_length=1)]
    url: str
    secret_file: Path
    next_secret_file: Path | None = None
    language: Language = Language.JA
    private: bool = False

    @property
    def setting(self) -> str:
        """Where it stands, for errors."""
        return f"[[channels.webhook.systems]] {self.ref} url"

    def __post_init__(self) -> None:
        refuse_odd(self.url)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.webhook]`."""

    systems: tuple[System, ...]
    timeout_s: TimeoutS = 15.0

    def __post_init__(self) -> None:
        if len({system.ref for system in self.systems}) < len(self.systems):
            raise ValueError("two systems have the same ref / ref が重複しています")


class Webhook:
    """Implements `hub.channel.Channel` and `hub.channel.Targets`: one target a system."""

    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        self.capabilities = replace(CAPABILITIES, request_deadline=timedelta(seconds=settings.timeout_s))
        self._clock = clock
        self._systems = settings.systems
        self._lines = {
            system.ref: _line(system, outbound, timeout_s=settings.timeout_s) for system in settings.systems
        }

    def targets(self) -> Sequence[Target]:
        return [
            Target(ref=system.ref, name=system.name, language=system.language) for system in self._systems
        ]

    async def open(self) -> None:
        for line in self._lines.values():
            await line.session.open()
        with suppress(TimeoutError):  # who is slow says what it is before its first message
            async with asyncio.timeout(ASKED_WITHIN_S):
                await asyncio.gather(*(line.recognise() for line in self._lines.values()))

    async def close(self) -> None:
        for line in self._lines.values():
            await line.session.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        message = canary(parcel.content) if parcel.canary else body(parcel.content, expires=parcel.expires_at)
        for recipient in parcel.to:
            answer = await self._tell(parcel, recipient, message)
            yield answer.result(recipient, message_id(parcel.content, recipient.address), alone=True)

    async def probe(self) -> Health:
        """Asks all systems at once, and names those that are not there."""
        now = self._clock()
        said = await asyncio.gather(*(line.away(at=now, unfit=UNFIT) for line in self._lines.values()))
        away = [each for each in said if each]
        if away:
            return Health(ok=False, detail=together(away), checked_at=self._clock())
        number = len(self._lines)
        detail = f"{number}件のシステムが応答しました / {number} systems answer"
        return Health(ok=True, detail=detail, checked_at=self._clock())

    async def _tell(self, parcel: Parcel, recipient: Recipient, message: bytes) -> Answer:
        line = self._lines.get(recipient.address)
        if parcel.mode is not Mode.LIVE and not parcel.canary:
            return Answer(outcome=Outcome.UNSUPPORTED, reason="drill")
        if line is None:
            return Answer(outcome=Outcome.PERMANENT, reason="no longer registered")
        name = message_id(parcel.content, recipient.address)
        return await line.tell(parcel, name, message, at=self._clock(), classify=classify)


def _line(system: System, outbound: Outbound, *, timeout_s: float) -> Line:
    return line_to(
        system.url,
        name=system.name,
        setting=system.setting,
        secret_files=(system.secret_file, system.next_secret_file),
        private=system.private,
        third_party=True,
        outbound=outbound,
        timeout_s=timeout_s,
    )
