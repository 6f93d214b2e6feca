"""Addresses that are no more: what a gateway says of them for good, and what becomes of their contacts.

A channel's capabilities name the reasons that say so (`Capabilities.gone`): of a refusal, or of a report that comes later.
A passing trouble is none of them. Two alerts of which an address came back so, with nothing in between that reached it,
hold it back (`hub.ledger.bounces`): it is in the register still, staff see it and send there again. Only an address that
never comes back (`gone_at_once`: a push subscription; a browser that subscribes anew gets another one) leaves the
register with the first refusal.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from hub.background import beat
from hub.capabilities import Capabilities, Unit
from hub.clock import Clock
from hub.delivery import REACHED, Batch, Outcome, Result
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import AWAY, Ledger, audit, bounces, register
from hub.ledger.bounces import Noted, Tally
from hub.recipient import RecipientId

log = structlog.get_logger(__name__)

SETTLE_EVERY_S = 60.0
"""How soon a contact is held back."""

LATELY = timedelta(hours=1)
"""Staff are called about an alert of which too much came back, while something of it came back within this."""


def found(results: Mapping[RecipientId, Result], channel: Capabilities) -> list[Result]:
    """Those that say of one contact alone that it is no more."""
    return [
        result
        for result in results.values()
        if result.outcome is Outcome.PERMANENT
        and result.reason in channel.gone
        and (result.alone or channel.single_requests)
    ]


def note(
    conn: Connection,
    batch: Batch,
    results: Mapping[RecipientId, Result],
    channel: Capabilities,
    *,
    at: datetime,
) -> None:
    """Keep what a gateway said of a batch, for `bounces.settle`. Call in the commit that records it."""
    lost = [Noted(each.recipient, batch.alert, True, False, each.reason) for each in found(results, channel)]
    bounces.note(conn, batch.channel, lost, at=at)
    if not channel.reports:
        accepted = [who for who, each in results.items() if each.outcome in REACHED]
        bounces.reached(conn, batch.channel, accepted)


async def take_out(
    ledger: Ledger, keys: Keys, batch: Batch, lost: Collection[Result], *, at: datetime
) -> None:
    """Out of the register, in one commit with its audit row. They stay, until the next alert says it again, while the
    database is away or where a pack was changed by somebody else."""

    def work(conn: Connection) -> None:
        ended = [each.recipient for each in lost if register.end(conn, keys, batch.channel, each.recipient)]
        if ended:
            audit.append(
                conn, keys, at=at, actor="gateway", action="register.gone", subject=f"channel {batch.channel}",
                detail={"recipients": len(ended), "ids": ended, "alert": batch.alert},
            )  # fmt: skip

    try:
        await ledger.write(work)
    except (*AWAY, BadInput):
        log.warning("addresses that are gone stay in the register for now", batch=batch.id, number=len(lost))


async def settle(ledger: Ledger, keys: Keys, channel: str, *, at: datetime) -> int:
    """Hold back who is to be held back on this channel, and nobody else, a few with each commit. Returns how many changed."""
    changed = 0
    while await ledger.read(lambda conn: bounces.to_change(conn, channel)):
        changed += await ledger.write(lambda conn: bounces.settle(conn, keys, channel, at=at))
    return changed


async def lift(
    ledger: Ledger, keys: Keys, channel: str, recipients: Collection[RecipientId], *, by: str, at: datetime
) -> int:
    """Send to these again, in force when it returns, and begin to count anew. Returns of how many anything was known."""

    def work(conn: Connection) -> int:
        known = bounces.forget(conn, channel, recipients)
        if known:
            audit.append(
                conn, keys, at=at, actor=by, action="bounces.lift", subject=f"channel {channel}",
                detail={"recipients": sorted(recipients)},
            )  # fmt: skip
        return known

    known = await ledger.write(work)
    await settle(ledger, keys, channel, at=at)
    return known


class Settling:
    """Every channel that reaches people is settled again and again; staff are called where nobody can be blamed.

    In any number of processes.
    """

    def __init__(
        self,
        capabilities: Mapping[str, Capabilities],
        *,
        ledger: Ledger,
        keys: Keys,
        clock: Clock,
        page: Callable[[str, str], None],
    ) -> None:
        self._names = {kind: has.japanese for kind, has in capabilities.items() if has.unit is Unit.PEOPLE}
        self._ledger = ledger
        self._keys = keys
        self._clock = clock
        self._page = page

    async def run(self) -> None:
        """Until cancelled."""
        await beat(self.look, SETTLE_EVERY_S)

    async def look(self) -> None:
        """One round. A channel whose packs were changed by somebody else keeps no other one waiting."""
        for channel in self._names:
            try:
                await self._look_at(channel)
            except BadInput:
                log.exception("a channel cannot be settled; sending says the same of it", channel=channel)

    async def _look_at(self, channel: str) -> None:
        now = self._clock()
        if changed := await settle(self._ledger, self._keys, channel, at=now):
            log.info("suppressions have changed", channel=channel, contacts=changed)
        since = now - LATELY
        for alert, tally in await self._ledger.read(partial(_blameless, channel=channel, since=since)):
            self._call(channel, alert, tally)

    def _call(self, channel: str, alert: str, tally: Tally) -> None:
        name = self._names[channel]
        self._page(
            f"returned {channel}",
            f"{alert}：{name}の{tally.planned:,}件のうち{tally.hard:,}件が「宛先がない」と断られました。事業者か設定"
            "（アカウントの違いなど）の障害のおそれがあります。ほかの手段で届いているかを確かめてください。宛先は止めていません / "
            f"{channel}: {tally.hard:,} of {tally.planned:,} came back as if nobody were there: probably the provider's "
            "fault or ours (another account?). See whether other channels reach these people; no address is held back for it",
        )


def _blameless(conn: Connection, *, channel: str, since: datetime) -> list[tuple[str, Tally]]:
    alerts = bounces.blameless(conn, channel, since=since)
    return [(alert, bounces.tally(conn, alert, channel)) for alert in alerts]
