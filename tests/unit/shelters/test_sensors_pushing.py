"""What networks and counters send becomes readings, once, of the part that is registered; nothing else is counted.

ChirpStack's bodies have the field names of its documentation with values made here; Xovis's are as in the collected
payloads, no vendor capture. The Axis push and its answers are from developer.axis.com.
"""

import base64
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import BadInput
from shelters.device import Devices
from shelters.device_check import load_devices
from shelters.intake import Sorted
from shelters.reading import DoorDeltas, DoorTotals, HeadCount, Measure
from shelters.sensors import check_in
from shelters.sensors.pushing import Source, list_of, understand
from shelters.site import SiteCode

SHARED = Path(os.environ.get("YOBIKAKE_SHARED") or Path(__file__).parents[3].parent / "shared")
NOW = datetime(2026, 9, 12, 13, 3, tzinfo=UTC)
SESSION = "AWiZpAyXrAfEkUNkBljRoA=="

REGISTER = """
keys = [{ name = "lorawan", sha256 = "ZEROS" }, { name = "cameras", sha256 = "ONES" }]

[[devices]]
id = "gym-north"
site = "E1"
counts = "door_totals"
key = "lorawan"
interval_s = 600
sensor = { vendor = "milesight", model = "vs135", dev_eui = "24E124713C123456", part = "line 1" }

[[devices]]
id = "gym-south"
site = "E1"
counts = "door_totals"
key = "lorawan"
interval_s = 600
sensor = { vendor = "milesight", model = "vs135", dev_eui = "24-e1-24-71-3c-12-34-56", part = "line 2", reverse = true }

[[devices]]
id = "side-door"
site = "E1"
counts = "door_totals"
key = "lorawan"
interval_s = 600
sensor = { vendor = "terabee", model = "people-flow-counting-l-xl", dev_eui = "70B3D5E75E012345", port = 9 }

[[devices]]
id = "back-door"
site = "E3"
counts = "door_totals"
key = "lorawan"
interval_s = 600
sensor = { vendor = "imbuildings", model = "people-counter", dev_eui = "0004A30B00F0D40E" }

[[devices]]
id = "hall-door"
site = "E2"
counts = "door_deltas"
key = "cameras"
interval_s = 60
sensor = { vendor = "axis", model = "people-counter", serial = "ACCC8EF3D92E" }

[[devices]]
id = "hall"
site = "E2"
counts = "head_count"
key = "cameras"
interval_s = 60
sensor = { vendor = "axis", model = "people-counter", serial = "B8A44F941234", part = "Device1Scenario1" }

[[devices]]
id = "gate"
site = "E2"
counts = "door_deltas"
key = "cameras"
interval_s = 60
sensor = { vendor = "xovis", model = "people-counter", serial = "00:6E:02:00:00:01", part = "gate" }

[[devices]]
id = "desk"
site = "E3"
counts = "check_in_list"
key = "cameras"
interval_s = 900
""".replace("ZEROS", "0" * 64).replace("ONES", "1" * 64)


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Devices:
    folder = tmp_path_factory.mktemp("city")
    (folder / "devices.toml").write_text(REGISTER, encoding="utf-8")
    return load_devices(folder, {SiteCode(f"E{number}") for number in (1, 2, 3)})


def stack(frame: str, **uplink: object) -> bytes:
    return json.dumps({
        "end_device_ids": {"device_id": "door", "dev_eui": "24E124713C123456", "dev_addr": "01DA1F15"},
        "received_at": "2026-09-12T13:02:59.999999999Z",
        "uplink_message": {
            "session_key_id": SESSION,
            "f_port": 85,
            "f_cnt": 7,
            "frm_payload": base64.b64encode(bytes.fromhex(frame)).decode(),
            "received_at": "2026-09-12T13:02:58.123456Z",
            **uplink,
        },
    }).encode()  # fmt: skip


def chirp(frame: str, **event: object) -> bytes:
    return json.dumps({
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-09-12T13:02:58.123456789+00:00",
        "deviceInfo": {"deviceName": "door", "devEui": "24e124713c123456"},
        "devAddr": "00189440", "fCnt": 7, "fPort": 85,
        "data": base64.b64encode(bytes.fromhex(frame)).decode(),
        **event,
    }).encode()  # fmt: skip


