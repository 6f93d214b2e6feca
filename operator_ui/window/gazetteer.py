"""The gazetteer: every spelling of a town, a station or a site, in any script that a resident may write it in.

Spellings come by rule from a name and from how it is read (`readings.toml` of the city): nothing is listed town by town. A name
whose reading is not known is found as it is written in Japanese and English only.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from hub.city import City, CityTown, Station
from hub.language import Language
from hub.place import Name
from hub.recipient import Town
from operator_ui.window.bank import PlaceWords
from operator_ui.window.han import plain
from operator_ui.window.language import unaccented
from operator_ui.window.reading import cleaned
from operator_ui.window.spelling import devanagari, hangul, latin, syllables
from shelters.site import Site, SiteCode

_TOWN, _TOWN_READ = "町", ("ちょう", "まち")
_STATION, _STATION_READ = "駅", "えき"
_CHOME = re.compile(r"([一二三四五六七八九])丁目")
KANJI_DIGITS = str.maketrans("一二三四五六七八九", "123456789")
_ORDINALS = dict(
    zip(
        "一二三四五六七八九",
        ("いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう"),
        strict=True,
    )
)
_SHORTEST_LATIN, _SHORTEST_SYLLABLES, _SHORTEST_HAN, _SHORTEST_SITE = 5, 3, 2, 3
"""Of a name that is taken for one without what it is: letters, syllables, characters; and of a site's whole name."""
_PARTED = 4
"""Syllables of a name that is parted in Latin letters: "Mokusei no Mori"."""
_NO_SCHOOL = "(?![学校央心期国間止継児型])"
"""What does not stand behind 「拝島小」."""


class Script(Enum):
    """Which letters a spelling is in. A text is searched only where it has some."""

    LATIN = re.compile("[a-z]")
    HAN = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]")
    HANGUL = re.compile(r"[\uac00-\ud7a3]")
    DEVANAGARI = re.compile(r"[\u0900-\u097f]")


_BOUNDS: Mapping[Script, str] = {
    Script.LATIN: r"(?<![a-z])(?:{})(?![a-z])",
    Script.HAN: "(?:{})",
    Script.HANGUL: r"(?<![\uac00-\ud7a3])(?:{})",
    Script.DEVANAGARI: r"(?<![\u0900-\u097f])(?:{})",
}
"""Words are parted in all but Japanese and Chinese; in the last two, particles follow at once."""
_NO_CITY: Mapping[Script, str] = {
    Script.LATIN: "(?![ -](?:city|shi)(?![a-z]))",
    Script.HAN: "(?!市)",
    Script.HANGUL: "(?! ?시(?![가-힣]))",
    Script.DEVANAGARI: "(?! ?(?:सिटी|शहर|सहर|नगर))",
}
"""「武蔵野」 is a town, and 「武蔵野市」 another city."""
_GAP: Mapping[Script, str] = {
    Script.LATIN: "[ -]?",
    Script.HAN: "",
    Script.HANGUL: " ?",
    Script.DEVANAGARI: " ?",
}

_HAN_READERS = (Language.JA, Language.JA_EASY, Language.ZH_HANS, Language.ZH_HANT)

Forms = Mapping[Script, Sequence[str]]
"""Regular expressions, by the script of the texts they are for."""


class Place(NamedTuple):
    """A town (`parts`: by the number of its 丁目, "" for what has none), a station, or a site."""

    name: Name
    parts: tuple[tuple[str, Town], ...] = ()
    station: Station | None = None
    site: SiteCode | None = None

    @property
    def towns(self) -> tuple[Town, ...]:
        return tuple(town for _, town in self.parts)

    def called(self, language: Language) -> str:
        """By which it is told from what sounds alike: always as signs have it, too."""
        return self.name.ja if language in _HAN_READERS else f"{self.name.en} ({self.name.ja})"


class Spelt(NamedTuple):
    """Where in a text it is spelt. Several `places`: any of them may be meant."""

    start: int
    end: int
    places: tuple[Place, ...]


