"""The role `sweep`: what must happen though nobody asks for it, and the dead letters."""

import asyncio

from yobikake.assembly import Assembly


async def run(assembly: Assembly) -> None:
    """Until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(assembly.sweeper.run())
        group.create_task(assembly.office.run())
