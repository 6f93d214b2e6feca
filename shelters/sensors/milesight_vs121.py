"""Milesight VS121: a camera over a room, with up to 16 regions, flows between four sides, and a line.

Source: Milesight-IoT/SensorDecoders, vs-series/vs121; the VS121 manual, «Uplink data». Counts are 16 bits. What it
says of a region in the map of bits is whether anybody is there, not how many.
"""

from shelters.sensors import milesight_settings as settings
from shelters.sensors.frame import (
    Cursor,
    Decoded,
    Shape,
    all_of,
    always,
    by_kind,
    enabled,
    group,
    hexadecimal,
    item,
    number,
    ordinal,
    skip,
    u8,
    u16,
    u32,
    word,
)
from shelters.sensors.tlv import ATTRIBUTES_CAMERA, answers, answers_with_result, channels

_SIDES = "abcd"
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAYS = dict(enumerate(_DAY_NAMES))
_END_OF_SERIAL = (0xFF, None)
"""What follows a serial number: the next attribute, or nothing."""


def _serial(cursor: Cursor, into: Decoded) -> None:
    """Six bytes, in later hardware eight: eight only where six cannot be."""
    longer = cursor.peek(6) not in _END_OF_SERIAL and cursor.peek(8) in _END_OF_SERIAL
    hexadecimal("sn", 8 if longer and cursor.left >= 8 else 6)(cursor, into)


def _people(cursor: Cursor, into: Decoded) -> None:
    all_of(u8("people_count_all"), u8("region_count"))(cursor, into)
    occupied = int.from_bytes(cursor.take(2, "regions"), "big")
    for region in range(into["region_count"]):
        into[f"region_{region + 1}"] = occupied >> region & 1


def _regions(first: int, last: int) -> Shape:
    return all_of(*(u8(f"region_{region}_count") for region in range(first, last + 1)))


def _flow(side: str, to: str = _SIDES) -> Shape:
    return all_of(*(u16(f"{side}_to_{other}") for other in to))


_LINE = all_of(u16("people_in"), u16("people_out"))
_TOTAL = all_of(u16("people_total_in"), u16("people_total_out"))
_DWELL = all_of(skip(1, "region"), u16("dwell_time_avg"), u16("dwell_time_max"))
_LINE_2 = all_of(u16("line_in"), u16("line_out"))

_HISTORY = {
    0x01: _people,
    0x02: _LINE,
    0x03: u8("people_count_max"),
    **{0x04 + part: _regions(4 * part + 1, 4 * part + 4) for part in range(4)},
    **{
        0x08 + 2 * place + half: _flow(side, to)
        for place, side in enumerate(_SIDES)
        for half, to in enumerate(("ab", "cd"))
    },
    0x10: _TOTAL,
    0x11: _DWELL,
    0x12: _LINE_2,
}


def _week(cursor: Cursor, into: Decoded) -> None:
    bits = cursor.take(1, "week_cycle")[0]
    into["week_cycle"] = {
        day: "enable" if bits >> place & 1 else "disable" for place, day in enumerate(_DAY_NAMES)
    }


_HOURS = all_of(u8("start_hour"), u8("start_minute"), u8("end_hour"), u8("end_minute"))
_KINDS_OF_COUNT = {0: "region_people_counting", 1: "line_crossing_counting", 2: "people_flow_analysis"}
_EVERY = ("5min", "10min", "15min", "30min", "1h", "4h", "6h", "8h", "12h")

_ANSWERS = answers({
    0x03: number("from_now_on_report_interval", 3),
    0x04: settings.CONFIRM_MODE,
    0x05: group("lora_channel_mask", u8("id"), number("mask", 2, order="big")),
    0x10: settings.REBOOT,
    0x11: group("device_time", u32("timestamp")),
    0x35: settings.D2D_KEY,
    0x40: settings.ADR,
    0x41: u8("lora_port"),
    0x42: settings.WIFI,
    0x43: enabled("report_regularly_enable"),
    0x44: enabled("people_count_change_report_enable"),
    0x45: word("people_counting_report_mode", {0: "zero_to_nonzero", 1: "once_result_change"}),
    0x46: group("people_count_jitter_config", enabled("enable"), u16("time")),
    0x48: enabled("line_detect_enable"),
    0x50: enabled("region_people_counting_enable"),
    0x51: always("clear_cumulative_count", "yes"),
    0x69: enabled("retransmission_enable"),
    0x6A: all_of(skip(1, "retransmission_interval"), u16("retransmission_interval")),
    0x84: settings.D2D_ENABLE,
})  # fmt: skip

