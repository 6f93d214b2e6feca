"""Whoever accepts an alert publishes it, also in a hub whose outbox another process looks after."""

import asyncio
from pathlib import Path

from sqlalchemy import func, select

from hub import settings
from hub.bus import ALERTS
from hub.codec import AlertRecord
from hub.ledger import tables
from tests.integration.engine import until
from yobikake import roles
from yobikake.assembly import assemble
from yobikake.bench.town import ended
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city


async def test_a_process_that_accepts_alerts_and_does_not_sweep_publishes_them(tmp_path: Path) -> None:
    people = evening.clerks()
    async with rehearsal_city(tmp_path, residents_port=0, staff_port=0, conditions=Conditions()) as town:
        await evening.set_up(town, people, number=0, seed=1, progress=lambda *_: None)
        async with assemble(settings.load(tmp_path / "yobikake.toml")) as assembly:
            ready = asyncio.Event()
            running = asyncio.create_task(roles.run(assembly, ["api"], ready=ready.set))
            await ready.wait()
            sent, _ = await evening.alert(assembly, *people, grounds="test", whole_city=True)

            async def outbox_is_empty() -> bool:
                count = select(func.count()).select_from(tables.outbox)
                return not await assembly.ledger.read(lambda conn: conn.execute(count).scalar_one())

            await until(outbox_is_empty)
            async with assembly.bus.subscribe(ALERTS, group="test") as subscription:
                (record,) = await subscription.get()
            await ended(running)
    opened = assembly.records.unseal(AlertRecord, record.topic, record.key, record.value)
    assert opened.identifier == sent.alert.identifier
