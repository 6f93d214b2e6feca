"""A place: what it is called, and where it lies."""

from math import asin, cos, hypot, radians, sin, sqrt
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.language import Language

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]

_EARTH_RADIUS_M = 6_371_000


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A place name. Texts in a foreign language give it in Latin letters."""

    ja: str
    en: str

    def in_language(self, language: Language) -> str:
        return self.ja if language in (Language.JA, Language.JA_EASY) else self.en


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Degrees, JGD2011 (for this purpose the same as WGS 84)."""

    latitude: Latitude
    longitude: Longitude

    def distance_m(self, other: "Position") -> float:
        """Straight, over the ground, on a sphere (haversine; within 0.5 %)."""
        north = radians(other.latitude - self.latitude) / 2
        east = radians(other.longitude - self.longitude) / 2
        parallels = cos(radians(self.latitude)) * cos(radians(other.latitude))
        return 2 * _EARTH_RADIUS_M * asin(min(1.0, hypot(sin(north), sqrt(parallels) * sin(east))))
