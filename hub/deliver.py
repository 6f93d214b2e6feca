"""Deliver: one batch through its stages.

    claim → superseded? → mode? → expired? → pace → open → send → record

The claim is committed before the first byte. A stage ends the attempt by raising what the gate
raises; whatever happens after the claim, `record` writes one outcome for each recipient, or the
lease runs out and the batch counts as ambiguous. No transaction is open during I/O.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import structlog
from sqlalchemy import Connection

from hub import codec, receipts, render
from hub.alert import Alert
from hub.channel import Capabilities, Channel, Content, Parcel
from hub.clock import Clock
from hub.delivery import REACHED, Batch, BatchId, Outcome, Result
from hub.errors import (
    AmbiguousFailure,
    BadInput,
    CredentialsFailure,
    DeliveryFailure,
    Expired,
    GateClosed,
    PermanentFailure,
    Refused,
    TemporaryFailure,
    WrongMode,
)
from hub.gate import LEASE, Gate, Stops, closed_as, fence, gate
from hub.keys import Keys
from hub.ledger import Ledger, alerts, batches, register
from hub.ledger.alerts import Accepted
from hub.live import Live
from hub.recipient import Recipient, RecipientId
from hub.retry import judge, unsent

log = structlog.get_logger(__name__)

Page = Callable[[str, str], None]

GIVEN_BACK = timedelta(seconds=5)
"""How long a batch that could not be prepared is left alone."""

OURS = "refused"
"""The reason of a batch that this hub refused to send."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What is known of one try, filled from stage to stage."""

    batch: Batch
    accepted: Accepted
    gate: Gate
    content: Content | None = None
    to: list[Recipient] = field(default_factory=list)
    sending: bool = False
    """The gate has let a request pass: from here on, what is not known is ambiguous."""
    results: dict[RecipientId, Result] = field(default_factory=dict)
    reached_first: datetime | None = None
    reached_last: datetime | None = None

    def take(self, result: Result, now: datetime) -> None:
        self.results[result.recipient] = result
        if result.outcome in REACHED:
            self.reached_first = self.reached_first or now
            self.reached_last = now

    def rest(self, outcome: Outcome, reason: str = "", retry_after: timedelta | None = None) -> None:
        """Whoever has no result yet gets this one."""
        for member in self.batch.members:
            if member not in self.results:
                self.results[member] = Result(member, outcome, None, reason, retry_after)


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
        owner: str,
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
        self.owner = owner
        self.clock = clock
        self.page = page
        self.random = random or Random()  # noqa: S311 - jitter
        self.refused_at: float | None = None
        """When the gateway last refused our credentials, by the event loop's clock."""
        self._alerts: dict[str, Accepted] = {}
        self._contents: dict[tuple[str, str], Content] = {}

    async def attempt(self, batch: BatchId, on_claim: Callable[[str | None], None]) -> None:
        """Bring one batch to an outcome. `on_claim` is called with its alert once the claim is durable,
        with None when the batch is somebody else's or done.

        Cancelling it while the gateway is being spoken to makes the rest of the batch ambiguous; before
        that the batch is given back, and once there is an outcome for everybody it is recorded first.
        """
        attempt = await claim(self, batch)
        on_claim(None if attempt is None else attempt.batch.alert)
        if attempt is None:
            return
        try:
            for stage in STAGES:
                await stage(self, attempt)
        except GateClosed as e:
            _close(attempt, e)
        except DeliveryFailure as e:
            attempt.rest(_outcome_of(e), e.reason, getattr(e, "retry_after", None))
        except Refused as e:
            self.page(f"refused {attempt.batch.channel}", e.message)
            attempt.rest(Outcome.CREDENTIALS, OURS)
        except asyncio.CancelledError:
            if attempt.sending:
                attempt.rest(Outcome.AMBIGUOUS, "aborted")
                await _to_the_end(record(self, attempt))
            else:
                await _to_the_end(give_back(self, attempt.batch))
            raise
        except Exception:
            if not attempt.sending:
                log.exception("a batch could not be prepared; it is given back", batch=batch)
                await _to_the_end(give_back(self, attempt.batch, after=GIVEN_BACK))
                return
            # A fault of ours: nobody knows how far the request went, so it must not be sent blindly again.
            log.exception("a delivery failed in an unforeseen way", batch=batch)
            attempt.rest(Outcome.AMBIGUOUS, "internal")
        await _to_the_end(record(self, attempt))

    async def alert(self, identifier: str) -> Accepted:
        """The alert as it was accepted; alerts never change, so it is read once."""
        if identifier not in self._alerts:
            self._alerts[identifier] = await self.ledger.read(
                lambda conn: alerts.get(conn, self.keys, identifier)
            )
        return self._alerts[identifier]

    async def content(self, content_hash: str, alert: Alert) -> Content:
        """The frozen content; the newest few hundred are kept open.

        Raises:
            Refused: it is not what was frozen, or does not say what was approved for this alert (I10).
        """
        known = (content_hash, alert.identifier)
        if known not in self._contents:
            body = await self.ledger.read(lambda conn: batches.content(conn, content_hash))
            content = codec.content_from(body)
            if render.content_hash(content) != content_hash:
                raise Refused(
                    f"the content of alert {alert.identifier} was changed in the ledger. Nothing was sent. / "
                    "保存された文面が書きかえられています。送っていません"
                )
            render.verify(content, alert)
            while len(self._contents) >= 256:
                self._contents.pop(next(iter(self._contents)))
            self._contents[known] = content
        return self._contents[known]


