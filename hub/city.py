"""The city: its names, towns, shelter zones and presets, loaded from a folder of `config`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from hub import folder as files
from hub.errors import BadInput, BadSettings
from hub.evacuation import Level
from hub.folder import Folder
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Latitude, Longitude, Name, Position
from hub.recipient import Town, Zone

MOST_ZONES = 12
"""Each zone is a variant of every text, so there are few."""


class CityTown(msgspec.Struct, frozen=True, kw_only=True):
    """A 町丁. `population` is None where the city has not filled it in."""

    code: Town
    name: Name
    centre: Position
    zone: Zone
    population: int | None


class CityZone(msgspec.Struct, frozen=True, kw_only=True):
    """Towns that are sent to the same shelters. `centre` is the mean of theirs."""

    code: Zone
    name: Name
    towns: tuple[Town, ...]
    centre: Position


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """An area that staff choose with one touch. `area` is what the texts call it."""

    code: str
    name: Name
    area: Name
    hazard: Hazard
    towns: tuple[Town, ...]
    invented: bool
    """Not from a published map: to be replaced by the city's own before it is used in earnest."""


class LevelWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What residents are told a 警戒レベル is called, and what it asks for."""

    level: Level
    name: Name
    action: Name


class River(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    names: dict[Language, str]


class Station(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A railway station inside the city; its names without 「駅」."""

    ja: str
    en: str
    latitude: Latitude
    longitude: Longitude

    @property
    def position(self) -> Position:
        return Position(latitude=self.latitude, longitude=self.longitude)


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Where residents can ask. `placeholder`: invented, and refused in production."""

    placeholder: bool
    telephone: str
    fax: str
    mail: str


class WifiFacility(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    ja: str
    en: str


class Wifi(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`published_count` is what the city says it has, also where the list is not known yet."""

    published_count: int
    facilities: tuple[WifiFacility, ...]


class Population(NamedTuple):
    """`known`: of the towns whose number the city has given; `missing`: how many towns it has not given it of."""

    known: int
    missing: int

    @property
    def total(self) -> int | None:
        """None: not known, since a town's is missing. A part is never told as the whole."""
        return None if self.missing else self.known


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """Every town is in exactly one zone; every preset names towns that exist."""

    code: str
    """JIS X 0402, five digits."""
    code_with_check: str
    jma_code: str
    cap_sender: str
    website: str
    residents: int
    names: Mapping[Language, str]
    prefecture: Name
    mayor: Name
    centre: Position
    contact: Contact
    rivers: tuple[River, ...]
    levels: Mapping[Level, LevelWords]
    towns: Mapping[Town, CityTown]
    zones: Mapping[Zone, CityZone]
    presets: Mapping[str, Preset]
    boundary: tuple[tuple[float, float], ...]
    """(longitude, latitude) of the outer ring."""
    wifi: Wifi
    absent: frozenset[Hazard] = frozenset()
    """What cannot happen here: no template for it is offered."""
    readings: Mapping[str, str] = field(default_factory=dict)
    """How names are read aloud, in kana, of those that a machine would not know."""
    stations: tuple[Station, ...] = ()

    @property
    def codes(self) -> frozenset[str]:
        """By which 気象庁 names this city and its rivers in a telegram."""
        return frozenset({self.jma_code, *(river.code for river in self.rivers)})

    def town(self, code: Town) -> CityTown:
        """Raises `BadInput` for a code that is not this city's."""
        try:
            return self.towns[code]
        except KeyError as e:
            raise BadInput("town", f"{code!r} is no town of {self.code} / この市の町ではありません") from e

    def population(self, towns: Collection[Town] | None) -> Population:
        """Of these towns; None: of the whole city, whose own count needs no town's."""
        if towns is None:
            return Population(self.residents, 0)
        counts = [self.town(town).population for town in towns]
        return Population(sum(count or 0 for count in counts), counts.count(None))

    def zone_of(self, code: Town) -> Zone:
        """Raises `BadInput` for a code that is not this city's."""
        return self.town(code).zone


class _CityFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(pattern=r"^\d{5}$")]
    code_with_check: Annotated[str, Meta(pattern=r"^\d{6}$")]
    jma_code: Annotated[str, Meta(pattern=r"^\d{7}$")]
    cap_sender: Annotated[str, Meta(pattern=r"^[^\s,<&]+$")]
    website: Annotated[str, Meta(pattern=r"^https?://")]
    residents: Annotated[int, Meta(gt=0)]
    names: dict[Language, str]
    prefecture: Name
    mayor: Name
    centre: Position
    contact: Contact
    rivers: tuple[River, ...] = ()
    absent: frozenset[Hazard] = frozenset()


class _TownRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    code: str
    ja: str
    en: str
    latitude: Latitude
    longitude: Longitude
    zone: str
    population: Annotated[int, Meta(ge=0)] | None = None


class _ZoneRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    code: str
    ja: str
    en: str


class _ZonesFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    zones: Annotated[list[_ZoneRow], Meta(min_length=1, max_length=MOST_ZONES)]


class _ReadingsFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    readings: dict[
        Annotated[str, Meta(min_length=1)], Annotated[str, Meta(pattern=r"^[ぁ-ゖァ-ヶー・]+$")]
    ] = {}


class _StationsFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    stations: tuple[Station, ...] = ()


class _LevelsFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    levels: list[LevelWords]