def axis(**changes: object) -> bytes:
    times = {"utcFrom": "2026-09-12T13:01:00Z", "utcTo": "2026-09-12T13:02:00Z"}
    items = [{"direction": "in", "count": 7, "adults": 5}, {"direction": "out", "count": 3}]
    return json.dumps({
        "apiName": "Axis Retail Data", "apiVersion": "0.4", "utcSent": "2026-09-12T13:02:12Z",
        "data": {"measurements": [{"kind": "people-counts", **times, "items": items, **changes}], **times},
        "sensor": {"serial": "accc8ef3d92e", "name": "hall"},
    }).encode()  # fmt: skip


def xovis(at: str) -> bytes:
    records = [{"from": at, "to": at, "counts": [{"name": "fw", "value": 4}, {"name": "bw", "value": 1}]}]
    return json.dumps({
        "logics_data": {
            "sensor_info": {"serial_number": "00:6E:02:00:00:01"},
            "logics": [{"id": 1, "name": "gate", "records": records}],
        }
    }).encode()  # fmt: skip


LINES = "03D24800000004D20A00000006D20500000007D209000000"


def counted(found: Sorted) -> dict[str, Measure]:
    return {reading.device: reading.measure for reading in found.taken}


def test_one_sensor_over_two_doors_is_two_devices(devices: Devices) -> None:
    found = understand(Source.THINGS_STACK, stack(LINES), devices, now=NOW, key="lorawan")
    assert counted(found) == {
        "gym-north": DoorTotals(entered=72, left=10, bits=32),
        "gym-south": DoorTotals(entered=9, left=5, bits=32),
    }
    assert {reading.at for reading in found.taken} == {datetime(2026, 9, 12, 13, 2, 58, 123456, tzinfo=UTC)}
    assert {reading.site for reading in found.taken} == {"E1"}
    assert found.refused == ()
    assert [vital.what for vital in found.heard] == ["uplink"]


def test_what_is_sent_again_has_the_same_id(devices: Devices) -> None:
    def ids(source: Source, body: bytes, event: str = "") -> set[str]:
        return {one.id for one in understand(source, body, devices, now=NOW, event=event).taken}

    assert ids(Source.THINGS_STACK, stack(LINES)) == {f"{SESSION}:7"}
    assert ids(Source.THINGS_STACK, stack(LINES, f_cnt=8)) == {f"{SESSION}:8"}
    first = json.loads(stack(LINES))
    del first["uplink_message"]["f_cnt"]  # the Stack leaves zeros out
    assert ids(Source.THINGS_STACK, json.dumps(first).encode()) == {f"{SESSION}:0"}
    again = chirp(LINES, deduplicationId="another")
    assert ids(Source.CHIRPSTACK, chirp(LINES), "up") == ids(Source.CHIRPSTACK, again, "up") == {"00189440:7"}


@pytest.mark.parametrize(
    "spelled", ["24e124713c123456", base64.b64encode(bytes.fromhex("24e124713c123456")).decode()]
)
def test_chirpstack_of_both_versions(devices: Devices, spelled: str) -> None:
    v4 = understand(Source.CHIRPSTACK, chirp(LINES), devices, now=NOW, event="up")
    body = json.loads(chirp(LINES))
    del body["deviceInfo"], body["time"], body["deduplicationId"]
    body |= {"devEUI": spelled, "rxInfo": [{"time": "2026-09-12T13:02:57Z"}, {"time": None}]}
    v3 = understand(Source.CHIRPSTACK, json.dumps(body).encode(), devices, now=NOW, event="up")
    assert counted(v3) == counted(v4) != {}
    assert {reading.at.second for reading in v3.taken} == {57}


