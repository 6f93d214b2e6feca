"""Terabee's counters: the port says what a frame is.

Source: TheThingsNetwork/lorawan-devices, vendor/terabee/*-codec.yaml and the port tables beside them. Big-endian;
totals are 32 bits. A frame that answers a downlink begins with the command's number; one that only acknowledges it
with 0xFF.
"""

from collections.abc import Mapping
from typing import Any

from shelters.sensors.frame import (
    Cursor,
    Decoded,
    Shape,
    all_of,
    not_decoded,
    number,
    text,
    word,
)

Ports = Mapping[int, Shape]

_ACKNOWLEDGES = 0xFF
_NOT_DONE = 0xFF


def _be(name: str, size: int) -> Shape:
    return number(name, size, order="big")


_COUNTS = all_of(_be("count_in", 4), _be("count_out", 4))


def _flags(*names: str) -> Shape:
    """Bits from the lowest; only those that are set are told."""

    def read(cursor: Cursor, into: Decoded) -> None:
        bits = cursor.take(1, "flags")[0]
        into["flags"] = {name: 1 for place, name in enumerate(names) if bits >> place & 1}

    return read


def _commands(table: Mapping[int, str | tuple[str, Shape]]) -> Shape:
    """Number → name, with the form of its answer where it has one."""

    def read(cursor: Cursor, into: Decoded) -> None:
        at = cursor.at
        first = cursor.take(1, "command")[0]
        acknowledges = first == _ACKNOWLEDGES
        number_ = cursor.take(1, "command")[0] if acknowledges else first
        found = table.get(number_)
        if found is None or (not acknowledges and isinstance(found, str)):
            raise not_decoded(
                at,
                f"command {number_} has no answer on this port",
                f"このポートに、命令 {number_} への応答はありません",
            )
        name, shape = (found, None) if isinstance(found, str) else found
        command: dict[str, Any] = {"name": name, "id": number_, "success": True}
        if acknowledges:
            command["success"] = cursor.take(1, "acknowledgement")[0] != _NOT_DONE
        elif shape is not None:
            command["value"] = {}
            shape(cursor, command["value"])
        into["cmd"] = command

    return read


def _version(cursor: Cursor, into: Decoded) -> None:
    into["software_version"] = ".".join(str(part) for part in cursor.take(3, "software_version"))


_X_BITS, _Y_BITS = 7, 6


