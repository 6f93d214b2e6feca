"""Each subscription is a request of its own to its browser's push service (docs/decisions/0049).

A push service keeps no key of a request, so a repeat cannot be recognised: it replaces what was not delivered yet
(`Topic`), and what is shown already is replaced without a sound (`sw.js`).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from functools import partial

import aiohttp
import msgspec
import structlog

from channels._answer import retry_after
from channels._pace import paced
from channels._public import PublicResolver
from channels._session import GatewaySession, unanswered, why
from channels.webpush import answers, vapid
from channels.webpush.blame import Blame
from channels.webpush.encryption import encrypt
from channels.webpush.message import payload, topic, urgent
from channels.webpush.settings import PLACE, Settings, services
from channels.webpush.ways import Ways
from hub.capabilities import CanaryTo, Capabilities
from hub.channel import Content, Health, Parcel
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import Refused
from hub.outbound import Deployment, Outbound
from hub.reasons import together, told
from hub.recipient import Recipient
from hub.subscription import BadSubscription, Services, Subscription

log = structlog.get_logger(__name__)

CAPABILITIES = Capabilities(
    kind="webpush",
    japanese="ブラウザの通知",
    batch_size=50,
    connections=4,
    single_requests=True,
    canary_every=timedelta(days=1),
    canary_to=CanaryTo.DEVICE,
    gone=answers.GONE,
    gone_at_once=True,
)


class Webpush:
    """Implements `hub.channel.Channel`. An address is a `hub.subscription.Subscription`'s line."""

    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        self.capabilities = replace(
            CAPABILITIES,
            requests_per_s=settings.requests_per_s,
            request_deadline=timedelta(seconds=settings.timeout_s),
        )
        self._services = _allowed(settings, outbound)
        key = vapid.load(settings.key_file, setting=f"{PLACE} key_file")
        self._vapid = vapid.Vapid(key, subject=settings.subject, clock=clock)
        self._clock = clock
        self._in_production = outbound.deployment is Deployment.PRODUCTION
        self._session = GatewaySession(
            outbound=outbound,
            base_url=self._services.origins[0].replace("*.", ""),
            setting=f"{PLACE} services",
            timeout_s=settings.timeout_s,
            connections=settings.at_once * len(self._services.origins),
            others=self._services.allow,
            third_party=True,
            resolver=PublicResolver if self._in_production else None,
        )
        self._blame = Blame()
        self._whole = [origin for origin in self._services.origins if "*" not in origin]
        self._ways = Ways(self._whole, at_once=settings.at_once)

    async def open(self) -> None:
        """Raises `Refused` in production for a service without TLS: no real one is, and a rehearsal's is."""
        if self._in_production:
            for origin in self._services.origins:
                if not origin.startswith("https://"):
                    raise Refused(
                        f"{PLACE} services: this is no https:// address: a rehearsal gateway, and this hub is in "
                        "production. Nothing was sent. / 本番のハブですが、つなぎ先が訓練用です。何も送っていません。"
                    )
        await self._session.open()

    async def close(self) -> None:
        await self._session.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        body = payload(parcel.content, proof=parcel.idempotency_key.hex if parcel.canary else "")
        if body is None:
            for recipient in parcel.to:
                yield Result(recipient.id, Outcome.UNSUPPORTED, reason="too long")
            return
        refused: list[Result] = []

        async def push(recipient: Recipient) -> Result:
            return await self._push(parcel, recipient, body)

        async with aclosing(paced(parcel.to, push, turn=parcel.turn)) as results:
            async for result in results:
                if result.outcome is Outcome.CREDENTIALS:
                    refused.append(result)
                else:
                    yield result
        for result in self._settled(parcel, refused):
            yield result

    async def probe(self) -> Health:
        """Asks every service that is named whole whether it answers, and says which of all takes no messages now.
        Nobody hears of it."""
        try:
            answers = await asyncio.gather(*(self._answer(origin) for origin in self._whole))
        except Refused as e:
            return self._health(ok=False, detail=e.message)
        said = dict(zip(self._whole, answers, strict=True)) | dict(self._ways.away)
        bad = [told(origin, wrong) for origin, wrong in said.items() if wrong]
        well = f"{len(said)}件の通知サービスが応答しました / {len(said)} push services answer"
        return self._health(ok=not bad, detail=together(bad) if bad else well)

    async def _push(self, parcel: Parcel, recipient: Recipient, body: bytes) -> Result:
        try:
            to = Subscription.known(recipient.address)
        except BadSubscription:
            return Result(recipient.id, Outcome.PERMANENT, reason="no subscription")
        if not self._services.allow(to.endpoint):
            return Result(recipient.id, Outcome.PERMANENT, reason="service")
        return await self._ways.through(
            to.origin, recipient.id, partial(self._ask, parcel, recipient, to, body)
        )

    async def _ask(self, parcel: Parcel, recipient: Recipient, to: Subscription, body: bytes) -> Result:
        try:
            encrypted = encrypt(body, to)
        except ValueError:
            return Result(recipient.id, Outcome.PERMANENT, reason="no subscription")
        parcel.prepare()
        headers = self._headers(parcel, to)
        try:
            async with (
                self._session.gated(parcel.gate),
                self._session.request("POST", to.endpoint, data=encrypted, headers=headers) as answer,
            ):
                return self._result(parcel, recipient, to.origin, answer)
        except (aiohttp.ClientError, TimeoutError) as e:
            return Result(recipient.id, unanswered(e), reason=why(e))
        except ValueError:  # an address that cannot even be asked for: it is this one's fault alone
            return Result(recipient.id, Outcome.PERMANENT, reason="no subscription")

    def _headers(self, parcel: Parcel, to: Subscription) -> dict[str, str]:
        """RFC 8030 §5.2 to §5.4."""
        content: Content = parcel.content
        left_s = int((parcel.expires_at - self._clock()).total_seconds())
        return {
            "Authorization": self._vapid.header(to.origin),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(0, left_s)),
            "Urgency": "high" if urgent(content) else "normal",
            "Topic": topic(content),
        }

    def _result(
        self, parcel: Parcel, recipient: Recipient, service: str, answer: aiohttp.ClientResponse
    ) -> Result:
        outcome, reason = answers.outcome(answer.status), str(answer.status)
        if outcome is Outcome.ACCEPTED:
            self._blame.taken(parcel.content.identifier, service)
            return Result(recipient.id, outcome)
        if outcome is Outcome.CREDENTIALS:
            self._blame.refused(parcel.content.identifier, service)
        gone = reason in answers.GONE
        if gone and not self._blame.gone(parcel.content.identifier, service):
            log.warning("a push service calls everybody gone", service=service, status=reason)
            reason = "gone?"
        wait = retry_after(answer.headers.get("Retry-After"), now=self._clock())
        return Result(recipient.id, outcome, reason=reason, retry_after=wait, alone=gone)

    def _settled(self, parcel: Parcel, refused: Sequence[Result]) -> Iterator[Result]:
        """Whose fault each refusal of our key is, once all of the parcel are answered: anybody may subscribe under
        another key, and one such subscription must not pause the channel."""
        alert = parcel.content.identifier
        by_service: defaultdict[str, list[Result]] = defaultdict(list)
        addresses = {each.id: each.address for each in parcel.to}
        for result in refused:
            by_service[Subscription.known(addresses[result.recipient]).origin].append(result)
        for service, results in by_service.items():
            outcome, alone = Outcome.CREDENTIALS, True
            if self._blame.another_key(alert, service):
                outcome = Outcome.PERMANENT
            elif not self._blame.takes(alert, service):
                alone = self._ways.refused(service, results) and self._blame.another_takes(alert, service)
            for result in results:
                yield msgspec.structs.replace(result, outcome=outcome, alone=alone)

    async def _answer(self, origin: str) -> str:
        """What is wrong with this service; empty: nothing."""
        try:
            async with self._session.request(
                "GET", f"{origin}/", headers={"Authorization": self._vapid.header(origin)}
            ) as answer:
                bad = answer.status >= 500 or answer.status in (401, 403)
                return str(answer.status) if bad else ""
        except (aiohttp.ClientError, TimeoutError) as e:
            return why(e)

    def _health(self, *, ok: bool, detail: str) -> Health:
        return Health(ok=ok, detail=detail, checked_at=self._clock())


def _allowed(settings: Settings, outbound: Outbound) -> Services:
    """Raises `BadSettings`; `Refused` for an address that this kind of hub may not talk to."""
    found = services(settings)
    for origin in found.origins:
        outbound.allow(origin, setting=f"{PLACE} services")
    return found