EVENTS: list[tuple[Source, str, dict[str, Any]]] = [
    *(
        (Source.THINGS_STACK, "", {"end_device_ids": {"dev_eui": "24E124713C123456"}, event: {"f_cnt": 1}})
        for event in ("join_accept", "downlink_ack", "downlink_nack", "downlink_sent", "downlink_failed",
                      "downlink_queued", "downlink_queue_invalidated", "location_solved", "service_data")
    ),
    (Source.THINGS_STACK, "", json.loads(stack(LINES)) | {"simulated": True}),
    (Source.THINGS_STACK, "", json.loads(stack(LINES, f_port=0))),
    (Source.THINGS_STACK, "", json.loads(stack(""))),
    *(
        (Source.CHIRPSTACK, event, json.loads(chirp(LINES)))
        for event in ("join", "ack", "txack", "log", "error", "location", "integration", "status")
    ),
    (Source.CHIRPSTACK, "up", json.loads(chirp("", data=None))),
    (Source.XOVIS, "", {"live_data": {"sensor_info": {"serial_number": "006e02000001"}}}),
    (Source.AXIS, "", {"apiName": "Axis Retail Data", "sensor": {"serial": "accc8ef3d92e"}, "data": {}}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "event", "body"), EVENTS)
def test_joins_answers_and_tests_are_heard_and_count_nobody(
    devices: Devices, source: Source, event: str, body: dict[str, Any]
) -> None:
    found = understand(source, json.dumps(body).encode(), devices, now=NOW, event=event)
    assert (found.taken, found.refused) == ((), ())
    assert len(found.heard) == 1


def test_a_status_tells_the_battery(devices: Devices) -> None:
    body = chirp("", batteryLevel=87.5)
    found = understand(Source.CHIRPSTACK, body, devices, now=NOW, event="status")
    assert found.heard[0].condition.battery == 87.5


@pytest.mark.parametrize(
    ("source", "body", "says"),
    [
        (Source.THINGS_STACK, stack(LINES, f_port=84), "port 84"),
        (Source.THINGS_STACK, stack("03D248"), "byte 2: line_1_total_in has 4 bytes"),
        (Source.THINGS_STACK, stack(LINES, received_at="2026-09-11T13:02:59Z"), "more than a day old"),
        (Source.CHIRPSTACK, chirp("AABB"), "byte 0: this model has no channel"),
    ],
)
def test_what_is_not_understood_is_refused_and_counts_nobody(
    devices: Devices, source: Source, body: bytes, says: str
) -> None:
    found = understand(source, body, devices, now=NOW, event="up")
    assert found.taken == ()
    assert found.refused
    assert all(says in refusal.message for refusal in found.refused)


def test_a_clock_that_runs_ahead_is_not_believed(devices: Devices) -> None:
    found = understand(
        Source.THINGS_STACK, stack(LINES, received_at="2031-01-01T00:00:00Z"), devices, now=NOW
    )
    assert {reading.at for reading in found.taken} == {NOW}


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (Source.THINGS_STACK, stack(LINES, received_at="0001-01-01T00:00:00+14:00")),
        (Source.CHIRPSTACK, chirp(LINES, time="0001-01-01T00:00:00+14:00")),
        (Source.AXIS, axis(utcFrom="0001-01-01T00:00:00+14:00", utcTo="0001-01-01T00:00:00+14:00")),
        (Source.XOVIS, xovis("0001-01-01T00:00:00+14:00")),
    ],
)
def test_a_time_before_all_times_is_refused(devices: Devices, source: Source, body: bytes) -> None:
    found = understand(source, body, devices, now=NOW, event="up")
    assert found.taken == ()
    assert found.refused
    assert all("more than a day old" in refusal.message for refusal in found.refused)


def test_a_time_after_all_times_is_now(devices: Devices) -> None:
    body = stack(LINES, received_at="9999-12-31T23:59:59-14:00")
    found = understand(Source.THINGS_STACK, body, devices, now=NOW)
    assert {reading.at for reading in found.taken} == {NOW}


def test_a_counter_that_repeats_its_settings_is_heard(devices: Devices) -> None:
    body = json.loads(stack("F101051F010203", f_port=10))
    body["end_device_ids"]["dev_eui"] = "0004A30B00F0D40E"
    found = understand(Source.THINGS_STACK, json.dumps(body).encode(), devices, now=NOW)
    assert (found.taken, found.refused) == ((), ())
    assert found.heard[0].device == "back-door"