async def claim(delivery: Delivery, batch: BatchId) -> Attempt | None:
    """Make the batch ours, durably. None: it is somebody else's, or done."""
    fenced_at = fence()

    def work(conn: Connection) -> tuple[Batch, Outcome | None] | None:
        claimed = batches.claim(conn, [batch], owner=delivery.owner, lease=LEASE)
        if not claimed:
            return None
        return claimed[0], alerts.stopped(conn, [claimed[0].alert]).get(claimed[0].alert)

    taken = await delivery.ledger.write(work)
    if taken is None:
        return None
    claimed_batch, stopped_as = taken
    if stopped_as is not None:
        delivery.stops.add(claimed_batch.alert, stopped_as)
    try:
        accepted = await delivery.alert(claimed_batch.alert)
    except BaseException:
        await _to_the_end(give_back(delivery, claimed_batch, after=GIVEN_BACK))
        raise
    return Attempt(
        batch=claimed_batch,
        accepted=accepted,
        gate=gate(claimed_batch, delivery.stops, delivery.clock, fenced_at),
    )


async def give_back(delivery: Delivery, batch: Batch, *, after: timedelta = timedelta(0)) -> None:
    """End a claim of which nothing was sent; `after` this long anyone may try again."""
    await delivery.ledger.write(lambda conn: batches.release(conn, batch, owner=delivery.owner, after=after))


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


async def pace(delivery: Delivery, attempt: Attempt) -> None:
    """Wait for the contract's rate, shared by all workers; the gate is asked while waiting."""
    rate = delivery.capabilities.requests_per_s
    if rate is None:
        return
    requests = len(attempt.batch.members) if delivery.capabilities.single_requests else 1
    while wait_s := await delivery.live.take(
        delivery.capabilities.kind,
        requests,
        rate_per_s=rate,
        burst=max(requests, rate),
        lane=attempt.batch.lane,
    ):
        attempt.gate()
        await asyncio.sleep(min(wait_s, 1.0))


async def open_addresses(delivery: Delivery, attempt: Attempt) -> None:
    """Unseal the addresses and load the frozen content. Who has no address, or a suppressed one, ends here."""
    batch = attempt.batch
    attempt.content = await delivery.content(batch.content_hash, attempt.accepted.alert)
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
    )
    async for result in delivery.channel.send(parcel):
        attempt.take(result, delivery.clock())
    attempt.rest(Outcome.AMBIGUOUS, "no-result")


def _pass(attempt: Attempt) -> None:
    """The parcel's gate: the first request it lets pass is noted."""
    attempt.gate()
    attempt.sending = True


Stage = Callable[[Delivery, Attempt], Awaitable[None]]
STAGES: tuple[Stage, ...] = (superseded, mode, expired, pace, open_addresses, send)
"""After the claim and before the record, in this order."""


async def record(delivery: Delivery, attempt: Attempt) -> None:
    """One commit: an outcome for each recipient, and the retries it calls for."""
    batch, now = attempt.batch, delivery.clock()
    results = {position: attempt.results[member] for position, member in enumerate(batch.members)}
    if any(_is_refusal(result) for result in results.values()):
        delivery.refused_at = asyncio.get_running_loop().time()
        delivery.page(
            f"credentials {batch.channel}",
            f"{delivery.capabilities.japanese}の事業者が認証を受け付けません。設定を確認してください。 / "
            f"The {batch.channel} gateway refuses our credentials. Check its settings: yobikake check {batch.channel}",
        )
    refs = [result.ref for result in results.values() if result.ref is not None]
    reached = (
        (attempt.reached_first, attempt.reached_last)
        if attempt.reached_first is not None and attempt.reached_last is not None
        else None
    )

    def work(conn: Connection) -> bool:
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
            owner=delivery.owner,
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

    if not await delivery.ledger.write(work):
        log.warning("the claim was lost before the record", batch=batch.id, channel=batch.channel)
        return
    log.debug("batch recorded", batch=batch.id, channel=batch.channel, recipients=len(batch.members))


def _is_refusal(result: Result) -> bool:
    """The gateway's, not our own: what we refuse was paged when it was refused."""
    return result.outcome is Outcome.CREDENTIALS and result.reason != OURS


def _close(attempt: Attempt, reason: GateClosed) -> None:
    outcome = closed_as(reason)
    if outcome is not None:
        attempt.rest(unsent(attempt.batch, outcome))
    else:  # our own fence, well before the lease ends: who has no result was not sent to
        attempt.rest(Outcome.TEMPORARY, "lease-lost")


def _outcome_of(failure: DeliveryFailure) -> Outcome:
    for kind, outcome in _FAILURES.items():
        if isinstance(failure, kind):
            return outcome
    return Outcome.AMBIGUOUS


_FAILURES: dict[type[DeliveryFailure], Outcome] = {
    TemporaryFailure: Outcome.TEMPORARY,
    PermanentFailure: Outcome.PERMANENT,
    CredentialsFailure: Outcome.CREDENTIALS,
    AmbiguousFailure: Outcome.AMBIGUOUS,
}


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """What is known is written down, also when the one who waits for it is cancelled meanwhile."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an outcome could not be recorded; the claim runs out", exc_info=error)
        raise


def _settles_at(
    delivery: Delivery, results: dict[int, Result], reached_last: datetime | None
) -> datetime | None:
    wait = delivery.capabilities.receipt_wait
    if not wait or reached_last is None:
        return None
    return reached_last + wait
