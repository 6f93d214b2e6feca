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
    failed: list[asyncio.Task[Result]] = []
    try:
        for number, recipient in enumerate(to):
            for task in await _finished_until(start + number / per_s, under_way):
                if task.exception():
                    failed.append(task)
                else:
                    yield task.result()
            if failed:
                break
            under_way.add(asyncio.create_task(send_one(recipient)))
        while under_way:
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.exception():
                    failed.append(task)
                else:
                    yield task.result()
        for task in failed:
            task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _finished_until(due: float, under_way: set[asyncio.Task[Result]]) -> list[asyncio.Task[Result]]:
    """Wait until `due` (the loop's time); take out of `under_way` what has finished by then."""
    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
    finished = [task for task in under_way if task.done()]
    under_way.difference_update(finished)
    return finished
