"""The register of devices: what a change makes of it, and what a file of it holds."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub.errors import BadInput
from shelters import device_check, device_rows
from shelters.device import Counts, Devices
from shelters.device_rows import DeviceRow, KeyRow, Rows, SensorRow
from shelters.register_changes import (
    Overlap,
    add_key,
    end_key,
    exchange_key,
    hold,
    imported,
    release,
    retire,
    set_device,
    set_doors,
)
from shelters.site import SiteCode

NOW = datetime(2026, 9, 12, 13, 3, tzinfo=UTC)
SITES = {SiteCode("E1"), SiteCode("E2")}
SENSOR = SensorRow(vendor="milesight", model="vs135", dev_eui="24E124713C123456")
DOOR = DeviceRow(
    id="north",
    site="E1",
    counts=Counts.DOOR_TOTALS,
    key="gym",
    interval_s=600,
    sensor=SENSOR,
    error_percent=2.5,
)
ROWS = Rows(keys=(KeyRow(name="gym", sha256="0" * 64),), devices=(DOOR,))


def in_force(rows: Rows) -> Devices:
    return device_check.devices(rows, SITES)


def test_a_register_is_written_and_read_as_it_is() -> None:
    everything = retire(
        set_doors(set_device(ROWS, msgspec.structs.replace(DOOR, id="south", sensor=None), at=NOW), "E1", ["正面"], {"north": "正面"}),
        "south",
        at=NOW,
    )  # fmt: skip
    everything, _ = exchange_key(
        release(hold(everything, "north"), "north", at=NOW), "gym", Overlap.DAY, at=NOW
    )
    text = device_rows.to_toml(everything)
    assert device_rows.from_toml(text, name="devices.toml") == everything
    assert device_rows.from_toml(device_rows.to_toml(Rows()), name="devices.toml") == Rows()


def test_an_exchanged_key_opens_for_a_while_beside_the_new_one() -> None:
    rows, old = add_key(ROWS, "hall")
    rows, new = exchange_key(rows, "hall", Overlap.WEEK, at=NOW)
    devices = in_force(rows)
    week = NOW + timedelta(days=7)
    assert [devices.key_of(token, now=NOW) for token in (old, new)] == ["hall", "hall"]
    assert [devices.key_of(token, now=week) for token in (old, new)] == [None, "hall"]
    rows, newer = exchange_key(rows, "hall", Overlap.NONE, at=week)
    assert [key.name for key in rows.keys].count("hall") == 2, "what has ended is still there"
    assert [in_force(rows).key_of(token, now=week) for token in (new, newer)] == [None, "hall"]
    assert old not in device_rows.to_toml(rows)
    assert new not in device_rows.to_toml(rows)


def test_a_key_that_devices_report_with_is_exchanged_and_not_ended() -> None:
    with pytest.raises(BadInput, match="is the only one of north"):
        end_key(ROWS, "0" * 64)
    rows, _ = exchange_key(ROWS, "gym", Overlap.MONTH, at=NOW)
    rows = end_key(rows, "0" * 64)
    assert [key.sha256 for key in rows.keys] != ["0" * 64]
    with pytest.raises(BadInput, match="同じ名前の鍵"):
        add_key(rows, "gym")
    with pytest.raises(BadInput, match="no key"):
        exchange_key(rows, "other", Overlap.DAY, at=NOW)
    for _ in range(4):
        rows, _ = exchange_key(rows, "gym", Overlap.MONTH, at=NOW)
    with pytest.raises(BadInput, match="too many"):
        exchange_key(rows, "gym", Overlap.MONTH, at=NOW)


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        ({"interval_s": 60}, False),
        ({"error_percent": None, "readings_per_minute": 30}, False),
        ({"site": "E2"}, True),
        ({"sensor": msgspec.structs.replace(SENSOR, reverse=True)}, True),
        ({"counts": Counts.DOOR_DELTAS}, True),
    ],
)
def test_another_counter_under_an_old_name_begins_anew(changed: dict[str, object], anew: bool) -> None:
    row = msgspec.structs.replace(DOOR, **changed)
    for rows in (set_device(ROWS, row, at=NOW), imported(ROWS, Rows(keys=ROWS.keys, devices=(row,)), at=NOW)):
        device = in_force(rows).get("north")
        assert device is not None
        assert device.since == (NOW if anew else None)


def test_a_retired_device_reports_no_more_and_its_name_is_gone() -> None:
    rows = retire(ROWS, "north", at=NOW)
    assert in_force(rows).all() == ()
    with pytest.raises(BadInput, match="north id: is that of a device which was taken down"):
        in_force(set_device(rows, DOOR, at=NOW))
    with pytest.raises(BadInput, match="not registered any more"):
        release(rows, "north", at=NOW)


def test_an_import_takes_down_what_it_does_not_name_and_keeps_what_is_not_believed() -> None:
    rows = set_device(ROWS, msgspec.structs.replace(DOOR, id="south", sensor=None), at=NOW)
    rows = release(rows, "north", at=NOW)
    after = imported(rows, ROWS, at=NOW)
    assert [row.id for row in after.devices] == ["north"]
    assert [row.id for row in after.retired] == ["south"]
    assert after.devices[0].since == NOW
    with pytest.raises(BadInput, match="south id"):
        in_force(imported(after, rows, at=NOW))


def test_a_site_says_which_doors_it_has_and_who_counts_there_at_once() -> None:
    rows = set_doors(ROWS, "E1", ["正面", "体育館"], {"north": "正面"})
    assert in_force(rows).uncovered(SiteCode("E1")) == ("体育館",)
    with pytest.raises(BadInput, match=r"north door: is one of \[\[doors\]\]"):
        in_force(set_doors(ROWS, "E1", ["正面"], {}))
    assert set_doors(rows, "E1", [], {"north": ""}) == ROWS


def test_a_door_for_staff_alone_is_watched_and_nobody_is_counted_there() -> None:
    own = msgspec.structs.replace(DOOR, id="back", sensor=None, door="職員口", staff_door=True)
    rows = set_doors(set_device(ROWS, own, at=NOW), "E1", ["正面", "職員口"], {"north": "正面"})
    devices = in_force(rows)
    assert devices.uncovered(SiteCode("E1")) == ()
    assert [device.id for device in devices.at(SiteCode("E1"))] == ["north"]
    with pytest.raises(BadInput, match="back staff_door"):
        in_force(set_device(rows, msgspec.structs.replace(own, counts=Counts.HEADS), at=NOW))


def test_a_presence_sensor_is_shown_and_counts_nobody() -> None:
    seen = msgspec.structs.replace(
        DOOR, id="wc", counts=Counts.PRESENCE, sensor=msgspec.structs.replace(SENSOR, model="VS330")
    )
    devices = in_force(msgspec.structs.replace(ROWS, devices=(seen,)))
    assert [device.id for device in devices.all()] == ["wc"]
    assert devices.at(SiteCode("E1")) == (), "the estimate would wait for it"
    for wrong in (
        msgspec.structs.replace(seen, sensor=SENSOR),
        msgspec.structs.replace(seen, sensor=None),
        msgspec.structs.replace(seen, counts=Counts.HEADS),
    ):
        with pytest.raises(BadInput, match="wc sensor"):
            in_force(msgspec.structs.replace(ROWS, devices=(wrong,)))
