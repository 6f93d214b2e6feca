"""The present of a hub of several processes, in Redis.

While Redis is away, each process paces itself to its own static share of every limit (I14), and keeps
the values it was given until it can hand them over.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from time import monotonic
from typing import TypeVar, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from hub.errors import BadSettings
from hub.live import Turn
from hub.live.memory import MemoryLive
from hub.live.turns import gap_s

log = structlog.get_logger(__name__)

T = TypeVar("T")

ANSWER_S = 0.5
"""Redis answers within this, or counts as away."""

LOOK_AGAIN_S = 1.0
"""While it is away, one call in this time asks whether it is back; the others do not wait for that."""

AT_ONCE = 500
"""Keys of one script, during which Redis does nothing else."""

VERSION_DIGITS = 20

TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local ahead, gap = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'free', 'seen')
local free, seen = tonumber(state[1] or now), tonumber(state[2] or now)
if seen > now then free = now + math.max(0, free - seen) end
local at = math.max(now, free)
if at - now > ahead then return {0, string.format('%.6f', at - now - ahead)} end
free = at + gap
redis.call('HSET', KEYS[1], 'free', string.format('%.6f', free), 'seen', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((free - now) * 1000) + 1000)
return {1, string.format('%.6f', at - now)}
"""
"""Redis' own clock, so that workers whose clocks differ share one rate. Should that clock be set back, the
next turn is as far away as it was. A limit nobody waits for need not be kept."""

DELAY = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HINCRBYFLOAT', KEYS[1], 'free', ARGV[1])
end
return 1
"""

PUT = """
for i, key in ipairs(KEYS) do
  local version = redis.call('GETRANGE', key, 0, 19)
  if version <= string.sub(ARGV[i], 1, 20) then redis.call('SET', key, ARGV[i]) end
end
"""
"""A value is stored behind its version in twenty digits: they compare as text, where Lua's numbers would
round what is above 2^53."""


class RedisLive:
    """`share` is what this process may use of every limit by itself: one over the number of workers.

    Rates are above zero. No method raises because Redis is away or refuses: a log line tells when it
    goes and when it comes back.

    Raises:
        BadSettings: `url` is not one of Redis.
    """

    def __init__(self, url: str, *, share: float, prefix: str = "yobikake:") -> None:
        if not 0 < share <= 1:
            raise BadSettings(
                "[redis] share", "must be above 0 and at most 1 / 0より大きく1以下にしてください"
            )
        self._redis = _client(url)
        self._take = self._redis.register_script(TAKE)
        self._delay = self._redis.register_script(DELAY)
        self._put = self._redis.register_script(PUT)
        self._prefix = prefix
        self._share = share
        self._own = MemoryLive()
        self._unsent: dict[str, tuple[int, bytes]] = {}
        self._away = False
        self._look_again_at = 0.0

    async def open(self) -> None:
        """Redis need not be there."""
        await self._ask(self._redis.ping)

    async def take(self, limit: str, requests: float, *, rate_per_s: float, ahead_s: float) -> Turn:
        """As the protocol says; while Redis is away, in this process' own share of the limit."""
        keys, arguments = [f"{self._prefix}limit:{limit}"], [ahead_s, gap_s(requests, rate_per_s)]
        answer = await self._ask(partial(self._take, keys=keys, args=arguments))
        if answer is not None:
            taken, wait_s = answer
            return Turn(bool(taken), float(wait_s))
        return await self._own.take(limit, requests, rate_per_s=rate_per_s * self._share, ahead_s=ahead_s)

    async def delay(self, limit: str, by_s: float) -> None:
        await self._own.delay(limit, by_s)
        await self._ask(partial(self._delay, keys=[f"{self._prefix}limit:{limit}"], args=[by_s]))

    async def hold(self, flag: str, for_s: float) -> None:
        """While Redis is away, for this process alone."""
        await self._own.hold(flag, for_s)
        await self._ask(partial(self._redis.set, self._flag_key(flag), b"", px=math.ceil(for_s * 1000)))

    async def held(self, flag: str) -> bool:
        return await self._own.held(flag) or bool(
            await self._ask(partial(self._redis.exists, self._flag_key(flag)))
        )

    async def put(self, values: Mapping[str, tuple[int, bytes]]) -> None:
        for key, (version, value) in values.items():
            if key not in self._unsent or version >= self._unsent[key][0]:
                self._unsent[key] = version, value
        await self._hand_over()

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """While Redis is away: what this process itself put since."""
        await self._hand_over()
        if not keys:
            return {}
        found = await self._ask(partial(self._redis.mget, [self._value_key(key) for key in keys])) or ()
        stored = {key: _value(raw) for key, raw in zip(keys, found, strict=False) if raw is not None}
        return stored | {key: self._unsent[key][1] for key in keys if key in self._unsent}

    async def close(self) -> None:
        await self._hand_over()
        await self._redis.aclose()

    async def _hand_over(self) -> None:
        for chunk in _chunks(self._unsent):
            keys = [self._value_key(key) for key in chunk]
            arguments = [b"%020d" % version + value for version, value in chunk.values()]
            if await self._ask(partial(self._put_all, keys, arguments)) is None:
                return
            for key, sent in chunk.items():
                if self._unsent.get(key) == sent:
                    del self._unsent[key]

    async def _put_all(self, keys: list[str], arguments: list[bytes]) -> bool:
        await self._put(keys=keys, args=arguments)
        return True

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """Redis' answer; None while it is away."""
        if self._away and monotonic() < self._look_again_at:
            return None
        self._look_again_at = monotonic() + LOOK_AGAIN_S
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                answer = await question()
        except (RedisError, OSError) as e:
            if not self._away:
                log.warning("redis is away", reason=type(e).__name__)
            self._away = True
            return None
        if self._away:
            log.info("redis is back")
        self._away = False
        return answer

    def _flag_key(self, flag: str) -> str:
        return f"{self._prefix}flag:{flag}"

    def _value_key(self, key: str) -> str:
        return f"{self._prefix}value:{key}"


def _client(url: str) -> Redis:
    """One retry at once: a connection that Redis closed meanwhile is no outage."""
    try:
        return Redis.from_url(
            url,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError as e:
        raise BadSettings(
            "[redis] url", "is not an address of Redis (redis://host:port/0) / 形式が違います"
        ) from e


def _value(stored: bytes | str) -> bytes:
    return cast(bytes, stored)[VERSION_DIGITS:]  # this client does not decode


def _chunks(values: dict[str, tuple[int, bytes]]) -> Iterator[dict[str, tuple[int, bytes]]]:
    pairs = iter(list(values.items()))
    while chunk := dict(islice(pairs, AT_ONCE)):
        yield chunk
