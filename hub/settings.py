"""The hub's settings: one TOML file, read once at start, wrong in no silent way.

Relative paths in it are relative to the file. A secret never stands in it: a `*_file` names a file
that holds it. What belongs to a connector is checked beside the connector (`channels.<kind>`).
"""

import re
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from hub import typed
from hub.errors import BadSettings
from hub.settings_words import worded

T = TypeVar("T")

_SERVER = r"[^\s,:/@]+:\d{1,5}"


def _check(values: object, key: str, pattern: str, *, like: str) -> None:
    """Raises `ValueError` where the value, or one of them, is written otherwise. Empty: not used."""
    found = getattr(values, key) or ()
    if not all(re.fullmatch(pattern, each) for each in ([found] if isinstance(found, str) else found)):
        raise ValueError(f"{key} is written like {like} / {key} は {like} のように書いてください")


class Listener(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a listener listens, and under which address people reach it (behind a proxy: another one)."""

    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)]
    public_url: str = ""

    def __post_init__(self) -> None:
        _check(self, "public_url", r"https?://[^\s/?#]+(/[^\s?#]*)?", like="https://hub.example.lg.jp")

    @property
    def url(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


class ResidentsListener(Listener, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`trusted_proxies`: addresses or networks of the city's own proxies, whose `X-Forwarded-For` is believed.

    `streams`: how many pages may be told of changes at once, each with a connection of its own.
    `embedded_by`: origins of the websites that may show the banner in a frame (CSP Level 3, frame-ancestors).
    """

    trusted_proxies: tuple[str, ...] = ()
    embedded_by: tuple[str, ...] = ()
    streams: Annotated[int, Meta(ge=1, le=1_000_000)] = 5_000

    def __post_init__(self) -> None:
        super().__post_init__()
        for each in self.trusted_proxies:
            try:
                ip_network(each)
            except ValueError as e:
                raise ValueError(
                    f"trusted_proxies: {each!r} is no address or network, written like 10.1.2.0/24 / "
                    "アドレスかネットワーク（10.1.2.0/24 など）を書いてください"
                ) from e
        for each in self.embedded_by:
            if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?", each):
                raise ValueError(
                    f"embedded_by: {each!r} is no origin, written like https://www.city.example.lg.jp / "
                    "https://www.city.example.lg.jp のように、パスを付けずに書いてください"
                )


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url`: empty for `ledger.db` in the data folder, or `postgresql+psycopg://…`."""

    url: str = ""

    def __post_init__(self) -> None:
        example = "postgresql+psycopg://yobikake@127.0.0.1:5432/yobikake"
        _check(self, "url", r"postgresql\+psycopg://\S+|sqlite:///.+", like=example)
        try:
            _ = urlsplit(self.url).port
        except ValueError as e:
            raise ValueError(f"url: the port is no number / ポートは数字で書いてください（{example}）") from e


class BusSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kafka`: bootstrap servers; empty: the embedded bus (`bus.db` in the data folder).

    `prefix`: stands before every name this hub uses in Kafka and Redis; empty: `<deployment>.<city code>.`,
    so that a rehearsal and production may share both.

    The rest is named as in Kafka's own clients. `ca_file`: of the brokers' certificates (PEM), where it is not
    one that the system trusts.
    """

    kafka: str = ""
    prefix: str = ""
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        _check(self, "prefix", r"[A-Za-z0-9._-]{1,60}", like="production.132071.")
        _check(self, "kafka", rf"{_SERVER}(,{_SERVER})*", like="kafka1:9092,kafka2:9092")
        _check(self, "security_protocol", r"(SASL_)?(PLAINTEXT|SSL)", like="SASL_SSL")
        _check(self, "sasl_mechanism", r"PLAIN|SCRAM-SHA-(256|512)", like="SCRAM-SHA-512")
        self._check_together()

    @property
    def by_tls(self) -> bool:
        return self.security_protocol.endswith("SSL")

    @property
    def as_user(self) -> bool:
        return self.security_protocol.startswith("SASL_")

    def _check_together(self) -> None:
        """Nothing stands here that would silently not be used, and no password goes over the wire in clear."""
        protocol = f"security_protocol is {self.security_protocol}"
        for key in ("username", "password_file", "sasl_mechanism"):
            if self.as_user and not getattr(self, key):
                raise ValueError(f"{key} is missing: {protocol} / {key} を書いてください")
        if not self.as_user and (self.username or self.password_file):
            raise ValueError(
                f"username and password_file are not used: {protocol} / SASL_ のときだけ使います"
            )
        if self.ca_file and not self.by_tls:
            raise ValueError(f"ca_file is not used: {protocol} / SSL のときだけ使います")
        if self.security_protocol != "PLAINTEXT" and not self.kafka:
            raise ValueError(f"kafka is missing: {protocol} / kafka を書いてください")
        if self.sasl_mechanism == "PLAIN" and self.as_user and not self.by_tls:
            raise ValueError(
                "sasl_mechanism PLAIN sends the password as it is: use it with SASL_SSL / "
                "PLAIN は SASL_SSL のときだけ使えます"
            )


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`redis`: a URL; empty: this process's memory, which is enough for one process.

    `share`: of each gateway's limit, while Redis is away: one over the number of processes that send on the
    same channel. With more of them than it says, they would together exceed the contract.
    """

    redis: str = ""
    share: Annotated[float, Meta(gt=0, le=1)] = 0.25

    def __post_init__(self) -> None:
        _check(self, "redis", r"(rediss?|unix)://\S+", like="redis://127.0.0.1:6379/0")


class ProxySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The way out of the city's network (自治体情報セキュリティクラウド) and its private CA. `direct`: what is inside, and
    asked without it: a host, all hosts of a domain (`.example.lg.jp`), or a network (`10.0.0.0/8`)."""

    url: str | None = None
    direct: tuple[str, ...] = ()
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        _check(self, "url", r"https?://[^\s/?#]+/?", like="http://proxy.example.lg.jp:8080")
        _check(
            self, "direct", r"\.?[0-9A-Za-z][0-9A-Za-z.-]*|[0-9A-Fa-f.:]+(/\d{1,3})?", like=".example.lg.jp"
        )


class OnCallSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is woken up: mail addresses of staff."""

    mail: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self, "mail", r"[^@\s]+@[^@\s]+", like="bosai@example.lg.jp")


class NetworkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A LoRaWAN network whose broker is listened to. `kind`: whose words it speaks."""

    kind: Literal["things-stack", "chirpstack"]
    mqtt: Annotated[str, Meta(min_length=1)]
    username: str | None = None
    password_file: Path | None = None

    def __post_init__(self) -> None:
        _check(self, "mqtt", r"mqtts?://\S+", like="mqtts://eu1.cloud.thethings.network:8883")


class PhoneInSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line that residents call to hear what is in force. `number`: as it is published; the provider asks
    `/phone` of `[residents] public_url` when it is called."""

    number: str

    def __post_init__(self) -> None:
        _check(self, "number", r"0[0-9]{1,4}(-[0-9]{1,4}){2}", like="050-0000-0000")


class ShelterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mqtt`: `mqtt://host:port` of a broker that carries readings; empty: HTTP only. `forecast`: whether the hub says
    what it expects of each shelter, by the clock; not where a rehearsal's evening passes faster than that."""

    forecast: bool = True
    mqtt: str = ""
    mqtt_username: str | None = None
    mqtt_password_file: Path | None = None
    networks: tuple[NetworkSettings, ...] = ()

    def __post_init__(self) -> None:
        _check(self, "mqtt", r"mqtts?://\S+", like="mqtts://broker.example.lg.jp:8883")


class WarningSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`folder`: into which 気象庁's telegrams are laid (`hub.inbound.folder`); empty: `telegrams` in the data folder."""

    folder: Path | None = None


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`backoff_s`: the waits' ceilings before each retry, instead of the channels' own.

    `lease_s`, `life_s`: how long a claim on a batch is believed, at the least (`hub.gate.Leases.of`), and how long a
    process that holds claims and is not heard any more (docs/decisions/0011-lives.md). An embedded hub has nobody to wait for: there a life is
    as long as a lease.
    """

    backoff_s: tuple[Annotated[float, Meta(ge=0, le=86_400)], ...] = ()
    lease_s: Annotated[float, Meta(ge=1, le=3_600)] = 90.0
    life_s: Annotated[float, Meta(ge=1, le=3_600)] = 12.0

    def __post_init__(self) -> None:
        if self.life_s > self.lease_s:
            raise ValueError("life_s is more than lease_s / life_s は lease_s 以下にしてください")


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`free_disk`: of the data folder's file system; with less, no new alert is accepted. 0: never refused."""

    free_disk: Annotated[float, Meta(ge=0, le=0.5)] = 0.10


class TrialSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[trials]`: new telephone and fax numbers are tried once, between `begin` and `end` of the day in Japan.
    `automatic` false: only at staff's wish."""

    automatic: bool = True
    begin: str = "09:00"
    end: str = "20:00"

    def __post_init__(self) -> None:
        for key in ("begin", "end"):
            _check(self, key, r"([01]\d|2[0-3]):[0-5]\d", like="09:00")
        if self.begin >= self.end:
            raise ValueError("end is not after begin / end は begin より後の時刻にしてください")


class DrillSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`within_days`: a channel, or a facility's Wi-Fi, that nothing else tries end to end is to be in a drill at least so
    often; the console says when it is not."""

    within_days: Annotated[int, Meta(ge=1, le=3_650)] = 180


class CanarySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[canaries.<channel>]`: a message that tries the channel end to end goes to `to`, an address of the city's own; of a
    channel that has others (a registered browser, every partner's system) it stays empty.

    `at`: the time of day of one that goes out daily. `every_min`: instead of the channel's own rhythm. `back`: of
    mail, where it comes back: as `[channels.mail.bounces_from]`, and unread here.
    """

    to: str = ""
    at: str = "10:00"
    every_min: Annotated[int, Meta(ge=5, le=10_080)] | None = None
    back: dict[str, Any] = {}

    def __post_init__(self) -> None:
        _check(self, "at", r"([01]\d|2[0-3]):[0-5]\d", like="10:00")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `channels` maps a channel's kind to its stanza, unread."""

    data: Path
    city: Annotated[str, Meta(min_length=1)]
    keys: Path = Path("keys")
    ledger: LedgerSettings = LedgerSettings()
    bus: BusSettings = BusSettings()
    live: LiveSettings = LiveSettings()
    staff: Listener = Listener(port=8080)
    residents: ResidentsListener = ResidentsListener(port=8081)
    proxy: ProxySettings = ProxySettings()
    on_call: OnCallSettings = OnCallSettings()
    phone_in: PhoneInSettings | None = None
    shelters: ShelterSettings = ShelterSettings()
    warnings: WarningSettings = WarningSettings()
    delivery: DeliverySettings = DeliverySettings()
    limits: LimitSettings = LimitSettings()
    trials: TrialSettings = TrialSettings()
    channels: dict[str, dict[str, Any]] = {}
    canaries: dict[str, CanarySettings] = {}
    drills: DrillSettings = DrillSettings()

    def __post_init__(self) -> None:
        places = [(each.host, each.port) for each in (self.staff, self.residents)]
        if places[0] == places[1] and self.staff.port:
            raise ValueError(
                "[staff] and [residents] listen on the same port / 職員用と住民用のポートが同じです"
            )

    @property
    def ledger_url(self) -> str:
        return self.ledger.url or f"sqlite:///{self.data / 'ledger.db'}"

    @property
    def phone_in_number(self) -> str:
        """Empty: there is no such line."""
        return self.phone_in.number if self.phone_in else ""

    @property
    def telegrams(self) -> Path:
        return self.warnings.folder or self.data / "telegrams"

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
    return _beside(convert(_read(path), Settings, where=str(path)), path.parent.absolute())


def convert(values: object, kind: type[T], *, where: str) -> T:
    """A stanza as its type. Raises `BadSettings` with the key's place: `city.toml $.staff.port`."""
    try:
        return typed.convert(values, kind, dec_hook=_path)
    except msgspec.ValidationError as e:
        message, _, place = str(e).partition(" - at ")
        place = place.strip("`").removeprefix("key` in `") or "$"
        raise BadSettings(f"{where} {place}", worded(message, kind, place)) from e


def _read(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
        return tomllib.loads(content.decode("utf-8-sig"))  # an editor on Windows puts a mark in front
    except OSError as e:
        raise BadSettings(
            str(path),
            f"cannot be read: {e.strerror}; `yobikake init` makes one / 設定ファイルが読めません。yobikake init で作れます",
        ) from e
    except UnicodeDecodeError as e:
        line = content[: e.start].count(b"\n") + 1
        raise BadSettings(
            f"{path} line {line}", "is not UTF-8; save it as UTF-8 / UTF-8で保存してください"
        ) from e
    except tomllib.TOMLDecodeError as e:
        raise BadSettings(str(path), f"is not TOML: {e} / TOMLとして読めません") from e


def _path(kind: type, value: Any) -> Path:
    if kind is Path and isinstance(value, str) and value and "\0" not in value:
        return Path(value)
    raise ValueError("Expected the path of a file or folder")


def _beside(settings: Settings, folder: Path) -> Settings:
    ca_file, password_file = settings.proxy.ca_file, settings.shelters.mqtt_password_file
    return msgspec.structs.replace(
        settings,
        data=folder / settings.data,
        keys=folder / settings.keys,
        city=_city_beside(settings.city, folder),
        bus=msgspec.structs.replace(
            settings.bus,
            password_file=settings.bus.password_file and folder / settings.bus.password_file,
            ca_file=settings.bus.ca_file and folder / settings.bus.ca_file,
        ),
        proxy=msgspec.structs.replace(settings.proxy, ca_file=ca_file and folder / ca_file),
        shelters=msgspec.structs.replace(
            settings.shelters,
            mqtt_password_file=password_file and folder / password_file,
            networks=tuple(
                msgspec.structs.replace(
                    each, password_file=each.password_file and folder / each.password_file
                )
                for each in settings.shelters.networks
            ),
        ),
        warnings=msgspec.structs.replace(
            settings.warnings, folder=settings.warnings.folder and folder / settings.warnings.folder
        ),
        channels={kind: _paths_beside(stanza, folder) for kind, stanza in settings.channels.items()},
        canaries={
            kind: msgspec.structs.replace(each, back=_paths_beside(each.back, folder))
            for kind, each in settings.canaries.items()
        },
    )


def _city_beside(city: str, folder: Path) -> str:
    """A folder beside the file comes before a shipped city of the same name."""
    own = folder / city
    return str(own) if own.is_dir() or not city.isidentifier() else city


def _paths_beside(stanza: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A connector's `*_file`, `*_dir` and `directory` are relative to the settings file too, however deep."""
    return {key: _path_beside(key, value, folder) for key, value in stanza.items()}


def _path_beside(key: str, value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return _paths_beside(value, folder)
    if isinstance(value, list):
        return [_path_beside(key, item, folder) for item in value]
    if isinstance(value, str) and value and key.endswith(("_file", "_dir", "directory")):
        return str(folder / value)
    return value
