"""The role `shelters`: readings by MQTT in, occupancy and plans of where to send people out."""

import asyncio
from collections.abc import Awaitable

from shelters import record
from shelters.crowding import Thresholds, in_force, load_thresholds
from shelters.device_book import DeviceBook
from shelters.history import History
from shelters.inspector import Inspector
from shelters.keeper import Keeper
from shelters.outlooks import Outlooks
from shelters.register import Register
from shelters.router import Router
from shelters.snapshots import Snapshots
from yobikake import brokers
from yobikake.assembly import Assembly


async def run(assembly: Assembly) -> None:
    """Until cancelled."""
    register = Register(assembly.ledger, assembly.keys, assembly.city_folder, assembly.sites)
    await register.refresh()
    snapshots = Snapshots(assembly.settings.occupancy_url)
    history = History(assembly.settings.occupancy_url)
    await snapshots.open()
    await snapshots.forget_earlier()
    await history.open()
    city = load_thresholds(assembly.city_folder)

    def thresholds() -> Awaitable[Thresholds]:
        return assembly.ledger.read(lambda conn: in_force(conn, assembly.keys, city))

    keeper = Keeper(
        bus=assembly.bus,
        live=assembly.live,
        snapshots=snapshots,
        outlooks=Outlooks(history, forecasting=assembly.settings.shelters.forecast),
        records=assembly.records,
        sites=dict(assembly.sites),
        devices=register.devices,
        thresholds=city,
        current=thresholds,
        reports=lambda since: assembly.ledger.read(lambda conn: record.readings_since(conn, since)),
        clock=assembly.clock,
    )
    router = Router(
        board=assembly.board,
        live=assembly.live,
        origins=assembly.origins,
        clock=assembly.clock,
        thresholds=thresholds,
    )
    book = DeviceBook(assembly.settings.occupancy_url, clock=assembly.clock)
    inspector = Inspector(register.devices, clock=assembly.clock, book=book)
    try:
        async with register.kept(), book.kept(), asyncio.TaskGroup() as group:
            group.create_task(keeper.run())
            group.create_task(router.run())
            for intake in brokers.intakes(assembly, inspector):
                group.create_task(intake.run())
    finally:
        await history.close()
        await snapshots.close()
