"""What LoRaWAN counters say: as their vendors document it, and an error with its byte for everything else.

The frames and their meanings are facts from the vendors' public pages: Milesight-IoT/SensorDecoders
(vs-series/*/README.md) and TheThingsNetwork/lorawan-devices (vendor/*/*-codec.yaml). Where no example is published,
the frame is made here from the published table.
"""

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import BadInput
from shelters.sensors.decoding import MODELS, MOST_BYTES, decode

SHARED = Path(os.environ.get("YOBIKAKE_SHARED") or Path(__file__).parents[3].parent / "shared")
EXAMPLES = SHARED / "data/sensors/lorawan_uplinks.json"

MILESIGHT: list[tuple[str, str, dict[str, Any]]] = [
    ("vs121", "04C9030800A106CD05", {
        "people_count_all": 3, "region_count": 8, "region_1": 1, "region_2": 0, "region_3": 0, "region_4": 0,
        "region_5": 0, "region_6": 1, "region_7": 0, "region_8": 1, "people_count_max": 5,
    }),
    ("vs121", "0DCC040003000EE401050006000F857B3AF16410F701000200", {
        "people_total_in": 4, "people_total_out": 3, "dwell_time_avg": 5, "dwell_time_max": 6,
        "timestamp": 1693530747, "line_in": 1, "line_out": 2,
    }),
    ("vs121", "FF0866 00B0940976 1234FF0101", {"sn": "6600b09409761234", "protocol_version": 1}),
    ("vs121", "20CE7B3AF1640807000900 20CE7B3AF164100700 0900", {"history": [
        {"timestamp": 1693530747, "a_to_a": 7, "a_to_b": 9},
        {"timestamp": 1693530747, "people_total_in": 7, "people_total_out": 9},
    ]}),
    ("vs121", "F88501050 0", {"rejoin_config": {"enable": "enable", "max_count": 5}}),
    ("vs121", "F885010502", {"device_response_result": {
        "channel_type": 0x85, "result": "invalid parameter",
        "request": {"rejoin_config": {"enable": "enable", "max_count": 5}},
    }}),
    ("vs132", "03D2BE00000004D2310100000 5CC00000000", {
        "total_counter_in": 190, "total_counter_out": 305, "periodic_counter_in": 0, "periodic_counter_out": 0,
    }),
    ("vs133", "03D24800000004D2C800000005CC01000200 0FE302100709", {
        "line_1": {"total_in": 72, "total_out": 200, "period_in": 1, "period_out": 2},
        "region_1_count": 2, "region_2_count": 16, "region_3_count": 7, "region_4_count": 9,
    }),
    ("vs135", "05CC0000000008CC000000000BCC000000000ECC05000700", {
        "line_1_period_in": 0, "line_1_period_out": 0, "line_2_period_in": 0, "line_2_period_out": 0,
        "line_3_period_in": 0, "line_3_period_out": 0, "line_4_period_in": 5, "line_4_period_out": 7,
    }),
    ("vs135", "11D2010000001BD20200000013CC03000400 50FC000201", {
        "line_1_child_total_in": 1, "line_4_child_total_out": 2, "line_1_child_period_in": 3,
        "line_1_child_period_out": 4, "node_2_occlusion_alarm": "alarm_triggered",
    }),
    ("vs135", "20CE7B3AF1640348000000 20CE7B3AF16420020900", {"history": [
        {"timestamp": 1693530747, "line_1_total_in": 72}, {"timestamp": 1693530747, "region_2_max_dwell": 9},
    ]}),
    ("vs135", "FE035802 FF6A013C00", {"report_interval": 600, "resend_interval": 60}),
    ("vs330", "01756202820F00038E01048E01", {
        "battery": 98, "distance": 15, "occupancy": "occupied", "calibration_status": "success",
    }),
    ("vs340", "017564030001", {"battery": 100, "occupancy": "occupied"}),
    ("vs350", "04CC1200160005CC13001400", {"total_in": 18, "total_out": 22, "period_in": 19, "period_out": 20}),
    ("vs350", "8367220100", {"temperature": 29, "temperature_alarm": "threshold alarm release"}),
    ("vs350", "0367F6FF", {"temperature": -1}),
    ("vs350", "FF061A0A00140000000000 FFBD1C02", {
        "temperature_alarm_config": {"condition": "above", "threshold_min": 1, "threshold_max": 2},
        "time_zone": "UTC+9",
    }),
    ("vs351", "04CC1200160005CC13001400FFCC01", {
        "total_in": 18, "total_out": 22, "period_in": 19, "period_out": 20,
        "power_status": "external power supply",
    }),
    ("vs351", "FF0101FF166614C39694870000FF090310FF0A0118FF0F02FFFEFFFFFF0100FF0BFF", {
        "ipso_version": "v0.1", "sn": "6614c39694870000", "hardware_version": "v3.1", "firmware_version": "v1.24",
        "lorawan_class": "Class C", "reset_event": "reset", "tsl_version": "v1.0", "device_status": "on",
    }),
    ("vs360", "01756402756404CC1200160005CC13001400", {
        "battery_main": 100, "battery_node": 100, "total_in": 18, "total_out": 22, "period_in": 19,
        "period_out": 20,
    }),
    ("vs360", "20CE7B3AF164000B00040020CEFF3DF16401070002001D000800", {"history": [
        {"timestamp": 1693530747, "period_in": 11, "period_out": 4},
        {"timestamp": 1693531647, "period_in": 7, "period_out": 2, "total_in": 29, "total_out": 8},
    ]}),
    ("vs370", "0175640300010400FE", {"battery": 100, "illuminance": "disable", "occupancy": "occupied"}),
    ("vs370", "F941012003 2C01", {"pir_illuminance_threshold": {
        "enable": "enable", "upper_limit": 800, "lower_limit": 300,
    }}),
]  # fmt: skip

