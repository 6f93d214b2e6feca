"""Tasks that run beside what started them: kept from the garbage collector, their failures logged."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import structlog

log = structlog.get_logger(__name__)

CANCELS = 25
CANCEL_S = 0.2


class Background:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def running(self) -> int:
        """How many are not done."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    async def finish(self, timeout_s: float) -> None:
        """Wait for what runs; cancel what is not done by then, and wait for that."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a background task failed", task=task.get_name(), exc_info=error)


async def end_others() -> Sequence[str]:
    """Cancel every other task of the loop, as often as it takes. Gives the names of those that go on all the same.

    aiokafka swallows cancellation in places, and `asyncio.run` would wait for such a task for ever.
    """
    for _ in range(CANCELS):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if not others:
            return ()
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=CANCEL_S)
    return sorted(
        f"{task.get_name()} {getattr(task.get_coro(), '__qualname__', '')}"
        for task in others
        if not task.done()
    )


async def beat(
    duty: Callable[[], Awaitable[None]], every_s: float, *, poke: asyncio.Event | None = None
) -> None:
    """Run `duty` every so often until cancelled, and at once when `poke` is set.

    One that fails is logged and tried again on the next beat: neither a database that is away nor a fault
    of ours ends it.
    """
    waiting = poke or asyncio.Event()
    while True:
        waiting.clear()
        try:
            await duty()
        except Exception:
            log.exception("a duty failed; it is tried again", duty=duty.__qualname__, after_s=every_s)
        try:
            async with asyncio.timeout(every_s):
                await waiting.wait()
        except TimeoutError:
            continue
