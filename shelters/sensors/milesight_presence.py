"""Milesight VS330, VS340 and VS370: whether somebody is in a cubicle, at a desk, in a room.

Source: Milesight-IoT/SensorDecoders, vs-series/vs330, vs340, vs370. They count nobody: what they say is shown to
staff, and no head count is made of it.
"""

from shelters.sensors import milesight_settings as settings
from shelters.sensors.frame import (
    Cursor,
    Decoded,
    all_of,
    always,
    enabled,
    group,
    item,
    number,
    ordinal,
    skip,
    u8,
    u16,
    u32,
    word,
)
from shelters.sensors.tlv import ATTRIBUTES, answers, answers_with_result, channels

_OCCUPANCY = word("occupancy", {0: "vacant", 1: "occupied"})
_LEARNT = {
    0: "not_executed",
    1: "success",
    2: "failed_due_to_collection",
    3: "failed_due_to_pir_interrupt",
}

VS330 = channels({
    **answers({
        0x02: u16("collection_interval"),
        0x03: settings.REPORT_INTERVAL,
        0x10: settings.REBOOT,
        0x70: u16("human_exist_height"),
        0x71: enabled("test_enable"),
        0x72: u16("test_duration"),
        0x7A: group("back_test_config", enabled("enable"), u16("distance")),
    }),
    **ATTRIBUTES,
    (0x01, 0x75): u8("battery"),
    (0x02, 0x82): u16("distance"),
    (0x02, 0xA5): group("distanceInfo", *(u16(f"distance{place}") for place in range(1, 5))),
    (0x03, 0x8E): _OCCUPANCY,
    (0x04, 0x8E): word("calibration_status", {0: "failed", 1: "success"}),
    (0x04, 0xA8): word("learn_status", _LEARNT),
    (0x06, 0xA6): u32("ambient_counts"),
    (0x07, 0xA7): all_of(u8("similarity"), skip(3, "similarity")),
    (0x08, 0xA8): word("second_learn_status", _LEARNT),
    (0x09, 0xA9): u32("collection_count"),
})  # fmt: skip

VS340 = channels({
    **answers({
        0x10: settings.REBOOT,
        0x28: always("query_device_status", "yes"),
        0x2F: enabled("led_indicator_enable"),
        0x35: settings.D2D_KEY,
        0x84: settings.D2D_ENABLE,
        0x8E: settings.REPORT_INTERVAL_AFTER_A_BYTE,
        0x95: u16("vacancy_reporting_interval"),
        0x96: settings.d2d_master({1: "occupied", 2: "vacant"}),
        0x98: group(
            "pir_collect_settings", enabled("enable"), u16("count"), skip(2, "pir_collect_settings")
        ),
        0x99: group(
            "thermopile_collect_settings",
            enabled("enable"),
            number("separate", 2, over=10),
            number("threshold_l", 1, over=10),
            number("threshold_h", 1, over=10),
        ),
        0xB2: number("thermopile_negative_threshold", 1, signed=True),
    }),
    **ATTRIBUTES,
    (0x01, 0x75): u8("battery"),
    (0x03, 0x00): _OCCUPANCY,
})  # fmt: skip

_SENSITIVITY = {0: "low", 1: "medium", 2: "high"}
_MONTHS = {
    1: "January",
    2: "February",
    3: "March",
    4: "April",
    5: "May",
    6: "June",
    7: "July",
    8: "August",
    9: "September",
    10: "October",
    11: "November",
    12: "December",
}
_DAYS = dict(
    enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), start=1)
)


def _summer_time(cursor: Cursor, into: Decoded) -> None:
    """The dates have a meaning only where it is used."""
    all_of(enabled("enable"), u8("offset"))(cursor, into)
    dates: Decoded = {}
    for which in ("start", "end"):
        word(f"{which}_month", _MONTHS)(cursor, dates)
        day = cursor.take(1, f"{which}_week")[0]
        dates |= {f"{which}_week_num": day >> 4, f"{which}_week_day": _DAYS.get(day & 0x0F, "unknown")}
        u16(f"{which}_time")(cursor, dates)
    if into["enable"] == "enable":
        into.update(dates)


VS370 = channels({
    **answers({
        0x10: settings.REBOOT,
        0x28: word("report_status", {0: "plan", 1: "periodic"}),
        0x35: settings.D2D_KEY,
        0x4A: always("sync_time", "yes"),
        0x84: settings.D2D_ENABLE,
        0x8E: settings.REPORT_INTERVAL_AFTER_A_BYTE,
        0x8F: enabled("bluetooth_enable"),
        0x96: settings.d2d_master({
            0: "occupied",
            1: "vacant",
            2: "bright",
            3: "dim",
            4: "occupied_bright",
            5: "occupied_dim",
        }),
        0xBA: group("dst_config", _summer_time),
        0xBD: settings.TIME_ZONE,
    }),
    **answers_with_result({
        0x3E: word("pir_sensitivity", _SENSITIVITY),
        0x3F: word("radar_sensitivity", _SENSITIVITY),
        0x40: u8("pir_idle_interval"),
        0x41: group(
            "pir_illuminance_threshold", enabled("enable"), u16("upper_limit"), u16("lower_limit")
        ),
        0x42: word("pir_window_time", {0: "2s", 1: "4s", 2: "6s", 3: "8s"}),
        0x43: word("pir_pulse_times", {0: "1_times", 1: "2_times", 2: "3_times", 3: "4_times"}),
        0x44: item(
            "hibernate_config",
            ordinal("id"),
            enabled("enable"),
            u16("start_time"),
            u16("end_time"),
        ),
    }),
    **ATTRIBUTES,
    (0x01, 0x75): u8("battery"),
    (0x03, 0x00): _OCCUPANCY,
    (0x04, 0x00): word("illuminance", {0: "dim", 1: "bright", 0xFE: "disable"}),
})  # fmt: skip
