"""A site that is designated under 災害対策基本法: 指定緊急避難場所 (49条の4), 指定避難所 (49条の7), or both.

A 指定緊急避難場所 is designated hazard by hazard; a 指定避難所 is where people live afterwards and says
nothing of any hazard.
"""

from enum import StrEnum
from typing import Annotated, NewType

import msgspec
from msgspec import Meta

from hub import folder as files
from hub.errors import BadSettings
from hub.folder import Folder
from hub.hazard import DESIGNABLE, Hazard
from hub.place import Latitude, Longitude, Name, Position

SiteCode = NewType("SiteCode", str)
"""The part of 共通ID that a place's two designations share, for example `E1320700001`."""


class Facility(StrEnum):
    """What a site is fitted out for, as residents ask for it."""

    WHEELCHAIR = "wheelchair"
    PETS = "pets"
    INFANTS = "infants"

    @property
    def japanese(self) -> str:
        return _JAPANESE[self]


_JAPANESE = {Facility.WHEELCHAIR: "車いす", Facility.PETS: "ペット", Facility.INFANTS: "乳児"}


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """`capacity` is None where the city does not publish it; then no number becomes a crowding word (I13)."""

    code: SiteCode
    name: Name
    """The official name and its romanised or English form."""
    address: str
    position: Position
    emergency_id: str | None
    """共通ID as 指定緊急避難場所."""
    evacuation_id: str | None
    """共通ID as 指定避難所."""
    hazards: frozenset[Hazard]
    """What it is designated for. Empty unless it is a 指定緊急避難場所."""
    capacity: int | None
    facilities: frozenset[Facility] = frozenset()
    """What is known to be there. What is missing here may be missing there, or nobody wrote it down."""

    def designated_for(self, hazard: Hazard) -> bool:
        return hazard in self.hazards


class _Row(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    code: str
    ja: str
    en: str
    address: str
    latitude: Latitude
    longitude: Longitude
    emergency_id: str | None = None
    evacuation_id: str | None = None
    flood: bool = False
    landslide: bool = False
    storm_surge: bool = False
    earthquake: bool = False
    tsunami: bool = False
    large_fire: bool = False
    inland_flood: bool = False
    volcano: bool = False
    capacity: Annotated[int, Meta(gt=0)] | None = None
    wheelchair: bool = False
    pets: bool = False
    infants: bool = False


def load_sites(folder: Folder) -> dict[SiteCode, Site]:
    """Read `shelters.csv`.

    Raises:
        BadSettings: names the line and column, or the site, and what is wrong with it.
    """
    sites: dict[SiteCode, Site] = {}
    for row in files.table(folder, "shelters.csv", _Row):
        site = _site(row)
        if site.code in sites:
            raise BadSettings("shelters.csv code", f"{site.code} is there twice / 同じ番号が2つあります")
        sites[site.code] = site
    return sites


def _site(row: _Row) -> Site:
    hazards = frozenset(hazard for hazard in DESIGNABLE if getattr(row, hazard.value))
    _check(row, hazards)
    return Site(
        code=SiteCode(row.code),
        name=Name(ja=row.ja, en=row.en),
        address=row.address,
        position=Position(latitude=row.latitude, longitude=row.longitude),
        emergency_id=row.emergency_id,
        evacuation_id=row.evacuation_id,
        hazards=hazards,
        capacity=row.capacity,
        facilities=frozenset(each for each in Facility if getattr(row, each.value)),
    )


def _check(row: _Row, hazards: frozenset[Hazard]) -> None:
    place = f"shelters.csv {row.code}"
    if not (row.emergency_id or row.evacuation_id):
        raise BadSettings(place, "has neither emergency_id nor evacuation_id / どちらの指定か分かりません")
    if hazards and not row.emergency_id:
        raise BadSettings(
            place, "only a 指定緊急避難場所 is designated for hazards / 災害の種別は緊急避難場所だけです"
        )
    if row.emergency_id and not hazards:
        raise BadSettings(place, "is a 指定緊急避難場所 for no hazard at all / 災害の種別がありません")
