"""Fan-out: an accepted alert becomes batches, a step at a time, while the first are already leaving.

Each step is one commit that adds its batches and moves a durable cursor, so that planning goes on
where it stopped, in whatever process. Batch ids follow from (alert, version, channel, variant, seq):
planning the same step twice adds nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from hub import bus, codec
from hub.alert import Alert
from hub.bus import Bus
from hub.capabilities import Capabilities
from hub.channel import Content
from hub.clock import Clock
from hub.codec import BatchRecord, RecordCodec
from hub.delivery import Batch, Outcome, Variant
from hub.errors import HubError
from hub.exposure import NOBODY_FIRST, Exposure, source_of
from hub.keys import Keys
from hub.ledger import Ledger, alerts, batches, corrections, plans
from hub.ledger.alerts import Accepted
from hub.ledger.batches import Planned
from hub.ledger.corrections import Late
from hub.render import content_hash
from hub.retry import batch_id, key_of
from hub.source import Cut, Source, cut_late, gather
from hub.succession import frozen, landed

log = structlog.get_logger(__name__)

Render = Callable[[Accepted, Variant], Awaitable[Content]]
"""The content of one variant, with what is known of the shelters at this moment."""

FIRST_STEP, STEP = 4, 40
"""Batches of one commit. The first step is small, so that something leaves at once; each is twice the
one before, until a commit is cheap enough."""

SWEEP_GRACE = timedelta(seconds=5)
"""How long a fresh batch is left to the bus before the sweeper may take it."""

NEIGHBOURS = 10
"""Batches of a variant that go to the same partition: two packs' worth, so that a city that has but one
variant still keeps all workers busy."""

LATE_AT_ONCE = 500
"""Recipients added to corrections in one commit."""


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
        exposure: Exposure = NOBODY_FIRST,
    ) -> None:
        self._ledger = ledger
        self._bus = transport
        self._records = records
        self._keys = keys
        self._capabilities = capabilities
        self._render = render
        self._clock = clock
        self._exposure = exposure

    async def plan(self, identifier: str) -> None:
        """Plan every channel of the alert to its end. Safe to call again, and from several processes.

        Channels are planned side by side, so that a small one does not wait for a large one, and one that
        fails, or waits for what the alert replaces, stops no other (I7).

        Raises:
            HubError: a channel failed; the others are planned.
        """
        accepted, chain = await self._ledger.read(lambda conn: self._look_up(conn, identifier))
        contents: dict[Variant, Content] = {}
        channels = accepted.alert.targeting.channels
        ends = await asyncio.gather(
            *(self._plan_channel(accepted, chain, channel, contents) for channel in channels),
            return_exceptions=True,
        )
        failed = {channel: end for channel, end in zip(channels, ends, strict=True) if end is not None}
        for channel, error in failed.items():
            log.error("a channel could not be planned", alert=identifier, channel=channel, exc_info=error)
        if failed:
            raise HubError(f"alert {identifier}: {', '.join(failed)} not planned to the end")
        log.info("alert planned", alert=identifier)

    async def extend(self) -> None:
        """Add to the corrections in force whoever turned out late to have been told what they correct (I5).

        Raises:
            HubError: those of one alert could not be added; they are kept, and the others are added.
        """
        failed: list[str] = []
        for corrected, channel in await self._ledger.read(corrections.with_latecomers):
            try:
                await self._extend(corrected, channel)
            except HubError:
                log.exception("a correction could not be extended", corrected=corrected, channel=channel)
                failed.append(corrected)
        if failed:
            raise HubError(f"corrections of {', '.join(failed)} wait for somebody who was told")

    def _look_up(self, conn: Connection, identifier: str) -> tuple[Accepted, tuple[str, ...]]:
        accepted = alerts.get(conn, self._keys, identifier)
        return accepted, corrections.chain(conn, self._keys, accepted.alert)

    async def _plan_channel(
        self, accepted: Accepted, chain: Sequence[str], channel: str, contents: dict[Variant, Content]
    ) -> None:
        alert = accepted.alert
        source: Source | None = None
        following = 0
        while True:
            plan = await self._ledger.read(lambda conn: plans.get(conn, alert.identifier, channel))
            if plan.complete:
                return
            if channel not in self._capabilities:
                await self._without_channel(accepted, channel, plan)
                return
            if source is None or plan.step != following:  # others took steps: a source knows its own only
                await self._its_turn(alert, chain, channel, plan)
                source = source_of(
                    alert,
                    chain,
                    channel,
                    self._capabilities[channel],
                    exposure=self._exposure,
                    keys=self._keys,
                )
            following = plan.step + 1
            if not await self._step(accepted, channel, plan, source, contents):
                source = None

    async def _its_turn(self, alert: Alert, chain: Sequence[str], channel: str, plan: plans.Plan) -> None:
        if chain:
            await frozen(self._ledger, chain, channel)
        elif plan.step == 0:
            await landed(self._ledger, alert, channel)

    async def _without_channel(self, accepted: Accepted, channel: str, plan: plans.Plan) -> None:
        """A channel whose settings were taken out: its plan waits for them until the alert expires."""
        if self._clock() < accepted.alert.expires:
            raise HubError(f"[channels.{channel}] is missing; this channel waits for it / 設定がありません")
        await self._ledger.write(
            lambda conn: plans.advance(
                conn,
                accepted.alert.identifier,
                channel,
                step=plan.step,
                to=plan.cursor,
                planned=[],
                complete_at=self._clock(),
            )
        )

    async def _step(
        self,
        accepted: Accepted,
        channel: str,
        plan: plans.Plan,
        source: Source,
        contents: dict[Variant, Content],
    ) -> bool:
        """False, and nothing written, when another planner took this step first."""
        identifier = accepted.alert.identifier
        capabilities = self._capabilities[channel]
        cuts, cursor, complete = await self._ledger.read(
            lambda conn: gather(
                conn,
                source,
                plan.cursor,
                # staff who are called get a link of their own each (`hub.calling`)
                size=capabilities.batch_size_on(accepted.alert.lane) if accepted.alert.public else 1,
                limit=min(STEP, FIRST_STEP << min(plan.step, 8)),
            )
        )
        await self._write_texts(accepted, channel, {cut.variant for cut in cuts}, contents)

        def write(conn: Connection) -> list[Planned] | None:
            planned = self._planned(conn, accepted, channel, cuts, contents)
            wrote = plans.advance(
                conn,
                identifier,
                channel,
                step=plan.step,
                to=cursor,
                planned=planned,
                complete_at=self._clock() if complete else None,
            )
            return planned if wrote else None

        planned = await self._ledger.write(write)
        if planned is None:
            return False
        source.took(cuts)
        await self._publish(accepted.alert, channel, planned)
        return True

    async def _extend(self, corrected: str, channel: str) -> None:
        followers = await self._ledger.read(
            lambda conn: corrections.followers(conn, self._keys, corrected, channel, at=self._clock())
        )
        if followers is None or (followers and channel not in self._capabilities):
            return  # one of them is still being planned, which comes first; or nobody could send it
        texts: dict[str, dict[Variant, Content]] = {each.alert.identifier: {} for each in followers}
        while late := await self._ledger.read(
            lambda conn: corrections.latecomers(conn, corrected, channel, limit=LATE_AT_ONCE)
        ):
            for each in followers:
                contents = texts[each.alert.identifier]
                await self._write_texts(each, channel, {one.variant for one in late}, contents)

            def write(conn: Connection) -> list[tuple[Alert, list[Planned]]]:
                added = [
                    (each.alert, self._add(conn, each, channel, late, texts[each.alert.identifier]))
                    for each in followers
                ]
                corrections.forget_late(conn, corrected, channel, [one.recipient for one in late])
                return added

            for alert, planned in await self._ledger.write(write):
                await self._publish(alert, channel, planned)
                log.info("a correction was extended", alert=alert.identifier, batches=len(planned))

    def _add(
        self,
        conn: Connection,
        accepted: Accepted,
        channel: str,
        late: Sequence[Late],
        contents: Mapping[Variant, Content],
    ) -> list[Planned]:
        """Batches of those who are in none yet."""
        identifier = accepted.alert.identifier
        plans.get(conn, identifier, channel, hold=True)
        cuts = cut_late(conn, identifier, channel, late, size=self._capabilities[channel].batch_size)
        planned = self._planned(conn, accepted, channel, cuts, contents)
        plans.extend(conn, identifier, channel, planned)
        return planned

    async def _write_texts(
        self, accepted: Accepted, channel: str, variants: set[Variant], contents: dict[Variant, Content]
    ) -> None:
        texts = {told(variant, self._capabilities[channel]) for variant in variants}
        for variant in sorted(texts - contents.keys()):
            contents[variant] = await self._render(accepted, variant)
            await asyncio.sleep(0)  # what was planned before leaves meanwhile

    def _planned(
        self,
        conn: Connection,
        accepted: Accepted,
        channel: str,
        cuts: Sequence[Cut],
        contents: Mapping[Variant, Content],
    ) -> list[Planned]:
        """Batches to be, their texts in the ledger. Of an alert that was stopped meanwhile they end unsent."""
        alert, capabilities = accepted.alert, self._capabilities[channel]
        stopped = alerts.stopped(conn, [alert.identifier], hold=True).get(alert.identifier)
        texts = {cut.variant: contents[told(cut.variant, capabilities)] for cut in cuts}
        for content in {content_hash(content): content for content in texts.values()}.values():
            batches.insert_content(conn, content_hash(content), codec.encode(content))
        return [self._batch(alert, channel, cut, texts[cut.variant], stopped) for cut in cuts]

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

    def _record(self, topic: str, batch: Batch) -> tuple[str, bytes]:
        in_order = self._capabilities[batch.channel].single_requests  # one partition: one after the other
        key = batch.alert if in_order else neighbours(batch)
        record = BatchRecord(batch=batch.id, version=batch.version, mode=batch.mode)
        return key, self._records.seal(topic, key, record)

    async def _publish(self, alert: Alert, channel: str, planned: Sequence[Planned]) -> None:
        """A failure is no loss: the sweeper claims from the ledger what nobody was told of (I14)."""
        topic = bus.deliveries(channel, alert.lane)
        records = [self._record(topic, each.batch) for each in planned if each.settled_as is None]
        try:
            await self._bus.publish_many(topic, records)
        except Exception as e:
            log.warning(
                "bus did not take the batches; the sweeper will", channel=channel, error=type(e).__name__
            )


def neighbours(batch: Batch) -> str:
    """The bus's key: batches whose addresses lie in the same packs go the same way, to the same worker."""
    language, zone = batch.variant
    return f"{batch.alert}/{language}/{zone or ''}/{batch.seq // NEIGHBOURS}"


def told(variant: Variant, capabilities: Capabilities) -> Variant:
    """Whose texts these recipients get: their own language's, or its fallback's where the channel lacks it."""
    if capabilities.languages is None or variant.language in capabilities.languages:
        return variant
    return variant._replace(language=variant.language.fallback)
