"""The form of a counting device: what somebody typed as a row of the register, and what is wrong with it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hub import typed as types
from hub.errors import BadInput
from operator_ui.form import Form, Problem
from shelters.device import Counts
from shelters.device_rows import DeviceRow
from shelters.sensors.counting import SAYS_IT_ITSELF
from shelters.sensors.decoding import MODELS

NEW_KEY = "*new"
"""In place of a key's name: one is made for this device, under its id."""

FIELDS = (
    "id", "site", "counts", "door", "key", "interval_s", "error_percent", "staff", "model", "address", "part",
    "port", "readings_per_minute", "reverse", "staff_door",
)  # fmt: skip

MODELS_BY_NAME = {
    f"{vendor} {model}": (vendor, model) for vendor, model in sorted({*MODELS, *SAYS_IT_ITSELF})
}

EMPTY: Mapping[str, str] = dict.fromkeys(FIELDS, "") | {"counts": Counts.DOOR_TOTALS, "interval_s": "600"}

_WRONG = {
    "id": "英数字と . _ - で、64文字まで / Letters, digits and . _ - , 64 at most",
    "interval_s": "1から86400までの秒数 / Seconds from 1 to 86400",
    "error_percent": "0から50までの数 / A number from 0 to 50",
    "staff": "0から1000までの人数 / A number from 0 to 1000",
    "port": "1から223までの番号 / A number from 1 to 223",
    "readings_per_minute": "1から600までの件数 / A number from 1 to 600",
    "door": "64文字まで / 64 characters at most",
    "counts": "計測のしかたを選んでください / Choose how it counts",
}
_ELSEWHERE = {"sensor": "model", "dev_eui": "address", "serial": "address"}
"""Names of the register that the form calls otherwise."""


def filled(row: DeviceRow) -> dict[str, str]:
    """What the form shows of a device; `reverse` and `staff_door` are empty where they are not ticked."""
    sensor = row.sensor
    shown = {
        "id": row.id, "site": row.site, "counts": row.counts, "door": row.door, "key": row.key,
        "interval_s": row.interval_s, "error_percent": row.error_percent, "staff": row.staff or None,
        "readings_per_minute": row.readings_per_minute, "staff_door": "1" if row.staff_door else None,
    }  # fmt: skip
    if sensor is not None:
        shown |= {
            "model": " ".join((sensor.vendor, sensor.model)).lower(),
            "part": sensor.part,
            "port": sensor.port,
        }
        shown |= {"address": sensor.dev_eui or sensor.serial, "reverse": "1" if sensor.reverse else None}
    return dict.fromkeys(FIELDS, "") | {
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in shown.items()
        if value is not None
    }


def kept(typed: Form) -> dict[str, str]:
    """What was typed, to be shown again."""
    return {name: typed.text(name) for name in FIELDS}


def given(typed: Form, id_: str) -> DeviceRow | list[Problem]:
    """The row, or what cannot be read of it."""
    numbers: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in ("interval_s", "error_percent", "staff", "port", "readings_per_minute"):
        if typed.text(name):
            number = _decimal(typed) if name == "error_percent" else typed.number(name)
            if number is None:
                problems.append(Problem(name, _WRONG[name]))
            numbers[name] = number
    if "interval_s" not in numbers:
        problems.append(Problem("interval_s", _WRONG["interval_s"]))
    if problems:
        return problems
    port = numbers.pop("port", None)
    key = typed.text("key")
    values = {
        "id": id_, "site": typed.text("site"), "counts": typed.text("counts"), "door": typed.text("door"),
        "key": id_ if key == NEW_KEY else key, "sensor": _sensor(typed, port), "staff_door": typed.ticked("staff_door"), **numbers,
    }  # fmt: skip
    try:
        return types.convert(values, DeviceRow)
    except msgspec.ValidationError as e:
        field = str(e).rpartition("`$.")[2].strip("`").removeprefix("sensor.")
        field = field if field in FIELDS else "id"
        return [Problem(field, _WRONG.get(field, "確かめてください / Check this"))]


def problem(error: BadInput, id_: str) -> Problem:
    """What the check of the whole register says, at the field of this device; of another one with its name."""
    device, _, field = error.path.partition(" ")
    message = error.message.removeprefix(f"{error.path}: ")
    name = field.split()[-1] if field else "id"
    if device == id_ and (name := _ELSEWHERE.get(name, name)) in FIELDS:
        return Problem(name, message)
    return Problem("device", f"{error.path}：{message}")


def _sensor(typed: Form, port: int | None) -> dict[str, Any] | None:
    model = MODELS_BY_NAME.get(typed.text("model"))
    if model is None:
        return None
    number = "serial" if model in SAYS_IT_ITSELF else "dev_eui"
    return {
        "vendor": model[0], "model": model[1], number: typed.text("address"), "part": typed.text("part"),
        "reverse": typed.ticked("reverse"), "port": port,
    }  # fmt: skip


def _decimal(typed: Form) -> float | None:
    try:
        value = float(typed.text("error_percent"))
    except ValueError:
        return None
    return value if 0 <= value <= 50 else None
