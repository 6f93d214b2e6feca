"""Too little room on the disk: new alerts are refused in words, and what is under way goes on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.alert import Mode
from hub.cap import MsgType
from hub.disk import Disk
from hub.draft import State
from hub.errors import DiskFull
from hub.intake import Intake
from hub.ledger import tables
from hub.prepared import draft_id
from hub.testing.alerts import a_message
from tests.integration.engine import APPROVER, AUTHOR, KEYS, Engine, engine, mail
from tests.integration.test_engine_intake import VIEWER, approval, count


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Engine]:
    async with engine(tmp_path, channels={"mail": mail(9)}) as made:
        yield made


class Full(Disk):
    def free(self) -> float:
        return 0.06


async def test_with_too_little_room_new_alerts_are_refused_and_the_rest_goes_on(
    hub: Engine, tmp_path: Path
) -> None:
    out = [await hub.send() for _ in range(3)]
    full = Intake(
        ledger=hub.ledger, records=hub.records, keys=KEYS, stops=hub.stops, sender="akishima.example",
        clock=hub.clock, page=hub.page, relay=hub.sweeper.poke, disk=Full(tmp_path, limit=0.1),
    )  # fmt: skip
    for mode in (Mode.LIVE, Mode.STAFF_DRILL):
        draft = await hub.submit(a_message(mode=mode))
        with pytest.raises(DiskFull, match="6%"):
            await full.accept(approval(draft), APPROVER if mode is Mode.LIVE else AUTHOR)
        assert (await full.read(draft, VIEWER)).state is State.SUBMITTED, "it can be sent later"
    assert await count(hub, tables.alerts) == len(out)

    correction = await full.submit(draft_id(out[0]), AUTHOR, seen=1)
    await full.accept(approval(correction.id, typed=None), APPROVER)
    update = await hub.submit(a_message(msg_type=MsgType.UPDATE, references=(out[1],)))
    await full.accept(approval(update), APPROVER)
    await full.stop(out[2], AUTHOR)


async def test_a_database_without_room_says_so_and_keeps_what_it_had(hub: Engine) -> None:
    draft = await hub.submit(a_message())
    await hub.ledger.write(
        lambda conn: conn.exec_driver_sql(
            f"PRAGMA max_page_count = {conn.exec_driver_sql('PRAGMA page_count').scalar_one()}"
        )
    )
    saves = (hub.intake.save(a_message(), AUTHOR) for _ in range(50))
    with pytest.raises(DiskFull, match="空きを増やして"):
        await asyncio.gather(*saves)
    with pytest.raises(DiskFull):
        await hub.intake.accept(approval(draft), APPROVER)
    assert [await count(hub, each) for each in (tables.alerts, tables.outbox)] == [0, 0]
    await hub.ledger.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 1000000"))
    await hub.intake.accept(approval(draft), APPROVER)
    await hub.audited()
