"""The mail channel."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import msgspec
import structlog

from channels.mail.connection import Smarthost
from channels.mail.handover import Envelope, Gates
from channels.mail.mailing import PATIENCE_S, Mailing
from channels.mail.message import Letter, Letterhead, letter, wire
from channels.mail.personal import Copies, Ways
from channels.mail.pool import Pool
from channels.mail.relaying import Relaying
from channels.mail.replies import EVERYONES, NO_SUCH_ADDRESS
from channels.mail.room import Room
from channels.mail.settings import Settings
from hub.capabilities import Capabilities
from hub.channel import Health, Parcel, Remark
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import DeliveryFailure, HubError, TemporaryFailure
from hub.language import Language
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId

log = structlog.get_logger(__name__)

SMOOTH = {Outcome.ACCEPTED}

AT_ONCE_PERSONAL = 4
"""Batches of personal mail under way: each keeps all sessions busy, and the next ones stand ready meanwhile."""

CAPABILITIES = Capabilities(
    kind="mail",
    japanese="メール",
    batch_size=100,
    connections=50,
    receipts_by_envelope=True,
    gone=NO_SUCH_ADDRESS,
    canary_every=timedelta(minutes=15),
    policy=("5.7.",),
)


class Mail:
    """Implements `hub.channel.Channel`.

    Each lane has its own instance, hence its own connections: urgent mail waits for no routine mail.
    """

    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        self.capabilities = replace(
            CAPABILITIES,
            batch_size=settings.recipients_per_transaction,
            connections=AT_ONCE_PERSONAL if settings.personal else settings.connections,
            drain_per_s=settings.drain_per_s,
            request_deadline=timedelta(
                seconds=settings.timeout_s + (PATIENCE_S if settings.personal else 0.0)
            ),
        )
        self._settings = settings
        self._outbound = outbound
        self._smarthost = Smarthost(settings, outbound)
        own = {settings.domain, settings.envelope_sender.rpartition("@")[2]}
        self._pool = Pool(self._smarthost.connect, most=settings.connections, relaying=Relaying(own))
        self._warm = min(settings.warm_connections, settings.connections)
        self._room = Room(settings.recipients_per_transaction)
        self._sender = settings.envelope_sender
        self._letterhead = Letterhead(
            sender=settings.sender,
            domain=settings.domain,
            unsubscribe=settings.unsubscribe,
            html=settings.html,
            charset=settings.charset,
        )
        self.personal = settings.personal
        self._ways: Ways | None = None
        self._clock = clock

    def leave_by(self, page: str, token: Callable[[RecipientId], bytes]) -> None:
        """As `hub.channel.OneClick` says."""
        self._ways = Ways(page, token)

    async def open(self) -> None:
        """Raises `Refused` where the smarthost says that it is a rehearsal one, and this hub is not."""
        try:
            await self._pool.warm_up(self._warm)
        except DeliveryFailure as e:
            log.warning("mail smarthost not ready", reason=e.reason)

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        """Personal mail in a transaction for each recipient; else in one, or in several where the smarthost takes
        fewer recipients."""
        outcomes: Counter[Outcome] = Counter()
        try:
            async for results in self._said(parcel, Gates(parcel.prepare, parcel.gate)):
                outcomes.update([result.outcome for result in results])
                for result in results:
                    yield result
        finally:
            if outcomes:
                _report(parcel, outcomes)

    def _said(self, parcel: Parcel, gates: Gates) -> AsyncIterator[list[Result]]:
        text = letter(parcel.content)
        if self.personal:
            return Mailing(self._pool, self._envelopes(parcel, text), gates).results()
        message = wire(text, self._letterhead, parcel.idempotency_key)
        envelope = Envelope(sender=self._sender, to=parcel.to, message=message, key=parcel.idempotency_key)
        return self._transactions(envelope, gates)

    def _envelopes(self, parcel: Parcel, text: Letter) -> Iterator[Envelope]:
        if self._ways is None:
            raise RuntimeError("personal mail says how to leave, and nobody called `leave_by`")
        sender, key = self._sender, parcel.idempotency_key
        copies = Copies(text, self._letterhead, self._ways, key)
        for each in parcel.to:
            yield Envelope(
                sender=sender, to=(each,), message=partial(copies.of, each), key=key, copy=f".{each.id}"
            )

    async def submit(self, to: Sequence[str], *, subject: str, text: str) -> int:
        """A mail to staff, outside every alert: it wakes them up. Returns how many addresses were taken.

        Raises:
            DeliveryFailure: none was.
        """
        call = Letter(name="よびかけ", subject=subject, text=text, sent=self._clock(), language=Language.JA)
        key = uuid4()
        recipients = [Recipient(id=RecipientId(n), address=address) for n, address in enumerate(to)]
        envelope = Envelope(
            sender=self._sender, to=recipients, message=wire(call, self._letterhead, key), key=key
        )
        outcomes = [
            result.outcome
            async for results in self._transactions(envelope, Gates(_always, _always))
            for result in results
        ]
        taken = outcomes.count(Outcome.ACCEPTED)
        if not taken:
            raise TemporaryFailure(
                "nobody", "[channels.mail] no mail to staff was taken / 職員宛てのメールを送れません"
            )
        return taken

    async def probe(self) -> Health:
        """A new connection each time, since only a new one tries the log-in; it is kept, warm."""
        try:
            self._pool.keep(await self._smarthost.connect())
        except HubError as e:
            return Health(ok=False, detail=e.message, checked_at=self._clock())
        detail = "メールサーバーに接続できました / connected to the smarthost"
        return Health(ok=True, detail=detail, checked_at=self._clock())

    async def standing(self) -> Sequence[Remark]:
        """As `hub.channel.LookedUp` says. Raises `BadSettings` for a name server that is none."""
        from channels.mail.standing.overall import not_asked, standing  # noqa: PLC0415 - asked for once a year
        from channels.mail.standing.records import Records  # noqa: PLC0415

        settings = self._settings
        records = Records(settings.dns.name_server)
        if records.outside and self._outbound.deployment is Deployment.REHEARSAL:
            return [not_asked()]
        return await standing(
            settings.dns,
            records,
            host=settings.host,
            domain=settings.domain,
            envelope=settings.envelope_sender.rpartition("@")[2],
        )

    @property
    def width(self) -> int:
        """As `hub.channel.Elastic` says: by the round trip to the smarthost."""
        return self.capabilities.connections if self.personal else self._pool.width

    async def close(self) -> None:
        await self._pool.close()

    async def _transactions(self, envelope: Envelope, gates: Gates) -> AsyncIterator[list[Result]]:
        waiting = envelope.to
        while waiting:
            most = self._room.most
            if len(waiting) > most or waiting is not envelope.to:
                envelope = envelope._replace(to=waiting[:most])
            results = await self._pool.hand_over(envelope, gates)
            self._room.learn(results)
            waiting = waiting[len(results) :]
            yield results
            said = {result.outcome for result in results}
            if waiting and len(said) == 1 and said <= EVERYONES:
                yield [msgspec.structs.replace(results[0], recipient=recipient.id) for recipient in waiting]
                return


def _always() -> None:
    """The gate of mail to staff."""


def _report(parcel: Parcel, outcomes: Counter[Outcome]) -> None:
    say = log.debug if outcomes.keys() == SMOOTH else log.info  # a city is a thousand transactions
    say(
        "mail handed over",
        batch=parcel.batch_id,
        **{outcome.name.lower(): n for outcome, n in outcomes.items()},
    )