def test_a_stranger_and_a_wrong_key_count_nobody(devices: Devices) -> None:
    strange = stack(LINES).replace(b"24E124713C123456", b"24E124713C999999")
    for body, key in ((strange, "lorawan"), (stack(LINES), "cameras")):
        found = understand(Source.THINGS_STACK, body, devices, now=NOW, key=key)
        assert (found.taken, found.heard) == ((), ())
        assert [refusal.stranger for refusal in found.refused] == [True]


def test_a_counter_that_says_it_stands_still_is_not_believed(devices: Devices) -> None:
    def sent(flags: str) -> Sorted:
        body = json.loads(stack(f"000000C8000001C8{flags}", f_port=9))
        body["end_device_ids"]["dev_eui"] = "70B3D5E75E012345"
        return understand(Source.THINGS_STACK, json.dumps(body).encode(), devices, now=NOW)

    assert counted(sent("08")) == {"side-door": DoorTotals(entered=200, left=456, bits=32)}
    stuck = sent("02")
    assert stuck.taken == ()
    assert "TPC_STUCK" in stuck.refused[0].message
    assert stuck.heard[0].condition.trouble == ("TPC_STUCK",)


def test_axis_pushes_what_was_counted_in_a_minute(devices: Devices) -> None:
    found = understand(Source.AXIS, axis(), devices, now=NOW, key="cameras")
    assert counted(found) == {"hall-door": DoorDeltas(entered=7, left=3)}
    assert found.taken[0].at == datetime(2026, 9, 12, 13, 2, tzinfo=UTC)
    assert found.taken[0].id == understand(Source.AXIS, axis(), devices, now=NOW).taken[0].id
    with pytest.raises(BadInput) as refused:
        understand(Source.AXIS, axis(items=[{"direction": "in", "count": -1}]), devices, now=NOW)
    assert refused.value.path == "$.data.measurements[0].items[0].count"


XOVIS = {
    "logics_data": {
        "package_info": {"version": "5.0", "id": 42},
        "sensor_info": {"serial_number": "00:6E:02:00:00:01", "time": "2026-09-12T13:02:07+00:00"},
        "logics": [{"id": 1000, "name": "gate", "records": [{
            "from": "2026-09-12T13:01:00+00:00", "to": "2026-09-12T13:02:00+00:00",
            "counts": [{"name": "fw", "value": 3}, {"name": "bw", "value": 1}],
        }]}],
    }
}  # fmt: skip


def test_xovis_pushes_one_package_or_several(devices: Devices) -> None:
    one = understand(Source.XOVIS, json.dumps(XOVIS).encode(), devices, now=NOW)
    several = understand(
        Source.XOVIS, json.dumps([{"connection_test": {}}, XOVIS]).encode(), devices, now=NOW
    )
    assert counted(one) == counted(several) == {"gate": DoorDeltas(entered=3, left=1)}
    assert one.taken[0].id == several.taken[0].id
    assert understand(Source.XOVIS, b'{"connection_test": {}}', devices, now=NOW) == Sorted()
    with pytest.raises(BadInput):
        understand(Source.XOVIS, b'{"unknown": 1}', devices, now=NOW)


COLLECTED = SHARED / "data/sensors"


