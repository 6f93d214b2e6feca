"""Deliver: one batch through its stages.

    claim → recall → superseded? → mode? → expired? → open → prepare question → pace → send → record

The claim is committed before the first byte. A stage ends the attempt by raising what the gate
raises; whatever happens after the claim, `record` writes one outcome for each recipient, or the
claim runs out and the batch counts as ambiguous. No transaction is open during I/O.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence, Set
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from hub import calling, gone, receipts, refusals
from hub import claim as claims
from hub.addresses import Addresses
from hub.alert import Mode
from hub.approved import Approved
from hub.asking import Asking
from hub.attempt import Attempt
from hub.breaker import Breaker
from hub.capabilities import Capabilities, Drilling
from hub.channel import Channel, Parcel
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
from hub.ledger import AWAY, Ledger, alerts, batches, trials
from hub.ledger.packs import Opened
from hub.life import Life
from hub.live import Live
from hub.naming import Naming, as_of_now
from hub.newest import Newest
from hub.pace import NOT_BEFORE, NotYet, Pace
from hub.recipient import RecipientId
from hub.reply import keys_of
from hub.retry import judge
from hub.together import Together

log = structlog.get_logger(__name__)

Page = Callable[[str, str], None]

PUT_OFF = (timedelta(seconds=5), timedelta(seconds=5), timedelta(minutes=1))
"""How long a batch that could not be prepared is left alone, the first time, the second and from the third on."""

TOGETHER = 128
"""Claims, or records, of one commit at the most."""

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
        asking: Asking | None = None,
        naming: Naming | None = None,
    ) -> None:
        """`capabilities`: the channel's own, or those with the city's settings laid over them. `asking`: what residents
        are asked; None: nothing. `naming`: None: the age of a list of sites alone decides.
        """
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
        leases = life.leases.of(capabilities)
        self.pace = Pace(live, capabilities, lease=leases.lease)
        self.asking = asking if capabilities.takes_keys else None
        self.naming = naming
        self.breaker: Breaker | None = None
        """The worker's: nothing is sent for a batch that it holds."""
        self.approved = Approved(ledger, keys)
        self.addresses = Addresses(ledger, keys, capabilities.kind)
        self.claims = Together(partial(claims.take, ledger, life, leases), most=TOGETHER, for_all=AWAY)
        self.records = Together(partial(_record_all, self), most=TOGETHER, for_all=AWAY)
        self._unprepared: Newest[BatchId, int] = Newest(1000)

    async def attempt(
        self,
        batch: BatchId,
        on_claim: Callable[[str | None], None],
        on_answer: Callable[[], None] = lambda: None,
    ) -> Mapping[RecipientId, Result]:
        """Bring one batch to an outcome. `on_claim` is called with its alert once the claim is durable,
        with None when the batch is somebody else's or done; `on_answer` once the gateway has nothing more to
        do with it. Gives what was said of those whom the gateway was to be asked for; nothing of a drill's own
        account, which says nothing of the live one.

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
        on_answer()
        self._unprepared.drop(batch)
        await self._end(attempt)
        return (
            {} if self._drilled_apart(attempt) else {each.id: attempt.results[each.id] for each in attempt.to}
        )

    def _drilled_apart(self, attempt: Attempt) -> bool:
        return self.capabilities.drilling is Drilling.SEPARATE_ACCOUNT and attempt.batch.mode is not Mode.LIVE

    async def _end(self, attempt: Attempt) -> None:
        """Written down, also when whoever waits for it is cancelled: what was written is not written twice."""
        try:
            await record(self, attempt)
        except asyncio.CancelledError:
            await _to_the_end(record(self, attempt), within_s=ENDING_S)
            raise
        except Exception:
            log.exception("an outcome could not be recorded; the claim runs out", batch=attempt.batch.id)
        else:
            await self._learn(attempt)

    async def _learn(self, attempt: Attempt) -> None:
        """Who is no more at the gateway for ever is no longer in the register; another claim's word counts as much. Who
        was refused for what we are is counted."""
        channel = self.capabilities
        refused = refusals.about_us(attempt.batch, attempt.results, channel)
        if refused:
            await refusals.note(self.ledger, attempt.batch, refused, at=self.clock(), page=self.page)
        if channel.gone_at_once and (lost := gone.found(attempt.results, channel)):
            await gone.take_out(self.ledger, self.keys, attempt.batch, lost, at=self.clock())

    async def _run(self, attempt: Attempt) -> timedelta | None:
        """Through the stages. None: there is a result for everybody. Else nothing was sent, and the batch is to
        be given back and left alone so long."""
        try:
            for stage in STAGES:
                await stage(self, attempt)
        except GateClosed as e:
            if isinstance(e, LeaseLost) and not attempt.sending:
                log.warning("the claim was over before the request", batch=attempt.batch.id)
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
    taken = await delivery.claims(batch)
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
    """Unseal the addresses and load the frozen content. Who has no address, or a suppressed one, ends here; so
    does who has got an earlier try after all, and who of a muster has answered meanwhile."""
    batch = attempt.batch
    content = await delivery.approved.content(batch.content_hash, attempt.accepted.alert)
    alert, retry = attempt.accepted.alert, batch.parent is not None
    attempt.content = await as_of_now(content, alert.hazard, delivery.naming, delivery.clock())
    found = await _unsealed(delivery, batch)
    asked = () if alert.public else batch.members
    answered = asked and await delivery.ledger.read(lambda conn: calling.answered(conn, alert, asked))
    proven = await delivery.ledger.read(lambda conn: batches.proven(conn, batch.id)) if retry else ()
    elsewhere = {
        **dict.fromkeys(found.suppressed.intersection(batch.members), Outcome.SUPPRESSED),
        **dict.fromkeys((each for each in batch.members if each not in found.addresses), Outcome.NO_ADDRESS),
        **dict.fromkeys(proven, Outcome.DELIVERED),
        **dict.fromkeys(answered, Outcome.ANSWERED),
    }
    for member, outcome in elsewhere.items():
        attempt.take(Result(member, outcome), delivery.clock)
    attempt.to = found.recipients([member for member in batch.members if member not in elsewhere])


async def prepare_question(delivery: Delivery, attempt: Attempt) -> None:
    """What they may answer by a key. Whatever the ledger says, the order itself goes out."""
    asking, alert = delivery.asking, attempt.accepted.alert
    if asking is None or not attempt.to or not keys_of(alert):
        return
    number, members = attempt.accepted.number, [each.id for each in attempt.to]
    try:
        ask = await delivery.ledger.read(lambda conn: asking.of(conn, alert, number, members))
    except AWAY:
        log.warning("nobody of a batch is asked: the database is away", batch=attempt.batch.id)
        return
    if ask is not None:
        attempt.ask = ask


async def _unsealed(delivery: Delivery, batch: Batch) -> Opened:
    try:
        return await delivery.addresses.of(batch.variant, batch.members)
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
    content, answer_at = calling.own(delivery.keys, attempt.accepted.alert, attempt.content, attempt.to)
    parcel = Parcel(
        batch_id=attempt.batch.id,
        attempt=attempt.batch.attempt,
        idempotency_key=attempt.batch.idempotency_key,
        mode=attempt.batch.mode,
        expires_at=attempt.batch.expires,
        content=content,
        to=attempt.to,
        members=attempt.batch.members,
        zone=attempt.batch.variant.zone,
        answer_at=answer_at,
        ask=attempt.ask,
        gate=partial(_pass, attempt),
        prepare=attempt.gate,
        resend=attempt.batch.resend,
        turn=delivery.pace.single_turns(attempt.batch.lane, gate=partial(_may_go, delivery, attempt)),
        room=delivery.pace.room(
            attempt.batch.lane,
            "live" if attempt.batch.mode is Mode.LIVE else "drill",
            gate=partial(_may_go, delivery, attempt),
        ),
        surely_ours=partial(_surely_ours, delivery, attempt),
    )
    left_s = max(0.0, attempt.claim.cut_off_at - monotonic_s())
    try:
        async with asyncio.timeout(left_s) as limit:
            async for result in delivery.channel.send(parcel):
                attempt.take(result, delivery.clock)
    except TimeoutError:
        if not limit.expired():
            raise
        if not attempt.sending:
            raise LeaseLost(f"the claim on batch {attempt.batch.id} ran out before its turn") from None
        log.warning("a request lasted as long as its claim; it is cut off", batch=attempt.batch.id)
        attempt.rest(Outcome.AMBIGUOUS, "cut-off")
    finally:
        attempt.taken(delivery.clock)
    attempt.rest(Outcome.AMBIGUOUS, "no-result")


async def _surely_ours(
    delivery: Delivery, attempt: Attempt, recipient: RecipientId, refs: Collection[ProviderRef]
) -> Set[ProviderRef]:
    """As `Parcel.surely_ours` says."""
    channel, alert = delivery.capabilities.kind, attempt.accepted.alert

    def look(conn: Connection) -> Set[ProviderRef]:
        unknown = set(refs) - batches.recorded_refs(conn, channel, refs)
        doubt = unknown and batches.in_doubt(
            conn, channel, recipient, since=alert.sent, besides=alert.identifier
        )
        if (tried := trials.of(conn, recipient, channel)) is not None:  # a moment before the alert, perhaps
            unknown.discard(ProviderRef(tried.ref))
            doubt = doubt or (tried.waiting and not tried.ref)
        return frozenset() if doubt else unknown

    try:
        return await delivery.ledger.read(look)
    except AWAY as e:
        raise TemporaryFailure("ledger", "the ledger is away / 台帳に接続できません") from e


def _pass(attempt: Attempt) -> None:
    """The parcel's gate: the first request it lets pass is noted."""
    attempt.gate()
    attempt.sending = True


