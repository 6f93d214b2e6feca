"""The register of counting devices as it is written down: in a city's `devices.toml`, and in the ledger once it was
changed there. What it means, and what is wrong with it, says `shelters.device_check`."""

from datetime import datetime
from typing import Annotated

import msgspec
import tomli_w
from msgspec import Meta

from hub import folder as files
from hub.folder import Folder
from shelters.device import Counts
from shelters.quota import MOST_PER_MINUTE
from shelters.reading import Label

FILE = "devices.toml"
MOST_DEVICES = 2_000

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Moment = Annotated[datetime, Meta(tz=True)]


class KeyRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`until`: it opens nothing from then on; None: for good. Two of one name are one key in exchange."""

    name: Label
    sha256: Sha256
    until: Moment | None = None


class SensorRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    vendor: str
    model: str
    dev_eui: str = ""
    serial: str = ""
    part: str = ""
    reverse: bool = False
    port: Annotated[int, Meta(ge=1, le=223)] | None = None


class DeviceRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`since`: what it counted before that moment is not believed. `held`: nothing that it sends is counted. `staff_door`:
    only the shelter's own staff pass there, who are not among the people inside."""

    id: Id
    site: str
    counts: Counts
    key: str = ""
    interval_s: Annotated[int, Meta(ge=1, le=86_400)]
    error_percent: Annotated[float, Meta(ge=0, le=50)] | None = None
    staff: Annotated[int, Meta(ge=0, le=1_000)] = 0
    sensor: SensorRow | None = None
    door: Annotated[str, Meta(max_length=64)] = ""
    staff_door: bool = False
    readings_per_minute: Annotated[int, Meta(ge=1, le=MOST_PER_MINUTE)] | None = None
    since: Moment | None = None
    held: bool = False


class DoorsRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    site: str
    names: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=50)]


class RetiredRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A device that was taken down. What it counted stays; its `id` is nobody else's."""

    id: Id
    site: str
    counts: Counts
    door: str = ""
    at: Moment


class Rows(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """All of it, in the order in which it was written."""

    keys: tuple[KeyRow, ...] = ()
    doors: tuple[DoorsRow, ...] = ()
    devices: Annotated[tuple[DeviceRow, ...], Meta(max_length=MOST_DEVICES)] = ()
    retired: tuple[RetiredRow, ...] = ()

    def device(self, id_: str) -> DeviceRow | None:
        return next((row for row in self.devices if row.id == id_), None)

    def doors_of(self, site: str) -> tuple[str, ...]:
        return next((row.names for row in self.doors if row.site == site), ())


def read(folder: Folder) -> Rows:
    """A city's file. Raises `BadSettings`: it cannot be read; names file and key."""
    return files.toml(folder, FILE, Rows)


def from_toml(text: str, *, name: str) -> Rows:
    """Of a file that is called `name`. Raises `BadSettings` as `read`."""
    return files.from_toml(text, Rows, name=name)


def to_toml(rows: Rows) -> str:
    """As `from_toml` reads it. Without the tokens: only their SHA-256 is known."""
    values = msgspec.to_builtins(rows, builtin_types=(datetime,), str_keys=True)
    return tomli_w.dumps(values)
