"""Canaries sent and waited for, one channel beside the other."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import structlog

from hub.background import beat
from hub.canary import AT_ONCE, MISSES, Canary, Proof, content
from hub.channel import Parcel
from hub.clock import Clock, happened
from hub.deliver import Page
from hub.delivery import REACHED, BatchId, Outcome, Result
from hub.errors import Expired, HubError
from hub.ledger import Ledger, canaries
from hub.ledger.canaries import ARRIVED, Known
from hub.recipient import Recipient, RecipientId

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
NOBODY = RecipientId(0)
"""Of the register: the city's own address is in nobody's record."""


class Canaries:
    """Those of the channels this process holds. What is on record goes on after a restart; of several processes
    with the same channel one sends."""

    def __init__(
        self,
        of: Sequence[Canary],
        *,
        ledger: Ledger,
        clock: Clock,
        page: Page,
        recovered: Page,
        city: str,
        link: str,
    ) -> None:
        """`recovered`: what was paged under this topic is over; it knows itself whether anything was."""
        self._of = of
        self._ledger = ledger
        self._clock = clock
        self._page, self._recovered = page, recovered
        self._in_doubt = {canary.kind for canary in of}
        """Of whom staff may have been paged, by an earlier process too."""
        self._city, self._link = city, link

    async def run(self) -> None:
        """Until cancelled."""
        await beat(self.look, LOOK_EVERY_S)

    async def look(self) -> None:
        """One round: what is due goes out, and what is out is waited for."""
        known = await self._ledger.read(canaries.known)
        await asyncio.gather(*(self._look_at(canary, known.get(canary.kind)) for canary in self._of))

    async def seen(self, kind: str, key: str) -> bool:
        """The message with this key was found in the mailbox. False: it is no canary that anybody waits for."""
        now = self._clock()
        return await self._ledger.write(lambda conn: canaries.prove(conn, kind, key=key, at=now))

    async def _look_at(self, canary: Canary, last: Known | None) -> None:
        now = self._clock()
        if last is not None and last.alive and canary.kind in self._in_doubt:
            self._tell_recovery(canary)
        sent_at = last and happened(last.sent_at, by=now)
        if last is not None and last.waiting and sent_at is not None:
            await self._wait(canary, last, sent_at, now)
        elif (last is not None and last.asked_at is not None) or canary.due(
            now, sent_at=sent_at, missed=last.missed if last else 0
        ):
            await self._send(canary, last and last.sent_at, now)

    async def _send(self, canary: Canary, last: datetime | None, now: datetime) -> None:
        kind, key = canary.kind, uuid4()
        addresses = await canary.to()
        if not addresses or not await self._ledger.write(
            lambda conn: canaries.begin(conn, kind, key=key.hex, last=last, at=now)
        ):
            return
        results = await asyncio.gather(*(self._hand_over(canary, to, key, now) for to in addresses))
        result = _worst(canary, addresses, results)
        log.info("a canary is out", channel=kind, outcome=result.outcome.name, reason=result.reason)
        if result.outcome in ARRIVED or (result.outcome is Outcome.ACCEPTED and canary.proof in AT_ONCE):
            await self.seen(kind, key.hex)
        elif result.outcome in (Outcome.ACCEPTED, Outcome.AMBIGUOUS) and canary.proof not in AT_ONCE:
            await self._ledger.write(lambda conn: canaries.hand_over(conn, kind, key=key.hex, ref=result.ref))
        else:
            said = "" if canary.named else result.outcome.name.lower()
            await self._miss(canary, key.hex, f"{said} {result.reason}".strip())

    async def _hand_over(self, canary: Canary, address: str, key: UUID, now: datetime) -> Result:
        """Whatever goes wrong is its result: nothing here may end the process."""
        to = Recipient(id=NOBODY, address=address)
        try:
            async with asyncio.timeout(2 * canary.channel.capabilities.request_deadline.total_seconds() + 1):
                sent = canary.channel.send(self._parcel(to, key, canary, now))
                results = [result async for result in sent]
        except (HubError, TimeoutError) as e:
            return Result(NOBODY, Outcome.TEMPORARY, reason=type(e).__name__)
        except Exception as e:
            log.exception("a canary failed in an unforeseen way", channel=canary.kind)
            return Result(NOBODY, Outcome.TEMPORARY, reason=type(e).__name__)
        return next(iter(results), Result(NOBODY, Outcome.TEMPORARY, reason="no result"))

    def _parcel(self, to: Recipient, key: UUID, canary: Canary, now: datetime) -> Parcel:
        number = key.hex[:8]
        said = content(city=self._city, number=number, link=self._link, sent=now)
        expires_at = now + canary.wait

        def gate() -> None:
            if self._clock() >= expires_at:
                raise Expired(said.identifier)

        return Parcel(
            batch_id=BatchId(said.identifier),
            attempt=1,
            idempotency_key=key,
            mode=said.mode,
            expires_at=expires_at,
            content=said,
            to=[to],
            canary=True,
            gate=gate,
        )

    async def _wait(self, canary: Canary, last: Known, sent_at: datetime, now: datetime) -> None:
        kind = canary.kind
        if canary.proof is Proof.RECEIPT:
            ref = last.ref or last.key  # a gateway that gives no id of its own names our key
            receipt = await self._ledger.write(lambda conn: canaries.receipt(conn, kind, ref))
            if receipt is not None and receipt.outcome in ARRIVED:
                await self._ledger.write(
                    lambda conn: canaries.prove(conn, kind, key=last.key, at=max(receipt.at, sent_at))
                )
                return
            if receipt is not None:
                await self._miss(canary, last.key, receipt.reason or receipt.outcome.name.lower())
                return
        if now >= sent_at + canary.wait:
            await self._miss(canary, last.key, f"no proof within {_minutes(canary.wait)} min")

    async def _miss(self, canary: Canary, key: str, detail: str) -> None:
        missed = await self._ledger.write(
            lambda conn: canaries.miss(conn, canary.kind, key=key, detail=detail)
        )
        log.warning("a canary is missed", channel=canary.kind, missed=missed, detail=detail)
        if missed >= MISSES:
            self._in_doubt.add(canary.kind)
            name = canary.channel.capabilities.japanese
            self._page(
                f"canary {canary.kind}",
                f"{name}の送信試験が{missed}回続けて届きませんでした：{detail} / {missed} test messages in a row "
                f"did not arrive by {canary.kind}: {detail}. Try: yobikake check {canary.kind}",
            )

    def _tell_recovery(self, canary: Canary) -> None:
        self._in_doubt.discard(canary.kind)
        self._recovered(
            f"canary {canary.kind}",
            f"{canary.channel.capabilities.japanese}の送信試験が、また届くようになりました / "
            f"Test messages arrive by {canary.kind} again",
        )


def _worst(canary: Canary, to: Sequence[str], results: Sequence[Result]) -> Result:
    """The first that did not get through; its reason names all of them, where they may be named."""
    bad = [pair for pair in zip(to, results, strict=True) if pair[1].outcome not in REACHED]
    if not bad:
        return results[0]
    if not canary.named:
        return bad[0][1]
    reason = ", ".join(f"{name} {result.reason}".strip() for name, result in bad)
    return msgspec.structs.replace(bad[0][1], reason=reason)


def _minutes(wait: timedelta) -> int:
    return int(wait / timedelta(minutes=1))
