"""Deliver: one batch through its stages.

    claim → recall → superseded? → mode? → expired? → open → pace → send → record

The claim is committed before the first byte. A stage ends the attempt by raising what the gate
raises; whatever happens after the claim, `record` writes one outcome for each recipient, or the
claim runs out and the batch counts as ambiguous. No transaction is open during I/O.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Set
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import structlog
from sqlalchemy import Connection

from hub import claim as claims
from hub import receipts
from hub.approved import Approved, Newest
from hub.attempt import Attempt
from hub.breaker import Breaker
from hub.channel import Capabilities, Channel, Parcel
from hub.claim import give_back, insist
from hub.clock import Clock
from hub.delivery import Batch, BatchId, Outcome, ProviderRef, Result
from hub.errors import (
    BadInput,
    DeliveryFailure,
    Expired,
    GateClosed,
    LeaseLost,
    Refused,
    TemporaryFailure,
    WrongMode,
)
from hub.gate import Stops, gate, monotonic_s
from hub.keys import Keys
from hub.ledger import AWAY, Ledger, alerts, batches, register
from hub.life import Life
from hub.live import Live
from hub.pace import NOT_BEFORE, NotYet, Pace
from hub.recipient import Recipient, RecipientId
from hub.retry import judge

log = structlog.get_logger(__name__)

Page = Callable[[str, str], None]

PUT_OFF = (timedelta(seconds=5), timedelta(seconds=5), timedelta(minutes=1))
"""How long a batch that could not be prepared is left alone, the first time, the second and from the third on."""

ENDING_S = 10.0
"""How long an attempt that is told to end goes on offering what it knows to a database that is away."""

OURS = "refused"
"""The reason of a batch that this hub refused to send."""


class Delivery:
    """Delivers the batches of one channel. Holds no batch between calls."""

    def __init__(
        self,
        *,
        channel: Channel,
        capabilities: Capabilities,
        ledger: Ledger,
        live: Live,
        keys: Keys,
        stops: Stops,
        life: Life,
        clock: Clock,
        page: Page,
        random: Random | None = None,
    ) -> None:
        """`capabilities`: the channel's own, or those with the city's settings laid over them."""
        self.channel = channel
        self.capabilities = capabilities
        self.ledger = ledger
        self.live = live
        self.keys = keys
        self.stops = stops
        self.life = life
        self.clock = clock
        self.page = page
        self.random = random or Random()  # noqa: S311 - jitter
        self.pace = Pace(live, capabilities, lease=life.leases.lease)
        self.breaker: Breaker | None = None
        """The worker's: nothing is sent for a batch that it holds."""
        self.approved = Approved(ledger, keys)
        self._unprepared: Newest[BatchId, int] = Newest(1000)

    async def attempt(
        self, batch: BatchId, on_claim: Callable[[str | None], None]
    ) -> Mapping[RecipientId, Result]:
        """Bring one batch to an outcome. `on_claim` is called with its alert once the claim is durable,
        with None when the batch is somebody else's or done. Gives what was said of each recipient.

        Cancelling it while the gateway is being spoken to makes the rest of the batch ambiguous; before
        that the batch is given back, and once there is an outcome for everybody it is recorded first.
        """
        attempt = await claim(self, batch)
        on_claim(None if attempt is None else attempt.batch.alert)
        if attempt is None:
            return {}
        try:
            left_alone = await self._run(attempt)
        except asyncio.CancelledError:
            if attempt.sending:
                attempt.rest(Outcome.AMBIGUOUS, "aborted")
                await _to_the_end(record(self, attempt), within_s=ENDING_S)
            else:
                await _to_the_end(give_back(self.ledger, attempt.claim), within_s=ENDING_S)
            raise
        if left_alone is not None:
            await _to_the_end(give_back(self.ledger, attempt.claim, after=left_alone))
            return {}
        self._unprepared.drop(batch)
        await _to_the_end(record(self, attempt))
        return attempt.results

    async def _run(self, attempt: Attempt) -> timedelta | None:
        """Through the stages. None: there is a result for everybody. Else nothing was sent, and the batch is to
        be given back and left alone so long."""
        try:
            for stage in STAGES:
                await stage(self, attempt)
        except GateClosed as e:
            if isinstance(e, LeaseLost) and not attempt.sending:
                return timedelta(0)
            attempt.close(e)
        except DeliveryFailure as e:
            attempt.fail(e)
        except Refused as e:
            self.page(f"refused {attempt.batch.channel}", e.message)
            attempt.rest(Outcome.CREDENTIALS, OURS)
        except NotYet:
            if not attempt.sending:
                return NOT_BEFORE
            attempt.rest(Outcome.THROTTLE, "pace")
        except Exception as e:
            if not attempt.sending:
                return self._put_off(attempt, e)
            # A fault of ours: nobody knows how far the request went, so it must not be sent blindly again.
            log.exception("a delivery failed in an unforeseen way", batch=attempt.batch.id)
            attempt.rest(Outcome.AMBIGUOUS, "internal")
        return None

    def _put_off(self, attempt: Attempt, error: Exception) -> timedelta:
        """How long to leave alone what could not be prepared. Staff are called once it has failed three times."""
        if isinstance(error, AWAY):
            log.warning("the database is away; a batch is given back", batch=attempt.batch.id)
            return PUT_OFF[0]
        log.error("a batch could not be prepared; it is given back", batch=attempt.batch.id, exc_info=error)
        failures = (self._unprepared.get(attempt.batch.id) or 0) + 1
        self._unprepared.keep(attempt.batch.id, failures)
        if failures == len(PUT_OFF):
            self.page(
                f"unprepared {attempt.batch.channel}",
                f"alert {attempt.batch.alert}: a batch of {len(attempt.batch.members)} cannot be prepared "
                f"({type(error).__name__}); it is tried every minute, the others go on. Look into the log. / "
                f"{self.capabilities.japanese}: {len(attempt.batch.members)}件を準備できず、まだ送れていません。"
                "ログを確認してください",
            )
        return PUT_OFF[min(failures, len(PUT_OFF)) - 1]


