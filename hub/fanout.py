"""Fan-out: an accepted alert becomes batches, a step at a time, while the first are already leaving.

Each step is one commit that adds its batches and moves a durable cursor, so that planning goes on
where it stopped, in whatever process. Batch ids follow from (alert, version, channel, variant, seq):
planning the same step twice adds nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

import msgspec
import structlog
from sqlalchemy import Connection

from hub import bus, codec
from hub.alert import Alert, Mode
from hub.blocks import blocks
from hub.bus import Bus
from hub.channel import Capabilities, Content, Drilling
from hub.clock import Clock
from hub.codec import BatchRecord, RecordCodec
from hub.delivery import MERGED, REACHED, Batch, Outcome, Variant
from hub.errors import HubError, WrongMode
from hub.gate import LEASE
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger, alerts, batches, census, plans, register
from hub.ledger.alerts import Accepted
from hub.ledger.batches import Planned
from hub.ledger.plans import Cursor
from hub.ledger.register import Trait
from hub.recipient import Audience, Kind, Reached, RecipientId, Towns, Zone
from hub.render import content_hash
from hub.retry import batch_id, key_of

log = structlog.get_logger(__name__)

Render = Callable[[Accepted, Variant], Awaitable[Content]]
"""The content of one variant, with what is known of the shelters at this moment."""

FIRST_STEP, STEP = 4, 40
"""Batches of one commit. The first step is small, so that something leaves at once; each is twice the
one before, until a commit is cheap enough."""

SWEEP_GRACE = timedelta(seconds=5)
"""How long a fresh batch is left to the bus before the sweeper may take it."""


class Cut(NamedTuple):
    """The members of one batch to be."""

    variant: Variant
    seq: int
    members: tuple[RecipientId, ...]


class Fanout:
    def __init__(
        self,
        *,
        ledger: Ledger,
        transport: Bus,
        records: RecordCodec,
        keys: Keys,
        capabilities: Mapping[str, Capabilities],
        render: Render,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._bus = transport
        self._records = records
        self._keys = keys
        self._capabilities = capabilities
        self._render = render
        self._clock = clock

    async def plan(self, identifier: str) -> None:
        """Plan every channel of the alert to its end. Safe to call again, and from several processes.

        Channels are planned side by side, so that a small one does not wait for a large one, and one that
        fails stops no other (I7).

        Raises:
            HubError: a channel failed; the others are planned.
        """
        accepted = await self._ledger.read(lambda conn: alerts.get(conn, self._keys, identifier))
        await self._settled(accepted.alert.targeting.audience)
        contents: dict[Variant, Content] = {}
        channels = accepted.alert.targeting.channels
        ends = await asyncio.gather(
            *(self._plan_channel(accepted, channel, contents) for channel in channels), return_exceptions=True
        )
        failed = {channel: end for channel, end in zip(channels, ends, strict=True) if end is not None}
        for channel, error in failed.items():
            log.error("a channel could not be planned", alert=identifier, channel=channel, exc_info=error)
        if failed:
            raise HubError(f"alert {identifier}: {', '.join(failed)} not planned to the end")
        log.info("alert planned", alert=identifier)

    async def _settled(self, audience: Audience) -> None:
        """A correction's audience is frozen once nothing of what it corrects is on its way any more (I5)."""
        if not isinstance(audience, Reached):
            return
        async with asyncio.timeout(LEASE.total_seconds()):
            # Another process may hold the claims: only the ledger knows.
            while await self._ledger.read(  # noqa: ASYNC110
                lambda conn: batches.in_flight(conn, audience.identifier)
            ):
                await asyncio.sleep(0.1)

    async def _plan_channel(self, accepted: Accepted, channel: str, contents: dict[Variant, Content]) -> None:
        identifier = accepted.alert.identifier
        while True:
            plan = await self._ledger.read(lambda conn: plans.get(conn, identifier, channel))
            if plan.complete:
                return
            await self._step(accepted, channel, plan, contents)

    async def _step(
        self, accepted: Accepted, channel: str, plan: plans.Plan, contents: dict[Variant, Content]
    ) -> None:
        alert = accepted.alert
        capabilities = self._capabilities[channel]
        source = source_of(alert, channel, capabilities)
        cuts, cursor, complete = await self._ledger.read(
            lambda conn: gather(
                conn,
                source,
                source.resume(conn, plan.cursor),
                size=capabilities.batch_size,
                limit=min(STEP, FIRST_STEP << min(plan.step, 8)),
            )
        )
        texts = {cut.variant: told(cut.variant, capabilities) for cut in cuts}
        for variant in set(texts.values()) - contents.keys():
            contents[variant] = await self._render(accepted, variant)
            await asyncio.sleep(0)  # what was planned before leaves meanwhile

        def write(conn: Connection) -> list[Planned] | None:
            stopped = alerts.stopped(conn, [alert.identifier], hold=True).get(alert.identifier)
            planned = [
                self._batch(alert, channel, cut, contents[texts[cut.variant]], stopped) for cut in cuts
            ]
            for content in {variant: contents[variant] for variant in texts.values()}.values():
                batches.insert_content(conn, content_hash(content), codec.encode(content))
            wrote = plans.advance(
                conn,
                alert.identifier,
                channel,
                step=plan.step,
                to=cursor,
                planned=planned,
                complete_at=self._clock() if complete else None,
            )
            return planned if wrote else None

        planned = await self._ledger.write(write)
        if planned:
            await self._publish(alert, channel, [each.batch for each in planned if each.settled_as is None])

    def _batch(
        self, alert: Alert, channel: str, cut: Cut, content: Content, stopped: Outcome | None
    ) -> Planned:
        id_ = batch_id(alert.identifier, alert.sequence, channel, *cut.variant, cut.seq)
        batch = Batch(
            id=id_,
            alert=alert.identifier,
            version=alert.sequence,
            mode=alert.mode,
            lane=alert.lane,
            channel=channel,
            variant=cut.variant,
            seq=cut.seq,
            members=cut.members,
            content_hash=content_hash(content),
            idempotency_key=key_of(id_),
            expires=alert.expires,
        )
        return Planned(batch=batch, due_at=self._clock() + SWEEP_GRACE, settled_as=stopped)

    async def _publish(self, alert: Alert, channel: str, planned: Sequence[Batch]) -> None:
        """A failure is no loss: the sweeper claims from the ledger what nobody was told of (I14)."""
        topic = bus.deliveries(channel, alert.lane)
        records = [
            (
                str(batch.id),
                self._records.seal(
                    topic, batch.id, BatchRecord(batch=batch.id, version=batch.version, mode=batch.mode)
                ),
            )
            for batch in planned
        ]
        try:
            await self._bus.publish_many(topic, records)
        except Exception as e:
            log.warning(
                "bus did not take the batches; the sweeper will", channel=channel, error=type(e).__name__
            )


