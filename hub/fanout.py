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
from hub.channel import Capabilities, Content
from hub.clock import Clock
from hub.codec import BatchRecord, RecordCodec
from hub.delivery import Batch, Outcome, Variant
from hub.errors import HubError
from hub.gate import LEASE
from hub.keys import Keys
from hub.ledger import Ledger, alerts, batches, plans
from hub.ledger.alerts import Accepted
from hub.ledger.batches import Planned
from hub.recipient import Audience, Reached
from hub.render import content_hash
from hub.retry import batch_id, key_of
from hub.source import Cut, gather, source_of

log = structlog.get_logger(__name__)

Render = Callable[[Accepted, Variant], Awaitable[Content]]
"""The content of one variant, with what is known of the shelters at this moment."""

FIRST_STEP, STEP = 4, 40
"""Batches of one commit. The first step is small, so that something leaves at once; each is twice the
one before, until a commit is cheap enough."""

SWEEP_GRACE = timedelta(seconds=5)
"""How long a fresh batch is left to the bus before the sweeper may take it."""


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
            if channel not in self._capabilities:
                await self._without_channel(accepted, channel, plan)
                return
            await self._step(accepted, channel, plan, contents)

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