_LOG_LEVEL = all_of(skip(1, "log_level"), word("log_level", {2: "error", 4: "debug"}))

_ANSWERS_2 = answers_with_result({
    0x10: word("periodic_report_scheme", {0: "on_the_dot", 1: "from_now_on"}),
    0x11: word("on_the_dot_report_interval", dict(enumerate(_EVERY))),
    0x3D: enabled("line_detect_report_enable"),
    0x85: settings.REJOIN,
    0x86: settings.DATA_RATE,
    0x87: settings.TX_POWER,
    0x88: _LOG_LEVEL,
    0x89: _LOG_LEVEL,
    0x8B: settings.LORAWAN_VERSION,
    0x8C: settings.RX2_DATA_RATE,
    0x8D: settings.RX2_FREQUENCY,
    0x8E: group(
        "d2d_occupied_config", ordinal("region"), enabled("enable"), settings.d2d_command("command")
    ),
    0x90: group(
        "d2d_vacant_config",
        ordinal("region"),
        enabled("enable"),
        settings.d2d_command("command"),
        u16("delay_time"),
    ),
    0x91: group("time_config", word("mode", {0: "sync_from_gateway", 1: "manual"}), u32("timestamp")),
    0x92: group("region_people_counting_dwell_config", enabled("enable"), u16("min_dwell_time")),
    0x93: word("report_with_timestamp", {0: "no", 1: "yes"}),
    0x94: enabled("timed_reset_cumulative_enable"),
    0x95: item(
        "reset_cumulative_schedule",
        word("mode", {0: "modify", 1: "add", 2: "delete"}),
        ordinal("index"),
        _week,
        number("time", 3),
    ),
    0x96: group(
        "detect_region_config",
        enabled("enable"),
        word("detection_type", {0: "mapped_region", 1: "unmapped_region"}),
        word("reporting_type", {0: "occupancy", 1: "region_people_counting"}),
    ),
    0x97: group("time_schedule_config", enabled("enable"), word("people_counting_type", _KINDS_OF_COUNT)),
    0x98: enabled("filter_u_turn_enable"),
    0x99: item(
        "time_schedule",
        word("people_counting_type", _KINDS_OF_COUNT),
        ordinal("period"),
        word("weekday", _DAYS),
        _HOURS,
    ),
    0xB7: group("region_people_counting_max_dwell_config", enabled("enable"), u16("max_dwell_time")),
    0xBA: enabled("led_indicator_enable"),
    0xCD: word("detect_duration_mode", {0: "auto", 1: "manual"}),
    0xCF: u8("detect_duration"),
    0xD0: u8("time_zone"),
    0xD1: enabled("privacy_mask_enable"),
    0xD2: enabled("detect_region_enable"),
    0xD3: enabled("obstacle_mask_enable"),
    0xD4: enabled("periodic_report_enable"),
    0xD5: group(
        "trigger_report_config",
        enabled("enable"),
        word("mode", {0: "once_result_change", 1: "zero_to_nonzero"}),
    ),
    0xD6: group("region_dwell_config", ordinal("region"), enabled("enable"), u16("min_dwell_time")),
    0xD7: item("work_schedule", enabled("enable"), word("weekday", _DAYS), ordinal("period"), _HOURS),
    0xD8: always("clear_all_cumulative_count", "yes"),
    0xDC: enabled("d2d_vacant_enable"),
    0xDD: enabled("d2d_occupied_enable"),
})  # fmt: skip

VS121 = channels({
    **_ANSWERS,
    **_ANSWERS_2,
    **ATTRIBUTES_CAMERA,
    (0xFF, 0x08): _serial,
    (0x04, 0xC9): _people,
    (0x05, 0xCC): _LINE,
    (0x06, 0xCD): u8("people_count_max"),
    (0x07, 0xD5): _regions(1, 8),
    (0x08, 0xD5): _regions(9, 16),
    **{(0x09 + place, 0xDA): _flow(side) for place, side in enumerate(_SIDES)},
    (0x0D, 0xCC): _TOTAL,
    (0x0E, 0xE4): _DWELL,
    (0x0F, 0x85): u32("timestamp"),
    (0x10, 0xF7): _LINE_2,
    (0x20, 0xCE): item("history", u32("timestamp"), by_kind("kind of history", _HISTORY)),
})  # fmt: skip