class Index:
    """Places by their spellings."""

    def __init__(self, spelt: Iterable[tuple[Place, Forms]]) -> None:
        self._patterns: dict[Script, list[tuple[re.Pattern[str], Place]]] = defaultdict(list)
        for place, forms in spelt:
            for script, found in forms.items():
                if not found:
                    continue
                pattern = re.compile(_BOUNDS[script].format("|".join(found)))
                self._patterns[script].append((pattern, place))

    def find(self, text: str) -> Spelt | None:
        """The longest spelling in a cleaned text, the first of those."""
        read = {Script.LATIN: unaccented(text), Script.HAN: plain(text)}
        found = [
            (match.span(), place)
            for script, patterns in self._patterns.items()
            if script.value.search(text)
            for pattern, place in patterns
            for match in pattern.finditer(read.get(script, text))
        ]
        if not found:
            return None
        span = min((span for span, _ in found), key=lambda each: (each[0] - each[1], each[0]))
        return Spelt(*span, tuple(dict.fromkeys(place for at, place in found if at == span)))


class Gazetteer:
    """Of one city. `towns` finds its stations too; `named`: its towns."""

    def __init__(self, city: City, sites: Iterable[Site], words: PlaceWords) -> None:
        self._words, self._city = words, cleaned(city.names[Language.JA])
        self._read = _Read(city.readings)
        self._behind = f"(?= ?{_any(' ?'.join(map(re.escape, plain(word))) for word in words.behind)})"
        self.named = towns = _towns(city.towns.values())
        taken = {each.name.ja.removesuffix(_TOWN) for each in towns} | {self._city[:-1]}
        stations = [Place(Name(ja=each.ja, en=each.en), station=each) for each in city.stations]
        self.towns = Index(
            [(each, self._of_town(each.name)) for each in towns]
            + [(each, self._of_station(each.name, alone=each.name.ja not in taken)) for each in stations]
        )
        self.sites = Index((Place(each.name, site=each.code), self._of_site(each)) for each in sites)

    def _of_town(self, name: Name) -> Forms:
        """Without 「町」 too, where that is long enough."""
        if not name.ja.endswith(_TOWN):
            forms = _written(name.ja, name.en, self._read.known(name.ja))
            return {script: [form + _NO_CITY[script] for form in each] for script, each in forms.items()}
        ja, read = name.ja.removesuffix(_TOWN), self._read.known(name.ja, without=_TOWN_READ)
        return _joined(_beside(_written(ja, name.en, read), _TOWN_KINDS), self._alone(ja, name.en, read))

    def _of_station(self, name: Name, *, alone: bool) -> Forms:
        read = self._read.known(name.ja + _STATION, without=(_STATION_READ,))
        named = _beside(_written(name.ja, name.en, read), _by_script(self._words.station))
        return _joined(named, self._alone(name.ja, name.en, read)) if alone else named

    def _alone(self, ja: str, english: str, read: str) -> Forms:
        """What is long enough not to be another word; in Japanese and Chinese only before what stands behind places."""
        if ja in self._words.elsewhere_too:
            return {}
        forms = _written(
            ja if len(ja) >= _SHORTEST_HAN else "",
            english if len(english) >= _SHORTEST_LATIN else "",
            read if len(syllables(read)) >= _SHORTEST_SYLLABLES else "",
        )
        return {**forms, Script.HAN: [form + self._behind for form in forms[Script.HAN]]}

    def _of_site(self, site: Site) -> Forms:
        whole = cleaned(site.name.ja)
        name = whole.removeprefix(self._city).removeprefix("立")
        forms = [_written(each, site.name.en, "") for each in (whole, name) if len(each) >= _SHORTEST_SITE]
        kind = next((kind for kind in self._words.kinds if name.endswith(kind) and name != kind), None)
        if kind is not None:
            stem, words = name.removesuffix(kind), self._words.kinds[kind]
            called = _joined(_written(kind, "", words.reading), _by_script(words.words))
            forms.append(_beside(_written(stem, "", self._read.made(stem)), called))
            forms.append({Script.HAN: [plain(each) + _NO_SCHOOL for each in _shortened(stem, words.short)]})
        return _joined(*forms)


