"""A process can end, whatever its tasks make of being cancelled."""

import asyncio
from contextlib import suppress

import pytest

from hub import background
from hub.background import end_others


async def _deaf(stops_after: int) -> None:
    for _ in range(stops_after):
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def test_with_nothing_left_there_is_nothing_to_name() -> None:
    assert await end_others() == ()


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    task = asyncio.create_task(_deaf(3))
    await asyncio.sleep(0)
    assert await end_others() == ()
    assert task.done()


async def test_one_that_never_ends_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "CANCELS", 2)
    monkeypatch.setattr(background, "CANCEL_S", 0.01)
    task = asyncio.create_task(_deaf(4), name="stubborn")
    await asyncio.sleep(0)
    assert await end_others() == ["stubborn _deaf"]
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.01)
