"""Deadlines that hold for aiokafka, and ending one of its clients that does not end by itself.

aiokafka swallows cancellation in places, and `asyncio.wait_for` then waits for ever. Its `stop()` can
wait for a broker without end, and a part that is left alive goes on: a producer's sender writes what
was given up, a consumer takes its place in the group back from its successor.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

CANCELS = 10
CANCEL_S = 0.2
CLOSE_S = 1.0


async def bounded(seconds: float, doing: Coroutine[Any, Any, T]) -> T:
    """What `doing` returns.

    Raises:
        TimeoutError: not in time, whether `doing` minds its cancellation or not; or something inside
            it was cancelled, which must not look as if the caller were.
    """
    task = asyncio.create_task(doing)
    task.add_done_callback(_seen)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done or task.cancelled():
        task.cancel()
        raise TimeoutError
    return task.result()


async def cut(client: Any, *owners: object) -> None:
    """End all tasks of a client, then its connections. `owners` are its parts: producer, sender and so on.

    Ends within some seconds.
    """
    for _ in range(CANCELS):
        tasks = _tasks_of(client, *owners)
        if not tasks:
            break
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_S)
    for connection in client._conns.values():
        if connection._writer is not None:
            connection._writer.transport.abort()
    await asyncio.wait({asyncio.create_task(client.close())}, timeout=CLOSE_S)


def _tasks_of(*owners: object) -> set[asyncio.Task[Any]]:
    """aiokafka keeps no list of the tasks it starts; each of them runs a method of one of its parts."""
    return {task for task in asyncio.all_tasks() if any(_self_of(task) is owner for owner in owners)}


def _self_of(task: asyncio.Task[Any]) -> object:
    frame = getattr(task.get_coro(), "cr_frame", None)
    return frame.f_locals.get("self", task) if frame else task


def _seen(task: asyncio.Task[Any]) -> None:
    """Nothing is left to be done about an error of something nobody waits for any more."""
    if not task.cancelled():
        task.exception()
