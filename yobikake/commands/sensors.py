"""`yobikake sensors`: what counting devices say."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Meta
from rich.markup import escape
from rich.table import Table

from hub import codec, typed
from hub.errors import BadInput
from shelters.sensors.decoding import decode as decoded_frame
from yobikake.commands.output import AsJson, answer, out

sensors = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@sensors.callback()
def devices() -> None:
    """What counting devices say. / 人数計測器のデータ"""


@sensors.command("decode")
def decode(
    payload: Annotated[str | None, typer.Argument(help="The bytes of one uplink, in hexadecimal.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="A JSON list of uplinks: vendor, model, fport, payload_hex of each. / 一覧のJSON"),
    ] = None,
    vendor: Annotated[str, typer.Option(help="Who made the device. / メーカー")] = "milesight",
    model: Annotated[str, typer.Option(help="Which device it is. / 機種")] = "",
    port: Annotated[int, typer.Option(help="The LoRaWAN port it sent on. / ポート")] = 85,
    as_json: AsJson = False,
) -> None:
    """Decode uplinks of LoRaWAN people counters, in their vendors' own names. Needs no hub. / 受信データの解読

    What is not documented by the vendor is an error that names the byte; the others of a file are decoded all the same.
    """
    if (payload is None) == (file is None):
        raise BadInput(
            "sensors decode", "give the bytes, or --file / データか --file のどちらかを指定してください"
        )
    if file is not None:
        _show([_row(uplink) for uplink in _uplinks(file)], as_json=as_json)
        return
    one = _Uplink(vendor=vendor, model=model, fport=port, payload_hex=payload or "")
    decoded = _decoded(one)
    row = {"model": model, "payload_hex": one.payload_hex, "decoded": decoded}
    answer([row], as_json=as_json, show=lambda _: _tell(decoded))


class _Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """One of a file. Fields beyond these are ignored."""

    vendor: str
    model: str
    fport: Annotated[int, Meta(ge=0, le=255)]
    payload_hex: str


def _uplinks(file: Path) -> Sequence[_Uplink]:
    try:
        return typed.from_json(file.read_bytes(), list[_Uplink])
    except OSError as e:
        raise BadInput(str(file), f"cannot be read: {e.strerror} / 読めません") from e
    except msgspec.ValidationError as e:
        message, _, place = str(e).partition(" - at ")
        raise BadInput(f"{file} {place.strip('`') or '$'}", f"{message} / 形が違います") from e
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise BadInput(str(file), "is not JSON / JSONではありません") from e


def _decoded(uplink: _Uplink) -> dict[str, Any]:
    try:
        frame = bytes.fromhex(uplink.payload_hex)
    except ValueError as e:
        raise BadInput(uplink.payload_hex[:40], "is not hexadecimal / 16進数ではありません") from e
    return decoded_frame(uplink.vendor, uplink.model, uplink.fport, frame)


def _row(uplink: _Uplink) -> dict[str, Any]:
    row: dict[str, Any] = {"model": uplink.model, "payload_hex": uplink.payload_hex}
    try:
        return row | {"decoded": _decoded(uplink)}
    except BadInput as e:
        return row | {"decoded": None, "error": e.message}


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Ends with 1 where one of them was not understood."""
    answer(rows, as_json=as_json, show=_list)
    if any("error" in row for row in rows):
        sys.exit(1)


def _list(rows: list[dict[str, Any]]) -> None:
    table = Table("model", "payload", "decoded", box=None, pad_edge=False)
    for row in rows:
        said = f"[red]{escape(row['error'])}[/]" if "error" in row else escape(_json(row["decoded"]))
        table.add_row(escape(row["model"]), escape(row["payload_hex"]), said)
    out.print(table)


def _tell(decoded: dict[str, Any]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in decoded.items():
        table.add_row(escape(name), escape(value if isinstance(value, str) else _json(value)))
    out.print(table)


def _json(value: object) -> str:
    return codec.encode(value).decode()
