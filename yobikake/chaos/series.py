"""Many runs, several side by side, each in a folder of its own."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from yobikake.chaos.plan import plan
from yobikake.chaos.runner import Outcome, Stage, run
from yobikake.chaos.shapes import Shape
from yobikake.chaos.spawn import Nursery


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A run that ended. `kept`: its folder, where something was violated."""

    outcome: Outcome
    kept: Path | None


async def series(
    seeds: Sequence[int],
    shape: type[Shape],
    *,
    jobs: int,
    sabotage: str | None,
    on_done: Callable[[Done], None],
) -> None:
    """Run every seed; `on_done` is called after each.

    Raises:
        Refused: a server did not start.
    """
    waiting = list(reversed(seeds))
    async with AsyncExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="yobikake-chaos-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        await asyncio.to_thread(folder.chmod, 0o755)  # PostgreSQL may run as another user
        nursery = Nursery()
        await nursery.open()
        stack.push_async_callback(nursery.close)
        stages = [
            await _opened(shape(), folder / f"shape-{number}", nursery, sabotage, stack)
            for number in range(min(jobs, len(seeds)))
        ]
        async with asyncio.TaskGroup() as group:
            for stage in stages:
                group.create_task(_job(stage, waiting, on_done))


async def _opened(
    shape: Shape, folder: Path, nursery: Nursery, sabotage: str | None, stack: AsyncExitStack
) -> Stage:
    """One after the other: migrations do not run side by side in a process."""
    await asyncio.to_thread(folder.mkdir)
    stack.push_async_callback(shape.close)
    return Stage(shape=shape, people=await shape.open(folder), nursery=nursery, sabotage=sabotage)


async def _job(stage: Stage, waiting: list[int], on_done: Callable[[Done], None]) -> None:
    while waiting:
        seed = waiting.pop()
        own, kept = Path(tempfile.mkdtemp(prefix=f"yobikake-chaos-seed-{seed}-")), None
        try:
            outcome = await run(plan(seed, stage.shape), stage, own)
            kept = own if outcome.findings.violations else None
        finally:
            if kept is None:
                shutil.rmtree(own, ignore_errors=True)
        on_done(Done(outcome=outcome, kept=kept))