OTHERS: list[tuple[str, str, int, str, dict[str, Any]]] = [
    ("terabee", "people-flow-counting-l-xl", 1, "00000000000000000F", {
        "count_in": 0, "count_out": 0,
        "flags": {"TPC_STOPPED": 1, "TPC_STUCK": 1, "MULTI_DEV_ISSUE": 1, "WIFI_AP_ENABLED": 1},
    }),
    ("terabee", "people-flow-counting-l-xl", 5, "0100", {
        "cmd": {"name": "CMD_GET_AP_STATE", "id": 1, "success": True, "value": {"state": "disabled"}},
    }),
    ("terabee", "people-flow-counting-l-xl", 100, "0105DC", {
        "cmd": {"name": "CMD_GET_HEIGHT", "id": 1, "success": True, "value": {"mounting_height": 1500}},
    }),
    ("terabee", "people-flow-counting-l-xl", 100, "03003C", {
        "cmd": {"name": "CMD_GET_PUSH_PERIOD", "id": 3, "success": True, "value": {"push_period_min": 60}},
    }),
    ("terabee", "people-flow-counting-l-xl", 4, "03020001", {
        "cmd": {"name": "CMD_GET_VER_LORA_AGENT", "id": 3, "success": True, "value": {"software_version": "2.0.1"}},
    }),
    ("terabee", "people-flow-counting-l-xl", 101, "02000014 3C", {
        "cmd": {"name": "CMD_GET_AREA_PTS", "id": None, "success": True, "value": {
            "nb_of_points": 2, "points": [{"x": 0, "y": 0}, {"x": 80, "y": 60}],
        }},
    }),
    ("terabee", "people-flow-counting-l-xl", 2, "FF8200", {"cmd": {"name": "CMD_CNT_SET", "id": 130, "success": True}}),
    ("terabee", "people-flow-counting-l-xl", 2, "FF82FF", {
        "cmd": {"name": "CMD_CNT_SET", "id": 130, "success": False},
    }),
    ("terabee", "people-flow-counting-m", 82, "000000C8000001C804", {
        "count_in": 200, "count_out": 456, "flags": {"NETWORK_ON": 1},
    }),
    ("terabee", "people-occupancy-counting", 83, "080705FFFFFFFFFFFF02", {
        "flags": {"WARMUP": 1}, "zone_global": 7, "zone_0": 5, "zone_1": "not set", "zone_2": "not set",
        "zone_3": "not set", "zone_4": "not set", "zone_5": "not set", "zone_6": "not set", "zone_7": 2,
    }),
    ("terabee", "people-occupancy-counting", 101, "02243219096320", {"cmd": {
        "name": "CMD_GET_OCCUPANCY_ZONE_COORDINATES", "id": 2, "success": True,
        "value": {"type": "rectangle", "zone_id": 2, "point_1": [100, 200], "point_2": [300, 400]},
    }}),
    ("imbuildings", "people-counter", 1, "02060004A30B00F0D40E0001000000000020000D000A6A", {
        "device_type_identifier": 2, "device_type": "People Counter", "device_type_variant": 6,
        "device_id": "0004a30b00f0d40e", "device_status": 0, "battery_voltage": 2.56, "counter_a": 0,
        "counter_b": 0, "sensor_status": 32, "total_counter_a": 13, "total_counter_b": 10, "payload_counter": 106,
    }),
    ("imbuildings", "people-counter", 27, "20000D000A", {
        "sensor_status": 32, "total_counter_a": 13, "total_counter_b": 10,
    }),
    ("imbuildings", "people-counter", 10, "F101031E0503331A052202060103210C", {
        "interval": 5, "fport": 26, "heartbeat": {"payload": {"type": 2, "variant": 6, "header": True}, "interval": 12},
    }),
]  # fmt: skip


def frame(spelled: str) -> bytes:
    return bytes.fromhex(spelled.replace(" ", ""))


@pytest.mark.parametrize(("model", "spelled", "said"), MILESIGHT)
def test_milesight_says_what_its_tables_say(model: str, spelled: str, said: dict[str, Any]) -> None:
    assert decode("milesight", model, 85, frame(spelled)) == said


def test_a_maker_may_be_called_as_the_networks_call_it() -> None:
    assert decode("Milesight-IoT", "VS340", 85, frame("017564")) == {"battery": 100}


