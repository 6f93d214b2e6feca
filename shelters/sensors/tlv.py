"""Milesight's frames: one channel after the other, each with its number, its type and its data.

Sources: the «Payload» tables of Milesight-IoT/SensorDecoders, vs-series/*/README.md; for what a device answers to
a downlink, the values that the same repository publishes beside them. Little-endian throughout.
"""

from collections.abc import Mapping

from shelters.sensors.frame import (
    Cursor,
    Decoded,
    Shape,
    always,
    hexadecimal,
    not_decoded,
    text,
    u8,
    word,
)

Channel = tuple[int, int]
"""A channel's number and its type."""

_ANSWERS = (0xFE, 0xFF)
"""Channels on which a device repeats the setting that it was sent."""
_ANSWER_WITH_RESULT, _ANSWER_WITHOUT = 0xF8, 0xF9
_RESULTS = {0: "success", 1: "forbidden", 2: "invalid parameter"}


def channels(table: Mapping[Channel, Shape]) -> Shape:
    """A whole frame: channels of `table`, as many as there are.

    Raises:
        BadInput: names the byte where a channel begins that `table` does not have, or where the frame ends early.
    """

    def read(cursor: Cursor, into: Decoded) -> None:
        while cursor.left:
            at = cursor.at
            number, kind = cursor.take(2, "a channel")
            if (number, kind) not in table:
                raise not_decoded(
                    at,
                    f"this model has no channel {number:#04x} of type {kind:#04x}",
                    f"この機種に、チャンネル {number:#04x}、種別 {kind:#04x} はありません",
                )
            table[number, kind](cursor, into)

    return read


def answers(by_type: Mapping[int, Shape]) -> dict[Channel, Shape]:
    """What the device sends back when it was told a setting."""
    return {(number, kind): shape for kind, shape in by_type.items() for number in _ANSWERS}


def answers_with_result(by_type: Mapping[int, Shape]) -> dict[Channel, Shape]:
    """The same in the newer form, which on one of two channels ends with whether it was done."""
    table = {(_ANSWER_WITHOUT, kind): shape for kind, shape in by_type.items()}
    return table | {(_ANSWER_WITH_RESULT, kind): _resulting(kind, shape) for kind, shape in by_type.items()}


def _resulting(kind: int, shape: Shape) -> Shape:
    def read(cursor: Cursor, into: Decoded) -> None:
        request: Decoded = {}
        shape(cursor, request)
        result = cursor.take(1, "the result")[0]
        if result == 0:
            into.update(request)
        else:
            into["device_response_result"] = {
                "channel_type": kind,
                "result": _RESULTS.get(result, "unknown"),
                "request": request,
            }

    return read


def dotted(bytes_: bytes) -> str:
    """1f 07 00 4b → 31.7.0.75"""
    return ".".join(str(byte) for byte in bytes_)


def _v(bytes_: bytes) -> str:
    return "v" + dotted(bytes_)


def _v_nibble(bytes_: bytes) -> str:
    """01 10 → v1.1"""
    return f"v{bytes_[0]}.{bytes_[1] >> 4}"


def _v_hex_nibble(bytes_: bytes) -> str:
    return f"v{bytes_[0]:x}.{bytes_[1] >> 4}"


def _v_hex(bytes_: bytes) -> str:
    return f"v{bytes_[0]:x}.{bytes_[1]:x}"


def _v_halves(bytes_: bytes) -> str:
    """01 → v0.1"""
    return f"v{bytes_[0] >> 4}.{bytes_[0] & 0x0F}"


ATTRIBUTES: dict[Channel, Shape] = {
    (0xFF, 0x01): text("ipso_version", 1, _v_halves),
    (0xFF, 0x09): text("hardware_version", 2, _v_hex_nibble),
    (0xFF, 0x0A): text("firmware_version", 2, _v_hex),
    (0xFF, 0x0B): always("device_status", "on"),
    (0xFF, 0x0F): word("lorawan_class", {0: "Class A", 1: "Class B", 2: "Class C", 3: "Class CtoB"}),
    (0xFF, 0x16): hexadecimal("sn", 8),
    (0xFF, 0xFE): always("reset_event", "reset"),
    (0xFF, 0xFF): text("tsl_version", 2, _v),
}
"""What a device says of itself when it joins."""

ATTRIBUTES_DECIMAL = ATTRIBUTES | {
    (0xFF, 0x09): text("hardware_version", 2, _v_nibble),
    (0xFF, 0x0A): text("firmware_version", 2, _v),
}
"""VS351 writes its versions in decimal."""

ATTRIBUTES_CAMERA = ATTRIBUTES | {
    (0xFF, 0x01): u8("protocol_version"),
    (0xFF, 0x09): text("hardware_version", 2, dotted),
    (0xFF, 0x1F): text("firmware_version", 4, dotted),
}
"""VS121 and VS132."""

ATTRIBUTES_LINES = ATTRIBUTES | {
    (0xFF, 0x09): text("hardware_version", 2, _v),
    (0xFF, 0x1F): text("firmware_version", 4, _v),
}
"""VS133 and VS135."""
