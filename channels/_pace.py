"""Single requests: each started when its turn comes, answered as they come."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from typing import Any

from hub.delivery import Result
from hub.recipient import Recipient


async def paced(
    to: Sequence[Recipient],
    send_one: Callable[[Recipient], Coroutine[Any, Any, Result]],
    *,
    turn: Callable[[], Awaitable[None]],
) -> AsyncGenerator[Result, None]:
    """Start `send_one` for each once `turn` returns; yield what they return, as it comes.

    A slow answer does not hold up the next request. The first exception, also one of `turn`, lets those
    under way finish, starts no more, and is then raised. Closing the iterator cancels those under way.
    """
    under_way: set[asyncio.Task[Result]] = set()
    failures: list[BaseException] = []
    try:
        for recipient in to:
            try:
                await turn()
            except Exception as e:
                failures.append(e)
            finished = {task for task in under_way if task.done()}
            under_way -= finished
            for result in _results(finished, failures):
                yield result
            if failures:
                break
            under_way.add(asyncio.create_task(send_one(recipient)))
        while under_way:
            finished, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for result in _results(finished, failures):
                yield result
        if failures:
            raise failures[0]
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def _results(finished: set[asyncio.Task[Result]], failures: list[BaseException]) -> list[Result]:
    """What came of them; who failed is added to `failures`."""
    errors = {task: task.exception() for task in finished}
    failures += [error for error in errors.values() if error is not None]
    return [task.result() for task, error in errors.items() if error is None]