@pytest.mark.parametrize(("vendor", "model", "port", "spelled", "said"), OTHERS)
def test_terabee_and_imbuildings_say_what_their_tables_say(
    vendor: str, model: str, port: int, spelled: str, said: dict[str, Any]
) -> None:
    assert decode(vendor, model, port, frame(spelled)) == said


@pytest.mark.skipif(not EXAMPLES.exists(), reason=f"needs the collected examples: {EXAMPLES}")
def test_every_collected_example_is_decoded_byte_for_byte() -> None:
    for example in json.loads(EXAMPLES.read_text(encoding="utf-8")):
        payload = bytes.fromhex(example["payload_hex"])
        found = decode(example["vendor"], example["model"], example["fport"], payload)
        assert json.dumps(found, sort_keys=True) == json.dumps(example["decoded"], sort_keys=True)


@pytest.mark.parametrize(
    ("vendor", "model", "port", "spelled", "says"),
    [
        ("milesight", "vs350", 84, "04CC12001600", "port 84: milesight vs350 sends on 85"),
        ("milesight", "vs999", 85, "04CC12001600", "milesight vs999: is not a model that is understood"),
        ("milesight", "vs350", 85, "04CC12001600 06CC00000000", "byte 6: this model has no channel 0x06 of type 0xcc"),
        ("milesight", "vs350", 85, "04CC1200160005", "byte 6: a channel has 2 bytes, and 1 are left"),
        ("milesight", "vs350", 85, "04CC1200 16", "byte 4: total_out has 2 bytes, and 1 are left"),
        ("milesight", "vs350", 85, "20CE7B3AF164020B000400", "byte 6: kind of history 0x02 is none"),
        ("milesight", "vs350", 85, "FF061A", "byte 3: threshold_min has 2 bytes"),
        ("milesight", "vs350", 85, "FF0602000000000000", "byte 2: an alarm about 0"),
        ("milesight", "vs350", 85, "", "byte 0: a frame has 1 to 255 bytes"),
        ("milesight", "vs350", 85, "00" * (MOST_BYTES + 1), "byte 0: a frame has 1 to 255 bytes"),
        ("milesight", "vs350", 85, "FE99", "byte 0: this model has no channel 0xfe of type 0x99"),
        ("terabee", "people-flow-counting-l-xl", 1, "000000C8000001C80000", "byte 9: 1 bytes are left over"),
        ("terabee", "people-flow-counting-l-xl", 82, "000000C8000001C800", "port 82: terabee"),
        ("terabee", "people-flow-counting-l-xl", 2, "0C", "byte 0: command 12 has no answer on this port"),
        ("terabee", "people-flow-counting-l-xl", 2, "82", "byte 0: command 130 has no answer"),
        ("terabee", "people-flow-counting-l-xl", 101, "0300000000", "byte 1: points has 5 bytes, and 4 are left"),
        ("imbuildings", "people-counter", 1, "01030004A30B00F0D40E", "byte 0: type 1 is not a people counter"),
        ("imbuildings", "people-counter", 1, "02090004A30B00F0D40E", "byte 1: variant 9 is none"),
        ("imbuildings", "people-counter", 26, "000100", "byte 3: counter_a has 2 bytes"),
        ("imbuildings", "people-counter", 10, "F101043 30102", "byte 5: setting 0x33 is 1 bytes too long"),
        ("imbuildings", "people-counter", 10, "F10103FF01", "byte 3: setting 0xff is none"),
    ],
)  # fmt: skip
def test_what_is_not_documented_is_named_with_its_byte(
    vendor: str, model: str, port: int, spelled: str, says: str
) -> None:
    with pytest.raises(BadInput, match=f"^{re.escape(says)}"):
        decode(vendor, model, port, frame(spelled))


PLACES = [(vendor, model, port) for (vendor, model), ports in MODELS.items() for port in ports]


@settings(max_examples=120)
@given(st.sampled_from(PLACES), st.binary(max_size=60))
def test_no_bytes_do_worse_than_being_refused(place: tuple[str, str, int], payload: bytes) -> None:
    try:
        found = decode(*place, payload)
    except BadInput as e:
        named = re.match(r"byte (\d+)$", e.path)
        assert named is not None
        assert int(named[1]) <= len(payload)
    else:
        assert json.loads(json.dumps(found)) == found


@settings(max_examples=60)
@given(st.sampled_from(MILESIGHT), st.data())
def test_a_frame_cut_short_never_says_something_else(
    example: tuple[str, str, dict[str, Any]], data: st.DataObject
) -> None:
    """What is left of it is refused, or it ends between two channels and says a part of the same."""
    model, spelled, said = example
    whole = frame(spelled)
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
    with suppress(BadInput):
        found = decode("milesight", model, 85, cut)
        assert "sn" in found or _part_of(found, said)


def _part_of(part: Any, whole: Any) -> bool:
    if isinstance(part, dict):
        return all(name in whole and _part_of(value, whole[name]) for name, value in part.items())
    if isinstance(part, list):
        return len(part) <= len(whole) and all(map(_part_of, part, whole))
    return bool(part == whole)
