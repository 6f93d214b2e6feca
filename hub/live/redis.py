"""The present of a hub of several processes, in Redis.

While Redis is away, each process paces itself to its own static share of every limit (I14), and keeps
the values it was given until it can hand them over.
"""

import asyncio
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

from hub.alert import Lane
from hub.errors import BadSettings
from hub.live.memory import MemoryLive, needed

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
local tokens, rate, burst, needed = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(state[1] or burst)
level = math.min(burst, level + math.max(0, now - tonumber(state[2] or now)) * rate)
local wait = math.max(0, (needed - level) / rate)
if wait == 0 then level = level - tokens end
redis.call('HSET', KEYS[1], 'level', string.format('%.9f', level), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(1, (burst - level) / rate) * 1000) + 1000)
return string.format('%.6f', wait)
"""
"""Redis' own clock, so that workers whose clocks differ share one rate. A full bucket need not be kept."""

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

    async def take(self, bucket: str, tokens: float, *, rate_per_s: float, burst: float, lane: Lane) -> float:
        """As the protocol says; while Redis is away, from this process' own share."""
        level = needed(tokens, burst=burst, lane=lane)
        keys, arguments = [f"{self._prefix}bucket:{bucket}"], [tokens, rate_per_s, burst, level]
        wait = await self._ask(partial(self._take, keys=keys, args=arguments))
        if wait is not None:
            return float(wait)
        share = self._share
        return await self._own.take(
            bucket, tokens, rate_per_s=rate_per_s * share, burst=burst * share, lane=lane
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
