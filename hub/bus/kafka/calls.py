"""A call of aiokafka: it ends in time, and fails in one way."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from aiokafka.errors import ConsumerStoppedError, IllegalOperation, KafkaError

from hub.bus.ending import bounded
from hub.bus.transport import Unavailable

T = TypeVar("T")

REQUEST_S = 5.0

FAILURES = (KafkaError, ConsumerStoppedError, IllegalOperation, OSError, AssertionError)
"""What aiokafka raises when it, or its broker, is at fault."""


async def within(seconds: float, doing: Coroutine[Any, Any, T]) -> T:
    """Raises `Unavailable`, also when the time is over."""
    try:
        return await bounded(seconds, doing)
    except FAILURES as e:
        raise Unavailable(type(e).__name__) from e
