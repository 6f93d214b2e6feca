"""Counting devices in the console: registered, changed, held back, released and taken down; their doors and keys."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hub.ledger import audit
from shelters import register
from shelters.device_rows import from_toml
from shelters.register import Register
from tests.unit.operator_ui.desk import NOW, SITES, Desk, Person, served, somebody

SITE, OTHER = list(SITES)[:2]
FILLED = {
    "id": "gym-north", "site": str(SITE), "counts": "door_totals", "interval_s": "600",
    "model": "milesight vs135", "address": "24E124713C123456", "part": "line 1", "key": "*new",
}  # fmt: skip


@asynccontextmanager
async def registering(
    desk: Desk, folder: Path, login: str = "sato"
) -> AsyncIterator[tuple[Person, Register]]:
    (folder / "devices.toml").write_text("")
    desk.register = Register(desk.ledger, desk.keys, folder, SITES)
    desk.devices = desk.register.devices
    async with served(desk), somebody(desk, login) as person:
        yield person, desk.register


async def add(person: Person, **changes: str) -> str:
    await person.get("/device-new")
    return await person.submit("/devices", **{**FILLED, **changes})


def token(page: str) -> str:
    (found,) = re.findall(r'id="token">([^<]+)<', page)
    return found


async def test_a_device_is_registered_and_its_key_is_shown_once(desk: Desk, tmp_path: Path) -> None:
    async with registering(desk, tmp_path) as (person, devices):
        shown = token(await add(person))
        assert devices.devices.key_of(shown, now=NOW) == "gym-north"
        (device,) = devices.devices.parts_of("24e124713c123456")
        assert (device.id, device.site, device.patience) == ("gym-north", SITE, timedelta(minutes=20))
        page = await person.get("/devices")
        assert "gym-north" in page
        for path in ("/devices", "/devices/gym-north", "/device-keys", "/device-export"):
            assert shown not in await person.get(path)
        (entry,) = await desk.ledger.read(lambda conn: audit.about(conn, [register.SUBJECT]))
        assert (entry.actor, entry.detail) == (
            "sato",
            {"number": 1, "change": "device", "device": "gym-north"},
        )


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"id": "a/b"}, "id", "英数字"),
        ({"id": ""}, "id", "英数字"),
        ({"site": "E9"}, "site", "避難所の一覧にありません"),
        ({"interval_s": "0"}, "interval_s", "86400"),
        ({"interval_s": "soon"}, "interval_s", "86400"),
        ({"address": "24E1"}, "address", "16桁"),
        ({"part": "line 9"}, "part", "のどれかです"),
        ({"model": "milesight vs330"}, "model", "人数を数える機種ではありません"),
        ({"key": "nobody"}, "key", "鍵がありません"),
        ({"staff": "3"}, "staff", "人数の計測だけ"),
        ({"staff_door": "1", "counts": "check_in_list", "model": ""}, "staff_door", "扉の計測だけ"),
        ({"readings_per_minute": "601"}, "readings_per_minute", "600"),
        ({"error_percent": "nan"}, "error_percent", "0から50"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(
    desk: Desk, tmp_path: Path, changes: dict[str, str], field: str, says: str
) -> None:
    async with registering(desk, tmp_path) as (person, devices):
        page = await add(person, **changes)
        assert person.status == 422
        (problem,) = re.findall(rf'id="{field}-problem">(.*?)</p>', page, re.DOTALL)
        assert says in problem
        assert "24E1" in page, "what was typed is lost"
        assert (await devices.standing()).revision == 0


async def test_a_device_is_changed_held_released_and_taken_down(desk: Desk, tmp_path: Path) -> None:
    async with registering(desk, tmp_path) as (person, devices):
        await add(person)
        assert 'name="id"' not in await person.get("/devices/gym-north")
        await person.submit("/devices/gym-north", interval_s="60", readings_per_minute="30")
        assert "保存しました" in person.page
        await person.get("/devices/gym-north")
        await person.submit("/devices/gym-north/hold")
        assert "計測から外しています" in person.page
        (device,) = devices.devices.all()
        assert (device.held, device.per_minute, device.since) == (True, 30, None)
        await person.get("/devices/gym-north")
        await person.submit("/devices/gym-north/release")
        (device,) = devices.devices.all()
        assert (device.held, device.since) == (False, NOW)
        await person.get("/devices/gym-north")
        old = person.form("/devices/gym-north")
        await person.submit("/devices/gym-north/retire")
        assert "取り外した機器（1台）" in person.page
        assert devices.devices.all() == ()
        await person.post("/devices/gym-north", old)
        assert person.status == 404
        assert "取り外した機器の id" in await add(person, key="")


async def test_of_two_who_change_it_at_once_the_second_is_told(desk: Desk, tmp_path: Path) -> None:
    async with registering(desk, tmp_path) as (first, devices), somebody(desk, "tanaka") as second:
        await first.get("/device-new")
        await second.get("/device-new")
        await first.submit("/devices", **FILLED)
        page = await second.submit("/devices", **{**FILLED, "id": "other", "address": "24E124713C123457"})
        assert second.status == 409
        assert "ほかの人が先に変更しました" in page
        assert [device.id for device in devices.devices.all()] == ["gym-north"]


async def test_doors_and_who_counts_there_are_changed_together(desk: Desk, tmp_path: Path) -> None:
    async with registering(desk, tmp_path) as (person, devices):
        await add(person)
        await person.get(f"/device-doors/{SITE}")
        page = await person.submit(f"/device-doors/{SITE}", names="正面\n職員口")
        assert person.status == 422
        assert 'id="door-gym-north-problem"' in page
        await person.submit(f"/device-doors/{SITE}", **{"names": "正面\n職員口", "door-gym-north": "正面"})
        assert "計測器のない扉：職員口" in person.page
        assert devices.devices.uncovered(SITE) == ("職員口",)
        await person.get(f"/device-doors/{SITE}")
        assert person.status == 200
        await person.get("/device-doors/E9")
        assert person.status == 404


async def test_a_key_is_exchanged_with_an_overlap_and_then_ended(desk: Desk, tmp_path: Path) -> None:
    async with registering(desk, tmp_path) as (person, devices):
        old = token(await add(person))
        await person.get("/device-keys")
        new = token(await person.submit("/device-keys/exchange", overlap="day"))
        later = NOW + timedelta(days=1)
        assert [devices.devices.key_of(each, now=NOW) for each in (old, new)] == ["gym-north"] * 2
        assert [devices.devices.key_of(each, now=later) for each in (old, new)] == [None, "gym-north"]
        page = await person.get("/device-keys")
        assert page.count('action="/device-keys/end"') == 1, "the only one of a device can be ended"
        await person.submit("/device-keys/end")
        assert devices.devices.key_of(old, now=NOW) is None
        await person.get("/device-keys")
        assert "同じ名前の鍵があります" in await person.submit("/device-keys", name="gym-north")


async def test_the_register_can_be_taken_along(desk: Desk, tmp_path: Path) -> None:
    async with registering(desk, tmp_path) as (person, devices):
        await add(person)
        rows = from_toml(await person.get("/device-export"), name="devices.toml")
        assert rows == (await devices.standing()).rows
        assert [row.id for row in rows.devices] == ["gym-north"]


async def test_who_only_looks_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    async with registering(desk, tmp_path, "ono") as (person, devices):
        assert "/device-new" not in await person.get("/devices")
        for path in (
            "/device-new",
            "/device-keys",
            "/device-export",
            f"/device-doors/{SITE}",
            "/devices/gym-north",
        ):
            await person.get(path)
            assert person.status == 403, path
        await person.get("/devices")
        for path in (
            "/devices",
            "/devices/x/retire",
            "/device-keys",
            "/device-keys/exchange",
            "/device-keys/end",
        ):
            await person.post(path, FILLED)
            assert person.status == 403, path
        assert (await devices.standing()).revision == 0
