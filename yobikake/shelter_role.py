"""The role `shelters`: readings by MQTT in, occupancy out."""

import asyncio

from shelters import record
from shelters.crowding import in_force, load_thresholds
from shelters.device import load_devices
from shelters.keeper import Keeper
from shelters.snapshots import Snapshots
from yobikake import brokers
from yobikake.assembly import Assembly


async def run(assembly: Assembly) -> None:
    """Until cancelled."""
    devices = load_devices(assembly.city_folder, assembly.sites)
    snapshots = Snapshots(assembly.settings.occupancy_url)
    await snapshots.open()
    thresholds = load_thresholds(assembly.city_folder)
    keeper = Keeper(
        bus=assembly.bus,
        live=assembly.live,
        snapshots=snapshots,
        records=assembly.records,
        sites=dict(assembly.sites),
        devices=devices,
        thresholds=thresholds,
        current=lambda: assembly.ledger.read(lambda conn: in_force(conn, assembly.keys, thresholds)),
        reports=lambda since: assembly.ledger.read(lambda conn: record.readings_since(conn, since)),
        clock=assembly.clock,
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(keeper.run())
            for intake in brokers.intakes(assembly, devices):
                group.create_task(intake.run())
    finally:
        await snapshots.close()
