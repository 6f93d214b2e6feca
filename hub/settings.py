"""The hub's settings: one TOML file, read once at start, wrong in no silent way.

Relative paths in it are relative to the file. A secret never stands in it: a `*_file` names a file
that holds it. What belongs to a connector is checked beside the connector (`channels.<kind>`).
"""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hub.errors import BadSettings

T = TypeVar("T")


class Listener(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a listener listens, and under which address people reach it (behind a proxy: another one)."""

    host: str = "127.0.0.1"
    port: int
    public_url: str = ""

    @property
    def url(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url`: empty for `ledger.db` in the data folder, or `postgresql+psycopg://…`."""

    url: str = ""


class BusSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kafka`: bootstrap servers; empty: the embedded bus (`bus.db` in the data folder)."""

    kafka: str = ""


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`redis`: a URL; empty: this process's memory. `share`: of each limit, while Redis is away."""

    redis: str = ""
    share: float = 1.0


class ProxySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The way out of the city's network (自治体情報セキュリティクラウド) and its private CA."""

    url: str | None = None
    ca_file: Path | None = None


class OnCallSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is woken up: mail addresses of staff."""

    mail: tuple[str, ...] = ()


class ShelterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mqtt`: `mqtt://host:port` of a broker that carries readings; empty: HTTP only."""

    mqtt: str = ""
    mqtt_username: str | None = None
    mqtt_password_file: Path | None = None


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides of the channels' own. `backoff_s`: the waits' ceilings before each retry."""

    backoff_s: tuple[float, ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `channels` maps a channel's kind to its stanza, unread."""

    data: Path
    city: str
    keys: Path = Path("keys")
    ledger: LedgerSettings = LedgerSettings()
    bus: BusSettings = BusSettings()
    live: LiveSettings = LiveSettings()
    staff: Listener = Listener(port=8080)
    residents: Listener = Listener(port=8081)
    proxy: ProxySettings = ProxySettings()
    on_call: OnCallSettings = OnCallSettings()
    shelters: ShelterSettings = ShelterSettings()
    delivery: DeliverySettings = DeliverySettings()
    channels: dict[str, dict[str, Any]] = {}

    @property
    def ledger_url(self) -> str:
        return self.ledger.url or f"sqlite:///{self.data / 'ledger.db'}"

    @property
    def occupancy_url(self) -> str:
        """Beside the ledger, never in its file: readings must not hold an alert's lock."""
        return self.ledger.url or f"sqlite:///{self.data / 'occupancy.db'}"

    @property
    def embedded(self) -> bool:
        """One process holds everything: no Kafka."""
        return not self.bus.kafka


def load(path: Path) -> Settings:
    """Raises `BadSettings`, naming file and key, for anything that cannot work."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise BadSettings(
            str(path),
            f"cannot be read: {e.strerror}; `yobikake init` makes one / 設定ファイルが読めません。yobikake init で作れます",
        ) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise BadSettings(str(path), f"is not TOML: {e} / TOMLとして読めません") from e
    return _beside(convert(values, Settings, where=str(path)), path.parent.absolute())


def convert(values: object, kind: type[T], *, where: str) -> T:
    """A stanza as its type. Raises `BadSettings` with the key's place: `city.toml $.staff.port`."""
    try:
        return msgspec.convert(values, kind, dec_hook=_path)
    except msgspec.ValidationError as e:
        message, _, place = str(e).partition(" - at ")
        raise BadSettings(f"{where} {place.strip('`') or '$'}", message) from e


def _path(kind: type, value: Any) -> Path:
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    raise ValueError("Expected the path of a file or folder")


def _beside(settings: Settings, folder: Path) -> Settings:
    ca_file = settings.proxy.ca_file
    return msgspec.structs.replace(
        settings,
        data=folder / settings.data,
        keys=folder / settings.keys,
        proxy=msgspec.structs.replace(settings.proxy, ca_file=ca_file and folder / ca_file),
        channels={kind: _paths_beside(stanza, folder) for kind, stanza in settings.channels.items()},
    )


def _paths_beside(stanza: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A connector's `*_file`, `*_dir` and `directory` are relative to the settings file too, however deep."""
    return {key: _path_beside(key, value, folder) for key, value in stanza.items()}


def _path_beside(key: str, value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return _paths_beside(value, folder)
    if isinstance(value, list):
        return [_path_beside(key, item, folder) for item in value]
    if isinstance(value, str) and key.endswith(("_file", "_dir", "directory")):
        return str(folder / value)
    return value