Stage = Callable[[Delivery, Attempt], Awaitable[None]]
STAGES: tuple[Stage, ...] = (recall, superseded, mode, expired, open_addresses, prepare_question, pace, send)
"""After the claim and before the record, in this order."""


async def record(delivery: Delivery, attempt: Attempt) -> None:
    """One commit: an outcome for each recipient, and the retries it calls for.

    While the database is away it is tried again, until the claim ends.
    """
    batch = attempt.batch
    if not await insist(lambda: delivery.records(attempt), attempt.claim.ends_at):
        log.warning("the claim was over before the record", batch=batch.id, channel=batch.channel)
        return
    log.debug("batch recorded", batch=batch.id, channel=batch.channel, recipients=len(batch.members))


async def _record_all(delivery: Delivery, attempts: Sequence[Attempt]) -> list[bool]:
    """Those that end at the same moment in one commit. False: the claim was over."""

    def work(conn: Connection) -> set[BatchId]:
        now, channel = delivery.clock(), delivery.capabilities
        stopped = alerts.stopped(conn, sorted({attempt.batch.alert for attempt in attempts}), hold=True)
        records = [_record(conn, delivery, attempt, stopped, now) for attempt in attempts]
        wrote = batches.record(conn, records)
        for attempt in attempts if channel.gone and not channel.gone_at_once else ():
            if attempt.batch.id in wrote:
                gone.note(conn, attempt.batch, attempt.results, channel, at=now)
        for each in records if channel.receipt_wait else ():
            refs = [result.ref for result in each.results.values() if result.ref is not None]
            if refs and each.batch.id in wrote:
                receipts.unpark(conn, channel.kind, refs, channel, now=now, random=delivery.random)
        return wrote

    wrote = await delivery.ledger.write(work)
    return [attempt.batch.id in wrote for attempt in attempts]


