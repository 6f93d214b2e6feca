"""The register of devices in a ledger: in force in every process without a restart, and never half of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub import codec
from hub import keys as key_files
from hub.errors import BadInput, Conflict
from hub.ledger import Ledger, audit, revisions
from hub.testing.databases import with_schema
from shelters import register
from shelters.device import Counts, Device
from shelters.device_rows import DeviceRow, KeyRow, Rows
from shelters.inspector import Inspector
from shelters.intake import Sorted
from shelters.reading import DoorTotals, Reading, Refusal, Sent
from shelters.register import Register
from shelters.register_changes import hold, release, retire, set_device
from tests.unit.operator_ui.desk import SITES

NOW = datetime(2026, 9, 12, 13, 3, tzinfo=UTC)
SITE = next(iter(SITES))
DOOR = DeviceRow(id="north", site=SITE, counts=Counts.DOOR_TOTALS, key="gym", interval_s=600)
FILE = Rows(keys=(KeyRow(name="gym", sha256="0" * 64),))


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = Ledger(with_schema(tmp_path / "ledger.db"))
    await opened.open()
    yield opened
    await opened.close()


class Hub:
    """Two processes of one, and who changes its register."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        key_files.create(folder / "keys")
        self.ledger, self.keys = ledger, key_files.load(folder / "keys")
        (folder / "devices.toml").write_text(f'[[keys]]\nname = "gym"\nsha256 = "{"0" * 64}"\n')
        self.here, self.there = (Register(ledger, self.keys, folder, SITES) for _ in range(2))

    async def put(self, rows: Rows, *, seen: int, by: str = "sato") -> None:
        await self.ledger.write(
            lambda conn: register.put(
                conn, self.keys, rows, sites=SITES, seen=seen, at=NOW, by=by, detail={"change": "device"}
            )
        )

    async def rows(self) -> Rows:
        return (await self.here.standing()).rows


@pytest.fixture
def hub(ledger: Ledger, tmp_path: Path) -> Hub:
    return Hub(ledger, tmp_path)


def sent() -> Sent:
    return Sent(place="$", device="north", id="1", at=NOW, measure=DoorTotals(entered=1, left=0))


async def test_a_change_is_in_force_everywhere_without_a_restart_and_is_audited(hub: Hub) -> None:
    devices = hub.there.devices
    assert isinstance(devices.admit(sent(), key="gym"), Refusal)
    await hub.put(set_device(FILE, DOOR, at=NOW), seen=0)
    for each in (hub.here, hub.there):
        await each.refresh()
    assert isinstance(devices.admit(sent(), key="gym"), Device)
    await hub.put(retire(await hub.rows(), "north", at=NOW), seen=1)
    await hub.there.refresh()
    assert isinstance(devices.admit(sent(), key="gym"), Refusal)
    first, second = await hub.ledger.read(lambda conn: audit.about(conn, [register.SUBJECT]))
    assert {first.action, second.action} == {"devices.set"}
    assert "0" * 64 not in str(first.detail)


async def test_a_process_that_runs_learns_of_it_by_itself_and_what_it_cannot_read_leaves_it_as_it_was(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "LOOK_EVERY_S", 0.01)

    async def until(ids: list[str]) -> None:
        async with asyncio.timeout(60):
            while [device.id for device in hub.there.devices.all()] != ids:
                await asyncio.sleep(0.01)

    async with hub.there.kept():
        await hub.put(set_device(FILE, DOOR, at=NOW), seen=0)
        await until(["north"])
        for seen, value in ((1, b"{"), (2, codec.encode(FILE))):
            await hub.ledger.write(
                lambda conn, seen=seen, value=value: revisions.add(
                    conn, hub.keys, register.SUBJECT, value, seen=seen, at=NOW, by="sato"
                )
            )
            if seen == 1:
                with pytest.raises(BadInput, match="devices"):
                    await hub.here.refresh()
                assert [device.id for device in hub.there.devices.all()] == ["north"]
        await until([])


async def test_what_is_wrong_or_too_late_changes_nothing(hub: Hub) -> None:
    await hub.put(set_device(FILE, DOOR, at=NOW), seen=0)
    wrong = DeviceRow(id="south", site="E999", counts=Counts.DOOR_TOTALS, interval_s=60)
    with pytest.raises(BadInput, match="south site: 'E999' is not in"):
        await hub.put(set_device(await hub.rows(), wrong, at=NOW), seen=1)
    with pytest.raises(Conflict):
        await hub.put(FILE, seen=0)
    await hub.here.refresh()
    assert [device.id for device in hub.here.devices.all()] == ["north"]


async def test_a_site_that_is_gone_takes_its_devices_along_and_no_others(hub: Hub, tmp_path: Path) -> None:
    other = DeviceRow(id="hall", site=list(SITES)[1], counts=Counts.HEADS, interval_s=60)
    await hub.put(set_device(set_device(FILE, DOOR, at=NOW), other, at=NOW), seen=0)
    left = {code: site for code, site in SITES.items() if code != SITE}
    smaller = Register(hub.ledger, hub.keys, tmp_path, left)
    await smaller.refresh()
    assert [device.id for device in smaller.devices.all()] == ["hall"]
    assert register.lost_sites((await smaller.standing()).rows, left) == [SITE]


async def test_who_is_held_counts_nobody_and_who_is_released_may_begin_anywhere(hub: Hub) -> None:
    inspector = Inspector(hub.here.devices, clock=lambda: NOW + timedelta(minutes=10))

    def counted(minute: int, entered: int) -> Sorted:
        at = NOW + timedelta(minutes=minute)
        given = Sent(
            place="$", device="north", id=f"{minute}", at=at, measure=DoorTotals(entered=entered, left=0)
        )
        match hub.here.devices.admit(given, key="gym"):
            case Device() as device:
                found: list[Reading] = [device.reading(given, received_at=at)]
                return inspector.inspect(Sorted(taken=tuple(found)))
            case refusal:
                return Sorted(refused=(refusal,))

    async def change(rows: Rows, *, seen: int) -> None:
        await hub.put(rows, seen=seen)
        await hub.here.refresh()

    await change(set_device(FILE, DOOR, at=NOW), seen=0)
    assert counted(1, 100).taken
    assert "cannot have passed" in counted(2, 900_000).refused[0].message
    await change(hold(await hub.rows(), "north"), seen=1)
    assert "held back" in counted(3, 101).refused[0].message
    released_at = NOW + timedelta(minutes=4)
    await change(release(await hub.rows(), "north", at=released_at), seen=2)
    assert not counted(3, 101).taken, "counted before it was believed again"
    (first,) = counted(5, 900_000).taken
    assert first.since == released_at
    assert "cannot have passed" in counted(6, 2_000_000).refused[0].message
