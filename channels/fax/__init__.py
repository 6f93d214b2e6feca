"""Fax, through a gateway that takes mail: one page of A4 for who has nothing else in the house.

The gateway dials again where a line is busy. What it reports comes to the bounce mailbox, and becomes receipts where
it names our message (`result`); a report never makes the hub send again, since nobody can tell one that came twice
from one of a second try (I3).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import structlog

from channels._pace import paced
from channels._poster import faces
from channels._poster.around import Around, around
from channels._poster.fit import filled_percent
from channels._poster.page import poster
from channels.fax.message import PAGES_KEPT, wire
from channels.fax.settings import Settings, mailbox
from channels.mail.connection import Smarthost
from channels.mail.handover import Envelope, Gates
from channels.mail.pool import Pool
from channels.mail.replies import NO_SUCH_ADDRESS
from hub.capabilities import Capabilities
from hub.channel import Content, Health, Parcel, freely
from hub.city import City
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import BadInput, DeliveryFailure, HubError, PermanentFailure
from hub.language import Language
from hub.outbound import Outbound
from hub.place import Position
from hub.recipient import Recipient, RecipientId, Zone

__all__ = ["Fax", "Settings"]

log = structlog.get_logger(__name__)

CAPABILITIES = Capabilities(
    kind="fax",
    japanese="FAX",
    batch_size=1,
    connections=2,
    single_requests=True,
    requests_per_s=0.5,
    body_limit=100,
    languages=frozenset(Language),
    receipts_by_envelope=True,
    gone=NO_SUCH_ADDRESS,
    canary_every=timedelta(days=7),
    max_attempts=3,
    backoff=(timedelta(minutes=3), timedelta(minutes=10)),
)
"""A batch is one fax: its key says whose a report is. `body_limit`: of `Fax.length`."""


class Named(NamedTuple):
    """By what a fax is known: to the gateway's results, and to who reads it."""

    key: UUID
    number: str
    sent: datetime


class Fax:
    """Implements `hub.channel.Channel`, `Mapped` and `Measured`."""

    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        self.capabilities = replace(
            CAPABILITIES,
            languages=frozenset(filter(faces.supported, Language)),
            connections=settings.connections,
            requests_per_s=settings.per_minute / 60,
            request_deadline=timedelta(seconds=settings.timeout_s),
        )
        self._settings = settings
        self._clock = clock
        self._smarthost = Smarthost(settings.transport, outbound, stanza="[channels.fax]")
        self._pool = Pool(self._smarthost.connect, most=settings.connections)
        self._city: City | None = None
        self._sites: Mapping[str, Position] = {}
        self._pages: dict[tuple[Content, Zone | None], bytes] = {}

    def know(self, city: City, sites: Mapping[str, Position]) -> None:
        """As `hub.channel.Mapped` says."""
        self._city, self._sites = city, sites

    async def open(self) -> None:
        """One connection is kept. Raises `Refused` where the smarthost says that it is a rehearsal one, and this hub
        is not."""
        if lacking := faces.warning():
            log.warning("fax fonts missing", advice=str(lacking))
        try:
            await self._pool.warm_up(1)
        except DeliveryFailure as e:
            log.warning("fax smarthost not ready", reason=e.reason)

    async def close(self) -> None:
        await self._pool.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        try:
            pdf = await self._page(parcel.content, parcel.zone)
        except BadInput as e:
            for recipient in parcel.to:
                yield Result(recipient.id, Outcome.UNSUPPORTED, reason=e.path)
            return

        async def send_one(recipient: Recipient) -> Result:
            return await self._hand_over(recipient, pdf, parcel)

        async with aclosing(paced(parcel.to, send_one, turn=parcel.turn)) as results:
            async for result in results:
                yield result

    def length(self, content: Content) -> int:
        """As `hub.channel.Measured` has it: percent of a page in the smallest letters."""
        return filled_percent(content, self._around(content, None))

    async def probe(self) -> Health:
        """The smarthost alone: no gateway can be asked without dialling somebody."""
        try:
            session = await self._smarthost.connect()
        except HubError as e:
            return Health(ok=False, detail=e.message, checked_at=self._clock())
        self._pool.keep(session)
        japanese, english = "メールサーバーに接続できました", "connected to the smarthost"
        if lacking := faces.warning():
            japanese, english = f"{japanese}。{lacking.japanese}", f"{english}; {lacking.english}"
        detail = f"{japanese} / {english}"
        return Health(ok=True, detail=detail, checked_at=self._clock())

    async def _page(self, content: Content, zone: Zone | None) -> bytes:
        """Raises `BadInput` where the text fits on no page, or no letters are there for it."""
        place = self._around(content, zone)
        if (known := self._pages.get((content, zone))) is not None:
            return known
        pdf = await asyncio.to_thread(poster, content, place, colour=False)
        if len(self._pages) >= PAGES_KEPT:
            self._pages.pop(next(iter(self._pages)))
        self._pages[content, zone] = pdf
        return pdf

    def _around(self, content: Content, zone: Zone | None) -> Around:
        if self._city is None:
            raise RuntimeError("a fax has a map, and nobody called `know`")
        in_japanese = content.language in (Language.JA, Language.JA_EASY)
        return around(self._city, self._sites, zone, in_japanese=in_japanese)

    async def _hand_over(self, recipient: Recipient, pdf: bytes, parcel: Parcel) -> Result:
        to = mailbox(self._settings.address, recipient.address)
        if to is None:
            return Result(recipient.id, Outcome.PERMANENT, reason="abroad")
        named = Named(key=parcel.idempotency_key, number=parcel.content.number, sent=parcel.content.sent)
        envelope = self._envelope(recipient.id, to, pdf, named)
        (result,) = await self._pool.hand_over(envelope, Gates(parcel.prepare, parcel.gate))
        return result

    def _envelope(self, who: RecipientId, to: str, pdf: bytes, named: "Named") -> Envelope:
        subject, sender = self._settings.subject or f"FAX {named.number}", self._settings.sender
        message = wire(pdf, key=named.key, to=to, sender=sender, subject=subject, sent=named.sent)
        return Envelope(sender=sender, to=[Recipient(id=who, address=to)], message=message, key=named.key)

    async def try_out(self, number: str, content: Content) -> None:
        """One fax to one number, outside every alert: whoever registers one sees that it comes out.

        Raises:
            DeliveryFailure: the smarthost did not take it.
            BadInput: the page cannot be set.
        """
        pdf = await self._page(content, None)
        to = mailbox(self._settings.address, number)
        if to is None:
            raise PermanentFailure(
                "abroad", "[channels.fax] address: no national form / 国内の番号ではありません"
            )
        named = Named(key=uuid4(), number=content.number, sent=self._clock())
        envelope = self._envelope(RecipientId(0), to, pdf, named)
        (result,) = await self._pool.hand_over(envelope, Gates(freely, freely))
        if result.outcome is not Outcome.ACCEPTED:
            raise DeliveryFailure(
                result.reason, f"[channels.fax] not taken ({result.reason}) / 受け付けられません"
            )
