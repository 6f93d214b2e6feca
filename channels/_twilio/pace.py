"""One second of single requests: started at the contract's rate, answered as they come."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any

from hub.delivery import Result
from hub.recipient import Recipient


async def paced(
    to: Sequence[Recipient], send_one: Callable[[Recipient], Coroutine[Any, Any, Result]], *, per_s: float
) -> AsyncGenerator[Result, None]:
    """Start `send_one` for each at the contract's rate; yield what they return, as it comes.

    A slow answer does not hold up the next request. The first exception lets those under way
    finish, starts no more, and is then raised. Closing the iterator cancels those under way.
    """
    start = asyncio.get_running_loop().time()
    under_way: set[asyncio.Task[Result]] = set()
    finished: list[asyncio.Task[Result]] = []
    try:
        for number, recipient in enumerate(to):
            finished += await _finished_until(start + number / per_s, under_way)
            if any(task.exception() for task in finished):
                break
            under_way.add(asyncio.create_task(send_one(recipient)))
            while finished:
                yield finished.pop().result()
        while under_way:
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            finished += done
            for task in [task for task in finished if not task.exception()]:
                finished.remove(task)
                yield task.result()
        for task in finished:
            task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _finished_until(due: float, under_way: set[asyncio.Task[Result]]) -> list[asyncio.Task[Result]]:
    """Wait until `due` (the loop's time); take out of `under_way` what has finished by then."""
    wait_s = due - asyncio.get_running_loop().time()
    if wait_s > 0:
        await asyncio.sleep(wait_s)
    finished = [task for task in under_way if task.done()]
    under_way.difference_update(finished)
    return finished
