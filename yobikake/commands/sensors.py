"""`yobikake sensors`: what counting devices say, how they are, and what was refused of them."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from msgspec import Meta
from rich.markup import escape
from rich.table import Table

from hub import codec, typed
from hub.clock import utc_now
from hub.errors import BadInput
from hub.settings import Settings
from shelters.book_rows import Case, Known
from shelters.device import Device, new_key
from shelters.device_book import DeviceBook
from shelters.sensors.decoding import decode as decoded_frame
from shelters.sensors.decoding import model_of
from shelters.site import SiteCode, load_sites
from yobikake import device_register
from yobikake.assembly import city_folder
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, load, local, out

T = TypeVar("T")


class Names(StrEnum):
    """How the counts of a VS133's lines are called: by its decoder in The Things Network's device repository, and by
    its maker's own description. A frame does not tell which is meant."""

    NESTED = "nested"
    FLAT = "flat"


_TWO_NAMES = ("milesight", "vs133")

sensors = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@sensors.callback()
def devices() -> None:
    """What counting devices say. / 人数計測器のデータ"""


@sensors.command("list")
def list_(settings_file: SettingsFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show every device: when it was heard, its battery, what is wrong with it. / 機器の一覧"""
    settings = load(settings_file)
    sites = load_sites(city_folder(settings.city))
    register = asyncio.run(device_register.in_force(settings))
    known, strangers = asyncio.run(_read(settings, _known_and_strange))
    now = utc_now()
    rows = [_state(device, known.get(device.id), now) for device in register.all()]
    bare = {site: register.uncovered(site) for site in sites if register.uncovered(site)}
    names = {code: site.name.ja for code, site in sites.items()}

    def show(_: object) -> None:
        _list_devices(rows, bare, names)
        for address, at in strangers.items():
            out.print(f"{escape(address)}: not registered, heard / 未登録の機器、受信 {local(at)}")

    found = {"devices": rows, "doors_without_counter": bare, "not_registered": strangers}
    answer(found, as_json=as_json, show=show)


@sensors.command("quarantine")
def quarantine(
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="So many, the newest first. / 件数")] = 50,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show what was refused and counted nowhere: when, of which device, and why. / 数えなかったデータ"""
    settings = load(settings_file)
    found = asyncio.run(_read(settings, lambda book: book.cases(limit=limit)))
    answer(found, as_json=as_json, show=lambda _: _list_cases(found))


@sensors.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="In the form of devices.toml. / devices.toml の形式")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and count; change nothing. / 確かめるだけ")
    ] = False,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Put a whole register of devices in force, or nothing while anything in it is wrong. / 機器の登録を入れかえる

    Devices that it does not name are taken down. A hub that runs follows within seconds.
    """
    done = asyncio.run(device_register.import_file(load(settings_file), file, dry_run=dry_run, at=utc_now()))
    answer(done, as_json=as_json, show=lambda _: _tell_import(done))


@sensors.command("export")
def export(
    file: Annotated[
        Path | None, typer.Argument(help="Where to write it; without it to standard output. / 書き出し先")
    ] = None,
    settings_file: SettingsFile = DEFAULT,
) -> None:
    """Write the register of devices in force in the form of devices.toml. It holds no token. / 機器の登録を書き出す"""
    text = asyncio.run(device_register.export(load(settings_file)))
    if file is None:
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as e:
        raise BadInput(str(file), f"cannot be written: {e.strerror} / 書き込めません") from e


@sensors.command("key")
def key(
    name: Annotated[str, typer.Argument(help="What devices.toml calls it. / 鍵の名前")],
    as_json: AsJson = False,
) -> None:
    """Make a key for a device or a network. The token is shown once. / 鍵を作る

    For a register that is kept in a file: write the new one under the same name beside the old, and take the old away
    once every device shows the new. The console does both by itself.
    """
    token, kept = new_key()
    made = {"name": name, "token": token, "sha256": kept}
    answer(made, as_json=as_json, show=_tell_key)


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
    names: Annotated[
        Names | None,
        typer.Option(help="Of a VS133, which has two: line_1.total_in or line_1_total_in. / VS133の項目名"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decode uplinks of LoRaWAN people counters, in their vendors' own names. Needs no hub. / 受信データの解読

    What is not documented by the vendor is an error that names the byte, and an entry of the wrong shape one that names
    the entry; the others of a file are decoded all the same, and the command ends with 1.
    """
    if (payload is None) == (file is None):
        raise BadInput(
            "sensors decode", "give the bytes, or --file / データか --file のどちらかを指定してください"
        )
    if file is not None:
        _show([_row(entry, number, names) for number, entry in enumerate(_entries(file))], as_json=as_json)
        return
    one = _Uplink(vendor=vendor, model=model, fport=port, payload_hex=payload or "")
    decoded = _decoded(one, names)
    row = {"model": model, "payload_hex": one.payload_hex, "decoded": decoded}
    answer([row], as_json=as_json, show=lambda _: _tell(decoded))


async def _read(settings: Settings, what: Callable[[DeviceBook], Awaitable[T]]) -> T:
    book = DeviceBook(settings.occupancy_url, clock=utc_now)
    await book.open()
    try:
        return await what(book)
    finally:
        await book.close()


