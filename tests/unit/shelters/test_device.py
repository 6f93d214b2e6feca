"""Who may report: keys, and what each device is registered as."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import BadSettings
from shelters import intake
from shelters.device import Device, Devices, digest, new_key
from shelters.device_check import load_devices
from shelters.estimate import Ruler, estimate
from shelters.reading import DoorTotals, HeadCount, Measure, Reading, Refusal, Sent, StaffWord
from shelters.site import SiteCode
from shelters.tally import Tally, add

SITES = {SiteCode("E1"), SiteCode("E2")}
KEY = "[[keys]]\nname = 'gym'\nsha256 = '" + "0" * 64 + "'\n"
DEVICE = "[[devices]]\nid = 'camera'\nsite = 'E1'\ncounts = 'head_count'\nkey = 'gym'\ninterval_s = 60\n"


def loaded(folder: Path, text: str) -> Devices:
    (folder / "devices.toml").write_text(text, encoding="utf-8")
    return load_devices(folder, SITES)


def sent(device: str = "camera") -> Sent:
    return Sent(
        place="$.readings[0]", device=device, id="1", at=datetime.now(UTC), measure=HeadCount(people=1)
    )


def test_a_key_opens_only_what_it_is_for(tmp_path: Path) -> None:
    token, kept = new_key()
    devices = loaded(tmp_path, KEY.replace("0" * 64, kept) + DEVICE)
    now = datetime.now(UTC)
    assert devices.key_of(token, now=now) == "gym"
    assert devices.key_of(kept, now=now) is None
    assert devices.key_of("", now=now) is None
    assert isinstance(devices.admit(sent(), key="gym"), Device)
    assert isinstance(devices.admit(sent(), key="other"), Refusal)
    assert isinstance(devices.admit(sent("somebody"), key="gym"), Refusal)


def test_the_token_is_kept_nowhere(tmp_path: Path) -> None:
    token, kept = new_key()
    assert token not in kept
    assert digest(token) == kept
    assert len(kept) == 64
    assert new_key()[0] != token


def test_a_device_known_to_the_broker_speaks_for_itself_only(tmp_path: Path) -> None:
    devices = loaded(tmp_path, KEY + DEVICE)
    assert isinstance(devices.admit(sent(), key=None, device="camera"), Device)
    assert isinstance(devices.admit(sent(), key=None, device="door"), Refusal)


@pytest.mark.parametrize(
    ("key", "broker", "named"),
    [("gym", None, "camera"), ("other", None, ""), (None, "camera", "camera"), (None, "x", "")],
)
def test_what_cannot_be_is_of_the_device_that_may_have_sent_it(
    tmp_path: Path, key: str | None, broker: str | None, named: str
) -> None:
    old = {"id": "1", "device": "camera", "at": "2020-01-01T00:00:00Z", "kind": "head_count", "people": 1}
    body = json.dumps({"readings": [old]}).encode()
    found = intake.sort(body, loaded(tmp_path, KEY + DEVICE), now=datetime.now(UTC), key=key, device=broker)
    assert [(refusal.place, refusal.device) for refusal in found.refused] == [("$.readings[0].at", named)]


def test_a_device_counts_what_it_is_registered_for(tmp_path: Path) -> None:
    devices = loaded(tmp_path, KEY + DEVICE.replace("head_count", "door_totals"))
    refused = devices.admit(sent(), key="gym")
    assert isinstance(refused, Refusal)
    assert refused.place == "$.readings[0].kind"
    assert refused.message.startswith("'camera' is registered as door_totals")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (KEY + DEVICE.replace("E1", "E9"), "devices.toml camera site: 'E9'"),
        (DEVICE, "devices.toml camera key: 'gym'"),
        (KEY + DEVICE + DEVICE, "devices.toml camera: is there twice"),
        (
            KEY + DEVICE.replace("head_count", "door_totals") + "staff = 3\n",
            "devices.toml camera staff: only a head counter sees staff",
        ),
        (KEY + DEVICE.replace("60", "0"), r"devices.toml \$.devices\[0\].interval_s"),
        (KEY.replace("0" * 64, "secret") + DEVICE, r"devices.toml \$.keys\[0\].sha256"),
        (KEY + DEVICE.replace("camera", "a/b"), r"devices.toml \$.devices\[0\].id"),
        (KEY + DEVICE.replace("head_count", "cats"), r"devices.toml \$.devices\[0\].counts"),
        (KEY + "[[doors]]\nsite = 'E9'\nnames = ['front']\n", r"devices.toml \[\[doors\]\] E9: is not in"),
        (KEY + "[[doors]]\nsite = 'E1'\nnames = ['front', 'front']\n", r"\[\[doors\]\] E1: is there twice"),
        (
            KEY + "[[doors]]\nsite = 'E1'\nnames = ['front']\n" + DEVICE.replace("head_count", "door_totals"),
            "devices.toml camera door: is one of",
        ),
        (KEY + DEVICE + "door = 'front'\n", "devices.toml camera door: is one of"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadSettings, match=says):
        loaded(tmp_path, text)


def test_two_sites_may_each_have_a_head_counter(tmp_path: Path) -> None:
    second = DEVICE.replace("camera", "second").replace("E1", "E2")
    devices = loaded(tmp_path, KEY + DEVICE + second)
    assert [device.id for device in devices.at(SiteCode("E2"))] == ["second"]


COUNTER = DEVICE.replace("camera", "door").replace("head_count", "door_totals") + (
    "sensor = { vendor = 'Milesight', model = 'VS135', dev_eui = '24E124713C123456', part = 'line 2' }\n"
)


def test_a_sensor_is_found_by_its_number_however_it_is_spelled(tmp_path: Path) -> None:
    other = COUNTER.replace("door'", "door-2'").replace("line 2", "line 1").replace("24E1", "24-e1-")
    devices = loaded(tmp_path, KEY + COUNTER + other)
    assert [device.id for device in devices.parts_of("24e124713c123456")] == ["door", "door-2"]
    assert devices.parts_of("24e124713c123457") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (COUNTER.replace("VS135", "VS999"), "devices.toml door sensor: Milesight VS999 is not a model"),
        (COUNTER.replace("VS135", "VS340"), "sees whether somebody is there"),
        (COUNTER.replace("line 2", "line 5"), "devices.toml door sensor part: 'line 5' is none of line 1, line 2"),
        (COUNTER.replace("line 2", "region 1"), "'region 1' of this model gives no door_totals"),
        (COUNTER.replace("24E1", "24E"), "devices.toml door sensor dev_eui: has 16 hexadecimal digits"),
        (COUNTER.replace("24E1", "24G1"), "has 16 hexadecimal digits"),
        (COUNTER.replace("part = ", "serial = '1', part = "), "give dev_eui or serial"),
        (COUNTER.replace("dev_eui = '24E124713C123456', ", ""), "give dev_eui or serial"),
        (COUNTER + COUNTER.replace("door'", "door-2'"), "devices.toml door-2 sensor part: is another device's already"),
        (COUNTER + COUNTER.replace("door'", "door-2'").replace("door_totals", "door_deltas"), "devices.toml door-2 sensor part: is another device's already"),
        (
            COUNTER + COUNTER.replace("door'", "door-2'").replace("VS135", "VS133"),
            "devices.toml door-2 sensor: is another model elsewhere",
        ),
        (
            COUNTER + COUNTER.replace("door'", "door-2'").replace("line 2", "line 1").replace("key = 'gym'\n", ""),
            "devices.toml door-2 sensor: has another key elsewhere",
        ),
        (COUNTER.replace("part = ", "port = 0, part = "), r"\$.devices\[0\].sensor.port"),
        (COUNTER.replace("part = ", "line = "), r"\$.devices\[0\].sensor"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_sensor_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadSettings, match=says):
        loaded(tmp_path, KEY + text)


NAMED = "[[doors]]\nsite = 'E1'\nnames = ['front', 'back']\n"
FRONT = DEVICE.replace("camera", "door").replace("head_count", "door_totals") + "door = 'front'\n"
BACK = FRONT.replace("'door'", "'door-2'").replace("door = 'front'", "door = 'back'")


def test_a_door_without_a_counter_is_one_that_never_reports(tmp_path: Path) -> None:
    devices = loaded(tmp_path, KEY + NAMED + FRONT)
    assert devices.uncovered(SiteCode("E1")) == ("back",)
    assert [device.at_door for device in devices.at(SiteCode("E1"))] == ["front", "back"]
    assert [device.id for device in devices.all()] == ["door"]
    nobody = devices.at(SiteCode("E1"))[1]
    assert isinstance(devices.admit(sent(nobody.id), key=""), Refusal)
    covered = loaded(tmp_path, KEY + NAMED + FRONT + BACK)
    assert covered.uncovered(SiteCode("E1")) == ()
    assert len(covered.at(SiteCode("E1"))) == 2
    assert loaded(tmp_path, KEY + DEVICE).doors(SiteCode("E1")) == ()


@pytest.mark.parametrize("counted", [0, 3, 30])
def test_while_a_door_has_no_counter_the_others_tell_no_number(tmp_path: Path, counted: int) -> None:
    """I13: people leave and come through it unseen."""
    start = datetime(2026, 9, 12, 12, 0, tzinfo=UTC)
    site = SiteCode("E1")

    def reading(device: str, minute: int, measure: Measure) -> Reading:
        at = start + timedelta(minutes=minute)
        return Reading(
            site=site, device=device, id=f"{device}{minute}", at=at, received_at=at, measure=measure
        )

    told = [
        reading("staff", 5, StaffWord(people=10)),
        *(reading("door", minute, DoorTotals(entered=counted * minute, left=0)) for minute in range(61)),
        *(reading("door-2", minute, DoorTotals(entered=minute, left=0)) for minute in range(61)),
    ]
    now = start + timedelta(minutes=60)
    for text, known in ((FRONT, False), (FRONT + BACK, True)):
        devices = loaded(tmp_path, KEY + NAMED + text)
        ruler = Ruler(devices=devices.at(site), capacity=100)
        assert estimate(add(Tally(site=site), told), ruler, now=now).known is known
