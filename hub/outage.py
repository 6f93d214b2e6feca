"""Outages: which gateways take nothing now, told by the workers that found out to whoever looks on."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import structlog

from hub import codec
from hub.alert import Lane
from hub.breaker import Breaker, State
from hub.errors import BadInput
from hub.ledger.columns import to_us
from hub.live import Live

log = structlog.get_logger(__name__)

BELIEVED = timedelta(seconds=30)
"""What no worker has repeated for so long is over: the worker that said it is gone."""

REPEATED_S = 10.0


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """`reason` is a code from the provider's table, or empty."""

    channel: str
    lane: Lane
    state: State
    since: datetime
    reason: str
    told_at: datetime


def of(breaker: Breaker, *, now: datetime) -> Outage:
    """What a worker found out."""
    return Outage(
        channel=breaker.kind,
        lane=breaker.lane,
        state=breaker.state,
        since=now - breaker.open_for,
        reason=breaker.reason,
        told_at=now,
    )


async def tell(live: Live, outage: Outage) -> None:
    """Where several say different things, the last one is heard."""
    key = _key(outage.channel, outage.lane)
    await live.put({key: (to_us(outage.told_at), codec.encode(outage))})


async def known(live: Live, kinds: Iterable[str], *, now: datetime) -> list[Outage]:
    """The channels' lanes on which nothing goes out at this moment."""
    found = await live.get([_key(kind, lane) for kind in kinds for lane in Lane])
    told = [outage for key, value in found.items() if (outage := _read(key, value)) is not None]
    return [each for each in told if each.state is not State.CLOSED and now - each.told_at < BELIEVED]


def _read(key: str, value: bytes) -> Outage | None:
    try:
        return codec.decode(Outage, value, what=key)
    except BadInput as e:
        log.warning("a worker's word on its gateway could not be read", key=key, error=str(e))
        return None


def _key(kind: str, lane: Lane) -> str:
    return f"outage:{kind}:{lane}"
