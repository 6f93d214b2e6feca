"""Webhook: other systems are told of every alert, signed, as Standard Webhooks says (docs/webhooks.md).

A repeat carries the same id and the same bytes, and the receiver leaves it out: so what may have arrived is simply sent
again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Meta

from channels._public import NotPublic, PublicResolver
from channels._session import GatewaySession, unanswered
from channels._settings import Ref, TimeoutS
from channels.webhook.answers import Answer, classify
from channels.webhook.event import body, message_id
from channels.webhook.hidden import is_hidden, refusal, why
from channels.webhook.signature import headers, secret
from hub.alert import Mode
from hub.channel import Capabilities, Drilling, Health, Parcel, Target, Unit
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import BadSettings, Refused
from hub.language import Language
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient
from hub.secret import read_secret

ALIVE_BELOW = 500
"""HEAD answered by less than this: a receiver may well take nothing but POST."""

ERRORS = (aiohttp.ClientError, TimeoutError)

CAPABILITIES = Capabilities(
    kind="webhook",
    japanese="システム連携（Webhook）",
    unit=Unit.SYSTEMS,
    batch_size=1,
    connections=16,
    one_instance=True,
    drilling=Drilling.PREVIEW_ONLY,
    backoff=(timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10)),
    request_deadline=timedelta(seconds=15),
)


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
        url = urlsplit(self.url)
        if url.scheme not in ("http", "https") or not url.hostname or url.username or url.fragment:
            raise ValueError(
                "url is written like https://example.lg.jp/alerts, without a password / "
                "url は https://example.lg.jp/alerts のように書いてください"
            )


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.webhook]`."""

    systems: tuple[System, ...]
    timeout_s: TimeoutS = 15.0

    def __post_init__(self) -> None:
        if len({system.ref for system in self.systems}) < len(self.systems):
            raise ValueError("two systems have the same ref / ref が重複しています")


@dataclass(slots=True, kw_only=True)
class Line:
    """The way to one system."""

    system: System
    secrets: Sequence[bytes]
    session: GatewaySession

    async def recognise(self) -> str:
        """So that whoever is there says what they are before anything is sent. Returns why nobody answered.

        Raises `Refused` for a gateway of the other kind of hub.
        """
        try:
            async with self.session.request("HEAD", self.system.url):
                return ""
        except ERRORS as e:
            return why(e)


class Webhook:
    """Implements `hub.channel.Channel` and `hub.channel.Targets`: one target a system."""

    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        self.capabilities = replace(CAPABILITIES, request_deadline=timedelta(seconds=settings.timeout_s))
        self._clock = clock
        self._lines = {
            system.ref: _line(system, outbound, timeout_s=settings.timeout_s) for system in settings.systems
        }

    def targets(self) -> Sequence[Target]:
        return [
            Target(ref=ref, name=line.system.name, language=line.system.language)
            for ref, line in self._lines.items()
        ]

    async def open(self) -> None:
        """Raises `Refused` where a gateway of the other kind of hub answers."""
        for line in self._lines.values():
            await line.session.open()
        try:
            await asyncio.gather(*(line.recognise() for line in self._lines.values()))
        except Refused:
            await self.close()
            raise

    async def close(self) -> None:
        for line in self._lines.values():
            await line.session.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        message = body(parcel.content, expires=parcel.expires_at)
        for recipient in parcel.to:
            answer = await self._tell(parcel, recipient, message)
            yield answer.result(recipient, message_id(parcel.content, recipient.address))

    async def probe(self) -> Health:
        """Of all systems: the first that is not there is named."""
        away = [said for line in self._lines.values() if (said := await self._away(line))]
        if away:
            return Health(ok=False, detail="、".join(away), checked_at=self._clock())
        number = len(self._lines)
        return Health(ok=True, detail=f"{number}件が応答 / {number} answer", checked_at=self._clock())

    async def _away(self, line: Line) -> str:
        try:
            async with line.session.request("HEAD", line.system.url) as response:
                return "" if response.status < ALIVE_BELOW else f"{line.system.name} {response.status}"
        except Refused as e:
            return e.message
        except ERRORS as e:
            reason = why(e)
            return (
                refusal(line.system.setting)
                if reason == NotPublic.__name__
                else f"{line.system.name} {reason}"
            )

    async def _tell(self, parcel: Parcel, recipient: Recipient, message: bytes) -> Answer:
        line = self._lines.get(recipient.address)
        if parcel.mode is not Mode.LIVE:
            return Answer(outcome=Outcome.UNSUPPORTED, reason="drill")
        if line is None:
            return Answer(outcome=Outcome.PERMANENT, reason="no longer registered")
        parcel.gate()
        if not line.session.recognised and (nobody := await line.recognise()):
            return _put_off(parcel, nobody)
        try:
            return await self._post(parcel, line, message)
        except ERRORS as e:
            if unanswered(e) is Outcome.TEMPORARY:
                return _put_off(parcel, why(e))
            return Answer(outcome=Outcome.AMBIGUOUS, reason=why(e))

    async def _post(self, parcel: Parcel, line: Line, message: bytes) -> Answer:
        now = self._clock()
        said = headers(message_id(parcel.content, line.system.ref), message, at=now, secrets=line.secrets)
        async with (
            line.session.gated(parcel.gate),
            line.session.request(
                "POST", line.system.url, data=message, headers=said | {"Content-Type": "application/json"}
            ) as response,
        ):
            return classify(response.status, response.headers, now=now)


def _put_off(parcel: Parcel, reason: str) -> Answer:
    """This try never left; of an earlier one that was in doubt that says nothing."""
    return Answer(outcome=Outcome.AMBIGUOUS if parcel.resend else Outcome.TEMPORARY, reason=reason)


def _line(system: System, outbound: Outbound, *, timeout_s: float) -> Line:
    setting = system.setting
    secrets = [
        secret(read_secret(file, setting=setting), setting=str(file))
        for file in (system.secret_file, system.next_secret_file)
        if file is not None
    ]
    guarded = outbound.deployment is Deployment.PRODUCTION and not system.private
    if guarded and is_hidden(system.url):
        raise Refused(refusal(setting))
    if guarded and not system.url.startswith("https://"):
        raise BadSettings(setting, "begins with https:// in production / 本番では https:// にしてください")
    session = GatewaySession(
        outbound=outbound,
        base_url=system.url,
        setting=setting,
        timeout_s=timeout_s,
        connections=2,
        resolver=PublicResolver if guarded else None,
    )
    return Line(system=system, secrets=secrets, session=session)