def _area(cursor: Cursor, into: Decoded) -> None:
    """Points packed in 7 and 6 bits, pushed to the end of the frame."""
    count = cursor.take(1, "points")[0]
    size = -(-count * (_X_BITS + _Y_BITS) // 8)
    packed = int.from_bytes(cursor.take(size, "points"), "big")
    points = []
    for place in reversed(range(count)):
        point = packed >> place * (_X_BITS + _Y_BITS)
        points.append({"x": point >> _Y_BITS & (1 << _X_BITS) - 1, "y": point & (1 << _Y_BITS) - 1})
    into["cmd"] = {
        "name": "CMD_GET_AREA_PTS",
        "id": None,
        "success": True,
        "value": {"nb_of_points": count, "points": points},
    }


PEOPLE_FLOW_L_XL: Ports = {
    1: all_of(_COUNTS, _flags("TPC_STOPPED", "TPC_STUCK", "MULTI_DEV_ISSUE", "WIFI_AP_ENABLED")),
    2: _commands({1: "CMD_CNT_RST", 2: ("CMD_CNT_GET", _COUNTS), 130: "CMD_CNT_SET"}),
    3: _commands({1: "CMD_DEV_RBT", 2: "CMD_TPC_RST"}),
    4: _commands({
        1: ("CMD_GET_VER_PEOPLE_COUNTING", _version),
        2: ("CMD_GET_VER_WEB_GUI", _version),
        3: ("CMD_GET_VER_LORA_AGENT", _version),
        4: ("CMD_GET_VER_ACCESS_POINT", _version),
        5: ("CMD_GET_VER_UPDATER_WEB_GUI", _version),
        6: ("CMD_GET_VER_FAN_SERVICE", _version),
    }),
    5: _commands({
        1: ("CMD_GET_AP_STATE", word("state", {0: "disabled", 1: "enabled"})),
        129: "CMD_SET_AP_STATE",
    }),
    6: _commands({1: "CMD_FORCE_REJOIN"}),
    7: _commands({1: "CMD_FORCE_TIME_SYNC"}),
    100: _commands({
        1: ("CMD_GET_HEIGHT", _be("mounting_height", 2)),
        129: "CMD_SET_HEIGHT",
        2: ("CMD_GET_REVERSE", word("direction", {0: "normal", 1: "reversed"})),
        130: "CMD_SET_REVERSE",
        3: ("CMD_GET_PUSH_PERIOD", _be("push_period_min", 2)),
        131: "CMD_SET_PUSH_PERIOD",
    }),
    101: _area,
    102: _commands({0: "CMD_SET_AREA_PTS"}),
}  # fmt: skip


def _letters(bytes_: bytes) -> str:
    return bytes_.decode("latin-1")


def _module_version(bytes_: bytes) -> str:
    return "failure to retrieve" if bytes_[:3] == b"\xff\xff\xff" else _letters(bytes_)


def _device_type(bytes_: bytes) -> str:
    return "not recognized" if bytes_ == b"XXX" else _letters(bytes_)


def _software_version(cursor: Cursor, into: Decoded) -> None:
    """A byte, then ten letters of which the last ends it."""
    into["software_version"] = _letters(cursor.take(11, "software_version")[1:10])


_VERSIONS = _commands({
    128: ("CMD_GET_DEVICE_TYPE", text("device_type", 3, _device_type)),
    138: ("CMD_GET_SW_VER", _software_version),
    139: ("CMD_GET_LORA_MODULE_VERSION", text("lora_module_version", 10, _module_version)),
})  # fmt: skip
_STATE = word("state", {0: "DISABLED", 1: "ENABLED"})
_ACCESS_POINT = _commands({1: ("CMD_GET_ACCESS_POINT_STATE", _STATE), 129: "CMD_SET_ACCESS_POINT_STATE"})
_ANALOG_OUTPUT = _commands({
    1: ("CMD_GET_ANALOG_OUTPUT", all_of(_STATE, _be("max_occupancy", 2))),
    129: "CMD_SET_ANALOG_OUTPUT",
})  # fmt: skip

PEOPLE_FLOW_M: Ports = {
    82: all_of(_COUNTS, _flags("TPC_STOPPED", "TPC_STUCK", "NETWORK_ON")),
    2: _commands({1: "CMD_CNT_RST", 2: ("CMD_CNT_GET", _COUNTS), 130: "CMD_CNT_SET"}),
    3: _commands({1: "CMD_DEVICE_REBOOT", 2: "CMD_TPC_RST"}),
    4: _VERSIONS,
    5: _ACCESS_POINT,
    6: _commands({1: "CMD_FORCE_REJOIN"}),
    8: _ANALOG_OUTPUT,
    100: _commands({
        1: ("CMD_GET_HEIGHT", _be("mounting_height", 2)),
        129: "CMD_SET_HEIGHT",
        2: ("CMD_GET_COUNTING_DIRECTION", word("direction", {0: "OUT", 1: "IN"})),
        130: "CMD_SET_COUNTING_DIRECTION",
        3: ("CMD_GET_PUSH_PERIOD", _be("push_period_s", 4)),
        131: "CMD_SET_PUSH_PERIOD",
        4: ("CMD_GET_CABLE_CONNECTION", word("cable_position", {0: "RIGHT", 1: "LEFT"})),
        132: "CMD_SET_CABLE_CONNECTION",
    }),
}  # fmt: skip

ZONES = range(8)
_NO_ZONE = 0xFF


def _zones(cursor: Cursor, into: Decoded) -> None:
    into["zone_global"] = cursor.take(1, "zone_global")[0]
    for zone, people in zip(ZONES, cursor.take(len(ZONES), "zones"), strict=True):
        into[f"zone_{zone}"] = "not set" if people == _NO_ZONE else people


def _active_zones(cursor: Cursor, into: Decoded) -> None:
    """As many bytes as there are zones in use, from the first."""
    active = len(cursor.take(cursor.left, "zones"))
    if active > len(ZONES):
        raise not_decoded(cursor.at, f"{active} zones of {len(ZONES)}", f"{active} は多すぎます")
    into.update({f"zone_{zone}": zone < active for zone in ZONES})


_RECTANGLE = 2
_COORDINATE_BITS = 10


def _zone_place(cursor: Cursor, into: Decoded) -> None:
    """Four bits of type, three of number, four coordinates of ten, and one bit more."""
    bits = int.from_bytes(cursor.take(6, "zone"), "big")
    zone = bits >> 41 & 7
    if bits >> 44 != _RECTANGLE:
        into.update(type="not supported", zone_id=zone)
        return
    x1, y1, x2, y2 = (bits >> 1 + place * _COORDINATE_BITS & 0x3FF for place in (3, 2, 1, 0))
    into.update(type="rectangle", zone_id=zone, point_1=[x1, y1], point_2=[x2, y2])


_USES = ("open space", "installation mode", "meeting room", "waiting lounge", "work office", "point of sale")


def _use(cursor: Cursor, into: Decoded) -> None:
    use = cursor.take(1, "use case")[0]
    into["device_use_case"] = _USES[use] if use < len(_USES) else "not recognized"


PEOPLE_OCCUPANCY: Ports = {
    83: all_of(_flags("STOPPED", "STUCK", "WIFI_ACCESS_POINT_ON", "WARMUP"), _zones),
    3: _commands({1: "CMD_DEVICE_REBOOT"}),
    4: _VERSIONS,
    5: _ACCESS_POINT,
    6: _commands({1: "CMD_FORCE_REJOIN"}),
    8: _ANALOG_OUTPUT,
    100: _commands({
        1: ("CMD_GET_HEIGHT", _be("mounting_height", 2)),
        129: "CMD_SET_HEIGHT",
        3: ("CMD_GET_PUSH_PERIOD", _be("push_period_s", 4)),
        131: "CMD_SET_PUSH_PERIOD",
        5: ("CMD_GET_DEVICE_USE_CASE", _use),
        133: "CMD_SET_DEVICE_USE_CASE",
    }),
    101: _commands({
        1: ("CMD_GET_ACTIVE_ZONES", _active_zones),
        2: ("CMD_GET_OCCUPANCY_ZONE_COORDINATES", _zone_place),
        3: ("CMD_GET_EXCLUDING_ZONE_COORDINATES", _zone_place),
        129: "CMD_SET_OCCUPANCY_ZONE",
        130: "CMD_SET_EXCLUDING_ZONE",
        131: "CMD_DELETE_OCCUPANCY_ZONE",
    }),
}  # fmt: skip
