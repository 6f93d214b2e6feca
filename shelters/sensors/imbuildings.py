"""IMBuildings' people counter: a header that says what a frame is, or a port that stands for it.

Source: TheThingsNetwork/lorawan-devices, vendor/imbuildings. Big-endian; totals are 16 bits, of side A and side B,
and which of the two is «in» depends on how it is hung up.
"""

from collections.abc import Mapping

from shelters.sensors.frame import (
    Cursor,
    Decoded,
    Shape,
    all_of,
    group,
    hexadecimal,
    not_decoded,
    number,
    u8,
)

Ports = Mapping[int, Shape]

_PEOPLE_COUNTER, _DOWNLINK = 0x02, 0xF1


def _be(name: str) -> Shape:
    return number(name, 2, order="big")


_STATUS = u8("device_status")
_BATTERY = number("battery_voltage", 2, order="big", over=100)
_SENSOR = u8("sensor_status")
_COUNTERS = all_of(_be("counter_a"), _be("counter_b"))
_TOTALS = all_of(_be("total_counter_a"), _be("total_counter_b"))
_SEQUENCE = u8("payload_counter")

_BODIES = {
    5: all_of(_STATUS, _BATTERY, _COUNTERS, _SENSOR, _SEQUENCE),
    6: all_of(_STATUS, _BATTERY, _COUNTERS, _SENSOR, _TOTALS, _SEQUENCE),
    7: all_of(_SENSOR, _TOTALS),
    8: all_of(_STATUS, _BATTERY, _SENSOR),
}
"""What follows the header, by variant."""


def _with_header(cursor: Cursor, into: Decoded) -> None:
    at = cursor.at
    kind, variant = cursor.take(2, "header")
    if kind != _PEOPLE_COUNTER:
        raise not_decoded(
            at, f"type {kind} is not a people counter", f"種別 {kind} は人数計測器ではありません"
        )
    if variant not in _BODIES:
        raise not_decoded(
            at + 1,
            f"variant {variant} is none that the vendor lists",
            f"形式 {variant} はメーカーの表にありません",
        )
    into["device_type_identifier"] = kind
    into["device_type"] = "People Counter"
    into["device_type_variant"] = variant
    hexadecimal("device_id", 8)(cursor, into)
    _BODIES[variant](cursor, into)


def _definition(name: str) -> Shape:
    return group(name, u8("type"), u8("variant"), _yes("header"))


def _yes(name: str) -> Shape:
    def read(cursor: Cursor, into: Decoded) -> None:
        into[name] = cursor.take(1, name)[0] == 1

    return read


def _rest(name: str) -> Shape:
    """Bytes whose meaning the vendor keeps to itself."""

    def read(cursor: Cursor, into: Decoded) -> None:
        into[name] = cursor.take(cursor.left, name).hex()

    return read


_SETTINGS = {
    0x02: hexadecimal("device_id", 8),
    0x1E: u8("interval"),
    0x1F: group("event", u8("type"), u8("count"), u8("timeout")),
    0x20: _definition("payload"),
    0x21: group("heartbeat", u8("interval")),
    0x22: group("heartbeat", _definition("payload")),
    0x2B: hexadecimal("device_address", 4),
    0x2F: u8("confirmed_messages"),
    0x33: u8("fport"),
    0x36: group("heartbeat", u8("fport")),
    0xF0: _rest("errors"),
}


def _settings(cursor: Cursor, into: Decoded) -> None:
    """What it was told, setting by setting: its length, its number, and what it is set to."""
    at = cursor.at
    if cursor.take(2, "header") != bytes((_DOWNLINK, 1)):
        raise not_decoded(at, "is no answer to a downlink", "設定への応答ではありません")
    while cursor.left:
        at = cursor.at
        size, setting = cursor.take(2, "setting")
        if setting not in _SETTINGS:
            raise not_decoded(
                at + 1,
                f"setting {setting:#04x} is none that the vendor lists",
                f"設定 {setting:#04x} はメーカーの表にありません",
            )
        alone = Cursor(cursor.take(max(0, size - 2), "setting"), first=at + 2)
        _SETTINGS[setting](alone, into)
        if alone.left:
            raise not_decoded(
                alone.at,
                f"setting {setting:#04x} is {alone.left} bytes too long",
                f"設定 {setting:#04x} が長すぎます",
            )


PEOPLE_COUNTER: Ports = {
    1: _with_header,
    10: _settings,
    26: _BODIES[6],
    27: _BODIES[7],
    28: _BODIES[8],
}
