"""What each SSID was before the disaster: kept on disk before it is changed, until it is put back."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import msgspec
import structlog

from channels._durable import replace_file, sync_folder
from channels.wifi.controller import Slot
from hub import typed
from hub.errors import BadInput

log = structlog.get_logger(__name__)


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """`ref` and `name` are the facility's. `given`: the names we may have put there. `ssid` is the vendor's own, with
    the Wi-Fi key where there is one."""

    ref: str
    name: str
    slot: Slot
    saved_at: datetime
    given: tuple[str, ...]
    ssid: dict[str, Any]


class SavedStates(Protocol):
    """By slot, not by facility: a facility that was moved, or has left the settings, is put back all
    the same. `keep` and `forget` have happened once they return, whatever comes after.

    Raises:
        OSError: it cannot be read or written.
        BadInput: what was kept is damaged.
    """

    def get(self, slot: Slot) -> Saved | None: ...

    def keep(self, saved: Saved) -> None: ...

    def forget(self, slot: Slot) -> None: ...

    def all(self) -> Sequence[Saved]:
        """What is kept, but for what is damaged: that is logged."""


class JsonFiles:
    """A file a slot in `folder`, readable by the hub's user alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, slot: Slot) -> Saved | None:
        path = self._path(slot)
        return _read(path) if path.exists() else None

    def keep(self, saved: Saved) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self._path(saved.slot), msgspec.json.encode(saved), mode=0o600)

    def forget(self, slot: Slot) -> None:
        self._path(slot).unlink(missing_ok=True)
        sync_folder(self._folder)

    def all(self) -> Sequence[Saved]:
        states = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                states.append(_read(path))
            except BadInput as e:
                log.error("saved wifi configuration damaged", error=e.message)
        return states

    def _path(self, slot: Slot) -> Path:
        return self._folder / f"{slot.controller}.{quote(slot.place, safe='')}.json"


def _read(path: Path) -> Saved:
    try:
        return typed.from_json(path.read_bytes(), Saved)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise BadInput(str(path), "not a saved Wi-Fi configuration / 保存した設定が壊れています") from e
