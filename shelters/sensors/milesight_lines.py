"""Milesight VS132, VS133 and VS135: 3D counters over a door, with up to four lines and regions.

Sources: Milesight-IoT/SensorDecoders, vs-series/vs132, vs133, vs135, vs13x; for the nested names of VS133
TheThingsNetwork/lorawan-devices, vendor/milesight-iot/vs133-codec.yaml. Totals are 32 bits, periods 16.
Children are counted twice: among everybody, and in the `child` channels.
"""

from collections.abc import Callable, Iterator

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
    item,
    numbered,
    u8,
    u16,
    u32,
    word,
)
from shelters.sensors.tlv import (
    ATTRIBUTES_CAMERA,
    ATTRIBUTES_LINES,
    Channel,
    answers,
    answers_with_result,
    channels,
)

LINES = REGIONS = range(1, 5)

Named = Callable[[int, str, Callable[[str], Shape]], Shape]
"""A shape for a line's number and what is counted there, which is told the name."""


def _flat(line: int, what: str, shape: Callable[[str], Shape]) -> Shape:
    return shape(f"line_{line}_{what}")


def _nested(line: int, what: str, shape: Callable[[str], Shape]) -> Shape:
    return group(f"line_{line}", shape(what))


def _counts(named: Named) -> Iterator[tuple[int, int, Shape]]:
    """Number, type and shape of each channel of every line: in, out and period of all, then of children."""
    for first, child in ((0x03, ""), (0x11, "child_")):
        for line in LINES:
            number = first + 3 * (line - 1)
            yield number, 0xD2, named(line, f"{child}total_in", u32)
            yield number + 1, 0xD2, named(line, f"{child}total_out", u32)
            both = (named(line, f"{child}period_in", u16), named(line, f"{child}period_out", u16))
            yield number + 2, 0xCC, all_of(*both)


def _region_counts(name: str) -> Shape:
    return all_of(*(u8(name.format(region)) for region in REGIONS))


REGION_COUNTS = {0x0F: _region_counts("region_{}_count"), 0x1D: _region_counts("region_{}_child_count")}


def _dwell(kind: str) -> Shape:
    return numbered(
        "region_{}", lambda name: all_of(u16(f"{name}_{kind}avg_dwell"), u16(f"{name}_{kind}max_dwell"))
    )


def _dwell_of_history(what: str) -> Shape:
    return numbered("region_{}", lambda name: u16(f"{name}_{what}_dwell"))


def _history(named: Named) -> Shape:
    kinds = {number: shape for number, _, shape in _counts(named)} | REGION_COUNTS
    kinds |= {0x10: _dwell_of_history("avg"), 0x20: _dwell_of_history("max")}
    kinds |= {0x1E: _dwell_of_history("child_avg"), 0x3C: _dwell_of_history("child_max")}
    return item("history", u32("timestamp"), by_kind("kind of history", kinds))


def _occlusion(cursor: Cursor, into: Decoded) -> None:
    """The view of the device, or of another that is joined to it, is covered."""
    cursor.take(1, "alarm")
    node = cursor.take(1, "alarm")[0]
    name = "master" if node == 0 else f"node_{node}"
    word(f"{name}_occlusion_alarm", {0: "alarm_released", 1: "alarm_triggered"})(cursor, into)


_LOG_LEVELS = {1: "fatal", 2: "error", 3: "warning", 4: "debug", 5: "trace"}

_ANSWERS = answers({
    0x03: settings.REPORT_INTERVAL,
    0x04: settings.CONFIRM_MODE,
    0x10: settings.REBOOT,
    0x11: u32("timestamp"),
    0x27: always("clear_history", "yes"),
    0x40: settings.ADR,
    0x42: settings.WIFI,
    0x43: enabled("periodic_report_enable"),
    0x44: enabled("trigger_report_enable"),
    0x51: always("clear_total_count", "yes"),
    0x68: settings.HISTORY_ENABLE,
    0x69: settings.RETRANSMIT_ENABLE,
    0x6A: settings.INTERVALS,
    0x6D: always("stop_transmit", "yes"),
}) | answers_with_result({
    0x84: group("sync_time_from_gateway_config", enabled("enable"), u16("period")),
    0x85: settings.REJOIN,
    0x86: settings.DATA_RATE,
    0x87: settings.TX_POWER,
    0x88: group("log_config", word("console_log_level", _LOG_LEVELS), word("file_log_level", _LOG_LEVELS)),
})  # fmt: skip


def _table(named: Named) -> dict[Channel, Shape]:
    return {
        **_ANSWERS,
        **ATTRIBUTES_LINES,
        **{(number, kind): shape for number, kind, shape in _counts(named)},
        **{(number, 0xE3): shape for number, shape in REGION_COUNTS.items()},
        (0x10, 0xE4): _dwell(""),
        (0x1E, 0xE4): _dwell("child_"),
        (0x20, 0xCE): _history(named),
        (0x50, 0xFC): _occlusion,
    }


VS133 = channels(_table(_nested))
VS135 = channels(_table(_flat))

VS132 = channels({
    **answers({
        0x03: settings.REPORT_INTERVAL,
        0x04: settings.CONFIRM_MODE,
        0x10: settings.REBOOT,
        0x40: settings.ADR,
        0x42: settings.WIFI,
        0x43: enabled("periodic_report_enable"),
        0x51: always("clear_total_count", "yes"),
    }),
    **ATTRIBUTES_CAMERA,
    (0x03, 0xD2): u32("total_counter_in"),
    (0x04, 0xD2): u32("total_counter_out"),
    (0x05, 0xCC): all_of(u16("periodic_counter_in"), u16("periodic_counter_out")),
})  # fmt: skip