async def claim(delivery: Delivery, batch: BatchId) -> Attempt | None:
    """Make the batch ours, durably. None: it is somebody else's, or done."""
    taken = await claims.take(delivery.ledger, delivery.life, batch)
    if taken is None:
        return None
    claimed, stopped_as = taken
    if stopped_as is not None:
        delivery.stops.add(claimed.batch.alert, stopped_as)
    return Attempt(claim=claimed)


async def recall(delivery: Delivery, attempt: Attempt) -> None:
    """The alert as it was accepted; its gate."""
    attempt.accepted = await delivery.approved.alert(attempt.batch.alert)
    attempt.gate = gate(
        attempt.batch, delivery.stops, delivery.clock, attempt.claim.fence, attempt.accepted.alert
    )


async def superseded(delivery: Delivery, attempt: Attempt) -> None:
    """Nothing of a stopped or replaced alert starts."""
    attempt.gate()


async def mode(delivery: Delivery, attempt: Attempt) -> None:
    """The batch's mode is the alert's, at every hop (I6)."""
    if attempt.batch.mode is not attempt.accepted.alert.mode:
        raise WrongMode(f"batch {attempt.batch.id} is {attempt.batch.mode}, its alert is not")


async def expired(delivery: Delivery, attempt: Attempt) -> None:
    """Nothing starts after expiry (I8)."""
    if delivery.clock() >= attempt.accepted.alert.expires:
        raise Expired(f"alert {attempt.batch.alert} has expired")


async def open_addresses(delivery: Delivery, attempt: Attempt) -> None:
    """Unseal the addresses and load the frozen content. Who has no address, or a suppressed one, ends here."""
    batch = attempt.batch
    attempt.content = await delivery.approved.content(batch.content_hash, attempt.accepted.alert)
    found = await _unsealed(delivery, batch)
    for member in batch.members:
        recipient, suppressed = found.get(member, (None, False))
        if recipient is None:
            attempt.take(Result(member, Outcome.NO_ADDRESS), delivery.clock())
        elif suppressed:
            attempt.take(Result(member, Outcome.SUPPRESSED), delivery.clock())
        else:
            attempt.to.append(recipient)


async def _unsealed(delivery: Delivery, batch: Batch) -> dict[RecipientId, tuple[Recipient, bool]]:
    try:
        return await delivery.ledger.read(
            lambda conn: register.open_addresses(
                conn, delivery.keys, batch.channel, batch.variant, batch.members
            )
        )
    except BadInput as e:
        raise Refused(
            f"the register of {batch.channel} was changed by somebody else than the hub. Nothing was sent. / "
            "登録者の記録が書きかえられています。送っていません"
        ) from e


async def pace(delivery: Delivery, attempt: Attempt) -> None:
    """Wait for the limits that all workers share, right before the request; the gate is asked while waiting."""
    if attempt.to:
        gate = partial(_may_go, delivery, attempt)
        await delivery.pace.turn(attempt.batch.lane, recipients=len(attempt.to), gate=gate)


def _may_go(delivery: Delivery, attempt: Attempt) -> None:
    """The gate while waiting: the gateway may have been found to take nothing."""
    attempt.gate()
    if delivery.breaker is not None and delivery.breaker.holds(attempt.batch.id):
        raise NotYet


