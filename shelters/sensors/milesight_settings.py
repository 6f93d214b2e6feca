"""Settings that several of Milesight's models have alike, as they repeat them in answers."""

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
    not_decoded,
    skip,
    tenths,
    text,
    u8,
    u16,
    u32,
    word,
)

_MINUTES = (
    *(-720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -120, -60, 0, 60, 120, 180),
    *(210, 240, 270, 300, 330, 345, 360, 390, 420, 480, 540, 570, 600, 630, 660, 720, 765, 780, 840),
)


def _zone(minutes: int) -> str:
    """540 → UTC+9, -570 → UTC-9:30"""
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest}" if rest else "")


REBOOT = always("reboot", "yes")
D2D_KEY = hexadecimal("d2d_key", 8)
D2D_ENABLE = enabled("d2d_enable")
CONFIRM_MODE = enabled("confirm_mode_enable")
ADR = enabled("adr_enable")
WIFI = enabled("wifi_enable")
HISTORY_ENABLE = enabled("history_enable")
RETRANSMIT_ENABLE = enabled("retransmit_enable")
INTERVALS = by_kind("kind of interval", {0: u16("retransmit_interval"), 1: u16("resend_interval")})
REPORT_INTERVAL = u16("report_interval")
REPORT_INTERVAL_AFTER_A_BYTE = all_of(skip(1, "report_interval"), REPORT_INTERVAL)
TIME_ZONE = word("time_zone", {minutes: _zone(minutes) for minutes in _MINUTES}, 2)
REPORT_TYPE = word("report_type", {0: "period", 1: "immediately"})
REJOIN = group("rejoin_config", enabled("enable"), u8("max_count"))
DATA_RATE = u8("data_rate")
TX_POWER = u8("tx_power_level")
LORAWAN_VERSION = word("lorawan_version", {1: "v1.0.2", 2: "v1.0.3"})
RX2_DATA_RATE = u8("rx2_data_rate")
RX2_FREQUENCY = u32("rx2_frequency")
RESET_ONE_DIRECTION = by_kind(
    "direction",
    {1: always("reset_cumulative_in", "yes", 0), 2: always("reset_cumulative_out", "yes", 0)},
)
CALIBRATION = group("temperature_calibration_settings", enabled("enable"), tenths("calibration_value"))
WEEKDAYS = {
    0: "everyday",
    1: "sunday",
    2: "monday",
    3: "tuesday",
    4: "wednesday",
    5: "thursday",
    6: "friday",
    7: "saturday",
}
RESET_SCHEDULE = group(
    "reset_cumulative_schedule_config", word("weekday", WEEKDAYS), u8("hour"), u8("minute")
)
_CONDITIONS = {0: "disable", 1: "below", 2: "above", 3: "between", 4: "outside"}


def d2d_command(name: str) -> Shape:
    """Two bytes, the second first."""
    return text(name, 2, lambda bytes_: bytes_[::-1].hex())


def d2d_master(modes: dict[int, str]) -> Shape:
    return item(
        "d2d_master_config",
        word("mode", modes),
        enabled("enable"),
        enabled("lora_uplink_enable"),
        d2d_command("d2d_cmd"),
        u16("time"),
        enabled("time_enable"),
    )


_ALARMS: dict[int, tuple[str, Shape]] = {
    1: ("people_period_alarm_config", all_of(u16("threshold_out"), u16("threshold_in"))),
    2: ("people_cumulative_alarm_config", all_of(u16("threshold_out"), u16("threshold_in"))),
    3: ("temperature_alarm_config", all_of(tenths("threshold_min"), tenths("threshold_max"))),
}


def alarm_config(cursor: Cursor, into: Decoded) -> None:
    """Three bits of condition, three of what it is about, two thresholds, and four bytes without meaning."""
    at = cursor.at
    packed = cursor.take(1, "alarm config")[0]
    about = packed >> 3 & 7
    if about not in _ALARMS:
        raise not_decoded(
            at, f"an alarm about {about} is none that the vendor lists", f"警報 {about} は表にありません"
        )
    name, thresholds = _ALARMS[about]
    config: Decoded = {"condition": _CONDITIONS.get(packed & 7, "unknown")}
    thresholds(cursor, config)
    cursor.take(4, "alarm config")
    into[name] = config