def told(variant: Variant, capabilities: Capabilities) -> Variant:
    """Whose texts these recipients get: their own language's, or its fallback's where the channel lacks it."""
    if capabilities.languages is None or variant.language in capabilities.languages:
        return variant
    return variant._replace(language=variant.language.fallback)


class Source(Protocol):
    """Where a channel's recipients come from, a variant at a time, in ascending order of id."""

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        """Where to go on, given where the last step ended."""
        ...

    def variants(self, conn: Connection) -> list[Variant]: ...

    def first_seq(self, variant: Variant) -> int:
        """The first batch number of a variant that is free."""
        ...

    def take(
        self, conn: Connection, variant: Variant, *, after: int, at_least: int
    ) -> tuple[list[RecipientId], bool]:
        """Ids above `after`, and whether there may be more. Fewer than `at_least` only when there are not."""
        ...


def source_of(alert: Alert, channel: str, capabilities: Capabilities) -> Source:
    """Typed targets become a source; there is no default, so a bad target is an error, never everyone (I9)."""
    if alert.mode is not Mode.LIVE and capabilities.drilling is Drilling.PREVIEW_ONLY:
        return Nobody()
    audience = alert.targeting.audience
    if isinstance(audience, Reached):
        return Corrected(audience.identifier, channel, alert.mode)
    return Registered(channel, alert)


def gather(
    conn: Connection, source: Source, cursor: Cursor, *, size: int, limit: int
) -> tuple[list[Cut], Cursor, bool]:
    """About `limit` batches of `size` from the cursor on; the cursor behind them; whether that was the end."""
    cuts: list[Cut] = []
    for variant in sorted(source.variants(conn), key=_order):
        if _order(variant) < (cursor.language, cursor.zone):
            continue
        if _order(variant) > (cursor.language, cursor.zone):
            cursor = msgspec.structs.replace(
                cursor,
                language=variant.language,
                zone=variant.zone or "",
                after=0,
                seq=source.first_seq(variant),
            )
        more = True
        while more:
            if len(cuts) >= limit:
                return cuts, cursor, False
            ids, more = source.take(conn, variant, after=cursor.after, at_least=size * (limit - len(cuts)))
            for members in blocks(ids, size):
                if more and len(members) < size:
                    break  # the rest of this batch comes with the next packs
                cuts.append(Cut(variant, cursor.seq, members))
                cursor = msgspec.structs.replace(cursor, after=members[-1], seq=cursor.seq + 1)
    return cuts, cursor, True


