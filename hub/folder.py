"""A folder of settings that staff edit, read into types: TOML, CSV as a spreadsheet saves it, GeoJSON.

Every error names the file and the place in it, because the reader is someone who has just edited it.
"""

import csv
import io
import json
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

import msgspec

from hub import typed
from hub.errors import BadSettings

T = TypeVar("T")

Folder = Path | Traversable


def toml(folder: Folder, name: str, kind: type[T]) -> T:
    """The whole file as `kind`.

    Raises:
        BadSettings: missing, not TOML, or a key is missing or wrong; names file and key.
    """
    return from_toml(text(folder, name), kind, name=name)


def from_toml(content: str, kind: type[T], *, name: str) -> T:
    """What the file `name` holds, as `kind`. Raises `BadSettings`, as `toml`."""
    try:
        values = tomllib.loads(content)
    except tomllib.TOMLDecodeError as e:
        raise BadSettings(name, f"is not TOML: {e} / TOMLとして読めません") from e
    return _convert(values, kind, where=name, strict=True)


def text(folder: Folder, name: str) -> str:
    """Raises `BadSettings`: missing, or not UTF-8."""
    try:
        # A spreadsheet on Windows puts a byte order mark in front.
        return (folder / name).read_bytes().decode("utf-8-sig")
    except OSError as e:
        raise BadSettings(f"{folder}/{name}", f"cannot be read: {e.strerror} / 読めません") from e
    except UnicodeDecodeError as e:
        raise BadSettings(name, "is not UTF-8; save it as «CSV UTF-8» / UTF-8で保存してください") from e


def optional(folder: Folder, name: str, kind: type[T]) -> T:
    """As `toml`; `kind` as it is by itself where there is no such file."""
    return toml(folder, name, kind) if (folder / name).is_file() else kind()


def table(folder: Folder, name: str, kind: type[T]) -> list[T]:
    """The rows of a CSV file with a head line. An empty cell is an absent value.

    Raises:
        BadSettings: missing, or a cell is missing or wrong; names file, line and column.
    """
    reader = csv.DictReader(io.StringIO(text(folder, name)))
    return [_row(row, kind, where=f"{name} line {reader.line_num}") for row in reader]


def outline(folder: Folder, name: str) -> list[tuple[float, float]]:
    """The (longitude, latitude) points of the first polygon's outer ring in a GeoJSON file (RFC 7946 §3.1.6).

    Raises:
        BadSettings: missing, or there is no such polygon.
    """
    try:
        ring = json.loads(text(folder, name))["features"][0]["geometry"]["coordinates"][0]
    except (ValueError, LookupError, TypeError) as e:
        raise BadSettings(f"{name} $.features[0].geometry", "is not a GeoJSON polygon") from e
    return _convert(ring, list[tuple[float, float]], where=f"{name} $.features[0].geometry", strict=True)


def _row(row: dict[str, str], kind: type[T], *, where: str) -> T:
    if None in row or None in row.values():
        raise BadSettings(where, "has more or fewer cells than the head line / 列の数が1行目と合いません")
    return _convert({column: cell for column, cell in row.items() if cell}, kind, where=where, strict=False)


def _convert(values: object, kind: type[T], *, where: str, strict: bool) -> T:
    try:
        return typed.convert(values, kind, strict=strict)
    except msgspec.ValidationError as e:
        message, _, place = str(e).partition(" - at ")
        raise BadSettings(f"{where} {place.strip('`')}".strip(), message) from e