class _PresetRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    code: str
    ja: str
    en: str
    area_ja: str
    area_en: str
    hazard: Hazard
    towns: Annotated[list[str], Meta(min_length=1)]
    invented: bool = False


class _PresetsFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    presets: list[_PresetRow] = []


def load(folder: Folder) -> City:
    """Read `city.toml`, `towns.csv`, `zones.toml`, `levels.toml`, `presets.toml`, `boundary.geojson`, `wifi.toml`
    and, where there are any, `readings.toml` and `stations.toml`.

    Raises:
        BadSettings: names the file and the key or line, and what to do.
    """
    city = files.toml(folder, "city.toml", _CityFile)
    _check_code(city)
    _check_names(city)
    towns = _towns(files.table(folder, "towns.csv", _TownRow))
    return City(
        code=city.code,
        code_with_check=city.code_with_check,
        jma_code=city.jma_code,
        cap_sender=city.cap_sender,
        website=city.website,
        residents=city.residents,
        names=city.names,
        prefecture=city.prefecture,
        mayor=city.mayor,
        centre=city.centre,
        contact=city.contact,
        rivers=city.rivers,
        towns=towns,
        zones=_zones(files.toml(folder, "zones.toml", _ZonesFile).zones, towns.values()),
        levels=_levels(files.toml(folder, "levels.toml", _LevelsFile).levels),
        presets=_presets(files.toml(folder, "presets.toml", _PresetsFile).presets, towns.values()),
        boundary=tuple(files.outline(folder, "boundary.geojson")),
        wifi=files.toml(folder, "wifi.toml", Wifi),
        absent=city.absent,
        readings=files.optional(folder, "readings.toml", _ReadingsFile).readings,
        stations=files.optional(folder, "stations.toml", _StationsFile).stations,
    )


def check_digit(code: str) -> str:
    """The sixth digit of 全国地方公共団体コード for the five of JIS X 0402.

    Source: 総務省「全国地方公共団体コード」, 検査数字: weights 6 5 4 3 2, last digit of 11 − (sum mod 11).
    """
    total = sum(int(digit) * weight for digit, weight in zip(code, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)


def _check_code(city: _CityFile) -> None:
    expected = city.code + check_digit(city.code)
    if city.code_with_check != expected:
        raise BadSettings("city.toml $.code_with_check", f"should be {expected}: the check digit is wrong")


def _check_names(city: _CityFile) -> None:
    for place, names in [("$.names", city.names), *((f"$.rivers {r.code}", r.names) for r in city.rivers)]:
        if missing := [language.value for language in Language if language not in names]:
            raise BadSettings(
                f"city.toml {place}", f"lacks {', '.join(missing)} / この言語の名前がありません"
            )


def _towns(rows: Iterable[_TownRow]) -> dict[Town, CityTown]:
    towns: dict[Town, CityTown] = {}
    for row in rows:
        if row.code in towns:
            raise BadSettings("towns.csv code", f"{row.code} is there twice / 同じ番号が2つあります")
        towns[Town(row.code)] = CityTown(
            code=Town(row.code),
            name=Name(ja=row.ja, en=row.en),
            centre=Position(latitude=row.latitude, longitude=row.longitude),
            zone=Zone(row.zone),
            population=row.population,
        )
    return towns


def _zones(rows: Iterable[_ZoneRow], towns: Iterable[CityTown]) -> dict[Zone, CityZone]:
    members: dict[str, list[CityTown]] = {row.code: [] for row in rows}
    for town in towns:
        if town.zone not in members:
            raise BadSettings(
                f"towns.csv {town.code} zone", f"{town.zone!r} is not in zones.toml / 区域がありません"
            )
        members[town.zone].append(town)
    if empty := [code for code, inside in members.items() if not inside]:
        raise BadSettings("zones.toml", f"no town is in {', '.join(empty)} / 町のない区域があります")
    return {Zone(row.code): _zone(row, members[row.code]) for row in rows}


def _zone(row: _ZoneRow, towns: list[CityTown]) -> CityZone:
    return CityZone(
        code=Zone(row.code),
        name=Name(ja=row.ja, en=row.en),
        towns=tuple(town.code for town in towns),
        centre=Position(
            latitude=sum(town.centre.latitude for town in towns) / len(towns),
            longitude=sum(town.centre.longitude for town in towns) / len(towns),
        ),
    )


def _levels(rows: Iterable[LevelWords]) -> dict[Level, LevelWords]:
    levels = {row.level: row for row in rows}
    if missing := set(Level) - levels.keys():
        raise BadSettings(
            "levels.toml levels", f"level {min(missing)} is missing / レベル{min(missing)}がありません"
        )
    return levels


def _presets(rows: Iterable[_PresetRow], towns: Iterable[CityTown]) -> dict[str, Preset]:
    by_name = {town.name.ja: town.code for town in towns}
    presets: dict[str, Preset] = {}
    for row in rows:
        if unknown := [name for name in row.towns if name not in by_name]:
            raise BadSettings(
                f"presets.toml {row.code} towns", f"{', '.join(unknown)}: not in towns.csv / 町がありません"
            )
        presets[row.code] = Preset(
            code=row.code,
            name=Name(ja=row.ja, en=row.en),
            area=Name(ja=row.area_ja, en=row.area_en),
            hazard=row.hazard,
            towns=tuple(by_name[name] for name in row.towns),
            invented=row.invented,
        )
    return presets