async def _known_and_strange(book: DeviceBook) -> tuple[dict[str, Known], dict[str, datetime]]:
    return await book.known(), await book.strangers()


def _state(device: Device, known: Known | None, now: datetime) -> dict[str, Any]:
    sensor = device.sensor
    heard_at = known.heard_at if known else None
    return {
        "device": device.id,
        "site": device.site,
        "door": device.at_door,
        "counts": device.counts,
        "sensor": None if sensor is None else f"{sensor.vendor} {sensor.model}",
        "part": None if sensor is None else sensor.part,
        "held": device.held,
        "heard_at": heard_at,
        "silent": heard_at is None or now > heard_at + device.patience,
        "battery": known.battery if known else None,
        "volts": known.volts if known else None,
        "presence": known.presence if known else "",
        "trouble": known.trouble if known else (),
        "refused": known.refused if known else 0,
        "refused_at": known.refused_at if known else None,
    }


def _list_devices(
    rows: list[dict[str, Any]], bare: Mapping[SiteCode, Sequence[str]], names: Mapping[SiteCode, str]
) -> None:
    table = Table("device", "site", "counts", "heard", "battery", "refused", "trouble", box=None)
    for row in rows:
        heard = local(row["heard_at"])
        table.add_row(
            escape(row["device"]),
            escape(names[row["site"]]),
            row["counts"].value,
            f"[red]{heard}[/]" if row["silent"] else heard,
            _battery(row),
            str(row["refused"] or ""),
            escape(", ".join(row["trouble"])),
        )
    if rows:
        out.print(table)
    else:
        out.print("No device is registered / 機器は登録されていません")
    for site, doors in bare.items():
        out.print(
            f"[red]{escape(names[site])}[/]: no counter at / 計測器のない扉: {escape('、'.join(doors))}"
        )


def _battery(row: dict[str, Any]) -> str:
    if row["battery"] is not None:
        return f"{row['battery']:.0f} %"
    return "" if row["volts"] is None else f"{row['volts']} V"


def _list_cases(cases: Sequence[Case]) -> None:
    if not cases:
        out.print("Nothing was refused / 数えなかったデータはありません")
        return
    table = Table("at", "device", "place", "why", box=None)
    for case in cases:
        table.add_row(local(case.at), escape(case.device), escape(case.place), escape(case.reason))
    out.print(table)


def _tell_import(done: device_register.Imported) -> None:
    said = "It may be imported / 取り込めます" if done.dry_run else "In force / 取り込みました"
    out.print(
        f"{said}: devices / 機器 {done.devices:,}, keys / 鍵 {done.keys:,}, taken down / 取り外し {len(done.retired):,}"
    )
    for id_ in done.retired:
        out.print(f"  taken down / 取り外し: {escape(id_)}")


def _tell_key(made: dict[str, str]) -> None:
    out.print(
        f"The token, for the device only; it is not shown again / 機器に設定する値（再表示しません）\n{made['token']}\n"
    )
    out.print("In devices.toml / devices.toml に書くもの")
    out.print(f'[[keys]]\nname = "{made["name"]}"\nsha256 = "{made["sha256"]}"', markup=False)


class _Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """One of a file. Fields beyond these are ignored."""

    vendor: str
    model: str
    fport: Annotated[int, Meta(ge=0, le=255)]
    payload_hex: str
    source: str = ""
    """Whose example it is: "Milesight-IoT/SensorDecoders vs-series/vs133/README.md"."""


def _entries(file: Path) -> Sequence[object]:
    try:
        return typed.from_json(file.read_bytes(), list[Any])
    except OSError as e:
        raise BadInput(str(file), f"cannot be read: {e.strerror} / 読めません") from e
    except msgspec.ValidationError as e:
        raise BadInput(f"{file} $", "is not a list / 一覧 [...] ではありません") from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BadInput(str(file), "is not JSON / JSONではありません") from e


def _row(entry: object, number: int, names: Names | None) -> dict[str, Any]:
    """`number`: its place in the file, from 0."""
    row: dict[str, Any] = {"model": _text(entry, "model"), "payload_hex": _text(entry, "payload_hex")}
    try:
        return row | {"decoded": _decoded(typed.convert(entry, _Uplink), names)}
    except msgspec.ValidationError as e:
        message, _, place = str(e).partition(" - at ")
        where = f"$[{number}]{place.strip('`').removeprefix('$')}"
        return row | {"decoded": None, "error": f"{where}: {message} / {number + 1}番目の形が違います"}
    except BadInput as e:
        return row | {"decoded": None, "error": e.message}


def _text(entry: object, name: str) -> str:
    """What stands there of an entry that may be anything."""
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else ""


def _decoded(uplink: _Uplink, names: Names | None) -> dict[str, Any]:
    try:
        frame = bytes.fromhex(uplink.payload_hex)
    except ValueError as e:
        raise BadInput(uplink.payload_hex[:40], "is not hexadecimal / 16進数ではありません") from e
    model = uplink.model
    if model_of(uplink.vendor, model) == _TWO_NAMES and (names or _names_of(uplink.source)) is Names.FLAT:
        model = "vs135"  # the same frames
    return decoded_frame(uplink.vendor, model, uplink.fport, frame)


def _names_of(source: str) -> Names:
    return Names.FLAT if "Milesight-IoT/SensorDecoders" in source else Names.NESTED


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