def _record(
    conn: Connection,
    delivery: Delivery,
    attempt: Attempt,
    stopped: Mapping[str, Outcome],
    now: datetime,
) -> batches.Record:
    batch, channel = attempt.batch, delivery.capabilities
    said = {position: attempt.results[member] for position, member in enumerate(batch.members)}
    results = _own(conn, channel.kind, said) if channel.receipt_wait else said
    verdict = judge(
        batch, results, channel, now=now, random=delivery.random, stopped_as=stopped.get(batch.alert)
    )
    first, last = attempt.reached_first, attempt.reached_last
    return batches.Record(
        batch=batch,
        owner=attempt.claim.tenure.owner,
        results=verdict.final,
        children=verdict.children,
        moved=verdict.moved,
        settles_at=last + channel.receipt_wait if last is not None and channel.receipt_wait else None,
        reached_between=(first, last) if first is not None and last is not None else None,
        keep_refs=bool(channel.receipt_wait),
    )


def _own(conn: Connection, channel: str, said: Mapping[int, Result]) -> Mapping[int, Result]:
    """An acceptance under an id that stands for another send already is not known to be this one's."""
    refs = [result.ref for result in said.values() if result.ref is not None]
    others = batches.recorded_refs(conn, channel, refs) if refs else set()
    return {
        position: msgspec.structs.replace(result, outcome=Outcome.AMBIGUOUS, ref=None, reason="not-ours")
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
