"""The counting devices as staff see them: who is silent or tired, which door has none, what was refused."""

from datetime import timedelta
from pathlib import Path

import msgspec

from shelters.device import Counts, Device, Devices
from shelters.device_book import DeviceBook
from shelters.intake import Sorted, Vital
from shelters.reading import Refusal
from shelters.sensors.counting import Condition, condition
from shelters.sensors.decoding import decode
from tests.unit.operator_ui.desk import NOW, SITES, Desk, served, somebody

SITE = next(iter(SITES))


def door(name: str, at_door: str = "") -> Device:
    return Device(
        id=name, site=SITE, counts=Counts.DOOR_TOTALS, key="k", interval=timedelta(minutes=1), at_door=at_door
    )


async def test_without_devices_it_says_how_there_would_be_some(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer:
        assert "登録された計測機器はありません" in await viewer.get("/devices")
        shelters = await viewer.get("/shelters")
        assert 'href="/devices"' in shelters
        assert "要確認" not in shelters


async def test_who_is_silent_or_tired_what_door_has_none_and_what_was_refused(
    desk: Desk, tmp_path: Path
) -> None:
    desk.devices = Devices([door("north", "正面"), door("spare")], {}, {SITE: ["正面", "体育館"]})
    book = desk.device_book = DeviceBook(f"sqlite:///{tmp_path / 'occupancy.db'}", clock=lambda: NOW)
    async with book.kept():
        tired = Condition(battery=12, trouble=("Devices Misaligned",))
        book.note(Sorted(heard=(Vital(device="north", what="uplink", condition=tired),)))
        nonsense = Refusal(
            place="$ north", message="999 people cannot have passed / 通れません", device="north"
        )
        book.note(Sorted(refused=(nonsense,)), b"<script>alert(1)</script>\x00")
        strange = Refusal(place="$", message="no", stranger=True, device="24e124713c999999")
        book.note(Sorted(refused=(strange,)))
        async with served(desk), somebody(desk, "ono") as viewer:
            page = await viewer.get("/devices")
            assert "計測器のない扉：体育館" in page
            assert "電池 12%" in page
            assert "機器からの異常：Devices Misaligned" in page
            assert page.count("受信なし") == 1
            assert page.count("受信中") == 1
            assert "通れません" in page
            assert "<script>alert" not in page
            assert "計測器のない扉：体育館" in await viewer.get(f"/shelters/{SITE}")
            assert "24e124713c999999" in page
            assert "要確認 2" in await viewer.get("/shelters")


async def test_whether_somebody_is_there_is_shown_and_is_no_number(desk: Desk, tmp_path: Path) -> None:
    office = msgspec.structs.replace(door("office"), counts=Counts.PRESENCE)
    desk.devices = Devices([office, msgspec.structs.replace(office, id="store")], {})
    book = desk.device_book = DeviceBook(f"sqlite:///{tmp_path / 'occupancy.db'}", clock=lambda: NOW)
    async with book.kept(), served(desk), somebody(desk, "ono") as viewer:
        seen = condition(decode("milesight", "vs340", 85, bytes.fromhex("017564030001")))
        book.note(Sorted(heard=(Vital(device="office", what="uplink", condition=seen),)))
        page = await viewer.get("/devices")
        assert page.count("人がいます") == 1
        assert page.count("人がいるかどうか：不明") == 1, "a sensor that is silent says nothing"
        assert page.count("（人数には数えません）") == 2


async def test_a_counter_that_is_misaligned_says_that_it_is_not_counted(desk: Desk, tmp_path: Path) -> None:
    desk.devices = Devices([door("north")], {})
    book = desk.device_book = DeviceBook(f"sqlite:///{tmp_path / 'occupancy.db'}", clock=lambda: NOW)
    async with book.kept(), served(desk), somebody(desk, "ono") as viewer:
        said = condition(decode("milesight", "vs360", 85, bytes.fromhex("03F40201")))
        book.note(Sorted(heard=(Vital(device="north", what="uplink", condition=said),)))
        page = await viewer.get("/devices")
        assert "機器からの異常：Devices Misaligned" in page
        assert "この機器の計測は人数に入れません" in page
        assert "要確認 1" in await viewer.get("/shelters")