async def send(delivery: Delivery, attempt: Attempt) -> None:
    """Hand the parcel to the connector; every result counts as soon as it is there."""
    if not attempt.to:
        return
    assert attempt.content is not None  # noqa: S101 - `open_addresses` ran before
    parcel = Parcel(
        batch_id=attempt.batch.id,
        attempt=attempt.batch.attempt,
        idempotency_key=attempt.batch.idempotency_key,
        mode=attempt.batch.mode,
        expires_at=attempt.batch.expires,
        content=attempt.content,
        to=attempt.to,
        gate=partial(_pass, attempt),
        resend=attempt.batch.resend,
        turn=delivery.pace.single_turns(attempt.batch.lane, gate=partial(_may_go, delivery, attempt)),
        recorded=partial(_recorded, delivery),
    )
    left_s = max(0.0, attempt.claim.cut_off_at - monotonic_s())
    try:
        async with asyncio.timeout(left_s) as limit:
            async for result in delivery.channel.send(parcel):
                attempt.take(result, delivery.clock())
    except TimeoutError:
        if not limit.expired():
            raise
        if not attempt.sending:
            raise LeaseLost(f"the claim on batch {attempt.batch.id} ran out before its turn") from None
        log.warning("a request lasted as long as its claim; it is cut off", batch=attempt.batch.id)
        attempt.rest(Outcome.AMBIGUOUS, "cut-off")
    attempt.rest(Outcome.AMBIGUOUS, "no-result")


async def _recorded(delivery: Delivery, refs: Collection[ProviderRef]) -> Set[ProviderRef]:
    kind = delivery.capabilities.kind
    try:
        return await delivery.ledger.read(lambda conn: batches.recorded_refs(conn, kind, refs))
    except AWAY as e:
        raise TemporaryFailure("ledger", "the ledger is away / 台帳に接続できません") from e


def _pass(attempt: Attempt) -> None:
    """The parcel's gate: the first request it lets pass is noted."""
    attempt.gate()
    attempt.sending = True


Stage = Callable[[Delivery, Attempt], Awaitable[None]]
STAGES: tuple[Stage, ...] = (recall, superseded, mode, expired, open_addresses, pace, send)
"""After the claim and before the record, in this order."""


async def record(delivery: Delivery, attempt: Attempt) -> None:
    """One commit: an outcome for each recipient, and the retries it calls for.

    While the database is away it is tried again, until the claim ends.
    """
    batch = attempt.batch
    said = {position: attempt.results[member] for position, member in enumerate(batch.members)}
    refs = [result.ref for result in said.values() if result.ref is not None]
    reached = (
        (attempt.reached_first, attempt.reached_last)
        if attempt.reached_first is not None and attempt.reached_last is not None
        else None
    )

    def work(conn: Connection) -> bool:
        now = delivery.clock()
        results = _own(conn, batch.channel, said) if delivery.capabilities.receipt_wait else said
        verdict = judge(
            batch,
            results,
            delivery.capabilities,
            now=now,
            random=delivery.random,
            stopped_as=alerts.stopped(conn, [batch.alert], hold=True).get(batch.alert),
        )
        wrote = batches.record(
            conn,
            batch,
            owner=attempt.claim.tenure.owner,
            results=verdict.final,
            children=verdict.children,
            moved=verdict.moved,
            settles_at=_settles_at(delivery, results, attempt.reached_last),
            reached_between=reached,
            keep_refs=bool(delivery.capabilities.receipt_wait),
        )
        if wrote and refs and delivery.capabilities.receipt_wait:
            receipts.unpark(conn, batch.channel, refs, delivery.capabilities, now=now, random=delivery.random)
        return wrote

    if not await insist(delivery.ledger, work, attempt.claim.ends_at):
        log.warning("the claim was over before the record", batch=batch.id, channel=batch.channel)
        return
    log.debug("batch recorded", batch=batch.id, channel=batch.channel, recipients=len(batch.members))


def _own(conn: Connection, channel: str, said: Mapping[int, Result]) -> Mapping[int, Result]:
    """An acceptance under an id that stands for another send already is not known to be this one's."""
    refs = [result.ref for result in said.values() if result.ref is not None]
    others = batches.recorded_refs(conn, channel, refs) if refs else set()
    return {
        position: result._replace(outcome=Outcome.AMBIGUOUS, ref=None, reason="not-ours")
        if result.ref in others
        else result
        for position, result in said.items()
    }


async def _to_the_end(work: Coroutine[Any, Any, None], *, within_s: float | None = None) -> None:
    """What is known is written down, also when the one who waits for it is cancelled meanwhile."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=within_s)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=ENDING_S)
        raise
    finally:
        if not task.done():
            task.cancel()
            log.error("an outcome could not be recorded in time; the claim runs out")
        elif not task.cancelled() and (error := task.exception()) is not None:
            log.error("an outcome could not be recorded; the claim runs out", exc_info=error)


def _settles_at(
    delivery: Delivery, results: Mapping[int, Result], reached_last: datetime | None
) -> datetime | None:
    wait = delivery.capabilities.receipt_wait
    if not wait or reached_last is None:
        return None
    return reached_last + wait
