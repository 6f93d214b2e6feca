"""The mail channel."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import structlog

from channels.mail.connection import Smarthost
from channels.mail.handover import Envelope, Gate, hand_over
from channels.mail.message import Letter, Letterhead, letter, wire
from channels.mail.pool import Pool
from channels.mail.replies import AT_ONCE
from channels.mail.settings import Settings
from hub.channel import Capabilities, Health, Parcel
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import DeliveryFailure, HubError, TemporaryFailure
from hub.language import Language
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId

log = structlog.get_logger(__name__)

EVERYONES = ({Outcome.THROTTLE}, {Outcome.CREDENTIALS})
"""What the smarthost would say to the next transaction too."""


CAPABILITIES = Capabilities(
    kind="mail",
    japanese="メール",
    batch_size=100,
    connections=8,
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
            connections=settings.connections,
            drain_per_s=settings.drain_per_s,
            request_deadline=timedelta(seconds=settings.timeout_s),
        )
        self._smarthost = Smarthost(settings, outbound)
        self._pool = Pool(self._smarthost.connect, size=settings.connections)
        self._warm = min(settings.warm_connections, settings.connections)
        self._most = settings.recipients_per_transaction
        self._sender = settings.envelope_sender
        self._letterhead = Letterhead(
            sender=settings.sender, domain=settings.domain, unsubscribe=settings.unsubscribe
        )
        self._clock = clock

    async def open(self) -> None:
        """Raises `Refused` where the smarthost says that it is a rehearsal one, and this hub is not."""
        opened = await asyncio.gather(*(self._warm_up() for _ in range(self._warm)), return_exceptions=True)
        for failure in opened:
            if isinstance(failure, DeliveryFailure):
                log.warning("mail smarthost not ready", reason=failure.reason)
            elif isinstance(failure, BaseException):
                await self._pool.close()
                raise failure

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        """In several transactions where the smarthost takes fewer recipients in one."""
        message = wire(letter(parcel.content), self._letterhead, parcel.idempotency_key)
        envelope = Envelope(sender=self._sender, to=parcel.to, message=message, key=parcel.idempotency_key)
        async for results in self._transactions(envelope, parcel.gate):
            _report(parcel, results)
            for result in results:
                yield result

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
            result.outcome async for results in self._transactions(envelope, _always) for result in results
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

    async def close(self) -> None:
        await self._pool.close()

    async def _warm_up(self) -> None:
        self._pool.keep(await self._smarthost.connect())

    async def _transactions(self, envelope: Envelope, gate: Gate) -> AsyncIterator[list[Result]]:
        waiting = envelope.to
        while waiting:
            results = await self._transact(replace(envelope, to=waiting[: self._most]), gate)
            waiting = waiting[len(results) :]
            yield results
            if {result.outcome for result in results} in EVERYONES:
                yield [results[0]._replace(recipient=recipient.id) for recipient in waiting]
                return

    async def _transact(self, envelope: Envelope, gate: Gate) -> list[Result]:
        deadline = self.capabilities.request_deadline
        async with self._pool.connection() as smtp:
            results = await hand_over(smtp, envelope, gate=gate, deadline=deadline)
        self._learn(results)
        return results

    def _learn(self, results: Sequence[Result]) -> None:
        """A smarthost that says 4.5.3 gets no more than it took, from now on."""
        turned_away = sum(result.retry_after == AT_ONCE for result in results)
        if turned_away:
            self._most = max(1, len(results) - turned_away)
            log.info("mail smarthost takes fewer recipients", recipients=self._most)


def _always() -> None:
    """The gate of mail to staff."""


def _report(parcel: Parcel, results: Sequence[Result]) -> None:
    outcomes = Counter(result.outcome.name.lower() for result in results)
    smooth = outcomes.keys() == {"accepted"}
    say = log.debug if smooth else log.info  # a city is a thousand transactions
    say("mail transaction", batch=parcel.batch_id, **outcomes)
