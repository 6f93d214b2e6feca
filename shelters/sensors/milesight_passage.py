"""Milesight VS350, VS351 and VS360: counters beside a passage, by heat or by a light barrier.

Source: Milesight-IoT/SensorDecoders, vs-series/vs350, vs351, vs360. Totals and periods are 16 bits.
"""

from collections.abc import Mapping

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
    skip,
    tenths,
    text,
    u8,
    u16,
    u32,
    word,
)
from shelters.sensors.tlv import (
    ATTRIBUTES,
    ATTRIBUTES_DECIMAL,
    Channel,
    answers,
    answers_with_result,
    channels,
    dotted,
)

_TOTAL = all_of(u16("total_in"), u16("total_out"))
_PERIOD = all_of(u16("period_in"), u16("period_out"))
_HISTORY = item(
    "history", u32("timestamp"), by_kind("kind of history", {0: _PERIOD, 1: all_of(_PERIOD, _TOTAL)})
)


def _counting(alarms: Mapping[int, str]) -> dict[Channel, Shape]:
    return {
        (0x04, 0xCC): _TOTAL,
        (0x05, 0xCC): _PERIOD,
        (0x84, 0xCC): all_of(_TOTAL, word("total_count_alarm", alarms)),
        (0x85, 0xCC): all_of(_PERIOD, word("period_count_alarm", alarms)),
        (0x0A, 0xEF): u32("timestamp"),
        (0x20, 0xCE): _HISTORY,
    }


_ALARMS = {
    0: "threshold alarm release",
    1: "threshold alarm",
    3: "high temperature alarm",
    4: "high temperature alarm release",
}

_HEAT: dict[Channel, Shape] = {
    (0x01, 0x75): u8("battery"),
    (0x03, 0x67): tenths("temperature"),
    (0x83, 0x67): all_of(tenths("temperature"), word("temperature_alarm", _ALARMS)),
    **_counting(_ALARMS),
}

_ALIKE: dict[int, Shape] = {
    0x06: settings.alarm_config,
    0x10: settings.REBOOT,
    0x35: settings.D2D_KEY,
    0x68: settings.HISTORY_ENABLE,
    0x69: settings.RETRANSMIT_ENABLE,
    0x6A: settings.INTERVALS,
    0x84: settings.D2D_ENABLE,
    0x8E: settings.REPORT_INTERVAL_AFTER_A_BYTE,
    0xA6: enabled("reset_cumulative_enable"),
    0xA8: settings.RESET_ONE_DIRECTION,
    0xA9: enabled("report_cumulative_enable"),
}
"""What all three repeat."""

VS350 = channels({
    **answers({
        **_ALIKE,
        0x28: always("report_status", "yes"),
        0x4A: always("sync_time", "yes"),
        0x6B: always("stop_transmit", "yes"),
        0x6D: always("stop_transmit", "yes"),
        0x96: settings.d2d_master({
            1: "someone_enter",
            2: "someone_leave",
            3: "counting_threshold_alarm",
            4: "temperature_threshold_alarm",
            5: "temperature_threshold_alarm_release",
        }),
        0xA7: u16("reset_cumulative_interval"),
        0xAA: enabled("report_temperature_enable"),
        0xAB: settings.CALIBRATION,
        0xBD: settings.TIME_ZONE,
        0xEF: group("reset_cumulative_config", enabled("enable"), u8("hour"), u8("minute")),
    }),
    **answers_with_result({0x10: settings.REPORT_TYPE}),
    **ATTRIBUTES,
    **_HEAT,
    (0x81, 0xEE): u8("current_sensitivity"),
    (0xFF, 0xAC): group(
        "install_config",
        word("install_method", {0: "side", 1: "top"}),
        u8("install_height"),
        u8("compensation"),
        enabled("sensitivity_report_enable"),
    ),
    (0xFF, 0xAD): word("people_threshold_trigger_mode", {0: "threshold", 1: "multiple"}),
})  # fmt: skip

VS351 = channels({
    **answers({
        **_ALIKE,
        0x04: settings.CONFIRM_MODE,
        0x05: item("lora_channel_mask_config", u8("id"), u16("mask")),
        0x27: always("clear_history", "yes"),
        0x28: always("query_device_status", "yes"),
        0x40: settings.ADR,
        0x41: u8("lora_port"),
        0x75: group(
            "hibernate_config",
            enabled("enable"),
            u16("start_time"),
            u16("end_time"),
            skip(1, "hibernate_config"),
        ),
        0x77: u16("installation_height"),
        0x8F: settings.REPORT_INTERVAL,
        0x96: settings.d2d_master({
            1: "someone enter",
            2: "someone leave",
            3: "counting threshold alarm",
            4: "temperature alarm",
            5: "temperature alarm release",
        }),
        0x97: settings.HISTORY_ENABLE,
        0xAA: enabled("report_temperature_enable"),
        0xAB: settings.CALIBRATION,
        0xEC: word("detection_direction", {0: "forward", 1: "reverse"}),
        0xED: settings.RESET_SCHEDULE,
    }),
    **answers_with_result({
        0x10: settings.REPORT_TYPE,
        0x85: settings.REJOIN,
        0x86: settings.DATA_RATE,
        0x87: settings.TX_POWER,
        0x8B: settings.LORAWAN_VERSION,
        0x8C: settings.RX2_DATA_RATE,
        0x8D: settings.RX2_FREQUENCY,
        0xA2: word("installation_scene", {0: "no_door_access", 1: "door_controlled_access"}),
        0xA3: word("lora_join_mode", {0: "ABP", 1: "OTAA"}),
    }),
    **ATTRIBUTES_DECIMAL,
    **_HEAT,
    (0xFF, 0x08): hexadecimal("sn", 6),
    (0xFF, 0x1F): text("firmware_version", 4, dotted),
    (0xFF, 0xCC): word(
        "power_status", {0: "battery supply", 1: "external power supply", 2: "battery charging"}
    ),
})  # fmt: skip

_EVENTS = {0: "Counting Anomaly", 1: "Node Device Without Response", 2: "Devices Misaligned"}


def _hibernation(cursor: Cursor, into: Decoded) -> None:
    """Days of the week are bits: Monday the second."""
    all_of(enabled("enable"), u16("start_time"), u16("end_time"))(cursor, into)
    bits = cursor.take(1, "weekdays")[0]
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    into["weekdays"] = {
        day: "enable" if bits >> place & 1 else "disable" for place, day in enumerate(days, start=1)
    }


VS360 = channels({
    **answers({
        **_ALIKE,
        0x28: always("report_status", "yes"),
        0x4A: always("sync_time", "yes"),
        0x6D: always("stop_transmit", "yes"),
        0x75: group("hibernate_config", _hibernation),
        0x96: settings.d2d_master({
            1: "someone_enter",
            2: "someone_leave",
            3: "counting_threshold_alarm",
        }),
        0xBD: settings.TIME_ZONE,
        0xED: settings.RESET_SCHEDULE,
        0xFC: word("counting_mode", {2: "high_mode", 3: "low_mode"}),
        0xFD: enabled("led_indicator_enable"),
    }),
    **answers_with_result({0x10: settings.REPORT_TYPE}),
    **ATTRIBUTES,
    (0x01, 0x75): u8("battery_main"),
    (0x02, 0x75): u8("battery_node"),
    (0x03, 0xF4): item("event", word("type", _EVENTS), word("status", {0: "Alarm Release", 1: "Alarm"})),
    **_counting({1: "Threshold Alarm"}),
})  # fmt: skip