class Nobody:
    """A drill on a channel that can only show a preview."""

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        return cursor

    def first_seq(self, variant: Variant) -> int:
        return 0

    def variants(self, conn: Connection) -> list[Variant]:
        return []

    def take(
        self, conn: Connection, variant: Variant, *, after: int, at_least: int
    ) -> tuple[list[RecipientId], bool]:
        return [], False


class Registered:
    """The register, narrowed to the alert's mode and towns."""

    def __init__(self, channel: str, alert: Alert) -> None:
        self._channel = channel
        self._alert = alert.identifier
        self._planned: set[RecipientId] = set()
        self._free: dict[Variant, int] = {}
        audience = alert.targeting.audience
        self._towns = frozenset(audience.towns) if isinstance(audience, Towns) else None
        self._mode = alert.mode

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        """A register rebuilt meanwhile is walked anew: people may have moved to or from behind the cursor (I3)."""
        revision = census.revision(conn)
        if cursor == Cursor():
            return Cursor(revision=revision)
        if cursor.revision != revision:
            cursor = Cursor(revision=revision, again=True)
        if cursor.again:
            self._planned, self._free = batches.planned(conn, self._alert, self._channel)
        return cursor

    def first_seq(self, variant: Variant) -> int:
        return self._free.get(variant, 0)

    def variants(self, conn: Connection) -> list[Variant]:
        return register.variants(conn, self._channel)

    def take(
        self, conn: Connection, variant: Variant, *, after: int, at_least: int
    ) -> tuple[list[RecipientId], bool]:
        found: list[RecipientId] = []
        scanned, want = after, max(1, -(-at_least // register.PACK)) + 1
        while True:
            packs = register.packs(conn, self._channel, variant, after=scanned, limit=want)
            for pack in packs:
                found.extend(
                    id_
                    for id_, trait in zip(pack.ids, pack.traits, strict=True)
                    if id_ > after and id_ not in self._planned and self._includes(trait)
                )
                scanned = pack.ids[-1]
            more = len(packs) == want
            if not more or len(found) >= at_least:
                return found, more

    def _includes(self, trait: Trait) -> bool:
        if trait.kind is Kind.TARGET:
            return True
        if self._mode is Mode.STAFF_DRILL:
            return trait.kind is Kind.STAFF
        if trait.kind is not Kind.RESIDENT or (self._mode is Mode.RESIDENT_DRILL and not trait.drills):
            return False
        return self._towns is None or trait.town in self._towns


class Corrected:
    """Whoever an earlier alert reached, or may have reached, on this channel (I5)."""

    def __init__(self, identifier: str, channel: str, mode: Mode) -> None:
        self._identifier = identifier
        self._channel = channel
        self._mode = mode
        self._found: dict[Variant, set[RecipientId]] | None = None

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        return cursor

    def first_seq(self, variant: Variant) -> int:
        return 0

    def variants(self, conn: Connection) -> list[Variant]:
        return list(self._reached(conn))

    def take(
        self, conn: Connection, variant: Variant, *, after: int, at_least: int
    ) -> tuple[list[RecipientId], bool]:
        return sorted(id_ for id_ in self._reached(conn)[variant] if id_ > after), False

    def _reached(self, conn: Connection) -> dict[Variant, set[RecipientId]]:
        if self._found is None:
            self._found = self._find(conn)
        return self._found

    def _find(self, conn: Connection) -> dict[Variant, set[RecipientId]]:
        reached: dict[Variant, set[RecipientId]] = {}
        for row in batches.of_alert(conn, self._identifier, channel=self._channel):
            if row.mode != self._mode:
                raise WrongMode(
                    f"alert {self._identifier} is {row.mode}; a {self._mode} alert never goes to those"
                )
            variant = Variant(Language(row.language), Zone(row.zone) if row.zone else None)
            members = reached.setdefault(variant, set())
            for id_, pair in zip(row.members, zip(row.handover, row.receipt, strict=True), strict=True):
                if MERGED[pair] in REACHED or MERGED[pair] is Outcome.AMBIGUOUS:
                    members.add(id_)
        return reached


def _order(variant: Variant) -> tuple[str, str]:
    return variant.language, variant.zone or ""