@pytest.mark.skipif(not COLLECTED.exists(), reason=f"needs the collected payloads: {COLLECTED}")
def test_every_collected_payload_is_recognised(devices: Devices) -> None:
    for name in ("ttn_v3_uplink_envelope.json", "ttn_v3_join_envelope.json"):
        envelope = json.loads((COLLECTED / name).read_text(encoding="utf-8"))["payload"]
        found = understand(Source.THINGS_STACK, json.dumps(envelope).encode(), devices, now=NOW)
        assert [refusal.stranger for refusal in found.refused] == [True]
    for entry in json.loads((COLLECTED / "ip_sensor_payloads.json").read_text(encoding="utf-8")):
        source = Source(entry["kind"].partition("_")[0])
        then = datetime(2022, 2, 22, 22, 23, tzinfo=UTC) if "occupancy" in entry["kind"] else NOW
        found = understand(source, json.dumps(entry["body"]).encode(), devices, now=then)
        assert found.taken == () or counted(found) == {"hall": HeadCount(people=7)}


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("氏名,人数\n昭島花子,4\n昭島太郎,\n", 5),
        ("name,people,left\nA,4,\nB,2,15:00\n\n,,\n", 4),
        ("氏名,退所\nA,\nB,済\nC,\n", 2),
        ("氏名,人数\nA,４\n", 4),
        ("氏名\n", 0),
        ("氏名,退所\nA,FALSE\nB,TRUE\nC,いいえ\nD,未\nE,０\n", 4),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_receptions_list_is_a_head_count(text: str, people: int, encoding: str) -> None:
    assert check_in.count(text.encode(encoding)).people == people


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "line 1"),
        ("氏名,人数\n昭島花子,たくさん\n".encode(), "line 2"),
        ("氏名,人数\nA,1\n昭島花子,51\n".encode(), "line 3"),
        ("氏名,人数\n昭島花子,-1\n".encode(), "line 2"),
        (b"\x81", "$"),
        (b'name\n"open', "line 2"),
        (b"name\n" + b"a\n" * (check_in.MOST_ROWS + 1), f"line {check_in.MOST_ROWS + 2}"),
    ],
)
def test_a_slip_in_a_list_is_named_by_its_line_and_no_name_is_told(data: bytes, place: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_in.count(data)
    assert refused.value.path == place
    assert "昭島花子" not in refused.value.message


def test_a_list_is_of_the_desk_that_sends_it(devices: Devices) -> None:
    def sent(device: str, at: str | None = None) -> Sorted:
        return list_of(b"name\nA\nB\n", device, devices, now=NOW, at=at, key="cameras")

    assert counted(sent("desk")) == {"desk": HeadCount(people=2)}
    assert sent("desk", "2026-09-12T22:00:00 09:00").taken[0].at == NOW - timedelta(minutes=3)
    assert sent("desk", "2026-09-12T22:00:00+09:00") == sent("desk", "2026-09-12T22:00:00+09:00")
    assert sent("hall-door").taken == sent("nobody").taken == sent("gym-north").taken == ()
    assert sent("desk", "2026-09-01T22:00:00+09:00").taken == ()
    assert sent("desk", "2026-09-01T22:00:00+09:00").refused[0].device == "desk"
    stranger = sent("x" * 1_000, "2026-09-01T22:00:00+09:00")
    assert [refusal.device for refusal in stranger.refused] == [""]
    with pytest.raises(BadInput, match=r"^at: "):
        sent("desk", "yesterday")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["24E124713C123456", "accc8ef3d92e", "2026-09-12T13:02:00Z", "people-counts", "in"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([
            "end_device_ids", "dev_eui", "uplink_message", "f_port", "frm_payload", "deviceInfo", "devEui", "data",
            "fPort", "apiName", "measurements", "sensor", "serial", "items", "logics_data", "sensor_info",
            "serial_number", "logics", "records", "counts", "in", "out", "topic", "occupancy", "timestamp",
        ]),
        inner, max_size=6,
    ),
    max_leaves=16,
)  # fmt: skip


@settings(max_examples=60)
@given(source=st.sampled_from(list(Source)), body=JSON, event=st.sampled_from(["up", "join", "", "x"]))
def test_no_body_does_worse_than_being_refused(
    devices: Devices, source: Source, body: object, event: str
) -> None:
    with suppress(BadInput):
        found = understand(source, json.dumps(body).encode(), devices, now=NOW, event=event)
        assert all(NOW - timedelta(days=1) <= reading.at <= NOW for reading in found.taken)


@settings(max_examples=100)
@given(source=st.sampled_from(list(Source)), body=st.binary(max_size=40))
def test_no_bytes_do_worse_than_being_refused(devices: Devices, source: Source, body: bytes) -> None:
    with suppress(BadInput):
        assert understand(source, body, devices, now=NOW, event="up").taken == ()


def cuts(body: bytes) -> Iterator[bytes]:
    return (body[:end] for end in range(0, len(body), 7))


def test_half_a_message_counts_nobody(devices: Devices) -> None:
    for source, body in (
        (Source.THINGS_STACK, stack(LINES)),
        (Source.CHIRPSTACK, chirp(LINES)),
        (Source.AXIS, axis()),
    ):
        for part in cuts(body):
            with pytest.raises(BadInput):
                understand(source, part, devices, now=NOW, event="up")