class _Read:
    """How names are read. A town is also known without 「町」, as the names of its schools have it."""

    def __init__(self, readings: Mapping[str, str]) -> None:
        known = {f"第{number}": f"だい{read}" for number, read in _ORDINALS.items()}
        for name, read in readings.items():
            known[cleaned(name)] = read
            if name.endswith(_TOWN):
                known.setdefault(cleaned(name.removesuffix(_TOWN)), _without(read, _TOWN_READ))
        self._known = dict(sorted(known.items(), key=lambda each: -len(each[0])))

    def known(self, name: str, *, without: Iterable[str] = ()) -> str:
        """Without such an end. "" for what is not known."""
        return _without(self._known.get(name, ""), without)

    def made(self, name: str) -> str:
        """From the readings of its parts; "" where one is not known."""
        read = ""
        while name:
            part = next((part for part in self._known if name.startswith(part)), name[0])
            if part not in self._known and not syllables(part):
                return ""
            read += self._known.get(part, part)
            name = name.removeprefix(part)
        return read


def _towns(towns: Iterable[CityTown]) -> list[Place]:
    """By the name before 丁目."""
    parts: dict[str, dict[str, Town]] = defaultdict(dict)
    english: dict[str, str] = {}
    for town in towns:
        number = _CHOME.search(town.name.ja)
        base = cleaned(town.name.ja[: number.start()] if number else town.name.ja)
        parts[base][number[1].translate(KANJI_DIGITS) if number else ""] = town.code
        english[base] = re.split(r"[-\s](?:cho|machi)\b|[-\s][1-9]", town.name.en, flags=re.IGNORECASE)[0]
    return [Place(Name(ja=base, en=english[base]), parts=tuple(each.items())) for base, each in parts.items()]


def _written(ja: str, english: str, read: str) -> Forms:
    """A name in every script. What is empty gives no form."""
    heard = len(syllables(read))
    words = re.split(r"[ -]", unaccented(cleaned(english)))
    return {
        Script.LATIN: [
            *([_GAP[Script.LATIN].join(map(re.escape, words))] if english else []),
            *([latin(read, parted=heard >= _PARTED)] if heard else []),
        ],
        Script.HAN: [re.escape(plain(each)) for each in (ja, read.replace("・", "")) if each],
        Script.HANGUL: [hangul(read)] if heard else [],
        Script.DEVANAGARI: [devanagari(read)] if heard else [],
    }


def _beside(names: Forms, kinds: Forms) -> Forms:
    """With what it is behind it, in Latin letters also before it: "ga Nakagami"."""
    found: dict[Script, list[str]] = {}
    for script, forms in names.items():
        if not (forms and kinds.get(script)):
            continue
        name, kind, gap = _any(forms), _any(kinds[script]), _GAP[script]
        found[script] = [f"{name}{gap}{kind}"]
        if script is Script.LATIN:
            found[script].append(f"{kind} {name}")
    return found


def _joined(*several: Forms) -> dict[Script, list[str]]:
    found: dict[Script, list[str]] = defaultdict(list)
    for forms in several:
        for script, each in forms.items():
            found[script] += each
    return {
        script: sorted(set(each), key=lambda form: (-len(form), form))
        for script, each in found.items()
        if each
    }


def _by_script(words: Iterable[str]) -> Forms:
    found: dict[Script, list[str]] = defaultdict(list)
    for word in words:
        text = plain(unaccented(cleaned(word)))
        script = next(script for script in Script if script.value.search(text))
        found[script].append(re.escape(text))
    return found


def _any(forms: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(forms, key=lambda form: (-len(form), form)))})"


def _without(read: str, ends: Iterable[str]) -> str:
    return read.removesuffix(next((end for end in ends if read.endswith(end)), ""))


def _shortened(stem: str, short: str) -> list[str]:
    """「玉川小」; of numbered ones as people say them: 「拝島第二小」, 「拝島二小」, 「拝二小」."""
    if not short or len(stem) < _SHORTEST_HAN:
        return []
    numbered = re.fullmatch(r"(.+)第([一二三四五六七八九])", stem)
    if not numbered:
        return [stem + short]
    return [f"{before}{numbered[2]}{short}" for before in (f"{numbered[1]}第", numbered[1], numbered[1][0])]


_TOWN_KINDS = _joined(*(_written("", "", read) for read in _TOWN_READ), _by_script([_TOWN, "정"]))
