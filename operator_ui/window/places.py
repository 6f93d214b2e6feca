"""The places a question names: towns and sites of this city, and places that are not its own."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from hub import folder as files
from hub.city import City, CityTown
from hub.folder import Folder
from hub.language import Language
from hub.place import Position
from hub.recipient import Town
from operator_ui.window.reading import cleaned
from shelters.site import Site, SiteCode

_KANJI_DIGITS = str.maketrans("一二三四五六七八九", "123456789")
_CHOME = re.compile(r"([一二三四五六七八九])丁目")
_NUMBER_BEHIND = re.compile(r"\s*([1-9])(?:丁目|-|ー|の|番|\b)")
_KANA = re.compile(r"[\u3041-\u30ff]")
_MUNICIPALITY = re.compile(r"[\u3400-\u9fff]{1,4}[^本当同全都\W]市(?![役民街内])")
_SHORTEST_LATIN = 5
"""Letters of a name that is taken for one."""
_SHORTEST_SITE = 3
_NEAR_OUTSIDE_M = 1_000
"""Who is so near to a town's centre may use its sites, though the border runs between."""


class Neighbours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`neighbours.toml` of a city: what the towns and cities around it are called, in any language."""

    names: tuple[str, ...] = ()


class Named(NamedTuple):
    """`rest`: the question without the places. `outside`: it names one that is not the city's, and none that is."""

    rest: str
    towns: tuple[Town, ...]
    site: SiteCode | None
    outside: bool


class Places:
    def __init__(
        self, city: City, sites: Iterable[Site], neighbours: Neighbours, others: Iterable[str]
    ) -> None:
        """`others`: further places that are nobody's neighbour."""
        self._city = city
        self._sites = _by_name(sites, cleaned(city.names[Language.JA]))
        self._own = _Names(
            shorter for name in city.names.values() for shorter in (name, _without_kind(cleaned(name)))
        )
        self._outside = _Names((*neighbours.names, *others))
        self._towns = _by_base(city.towns.values())
        self._latin = _by_latin(city.towns.values())

    def named(self, text: str) -> Named:
        """In a cleaned text. A number behind a town's name says which part of it (丁目)."""
        site, rest = self._site(text)
        outside, rest = self._outside.taken(rest)
        towns, rest = self._town(rest)
        own, rest = self._own.taken(rest)
        other = _KANA.search(rest) is not None and _MUNICIPALITY.search(rest) is not None
        ours = bool(towns) or site is not None or own
        return Named(" ".join(rest.split()), towns, site, (outside or other) and not ours)

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

    def _town(self, text: str) -> tuple[tuple[Town, ...], str]:
        for base in sorted(self._towns, key=len, reverse=True):
            if (at := text.find(base)) >= 0 and text[at + len(base) :][:1] != "市":
                parts, end = self._towns[base], at + len(base)
                number = _NUMBER_BEHIND.match(text.translate(_KANJI_DIGITS), end)
                if number and number[1] in parts:
                    return (parts[number[1]],), f"{text[:at]} {text[number.end() :]}"
                return tuple(parts.values()), f"{text[:at]} {text[end:]}"
        for base, towns in self._latin.items():
            if found := re.search(rf"\b{base}(?:[ -]?(?:cho|machi))?\b(?:[ -]?[1-9](?:[ -]?chome)?)?", text):
                return towns, f"{text[: found.start()]} {text[found.end() :]}"
        return (), text

    def _site(self, text: str) -> tuple[SiteCode | None, str]:
        for name, code in self._sites:
            if name in text:
                return code, text.replace(name, " ")
        return None, text


class _Names:
    """Of municipalities; Latin letters only as whole words: "Ome" is not in "home"."""

    def __init__(self, names: Iterable[str]) -> None:
        ordered = sorted({cleaned(name) for name in names}, key=lambda name: (-len(name), name))
        latin = "|".join(re.escape(name) for name in ordered if name.isascii())
        others = "|".join(re.escape(name) for name in ordered if not name.isascii())
        words = [rf"(?<![a-z])(?:{latin})(?:[ -](?:city|shi|ku|ward))?(?![a-z])"] if latin else []
        words += [rf"(?:{others})[市区區町村시]?"] if others else []
        self._pattern = re.compile("|".join(words) or r"(?!)")

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


def _by_name(sites: Iterable[Site], city: str) -> Sequence[tuple[str, SiteCode]]:
    """Whole names, and those without who keeps the place (「○○市立…」); the longest first."""
    found = []
    for site in sites:
        whole = cleaned(site.name.ja)
        for name in {whole, whole.removeprefix(city).removeprefix("立"), cleaned(site.name.en)}:
            if len(name) >= _SHORTEST_SITE:
                found.append((name, site.code))
    return sorted(found, key=lambda each: (-len(each[0]), each))


def _by_base(towns: Iterable[CityTown]) -> dict[str, dict[str, Town]]:
    """The name before 丁目 → its number → the code. A town that has no parts has one, called by nothing."""
    found: dict[str, dict[str, Town]] = {}
    for town in towns:
        number = _CHOME.search(town.name.ja)
        base = cleaned(town.name.ja[: number.start()] if number else town.name.ja)
        found.setdefault(base, {})[number[1].translate(_KANJI_DIGITS) if number else ""] = town.code
    return found


def _by_latin(towns: Iterable[CityTown]) -> dict[str, tuple[Town, ...]]:
    """The name before "-cho" → the codes of its parts."""
    found: dict[str, tuple[Town, ...]] = {}
    for town in towns:
        base = re.split(r"[-\s](?:cho|machi)\b|[-\s][1-9]", cleaned(town.name.en))[0]
        if len(base) >= _SHORTEST_LATIN:
            found[base] = (*found.get(base, ()), town.code)
    return dict(sorted(found.items(), key=lambda each: -len(each[0])))


def _inside(position: Position, ring: Sequence[tuple[float, float]]) -> bool:
    """Whether a line to the east crosses the ring an odd number of times."""
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], *ring[:1]], strict=True):
        if (y1 > position.latitude) != (y2 > position.latitude):
            at = x1 + (position.latitude - y1) / (y2 - y1) * (x2 - x1)
            inside ^= position.longitude < at
    return inside
