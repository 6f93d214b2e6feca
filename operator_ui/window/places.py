"""The places a question names: towns and sites of this city, and places that are not its own."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from hub import folder as files
from hub.city import City, Station
from hub.folder import Folder
from hub.place import Position
from hub.recipient import Town
from operator_ui.window.bank import PlaceWords
from operator_ui.window.gazetteer import KANJI_DIGITS, Gazetteer, Place, Script, Spelt
from operator_ui.window.reading import cleaned
from operator_ui.window.spelling import devanagari, hangul
from shelters.site import Site, SiteCode

_PART = rf"(?:丁目|ちょうめ|chome|{hangul('ちょうめ')}|{devanagari('ちょうめ')})"
_NUMBER_BEHIND = re.compile(rf"[\s-]*([1-9])(?:[\s-]?{_PART}|-)")
_NUMBER_BEHIND_HAN = re.compile(rf"\s*([1-9])(?:{_PART}|-|ー|の|番|\b)")
"""Which part of a town: 「3丁目」, "3-chome", 「3-2-1」."""
_KANA = re.compile(r"[\u3041-\u30ff]")
_MUNICIPALITY = re.compile(r"[\u3400-\u9fff]{1,4}[^本当同全都\W]市(?![役民街内])")
_NEAR_OUTSIDE_M = 1_000
"""Who is so near to a town's centre may use its sites, though the border runs between."""


class Neighbours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`neighbours.toml` of a city: what the towns and cities around it are called, in any language."""

    names: tuple[str, ...] = ()


class Named(NamedTuple):
    """`rest`: the question without the places. `outside`: it names one that is not the city's, and none that is. `either`: towns
    that are spelt alike, when one of them is named; `towns` are none then."""

    rest: str
    towns: tuple[Town, ...] = ()
    site: SiteCode | None = None
    station: Station | None = None
    outside: bool = False
    either: tuple[Place, ...] = ()

    @property
    def in_city(self) -> bool:
        """Whether a town or a station of the city is named."""
        return bool(self.towns or self.station or self.either)

    @property
    def placed(self) -> bool:
        return self.in_city or self.site is not None


class Places:
    def __init__(
        self,
        city: City,
        sites: Iterable[Site],
        neighbours: Neighbours,
        words: PlaceWords,
        others: Iterable[str] = (),
    ) -> None:
        """`others`: further places that are nobody's neighbour."""
        self._city = city
        self._gazetteer = Gazetteer(city, sites, words)
        self._own = _Names(
            shorter for name in city.names.values() for shorter in (name, _without_kind(cleaned(name)))
        )
        self._outside = _Names((*neighbours.names, *others))

    def named(self, text: str) -> Named:
        """In a cleaned text. A number behind a town's name says which part of it (丁目)."""
        site, rest = self._site(text)
        spelt = self._gazetteer.towns.find(rest)
        if spelt is None or self._outside.covers(rest, spelt):
            outside, rest = self._outside.taken(rest)
            spelt = self._gazetteer.towns.find(rest)
            found, rest = _taken(rest, spelt)
        else:
            found, rest = _taken(rest, spelt)
            outside, rest = self._outside.taken(rest)
        own, rest = self._own.taken(rest)
        other = _KANA.search(rest) is not None and _MUNICIPALITY.search(rest) is not None
        ours = bool(spelt) or site is not None or own
        return found._replace(rest=" ".join(rest.split()), site=site, outside=(outside or other) and not ours)

    @property
    def all_towns(self) -> Sequence[Place]:
        return self._gazetteer.named

    def centre(self, towns: Sequence[Town]) -> Position | None:
        """The middle of the towns; None for none."""
        centres = [self._city.towns[town].centre for town in towns]
        if not centres:
            return None
        return Position(
            latitude=sum(each.latitude for each in centres) / len(centres),
            longitude=sum(each.longitude for each in centres) / len(centres),
        )

    def town_at(self, position: Position) -> Town | None:
        """The town whose centre is nearest, or None where that is too far to be in the city or beside it.

        No borders of towns are known, only centres: good for the order of a list, not for who is ordered to leave.
        """
        nearest = min(self._city.towns.values(), key=lambda town: position.distance_m(town.centre))
        near = position.distance_m(nearest.centre) <= _NEAR_OUTSIDE_M
        return nearest.code if near or _inside(position, self._city.boundary) else None

    def _site(self, text: str) -> tuple[SiteCode | None, str]:
        spelt = self._gazetteer.sites.find(text)
        if spelt is None or len(spelt.places) > 1:
            return None, text
        return spelt.places[0].site, f"{text[: spelt.start]} {text[spelt.end :]}"


def _taken(text: str, spelt: Spelt | None) -> tuple[Named, str]:
    """What is spelt there, and the text without it."""
    if spelt is None:
        return Named(text), text
    place, *others = spelt.places
    number = None if place.station else _number_behind(text, spelt.end)
    rest = f"{text[: spelt.start]} {text[number.end() if number else spelt.end :]}"
    if others:
        return Named(rest, either=spelt.places), rest
    if place.station:
        return Named(rest, station=place.station), rest
    parts = dict(place.parts)
    one = (parts[number[1]],) if number and number[1] in parts else place.towns
    return Named(rest, towns=one), rest


def _number_behind(text: str, end: int) -> re.Match[str] | None:
    japanese = Script.HAN.value.match(text[end - 1]) is not None
    pattern = _NUMBER_BEHIND_HAN if japanese else _NUMBER_BEHIND
    return pattern.match(text.translate(KANJI_DIGITS), end)


class _Names:
    """Of municipalities; Latin letters only as whole words: "Ome" is not in "home"."""

    def __init__(self, names: Iterable[str]) -> None:
        ordered = sorted({cleaned(name) for name in names}, key=lambda name: (-len(name), name))
        latin = "|".join(re.escape(name) for name in ordered if name.isascii())
        others = "|".join(re.escape(name) for name in ordered if not name.isascii())
        words = [rf"(?<![a-z])(?:{latin})(?:[ -](?:city|shi|ku|ward))?(?![a-z])"] if latin else []
        words += [rf"(?:{others})[市区區町村시]?"] if others else []
        self._pattern = re.compile("|".join(words) or r"(?!)")

    def covers(self, text: str, spelt: Spelt) -> bool:
        """Whether a longer one has that in it: 「武蔵野市」."""
        return any(
            each.start() <= spelt.start
            and spelt.end <= each.end()
            and each.group() != text[spelt.start : spelt.end]
            for each in self._pattern.finditer(text)
        )

    def taken(self, text: str) -> tuple[bool, str]:
        """Whether one is in the text, and the text without."""
        rest, times = self._pattern.subn(" ", text)
        return times > 0, rest


def _without_kind(name: str) -> str:
    """As people say it: 「昭島」, "Akishima"."""
    return re.sub(r"\s*(?:市|city|시|नगर|सहर)$", "", name)


def load_neighbours(folder: Folder) -> Neighbours:
    """Raises `BadSettings`. Without the file no neighbour is known, and only 「○○市」 is told from the city's own."""
    return files.optional(folder, "neighbours.toml", Neighbours)


def _inside(position: Position, ring: Sequence[tuple[float, float]]) -> bool:
    """Whether a line to the east crosses the ring an odd number of times."""
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], *ring[:1]], strict=True):
        if (y1 > position.latitude) != (y2 > position.latitude):
            at = x1 + (position.latitude - y1) / (y2 - y1) * (x2 - x1)
            inside ^= position.longitude < at
    return inside
